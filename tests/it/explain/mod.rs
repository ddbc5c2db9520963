//! `explain` with a configuration, and what a start says of upstreams: the binary, against vendors that note what
//! they are asked. What must be sent is written here by hand, from the vendors' documents.

mod start;

use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use serde_json::{Value, json};

use crate::stubs::{Answer, Request, Stub, Vendor};
use crate::support::server::binary;

pub(crate) const TENANT: &str = "48426136-8eb7-49d5-81f3-9280b146a334";
pub(crate) const USER: &str = "206a5101-bf29-487c-af8f-7485ca48d6d5";
pub(crate) const GOOGLE: &str = "82339786-3dff-42a6-aac6-1f1ceecb6c46";
const CREATE: &str = r#"{"identityProviderLink":{"identityProviderId":"82339786-3dff-42a6-aac6-1f1ceecb6c46","identityProviderUserId":"ext/1","userId":"206a5101-bf29-487c-af8f-7485ca48d6d5","token":"s3cret-token"}}"#;

/// A vendor that gives one answer to everything.
struct Fixed(u16, Value);

impl Vendor for Fixed {
    fn answer(&mut self, _: &Request, _: Instant) -> Answer {
        Answer::json(self.0, self.1.clone())
    }
}

/// A configuration with the upstreams that `backend` has.
pub(crate) fn config(backend: &str) -> String {
    format!(
        r#"
[[tenant]]
key = "acme"
users = "known"
[tenant.ids]
fusionauth = "{TENANT}"
ory = "acme"
pingone = "b3a6a3a8-7f7e-4c08-9a35-6b8f3b6c9d21"
zitadel = "281474976710657"

[[tenant]]
key = "blue"
users = "known"
[tenant.ids]
fusionauth = "00000000-0000-4000-8000-0000000000b1"
pingone = "00000000-0000-4000-8000-0000000000b2"
zitadel = "281474976710658"

[[provider]]
key = "google"
name = "Google"
kind = "google"
[provider.ids]
fusionauth = "{GOOGLE}"
flip = "google"
ory = "google"
pingone = "5c0a4f0e-0d43-4a8e-9a55-0f0f3d6f7c11"
zitadel = "281474976710771"

[[client]]
name = "reader"
tenant = "acme"
scopes = ["links.read"]

{backend}
"#
    )
}

/// An upstream of this dialect at this URL, with a credential that must never be shown.
pub(crate) fn upstream(dialect: &str, url: &str) -> String {
    format!(
        "[backend.upstream]\nname = \"main\"\ndialect = \"{dialect}\"\nbase_url = \"{url}\"\nallow_http = true\n\
         allow_addresses = [\"127.0.0.0/8\"]\ncredential = {{ kind = \"static\", token = \"env:PAT\" }}\n"
    )
}

/// Runs `explain` in a directory of its own, which must stay as it is.
fn explain(config: &str, more: &[&str]) -> (String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.toml"), config).unwrap();
    let output = run(folder.path(), "explain", more);
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "something was written");
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    for secret in ["hunter2", "s3cret"] {
        assert!(!text.contains(secret), "a secret is shown:\n{text}");
    }
    (text, output.status.code())
}

fn run(folder: &Path, verb: &str, more: &[&str]) -> Output {
    Command::new(binary())
        .args([verb, "--config", "config.toml"])
        .args(more)
        .current_dir(folder)
        .env_clear()
        .env("PAT", "hunter2")
        .output()
        .unwrap()
}

fn create(config: &str, more: &[&str]) -> (String, Option<i32>) {
    let request = [
        "-X",
        "POST",
        "/api/identity-provider/link",
        "-d",
        CREATE,
        "-H",
        "X-FusionAuth-TenantId: 48426136-8eb7-49d5-81f3-9280b146a334",
    ];
    explain(config, &[&request, more].concat())
}

/// The requests to the upstream, in order.
fn requests(text: &str) -> Vec<&str> {
    let numbered = |line: &&str| {
        let line = line.get(12..).unwrap_or_default();
        line.get(1..3) == Some(". ") && line.starts_with(|c: char| c.is_ascii_digit())
    };
    text.lines()
        .filter(numbered)
        .map(|line| &line[15..])
        .collect()
}

fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

