//! `explain` is given secrets in every place that a request has for one, and what it prints is pasted into tickets:
//! none is in it.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use linkbridge::mapping::builtin;
use linkbridge::mapping::plan::{Op, Plan};
use linkbridge::model::{Field, OwnedRequest, Record, Value};

use super::super::explain::{GOOGLE, TENANT, USER, config, upstream};
use super::super::support::fault::{Act, Fault, Seen};
use super::super::support::server::binary;
use super::places::{Canaries, NOWHERE, Place};
use super::worlds::{FIELD, OPAQUE, PASSWORD, PATH, QUERY, TOKEN, WRONG_JWT, WRONG_KEY};

const PENDING: &str = "canary-pending-id-0c6b2e";
const REFRESH: &str = "canary-refresh-token-77b01d==";
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

/// The canary for a field that is a secret.
fn canary(field: Field) -> Option<&'static str> {
    Some(match field {
        Field::Token => TOKEN,
        Field::PendingId => PENDING,
        Field::ClientSecret => PASSWORD,
        Field::Assertion => WRONG_JWT,
        Field::AccessToken => OPAQUE,
        _ => return None,
    })
}

/// Puts canaries in the place of an example's secrets; answers whether it has any.
fn mark(request: &mut OwnedRequest, params: &Record) -> bool {
    let mut has_some = false;
    for (field, value) in params.iter() {
        match (canary(field), value) {
            (Some(canary), Value::Text(text)) => {
                for place in [&mut request.path, &mut request.query] {
                    *place = place.replace(text.as_str(), canary);
                }
                let body = String::from_utf8_lossy(&request.body).replace(text.as_str(), canary);
                request.body = body.into_bytes();
                has_some = true;
            }
            (None, Value::Record(record)) => has_some |= mark(request, record),
            (None, Value::List(records)) => {
                for record in records {
                    has_some |= mark(request, record);
                }
            }
            _ => {}
        }
    }
    has_some
}

/// A request in HTTP form, with a credential and a cookie.
fn form(plan: &Plan, request: &OwnedRequest) -> String {
    let basic = STANDARD.encode(format!("somebody:{PASSWORD}"));
    let mut out = format!("{} {}", request.method, request.path);
    if !request.query.is_empty() {
        out += &format!("?{}", request.query);
    }
    out += &format!("\nCookie: session={FIELD}\n");
    let mut has_credential = false;
    if !request.body.is_empty() && !request.headers.contains_key("content-type") {
        out += "Content-Type: application/json\n";
    }
    for (name, value) in &request.headers {
        let value = value.to_str().unwrap();
        let is_basic = name == "authorization" && value.starts_with("Basic ");
        has_credential |= name == "authorization";
        out += &match is_basic {
            true => format!("{name}: Basic {basic}\n"),
            false => format!("{name}: {value}\n"),
        };
    }
    if let (Some(take), false) = (plan.take.first(), has_credential) {
        let scheme = take.scheme.as_deref().unwrap_or_default();
        out += &format!(
            "{}: {}\n",
            take.header,
            format!("{scheme} {WRONG_KEY}").trim()
        );
    }
    out + "\n" + &String::from_utf8_lossy(&request.body)
}

/// The examples of an op that have different kinds of secrets.
fn examples(op: &Op) -> Vec<OwnedRequest> {
    let mut kinds = Vec::new();
    let mut found = Vec::new();
    for example in &op.examples {
        let (Some(request), Some(params)) = (&example.request, &example.params) else {
            continue;
        };
        let mut request = request.clone();
        let has_some = mark(&mut request, params);
        let is_basic = request.headers.contains_key("authorization");
        let kind = (
            params.has(Field::ClientSecret),
            params.has(Field::Assertion),
            is_basic,
        );
        if has_some && !kinds.contains(&kind) {
            kinds.push(kind);
            found.push(request);
        }
    }
    found
}

#[test]
fn explain_shows_no_secret_of_a_request() {
    let canaries = canaries();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("request.http");
    let mut asked = 0;
    for (name, _) in builtin::SOURCES {
        let plan = builtin::load_builtin(name).and_then(|loaded| loaded.plan);
        let plan = plan.unwrap();
        for (op, request) in plan
            .ops
            .iter()
            .flat_map(|op| examples(op).into_iter().map(move |r| (op, r)))
        {
            std::fs::write(&file, form(&plan, &request)).unwrap();
            let text = told(
                &canaries,
                folder.path(),
                &["--dialect", name, "--file", "request.http"],
            );
            // It was read, and the secret found.
            assert!(
                text.contains(&format!("op          {} ", op.name)),
                "{text}"
            );
            assert!(text.contains("***"), "{text}");
            asked += 1;
        }
    }
    assert!(asked >= 15, "{asked}");
    eprintln!("canaries: {asked} requests explained");
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
        (
            "name.http",
            format!("GET {link}\nAccept: a/b\nBearer {OPAQUE}: x\n"),
        ),
        (
            "value.http",
            format!("GET {link}\nAuthorization: {OPAQUE}\u{1}\n"),
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
    let without_colon = format!("Authorization Bearer {WRONG_KEY}");
    let with_a_sign = format!("Authorization: Bearer {WRONG_KEY}\u{1}");
    let option = format!("--token={WRONG_KEY}");
    let form = format!("grant_type=client_credentials&client_secret={PASSWORD}");
    let cases: [&[&str]; 9] = [
        &[link, "-H", &without_colon],
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
        &["/oauth/v2/token", "-d", &form],
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
