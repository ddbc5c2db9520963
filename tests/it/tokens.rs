//! Tokens over the real binary: what they outlive and what not, who is shut out by guesses, what the log says.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::support::client::{Answer, Client};
use super::support::config::{self, Ports, Profile};
use super::support::fixtures::{A, BOT, K, R, assertion, now, signed};
use super::support::server::Server;

/// Where clients think that they are, whatever the port: it is part of a token.
const ORIGIN: &str = "https://links.example.test";
/// The vendor's ids of a tenant and a user.
const REALM: &str = "acme";
const ENVIRONMENT: &str = "3b0c7f64-52b1-4f0e-9d0a-6f6f0a5c1e21";

/// A server over this directory whose public address does not change; `edit` may change its configuration.
fn serve(dir: &Path, edit: &dyn Fn(String) -> String) -> Server {
    let text = |ports: Ports| {
        let text = config::text(&Profile::default(), ports, &dir.join("data"));
        let own = format!("public_url = \"http://127.0.0.1:{}\"", ports.http1);
        assert!(text.contains(&own));
        edit(text.replace(&own, &format!("public_url = \"{ORIGIN}\"")))
    };
    Server::start_with(dir, &text).unwrap()
}

fn as_it_is(text: String) -> String {
    text
}

fn ask(server: &Server, path: &str, headers: &[(&str, &str)], form: &str) -> Answer {
    let mut all = vec![("Content-Type", "application/x-www-form-urlencoded")];
    all.extend(headers);
    let mut client = Client::new(server.addr);
    client
        .send("POST", path, &all, Some(form.as_bytes()))
        .unwrap()
}

fn token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json = answer.json().unwrap();
    json["access_token"].as_str().unwrap().to_owned()
}

fn error(answer: &Answer) -> (u16, String) {
    let json = answer.json().unwrap();
    (answer.status, json["error"].as_str().unwrap().to_owned())
}

fn flip(server: &Server, id: &str, secret: &str) -> Answer {
    let path = format!("/auth/realms/{REALM}/protocol/openid-connect/token");
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    ask(server, &path, &[], &form)
}

/// What the users' links at Flip answer to this credential.
fn links(server: &Server, credential: &str) -> Answer {
    let bearer = format!("Bearer {credential}");
    let path = format!("/api/admin/users/v4/users/{A}/linked-identities");
    let mut client = Client::new(server.addr);
    client
        .send("GET", &path, &[("Authorization", &bearer)], None)
        .unwrap()
}

/// What making a link at Flip answers.
fn link(server: &Server, credential: &str, subject: &str) -> u16 {
    let bearer = format!("Bearer {credential}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
    ];
    let path = format!("/api/admin/users/v4/users/{A}/linked-identities");
    let body = json!({"provider_id":"acme-oidc","linked_user_id":subject,"linked_username":"ana"});
    let mut client = Client::new(server.addr);
    let body = body.to_string();
    client
        .send("POST", &path, &headers, Some(body.as_bytes()))
        .unwrap()
        .status
}

/// Makes the user whom the tests are about; users of the directory are known.
fn make_user(server: &Server) {
    let key = format!("Bearer {K}");
    let headers = [
        ("Authorization", key.as_str()),
        ("Content-Type", "application/json"),
    ];
    let path = format!("/linkbridge/v1/users/{A}");
    let mut client = Client::new(server.addr);
    let made = client.send("PUT", &path, &headers, Some(b"{}")).unwrap();
    assert!(made.status < 300, "{}", made.text());
}

#[test]
fn a_token_of_each_way_to_get_one_makes_a_link_or_tells_one() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(dir.path(), &as_it_is);
    make_user(&server);
    let of_flip = token(&flip(&server, "super", K));
    assert_eq!(link(&server, &of_flip, "s-1"), 201);
    let basic = format!("Basic {}", STANDARD.encode(format!("super:{K}")));
    let path = format!("/{ENVIRONMENT}/as/token");
    let form = "grant_type=client_credentials";
    let of_pingone = token(&ask(&server, &path, &[("Authorization", &basic)], form));
    let form = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={}",
        assertion(&format!("{ORIGIN}/"), Duration::from_secs(3600))
    );
    let of_zitadel = token(&ask(&server, "/oauth/v2/token", &[], &form));
    let told = [
        (
            "GET",
            format!("/v1/environments/{ENVIRONMENT}/users/{A}/linkedAccounts"),
            &of_pingone,
        ),
        ("POST", format!("/v2/users/{A}/links/_search"), &of_zitadel),
    ];
    for (method, path, token) in told {
        let bearer = format!("Bearer {token}");
        let mut client = Client::new(server.addr);
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/json"),
        ];
        let body = (method == "POST").then_some(b"{}".as_slice());
        let answer = client.send(method, &path, &headers, body).unwrap();
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert!(answer.text().contains("s-1"), "{path}: {}", answer.text());
    }
    // None is good at the front of another vendor.
    for other in [&of_pingone, &of_zitadel] {
        assert_eq!(links(&server, other).status, 401);
    }
}

