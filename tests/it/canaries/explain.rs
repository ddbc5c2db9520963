//! `explain` is given secrets in every place that a request has for one, and what it prints is pasted into tickets:
//! none is in it.

use std::path::Path;
use std::process::Command;

use linkbridge::mapping::builtin;

use super::super::explain::{GOOGLE, TENANT, USER, config, upstream};
use super::super::support::fault::{Act, Fault, Seen};
use super::super::support::server::binary;
use super::marked::{PENDING, examples, form};
use super::places::{Canaries, NOWHERE, Place};
use super::worlds::{FIELD, OPAQUE, PASSWORD, PATH, QUERY, TOKEN, WRONG_JWT, WRONG_KEY};

const REFRESH: &str = "canary-refresh-token-77b01d==";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";
const PAT: &str = "canary-personal-access-token-3";

fn canaries() -> Canaries {
    let mut canaries = Canaries::default();
    for (name, value) in [
        ("a key", WRONG_KEY),
        ("a JWT", WRONG_JWT),
        ("the payload of a JWT", "canary-in-a-jwt"),
        ("an opaque token", OPAQUE),
        ("a client secret", PASSWORD),
        ("a token of a link", TOKEN),
        ("the id of a pending link", PENDING),
        ("a token with signs", REFRESH.trim_end_matches('=')),
        ("a cookie", FIELD),
        ("a query", QUERY),
        ("a path", PATH),
        ("the credential of an upstream", PAT),
    ] {
        canaries.add(name, value, NOWHERE);
    }
    canaries
}

/// What `explain` prints; none of it has a canary.
fn told(canaries: &Canaries, folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(binary())
        .arg("explain")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PAT", PAT)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    let found = canaries.find(Place::Log, &format!("{arguments:?}"), text.as_bytes());
    assert!(found.is_empty(), "{}\n{text}", found.join("\n"));
    text
}

#[test]
fn explain_shows_no_secret_of_a_request() {
    let canaries = canaries();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("request.http");
    let mut kinds = Vec::new();
    for (name, _) in builtin::SOURCES {
        let plan = builtin::load_builtin(name).and_then(|loaded| loaded.plan);
        let plan = plan.unwrap();
        for (op, request) in examples(&plan, &mut kinds) {
            std::fs::write(&file, form(&plan, &request)).unwrap();
            let request = ["--dialect", name, "--file", "request.http"];
            let text = told(&canaries, folder.path(), &request);
            // It was read, and the secret found.
            assert!(text.contains(&format!("op          {op} ")), "{text}");
            assert!(text.contains("***"), "{text}");
        }
    }
    eprintln!("canaries: {} requests explained", kinds.len());
    assert!((7..=20).contains(&kinds.len()), "{kinds:?}");
}

#[test]
fn explain_shows_no_secret_of_what_is_no_request() {
    let canaries = canaries();
    let folder = tempfile::tempdir().unwrap();
    let link = "/api/identity-provider/link";
    let files = [
        (
            "colon.http",
            format!("GET {link}\nAuthorization Bearer {OPAQUE}\n"),
        ),
        ("target.http", format!("GET Bearer-{OPAQUE}\n\n")),
        (
            "body.http",
            format!("POST {link}\n\n{{\"token\":\"{TOKEN}\",\"pendingIdPLinkId\":\"{PENDING}\""),
        ),
    ];
    for (name, text) in &files {
        std::fs::write(folder.path().join(name), text).unwrap();
        told(&canaries, folder.path(), &["--file", name]);
    }
    let pending = format!("/linkbridge/v1/pending-links/{PENDING}");
    let unknown = format!("/{PATH}/{PATH}?access_token={QUERY}");
    let odd_name = format!("Bearer {WRONG_KEY}: x");
    let with_a_sign = format!("Authorization: Bearer {WRONG_KEY}\u{1}");
    let option = format!("--token={WRONG_KEY}");
    let in_the_form = format!("grant_type=client_credentials&client_secret={PASSWORD}");
    let cases: [&[&str]; 10] = [
        &[link, "-H", &odd_name],
        &[link, "-H", &with_a_sign],
        // Quotes were forgotten.
        &["-H", "Authorization:", "Bearer", WRONG_KEY],
        &[link, &option],
        &[WRONG_KEY],
        &[&unknown],
        // No such method of a path that is known, and a form that is none.
        &["-X", "PUT", &pending, "-d", TOKEN],
        &[
            "-X",
            "POST",
            &pending,
            "-H",
            "Content-Type: text/plain",
            "-d",
            TOKEN,
        ],
        &["/oauth/v2/token", "-d", &in_the_form],
        &["/oauth/v2/token", "-H", FORM, "-d", &in_the_form],
    ];
    for case in cases {
        let text = told(&canaries, folder.path(), case);
        assert!(text.len() > 10, "{case:?} is told nothing of");
    }
}

