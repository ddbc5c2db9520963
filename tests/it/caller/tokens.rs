//! Tokens of the IdP: asked for once, kept, replaced in time, and never shown.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linkbridge::backend::upstream::exchange::{Effect, Exchange, Unanswered};
use linkbridge::backend::upstream::settings::{
    Assertion, AssertionGrant, ClientAuth, Credential, Endpoint, SecretPlace, TokenRequest,
};
use linkbridge::model::{Failure, Secret};
use linkbridge::outbound::Url;
use serde_json::Value;

use super::{World, endpoint, request, status};
use crate::support::fault::{Act, Fault, Seen, refusing};

fn given(token: &str, seconds: u32) -> Act {
    Act::ok(&format!(
        r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{seconds}}}"#
    ))
}

fn token_request(url: &str) -> TokenRequest {
    TokenRequest {
        url: Url::parse(&format!("{url}/oauth/token")).unwrap(),
        client_id: "app 1".to_owned(),
        scope: Some("links:read links:write".to_owned()),
        audience: None,
    }
}

fn with_secret(api: &str, tokens: &str, place: SecretPlace) -> Endpoint {
    let auth = ClientAuth {
        secret: Secret::new("canary-s&cret:"),
        place,
    };
    Endpoint {
        credential: Credential::ClientCredentials(token_request(tokens), auth),
        ..endpoint(api)
    }
}

fn world(api: &Fault, tokens: &Fault) -> World {
    World::new(&with_secret(&api.url, &tokens.url, SecretPlace::Basic))
}