#[test]
fn a_token_outlives_a_restart_but_not_its_client_and_not_its_keys() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(dir.path(), &as_it_is);
    make_user(&server);
    let kept = token(&flip(&server, "super", K));
    let file = dir.path().join("data/token-signing.keys");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(server);

    let server = serve(dir.path(), &as_it_is);
    assert_eq!(links(&server, &kept).status, 200);
    assert_eq!(link(&server, &kept, "s-1"), 201);
    drop(server);

    let with_less = |text: String| text.replacen("\"links.create\", ", "", 1);
    let server = serve(dir.path(), &with_less);
    assert_eq!(links(&server, &kept).status, 200);
    assert_eq!(
        link(&server, &kept, "s-1"),
        403,
        "what the client may no longer do"
    );
    let less = token(&flip(&server, "super", K));
    drop(server);

    let server = serve(dir.path(), &as_it_is);
    assert_eq!(
        link(&server, &less, "s-1"),
        403,
        "what it could not do then"
    );
    drop(server);

    let renamed = |text: String| text.replacen("name = \"super\"", "name = \"another\"", 1);
    let server = serve(dir.path(), &renamed);
    assert_eq!(links(&server, &kept).status, 401, "the client is gone");
    assert_eq!(links(&server, K).status, 200, "its key is another's now");
    drop(server);

    std::fs::remove_file(&file).unwrap();
    let server = serve(dir.path(), &as_it_is);
    assert_eq!(links(&server, &kept).status, 401, "nobody can vouch for it");
    assert_eq!(
        links(&server, &token(&flip(&server, "super", K))).status,
        200
    );
}

#[test]
fn a_token_that_was_made_up_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(dir.path(), &as_it_is);
    make_user(&server);
    let good = token(&flip(&server, "super", K));
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let (_, rest) = good.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let none = part(r#"{"typ":"linkbridge+jwt","alg":"none","kid":"x"}"#);
    let claims = json!({"iss":format!("linkbridge:{ORIGIN}"),"aud":"linkbridge","sub":"super"});
    for bad in [
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{}.{payload}.{signature}", part("{}")),
        signed(&claims),
        format!("{good}A"),
        good[1..].to_owned(),
    ] {
        assert_eq!(links(&server, &bad).status, 401, "{bad}");
    }
    assert_eq!(links(&server, &good).status, 200);
}

#[test]
fn guesses_are_limited_and_shut_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    let limits = |text: String| {
        // The last lines are limits; one of them is out of the way there.
        let text = text
            .lines()
            .filter(|line| !line.starts_with("failed_auth_rate"));
        let text = text.collect::<Vec<_>>().join("\n");
        format!("{text}\nfailed_token_rate = \"1/h burst 3\"\nfailed_auth_rate = \"1/h burst 8\"\n")
    };
    let server = serve(dir.path(), &limits);
    make_user(&server);
    for (name, is_there) in [("super", true), ("nobody", false)] {
        for n in 0..3 {
            let answer = flip(&server, name, "guess");
            assert_eq!(
                error(&answer),
                (401, "unauthorized_client".to_owned()),
                "{n}"
            );
        }
        let answer = flip(&server, name, "guess");
        assert_eq!(error(&answer), (429, "temporarily_unavailable".to_owned()));
        assert!(answer.header("retry-after").is_some());
        assert_eq!(
            flip(&server, name, K).status,
            if is_there { 200 } else { 429 }
        );
    }
    // Nine failures of this address: another client's are over the limit now, too.
    assert_eq!(error(&flip(&server, "reader", "guess")).0, 429);
    let good = token(&flip(&server, "reader", R));
    assert_eq!(
        links(&server, &format!("{good}x")).status,
        429,
        "a bad token is a failure, too"
    );
    assert_eq!(links(&server, &good).status, 200);
}

#[test]
fn an_assertion_says_what_is_wrong_to_its_signer_only() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(dir.path(), &as_it_is);
    let sent = |assertion: &str| {
        let form = format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}"
        );
        let answer = ask(&server, "/oauth/v2/token", &[], &form);
        assert_eq!(error(&answer), (400, "invalid_grant".to_owned()));
        let json = answer.json().unwrap();
        json["error_description"].as_str().unwrap().to_owned()
    };
    let now = now();
    let claims = |aud: &str, exp: u64| signed(&json!({"iss":BOT,"sub":BOT,"aud":aud,"exp":exp}));
    assert!(sent(&claims(ORIGIN, now - 10)).contains("assertion.exp has expired"));
    assert!(sent(&claims(ORIGIN, now + 9000)).contains("assertion.exp is longer than 3600"));
    assert!(sent(&claims("https://other.test", now + 60)).contains("assertion.aud"));
    let strange = sent("eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.e30.c2ln");
    let expired = claims(ORIGIN, now - 10);
    assert_eq!(sent(&format!("{expired}AAAA")), strange);
}

#[test]
fn the_log_has_no_secret_of_a_token_endpoint() {
    let dir = tempfile::tempdir().unwrap();
    let loud = |text: String| text.replace("[server]\n", "[server]\nlog = \"trace\"\n");
    let server = serve(dir.path(), &loud);
    make_user(&server);
    let good = token(&flip(&server, "super", K));
    assert_eq!(links(&server, &good).status, 200);
    assert_eq!(links(&server, &format!("{good}x")).status, 401);
    assert_eq!(flip(&server, "super", "canary-secret").status, 401);
    let proof = assertion(ORIGIN, Duration::from_secs(60));
    let form = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={proof}"
    );
    let other = token(&ask(&server, "/oauth/v2/token", &[], &form));
    let log = server.log();
    assert!(
        log.contains("super"),
        "the client's name is in the log:\n{log}"
    );
    for secret in [K, &good, "canary-secret", &proof, &other] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