/// A document of a user with what an IdP got from others.
fn identity() -> serde_json::Value {
    serde_json::json!({
        "id": USER, "schema_id": "default", "schema_url": "https://id.example/s", "state": "active",
        "traits": { "email": "a@example.com" }, "metadata_admin": { "note": PASSWORD },
        "credentials": { "oidc": { "type": "oidc", "identifiers": ["google:ext/1"], "config": { "providers": [{
            "provider": "google", "subject": "ext/1", "initial_id_token": WRONG_JWT,
            "initial_access_token": OPAQUE, "initial_refresh_token": REFRESH,
        }] } } },
    })
}

/// What an upstream is sent, and what it says when it is really asked.
#[test]
fn explain_shows_no_secret_of_an_upstream() {
    let canaries = canaries();
    let folder = tempfile::tempdir().unwrap();
    let links = serde_json::json!({ "identityProviderLinks": [{
        "identityProviderId": GOOGLE, "identityProviderType": "Google", "identityProviderUserId": "ext/1",
        "insertInstant": 1_795_361_286_202_i64, "tenantId": TENANT, "token": REFRESH, "userId": USER,
        "displayName": "a name",
    }] });
    let idp = Fault::choosing(Box::new(move |seen: &Seen| {
        match seen.line().contains("/identities") {
            true => Act::ok(&identity().to_string()),
            false => Act::ok(&links.to_string()),
        }
    }));
    for dialect in ["fusionauth", "ory"] {
        let config = config(&upstream(dialect, &idp.url));
        std::fs::write(folder.path().join(format!("{dialect}.toml")), config).unwrap();
    }
    let list = format!("/api/identity-provider/link?userId={USER}");
    let one = format!("/admin/identities/{USER}?include_credential=oidc");
    let body = identity().to_string();
    let create = serde_json::json!({ "identityProviderLink": {
        "identityProviderId": GOOGLE, "identityProviderUserId": "ext/2", "userId": USER, "token": REFRESH,
    } });
    let create = create.to_string();
    let patch = format!(
        "[{{\"op\":\"replace\",\"path\":\"/credentials/password/config/password\",\"value\":\"{PASSWORD}\"}}]"
    );
    let pending = format!("/api/identity-provider/link/pending/{PENDING}?userId={USER}");
    let cases: [(&str, &[&str], &str); 7] = [
        ("fusionauth", &[&list, "--against"], "\"token\":\"***\""),
        ("ory", &[&list, "--against"], "identityProviderLinks"),
        (
            "fusionauth",
            &["/api/identity-provider/link", "-d", &create],
            "\"token\":\"***\"",
        ),
        (
            "ory",
            &["/api/identity-provider/link", "-d", &create],
            "upstream",
        ),
        ("ory", &[&one, "--against"], "answer      200 "),
        (
            "ory",
            &[
                "-X",
                "PUT",
                &format!("/admin/identities/{USER}"),
                "-d",
                &body,
            ],
            "op          ",
        ),
        (
            "ory",
            &[
                "-X",
                "PATCH",
                &format!("/admin/identities/{USER}"),
                "-d",
                &patch,
            ],
            "op          ",
        ),
    ];
    for (config, request, expected) in cases {
        let config = format!("{config}.toml");
        let more = [
            "--config",
            &config,
            "--tenant",
            "acme",
            "-H",
            &format!("Authorization: {WRONG_KEY}"),
        ];
        let text = told(&canaries, folder.path(), &[request, &more].concat());
        assert!(
            text.contains(expected),
            "{request:?} does not say {expected}:\n{text}"
        );
    }
    told(
        &canaries,
        folder.path(),
        &[&pending, "--config", "ory.toml", "--tenant", "acme"],
    );
}