fn form(seen: &Seen) -> BTreeMap<String, String> {
    assert_eq!(seen.line(), "POST /oauth/token HTTP/1.1");
    assert_eq!(
        seen.field("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    form_urlencoded::parse(&seen.body).into_owned().collect()
}

fn shown(api: &Fault) -> Vec<String> {
    let seen = api.seen();
    let shown = seen
        .iter()
        .map(|seen| seen.field("authorization").unwrap_or("").to_owned());
    shown.collect()
}

#[test]
fn a_token_is_asked_for_once_and_shown_with_every_call() {
    for place in [SecretPlace::Basic, SecretPlace::Post] {
        let api = Fault::start(vec![Act::ok("{}")]);
        let tokens = Fault::start(vec![given("t1", 3600)]);
        let world = World::new(&with_secret(&api.url, &tokens.url, place));
        for _ in 0..3 {
            assert_eq!(status(&world.write()), Some(200));
        }
        assert_eq!(shown(&api), ["Bearer t1"; 3]);
        let seen = tokens.seen();
        assert_eq!(seen.len(), 1);
        let mut expected = vec![
            ("grant_type", "client_credentials"),
            ("scope", "links:read links:write"),
        ];
        if place == SecretPlace::Basic {
            // `app 1` and `canary-s&cret:` as a form has them, then Base64: by hand.
            let basic = "Basic YXBwKzE6Y2FuYXJ5LXMlMjZjcmV0JTNB";
            assert_eq!(seen[0].field("authorization"), Some(basic));
        } else {
            assert_eq!(seen[0].field("authorization"), None);
            expected.extend([("client_id", "app 1"), ("client_secret", "canary-s&cret:")]);
        }
        let expected = expected
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(form(&seen[0]), expected.collect());
    }
}

#[test]
fn calls_that_wait_for_a_token_wait_for_the_same() {
    let api = Fault::start(vec![Act::ok("{}")]);
    let slow = Duration::from_millis(150);
    let answer = br#"{"access_token":"t1","token_type":"bearer"}"#;
    let tokens = Fault::start(vec![Act::AnswersAfter(slow, 200, answer.to_vec())]);
    let world = world(&api, &tokens);
    let request = request(Effect::Reads);
    world.runtime.block_on(async {
        let call = || world.caller.exchange(&request, Effect::Reads);
        // The one who asks goes away; the others get what it has asked for.
        let first = tokio::time::timeout(Duration::from_millis(50), call());
        let (first, a, b, c, d) = tokio::join!(first, call(), call(), call(), call());
        assert!(first.is_err());
        for answer in [a, b, c, d] {
            assert_eq!(answer.unwrap().status, 200);
        }
    });
    assert_eq!(tokens.seen().len(), 1);
}

#[test]
fn a_token_is_replaced_before_it_ends_and_nobody_waits_for_it() {
    let api = Fault::start(vec![Act::ok("{}")]);
    let slow = Duration::from_millis(200);
    let second = br#"{"access_token":"t2","token_type":"Bearer","expires_in":3600}"#;
    let tokens = Fault::start(vec![
        given("t1", 5),
        Act::AnswersAfter(slow, 200, second.to_vec()),
    ]);
    let world = world(&api, &tokens);
    let pause = |millis| world.pause(Duration::from_millis(millis));
    assert!(world.read().is_ok());
    pause(3000);
    assert!(world.read().is_ok());
    assert_eq!(tokens.seen().len(), 1, "three fifths of its life");
    pause(1100);
    let began = Instant::now();
    assert!(world.read().is_ok());
    assert!(began.elapsed() < slow);
    pause(500);
    assert!(world.read().is_ok());
    assert_eq!(
        shown(&api),
        ["Bearer t1", "Bearer t1", "Bearer t1", "Bearer t2"]
    );
    assert_eq!(tokens.seen().len(), 2);
}

#[test]
fn a_token_that_has_ended_is_not_shown() {
    let api = Fault::start(vec![Act::ok("{}")]);
    let tokens = Fault::start(vec![given("t1", 1), given("t2", 3600)]);
    let world = world(&api, &tokens);
    assert!(world.read().is_ok());
    world.pause(Duration::from_millis(950));
    assert!(world.read().is_ok());
    assert_eq!(shown(&api), ["Bearer t1", "Bearer t2"]);
}

#[test]
fn a_token_that_is_refused_is_replaced_once_for_reads_and_writes() {
    for effect in [Effect::Reads, Effect::Writes] {
        let api = Fault::start(vec![Act::ok("{}"), Act::json(401, "{}"), Act::ok("{}")]);
        let tokens = Fault::start(vec![given("t1", 3600), given("t2", 3600)]);
        let world = world(&api, &tokens);
        assert_eq!(status(&world.send(effect)), Some(200));
        assert_eq!(status(&world.send(effect)), Some(200));
        assert_eq!(shown(&api), ["Bearer t1", "Bearer t1", "Bearer t2"]);
        let seen = api.seen();
        assert_eq!(seen[1].body, seen[2].body);
        assert_eq!(tokens.seen().len(), 2);
    }
}

/// An IdP that takes no token at all costs one more token every ten seconds, not one more with every call.
#[test]
fn an_idp_that_refuses_every_token_is_no_load_on_the_token_endpoint() {
    let api = Fault::start(vec![Act::json(401, "{}")]);
    let tokens = Fault::start(vec![given("t", 3600)]);
    let world = world(&api, &tokens);
    for _ in 0..6 {
        assert_eq!(status(&world.read()), Some(401));
    }
    assert_eq!((api.seen().len(), tokens.seen().len()), (7, 2));
}

#[test]
fn without_a_token_nothing_is_sent_and_the_endpoint_is_left_alone_for_a_while() {
    let bad = |body: &str| Act::ok(body);
    for (act, failure) in [
        (
            Act::json(401, r#"{"error":"invalid_client"}"#),
            Failure::UpstreamRefused,
        ),
        (
            Act::json(400, r#"{"error":"invalid_scope"}"#),
            Failure::UpstreamRefused,
        ),
        (
            Act::status(302, "location: /elsewhere\r\n"),
            Failure::UpstreamRefused,
        ),
        (Act::json(500, "{}"), Failure::UpstreamDown),
        (Act::json(503, "{}"), Failure::UpstreamDown),
        (Act::json(429, "{}"), Failure::UpstreamDown),
        (Act::SaysAndCloses(Vec::new()), Failure::UpstreamDown),
        (Act::SaysAndStalls(Vec::new()), Failure::UpstreamTimeout),
        (bad("<html>"), Failure::UpstreamRefused),
        (bad(r#"{"access_token":"t"}"#), Failure::UpstreamRefused),
        (
            bad(r#"{"access_token":"t","token_type":"mac"}"#),
            Failure::UpstreamRefused,
        ),
        (
            bad(r#"{"access_token":"t\r\nx: y","token_type":"bearer"}"#),
            Failure::UpstreamRefused,
        ),
        (bad(&" ".repeat(100_000)), Failure::UpstreamRefused),
    ] {
        let api = Fault::start(vec![Act::ok("{}")]);
        let tokens = Fault::start(vec![act.clone()]);
        let world = world(&api, &tokens);
        for _ in 0..4 {
            let answer = world.write().map(drop);
            assert_eq!(answer, Err(Unanswered::NotSent(failure.clone())), "{act:?}");
        }
        assert_eq!((api.connections(), tokens.seen().len()), (0, 1), "{act:?}");
    }
    let api = Fault::start(vec![Act::ok("{}")]);
    let (url, _socket) = refusing();
    let world = World::new(&with_secret(&api.url, &url, SecretPlace::Basic));
    let answer = world.write().map(drop);
    assert_eq!(answer, Err(Unanswered::NotSent(Failure::UpstreamDown)));
}

#[test]
fn a_token_endpoint_that_comes_back_is_asked_again() {
    let api = Fault::start(vec![Act::ok("{}")]);
    let tokens = Fault::start(vec![Act::json(503, "{}"), given("t1", 3600)]);
    let world = world(&api, &tokens);
    assert!(world.read().is_err());
    world.pause(Duration::from_millis(1050));
    assert_eq!(status(&world.read()), Some(200));
}

#[test]
fn assertions_take_the_place_of_secrets() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only-rsa.pem");
    let key = std::fs::read_to_string(path).unwrap();
    for grant in [AssertionGrant::ClientCredentials, AssertionGrant::JwtBearer] {
        let api = Fault::start(vec![Act::ok("{}")]);
        let tokens = Fault::start(vec![given("t1", 3600)]);
        let assertion = Assertion {
            key: Secret::new(key.clone()),
            key_id: Some("k1".to_owned()),
            algorithm: "RS256".to_owned(),
            audience: Some("https://issuer.example".to_owned()),
            grant,
        };
        let world = World::new(&Endpoint {
            credential: Credential::PrivateKeyJwt(token_request(&tokens.url), assertion),
            ..endpoint(&api.url)
        });
        assert_eq!(status(&world.read()), Some(200));
        assert_eq!(shown(&api), ["Bearer t1"]);
        let mut form = form(&tokens.seen()[0]);
        let assertion = if grant == AssertionGrant::ClientCredentials {
            assert_eq!(form["grant_type"], "client_credentials");
            assert_eq!(
                form["client_assertion_type"],
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            );
            assert_eq!(form["client_id"], "app 1");
            form.remove("client_assertion").unwrap()
        } else {
            assert_eq!(
                form["grant_type"],
                "urn:ietf:params:oauth:grant-type:jwt-bearer"
            );
            assert!(!form.contains_key("client_id"));
            form.remove("assertion").unwrap()
        };
        assert_eq!(form["scope"], "links:read links:write");
        assert!(!form.contains_key("client_secret"));
        let claims = assertion.split('.').nth(1).unwrap();
        let claims: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        assert_eq!(claims["aud"], "https://issuer.example");
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&"app 1".into(), &"app 1".into())
        );
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything that is logged at the finest level, by us and by whom we use, holds no secret; a refused
/// credential is said aloud, once.
#[test]
fn no_secret_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    // With one subscriber alone, an event that another thread meets first is switched off for all of them.
    let second = tracing_subscriber::fmt().with_writer(std::io::sink);
    let _second = tracing::Dispatch::new(second.with_max_level(tracing::Level::TRACE).finish());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let api = Fault::start(vec![Act::json(401, "{\"m\":\"canary-body\"}")]);
        for tokens in [
            vec![given("canary-token", 3600)],
            vec![Act::json(
                400,
                r#"{"error":"canary-error","error_description":"canary-text"}"#,
            )],
            vec![Act::ok(
                r#"{"access_token":"canary-token","token_type":"canary-type"}"#,
            )],
            vec![Act::SaysAndCloses(b"HTTP/1.1 200 canary-status".to_vec())],
        ] {
            let tokens = Fault::start(tokens);
            for place in [SecretPlace::Basic, SecretPlace::Post] {
                let endpoint = with_secret(&api.url, &tokens.url, place);
                let world = World::new(&endpoint);
                let _ = (world.read(), world.write());
            }
        }
        let world = World::at(&api.url);
        for _ in 0..3 {
            assert_eq!(status(&world.read()), Some(401));
        }
    });
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let said = log.matches("the upstream refuses our credential").count();
    // Two callers with tokens and one without: one line each.
    assert_eq!(said, 3, "{log}");
    assert!(log.contains("there is no token for the upstream"));
    for secret in ["canary", "Y2FuYXJ5", "s&cret", "s%26cret"] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
}