#[test]
fn a_create_is_told_from_the_front_to_the_vendor_and_back() {
    let stub = Stub::start(Fixed(500, json!({})));
    let base = format!("{}/iam", stub.url());
    let (text, code) = create(
        &config(&upstream("zitadel-v2", &base)),
        &["--user", "163840776835432705"],
    );
    assert_eq!(
        requests(&text),
        [
            format!("POST {base}/v2/users/163840776835432705/links/_search (link.list, reads)"),
            format!("POST {base}/v2/users/163840776835432705/links (link.create, writes)"),
        ],
        "{text}"
    );
    has(
        &text,
        &[
            "op          create (link.create)",
            &format!(
                "canonical   link.create user={USER} provider=google subject=ext/1 (known users only)"
            ),
            &format!("tenant    {TENANT} (fusionauth) -> acme -> 281474976710657 (zitadel)"),
            &format!("provider  {GOOGLE} (fusionauth) -> google -> 281474976710771 (zitadel)"),
            &format!("user      {USER} -> 163840776835432705 (zitadel)"),
            &format!("backend     upstream main (zitadel-v2 at {base})"),
            "authorization: Bearer ***",
            "not atomic: what is looked at can change before it is written",
            r#"{"idpLink":{"idpId":"281474976710771","userId":"ext/1","userName":"ext/1"}}"#,
            "answer      200 {\"identityProviderLink\"",
            "token: taken by `create`; no request of zitadel-v2 has it (kept here)",
        ],
    );
    assert_eq!(code, Some(0));
    assert!(stub.log().is_empty(), "explaining touches nothing");
}

/// What an operator has to know of failures: our credential is never the client's fault, and a lost write is
/// never a plain failure.
#[test]
fn everything_that_can_go_wrong_is_told_in_the_words_of_the_front() {
    let (text, _) = create(&config(&upstream("zitadel-v2", "https://iam.invalid")), &[]);
    let (_, failures) = text.split_once("\nfailures ").unwrap();
    let (failures, _) = failures.split_once("\nlost ").unwrap();
    let blocks: Vec<&str> = failures.split("\n  ").collect();
    let answered_for = |cause: &str| -> String {
        let mut answer = String::new();
        for block in &blocks {
            let block = block.trim_end();
            if block.starts_with(' ') {
                if block.trim_start() == cause {
                    return answer;
                }
            } else {
                answer = block.to_owned();
            }
        }
        panic!("`{cause}` is not told:\n{failures}");
    };
    for (cause, answer) in [
        ("1. cannot be sent", "upstream_down: 504 "),
        (
            "1. is answered 401 (unauthenticated)",
            "upstream_refused: 502 ",
        ),
        ("1. is answered with nonsense", "upstream_refused: 502 "),
        (
            "2. is answered 401 (unauthenticated)",
            "upstream_refused: 502 ",
        ),
        ("2. is answered 403 (forbidden)", "upstream_refused: 502 "),
        ("2. cannot be sent", "upstream_down: 504 "),
        ("2. takes too long", "outcome_unknown: 503 "),
        ("2. is answered with nonsense", "outcome_unknown: 503 "),
        ("2. is answered 409 (link_exists)", "subject_taken: 400 "),
        ("2. is answered 429 (rate_limited)", "rate_limited: 429 "),
        ("the user is not known here", "user_not_found: "),
    ] {
        let told = answered_for(cause);
        assert!(told.starts_with(answer), "{cause}: {told}");
    }
}

