//! What an import may change, and what it leaves alone.

use std::net::SocketAddr;

use serde_json::Value;

use super::place::Place;
use crate::support::client::{Answer, Client};
use crate::support::config::Profile;
use crate::support::fixtures::K;
use crate::support::server::Server;

const USERS: &str = "user_id,fusionauth,zitadel\nann,1,1\nbob,2,\n";

#[test]
fn a_second_import_changes_nothing() {
    let place = Place::new(&["acme"]);
    place.write("users.csv", USERS);
    assert_eq!(place.import("users.csv", &[]).code, 0);
    let (before, times) = (
        place.everything(),
        "SELECT updated_at FROM users ORDER BY 1",
    );
    let stamped = place.ask(times);
    for flags in [&[][..], &["--restart"], &["--rebind", "none is moved"]] {
        let ran = place.import("users.csv", flags);
        assert_eq!((ran.code, ran.rows()), (0, (2, 0)), "{ran:?}");
        assert_eq!(ran.count("unchanged"), 2);
        assert_eq!(ran.count("new ids") + ran.count("moved ids"), 0);
        assert_eq!(place.everything(), before);
        assert_eq!(place.ask(times), stamped);
    }
    // One id more, and the user has changed once.
    place.write("more.csv", "user_id,zitadel\nbob,2\nann,1\n");
    let ran = place.import("more.csv", &[]);
    assert_eq!((ran.count("unchanged"), ran.count("new ids")), (1, 1));
    let revisions = place.ask("SELECT revision FROM revisions ORDER BY user_id");
    assert_eq!(revisions, ["1", "2"]);
}

#[test]
fn an_id_moves_only_with_a_reason_which_both_users_have_in_the_audit() {
    let place = Place::new(&["acme"]);
    place.write("users.csv", USERS);
    assert_eq!(place.import("users.csv", &[]).code, 0);
    place.write("other.csv", "user_id,fusionauth,zitadel\nbob,1,1\n");
    let before = place.everything();
    let ran = place.import("other.csv", &[]);
    assert_eq!((ran.code, ran.rows()), (1, (0, 1)), "{ran:?}");
    assert_eq!(place.everything(), before);

    let ran = place.import("other.csv", &["--rebind", "merged accounts"]);
    assert_eq!((ran.code, ran.rows()), (0, (1, 0)), "{ran:?}");
    assert_eq!((ran.count("moved ids"), ran.count("new ids")), (2, 0));
    let ids = "SELECT concat_ws('|', vendor, vendor_id, user_id) FROM user_aliases ORDER BY 1";
    assert_eq!(place.ask(ids), ["fusionauth|1|bob", "zitadel|1|bob"]);
    let moved = "SELECT concat_ws('|', action, user_id, vendor, vendor_id) FROM audit \
                 WHERE reason = 'merged accounts' ORDER BY 1";
    let expected = [
        "user.put|ann|fusionauth|1",
        "user.put|ann|zitadel|1",
        "user.put|bob|fusionauth|1",
        "user.put|bob|zitadel|1",
    ];
    assert_eq!(place.ask(moved), expected);
    // Whoever lost something has changed too.
    let revisions = place.ask("SELECT revision FROM revisions ORDER BY user_id");
    assert_eq!(revisions, ["3", "2"]);
}

#[test]
fn a_dry_run_says_what_would_happen_and_writes_nothing() {
    let place = Place::new(&["acme"]);
    place.write("users.csv", format!("{USERS}cid,1,\n"));
    let flags = ["--dry-run", "--report", "refused.csv"];
    let ran = place.import("users.csv", &flags);
    assert_eq!((ran.code, ran.rows()), (1, (2, 1)), "{ran:?}");
    assert!(ran.out.contains("dry run"), "{}", ran.out);
    assert!(
        place
            .read("refused.csv")
            .contains("4,\"fusionauth: this id is that of user `ann`\"")
    );
    assert!(!place.has_store());

    assert_eq!(place.import("users.csv", &[]).code, 1);
    let before = place.everything();
    place.write("more.csv", "user_id,zitadel\nbob,2\ndan,1\ndan,3\n");
    let ran = place.import("more.csv", &["--dry-run", "--batch", "1"]);
    assert_eq!((ran.code, ran.rows()), (1, (2, 1)), "{ran:?}");
    assert_eq!((ran.count("new users"), ran.count("new ids")), (1, 2));
    assert_eq!(place.everything(), before);
}

#[test]
fn a_dry_run_migrates_nothing() {
    let place = Place::new(&["acme"]);
    place.write("users.csv", USERS);
    // The oldest database there can be is an empty file.
    std::fs::create_dir(place.path("data")).unwrap();
    place.write("data/linkbridge.db", "");
    let ran = place.import("users.csv", &["--dry-run"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("has version 0"), "{}", ran.err);
    assert_eq!(place.import("users.csv", &[]).code, 0);
}

fn native(addr: SocketAddr, method: &str, target: &str, body: Option<&str>) -> Answer {
    let bearer = format!("Bearer {K}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Linkbridge-Tenant", "acme"),
        ("Content-Type", "application/json"),
    ];
    let target = format!("/linkbridge/v1/{target}");
    let mut client = Client::new(addr);
    client
        .send(method, &target, &headers, body.map(str::as_bytes))
        .unwrap_or_else(|lost| panic!("{lost}"))
}

#[test]
fn the_native_api_serves_and_guards_what_was_imported() {
    let place = Place::new(&["acme"]);
    place.write("users.csv", USERS);
    assert_eq!(place.import("users.csv", &[]).code, 0);
    // The configuration of the server is another one, over the same data.
    let server = Server::start_in(place.path("").as_path(), &Profile::default()).unwrap();
    let ann = native(server.addr, "GET", "users/ann", None);
    assert_eq!(ann.status, 200, "{}", ann.text());
    let ann: Value = ann.json().unwrap();
    assert_eq!(
        ann["ids"],
        serde_json::json!({"fusionauth": "1", "zitadel": "1"})
    );
    assert_eq!(ann["revision"], 1);
    let list = native(server.addr, "GET", "users", None).json().unwrap();
    assert_eq!(list["users"].as_array().map(Vec::len), Some(2), "{list}");
    let taken = r#"{"ids":{"fusionauth":"1"}}"#;
    assert_eq!(
        native(server.addr, "PUT", "users/bob", Some(taken)).status,
        409
    );
}

#[test]
fn a_running_server_keeps_its_store() {
    let place = Place::new(&["acme"]);
    place.write("users.csv", USERS);
    let server = Server::start_in(place.path("").as_path(), &Profile::default()).unwrap();
    for flags in [&[][..], &["--dry-run"]] {
        let ran = place.import("users.csv", flags);
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.err.contains("linkbridge.lock"), "{}", ran.err);
        assert!(
            ran.err.contains("stop it for the time of the import"),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("PUT /linkbridge/v1/users/"), "{}", ran.err);
    }
    assert_eq!(native(server.addr, "GET", "users/ann", None).status, 404);
}
