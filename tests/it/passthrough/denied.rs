//! What a front has, in whatever spelling, never reaches the origin; nor does what a deployment cannot allow.

use std::process::Command;

use super::origin::Origin;
use super::world::{World, front, status};
use crate::support::server::binary;

#[test]
fn no_spelling_of_an_ops_path_reaches_the_origin() {
    let origin = Origin::says("HTTP/1.1 299 Passed\r\nContent-Length: 0\r\n\r\n");
    let allow = "[\"* /api/identity-provider/**\", \"GET /API/**\", \"POST /API/**\", \
        \"PUT /API/**\", \"* /x/**\"]";
    let world = World::start(&origin, "fusionauth", allow, "");
    for target in [
        "/api/identity-provider/link/",
        "/api/identity-provider/link//",
        "/api/identity-provider/Link/",
        "/api/identity-provider/link/pending/x/",
        "/api/identity-provider/link/Pending/x",
        "/api/identity-provider/%6Cink/pending/x",
        "/API/identity-provider/link",
        "/API/Identity-Provider/Link",
        "/API/identity%2Dprovider/link",
        "/API/identity-provider/link.json",
        "/API/identity-provider/link;x=y",
        "/API/identity-provider/link%20",
        "/API/identity-provider/link%2F",
        "/API/identity-provider%2Flink",
        "/API/identity-provider/link.",
        "/API/identity-provider/link:",
        "/API/identity-provider/./link",
        "/API/identity-provider//link",
        "/API/identity-provider/x/../link",
        "/API/identity-provider/x/%2e%2e/link",
        "/API/identity-provider/link%00",
        "/API/identity-provider/link%3B",
        "/API/identity-provider/%256Cink",
        "/API/%C4%B1dentity-provider/link",
        "/API/identity-provider\\link",
        "/API/status",
        "/api/identity-provider/search/",
        "/api/identity-provider/lookup/",
    ] {
        for method in ["GET", "POST", "DELETE", "PUT"] {
            let answer = world.ask(method, target, "Content-Length: 0\r\n");
            let status = status(&answer);
            assert!(
                [400, 404, 405].contains(&status),
                "{method} {target}: {answer}"
            );
        }
    }
    // An op's path with another method is the front's 405; an override makes no other request of it.
    let answer = world.ask(
        "PUT",
        "/api/identity-provider/link",
        "Content-Length: 0\r\n",
    );
    assert_eq!(status(&answer), 405);
    for more in [
        "X-HTTP-Method-Override: DELETE\r\n",
        "X-Original-URL: /api/identity-provider/link\r\n",
    ] {
        assert_eq!(status(&world.ask("GET", "/x/1", more)), 404);
    }
    assert_eq!(origin.connections(), 0);
    assert_eq!(status(&world.ask("GET", "/x/1", "")), 299);
    assert_eq!(
        status(&world.ask("GET", "/api/identity-provider/x/y", "")),
        299
    );
}

#[test]
fn what_never_passes_cannot_be_allowed() {
    for (dialect, allow) in [
        ("fusionauth", "DELETE /api/user/**"),
        ("fusionauth", "* /api/user/*"),
        ("fusionauth", "* /**"),
        ("zitadel-v2", "POST /v2/users/**"),
        ("zitadel-v2", "POST /V2/users/Human"),
        ("zitadel-management-v1", "POST /v2/users/*"),
        ("zitadel-management-v1", "DELETE /management/v1/users/*"),
        ("ory", "GET /identities"),
        ("flip", "DELETE /api/v3/admin/users/*"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        let fronts = front(
            "http://127.0.0.1:1",
            dialect,
            "",
            &format!("[\"{allow}\"]"),
            "",
        );
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"off\"\n[[tenant]]\nkey = \"a\"\n\
             [[client]]\nname = \"a\"\nscopes = []\n{fronts}"
        );
        std::fs::write(&file, text).unwrap();
        let run = Command::new(binary())
            .args(["serve", "--config"])
            .arg(&file)
            .current_dir(dir.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(said.contains("error[LB552]"), "{dialect} {allow}: {said}");
        assert!(!run.status.success());
    }
}