#[test]
fn chains_of_vendors_are_told_in_order() {
    let url = "https://iam.invalid";
    let delete = format!(
        "/api/identity-provider/link?identityProviderId={GOOGLE}&identityProviderUserId=ext-1&userId={USER}"
    );
    let (text, code) = explain(
        &config(&upstream("pingone", url)),
        &["-X", "DELETE", &delete, "--tenant", "acme"],
    );
    let environment = "b3a6a3a8-7f7e-4c08-9a35-6b8f3b6c9d21";
    let accounts = format!("{url}/v1/environments/{environment}/users/{USER}/linkedAccounts");
    let told = requests(&text);
    let (last, looks) = told.split_last().unwrap();
    // Whoever looks may look again; one request writes, and it is the last.
    assert!(!looks.is_empty(), "{text}");
    for look in looks {
        assert_eq!(
            *look,
            format!("GET {accounts} (link.list, reads)"),
            "{text}"
        );
    }
    assert!(
        last.starts_with(&format!("DELETE {accounts}/"))
            && last.ends_with(" (link.delete, writes)"),
        "{text}"
    );
    assert_eq!(code, Some(0), "{text}");

    let (text, code) = create(&config(&upstream("ory", url)), &[]);
    let told = requests(&text);
    let identity = format!("{url}/admin/identities/{USER}");
    let (last, looks) = told.split_last().unwrap();
    assert!(
        looks
            .iter()
            .any(|look| look.starts_with(&format!("GET {identity}?"))),
        "{text}"
    );
    assert!(last.starts_with(&format!("PUT {identity} ")), "{text}");
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn the_tenant_decides_where_a_request_goes() {
    let main = upstream("zitadel-v2", "https://iam.invalid");
    let routed = format!("{main}\n[[backend.route]]\ntenants = [\"acme\"]\nstore = true\n");
    let (text, code) = create(&config(&routed), &[]);
    has(
        &text,
        &["backend     embedded store in ./data", "answer      200 "],
    );
    assert_eq!((requests(&text), code), (Vec::new(), Some(0)));
    let list = format!("/api/identity-provider/link?userId={USER}");
    let (text, _) = explain(&config(&routed), &[&list, "--tenant", "blue"]);
    has(
        &text,
        &["backend     upstream main (zitadel-v2 at https://iam.invalid)"],
    );
    assert_eq!(requests(&text).len(), 1, "{text}");
    // Nothing says whose user it is.
    let (text, code) = explain(&config(&routed), &[&list]);
    has(&text, &["refused     tenant_required"]);
    assert_eq!(code, Some(1));
}

#[test]
fn a_client_is_held_to_what_it_may_do() {
    let config = config(&upstream("zitadel-v2", "https://iam.invalid"));
    let (text, code) = create(&config, &["--client", "reader"]);
    has(&text, &["refused     forbidden", "answer      "]);
    assert_eq!((requests(&text), code), (Vec::new(), Some(1)));
    let (text, code) = create(&config, &["--client", "raeder"]);
    has(
        &text,
        &["there is no client `raeder`: did you mean `reader`?"],
    );
    assert_eq!(code, Some(2));
}

#[test]
fn reads_are_carried_out_where_that_is_asked_for_and_writes_never() {
    let stub = Stub::start(Fixed(200, json!({"details": {}, "result": []})));
    let config = config(&upstream("zitadel-v2", &stub.url()));
    let (text, code) = create(&config, &["--against"]);
    let told = requests(&text);
    assert_eq!(told.len(), 2, "{text}");
    assert!(told[0].ends_with("(link.list, reads) -> 200"), "{text}");
    assert!(
        told[1].ends_with("(link.create, writes) -> not sent, since it changes something"),
        "{text}"
    );
    assert_eq!(code, Some(0), "{text}");
    let log = stub.log();
    let lines: Vec<String> = log.iter().map(Request::line).collect();
    assert_eq!(lines, [format!("POST /v2/users/{USER}/links/_search")]);
    assert_eq!(log[0].credential("Bearer"), Some("hunter2"));

    // What the IdP really holds decides what a client is told.
    let linked =
        json!({"result": [{"idpId": "281474976710771", "userId": "ext/1", "userName": "a"}]});
    let other = Stub::start(Fixed(200, linked));
    let (text, code) = create(&config, &["--against", &other.url()]);
    has(&text, &["refused     link_exists"]);
    assert_eq!(
        (other.log().len(), stub.log().len(), code),
        (1, 1, Some(1)),
        "{text}"
    );
}

#[test]
fn what_is_passed_on_is_told() {
    let front = "[[front]]\ndialect = \"fusionauth\"\npassthrough = { origin = \"https://old.invalid\", credential = \"none\", allow = [\"GET /api/user/**\"] }\n";
    let config = config(front);
    let user = format!("/api/user/{USER}");
    let (text, code) = explain(&config, &[&user]);
    has(&text, &["passed on   to https://old.invalid"]);
    assert_eq!(code, Some(0), "{text}");
    let (text, code) = explain(&config, &["-X", "DELETE", &user]);
    has(&text, &["refused     route_unknown"]);
    assert_eq!(code, Some(1), "{text}");
}

#[test]
fn a_credential_goes_nowhere_in_the_clear() {
    let stub = Stub::start(Fixed(200, json!({"details": {}, "result": []})));
    let config = config(&upstream("zitadel-v2", "https://iam.invalid"));
    let (text, code) = create(&config, &["--against", &stub.url()]);
    has(&text, &["the credential is not sent without encryption"]);
    assert_eq!((stub.log().len(), code), (0, Some(2)));
}

#[test]
fn a_pending_id_is_a_secret() {
    let config = config(&upstream("zitadel-v2", "https://iam.invalid"));
    let path = format!("/api/identity-provider/link/pending/s3cret-pending?userId={USER}");
    let (text, code) = explain(&config, &[&path, "--tenant", "acme"]);
    has(
        &text,
        &["request     GET /api/identity-provider/link/pending/***"],
    );
    assert_eq!(code, Some(0), "{text}");
}
