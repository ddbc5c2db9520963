//! The walk with a real dialect, our own, over backends that misbehave.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::testing::{
    FakeBackend, KEY, LONG, SHORT, connect, exchange, read_some, settings, start_with,
};
use super::{Front, Running, Settings};
use crate::backend::{Answer, Atomicity, Backend, BoxFuture};
use crate::dialect::{self, Dialect};
use crate::edge::rate_limit::Rate;
use crate::mapping::{self, builtin};
use crate::model::{Failure, Operation};

/// A backend with a vice.
#[derive(Default)]
struct Misbehaving {
    panics: bool,
    takes: Duration,
    done: AtomicBool,
}

impl Backend for Misbehaving {
    fn apply(&self, _: Operation) -> BoxFuture<'_, Answer> {
        Box::pin(async {
            assert!(!self.panics, "the vice of this backend");
            tokio::time::sleep(self.takes).await;
            self.done.store(true, Ordering::SeqCst);
            Err(Failure::LinkExists)
        })
    }

    fn apply_all(&self, _: Vec<Operation>, _: Atomicity) -> BoxFuture<'_, Vec<Answer>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    fn ready(&self) -> bool {
        true
    }
}

pub(super) fn native() -> Front {
    front(builtin::load_builtin("linkbridge").unwrap())
}

fn front(loaded: mapping::Loaded) -> Front {
    Front {
        dialect: Arc::new(Dialect::new(loaded.plan.unwrap())),
        settings: dialect::Settings::default(),
        host: None,
        prefix: String::new(),
        anonymous: None,
        passthrough: None,
    }
}

fn serve(settings: Settings, backend: Arc<dyn Backend>) -> Running {
    start_with(settings, vec![native()], backend)
}

fn create(more: &str) -> String {
    request(
        "POST",
        "/linkbridge/v1/links",
        KEY,
        more,
        r#"{"user_id":"u-1@acme","provider_id":"google","subject":"ext-1"}"#,
    )
}

fn list() -> String {
    request(
        "GET",
        "/linkbridge/v1/users/u-1@acme/links",
        KEY,
        "Connection: close\r\n",
        "",
    )
}

fn request(method: &str, path: &str, key: &str, more: &str, body: &str) -> String {
    let length = body.len();
    let content = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Type: application/json\r\nContent-Length: {length}\r\n")
    };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n{content}{more}\r\n{body}"
    )
}

#[test]
fn a_panic_is_one_answer_and_no_more() {
    let running = serve(
        settings(),
        Arc::new(Misbehaving {
            panics: true,
            ..Misbehaving::default()
        }),
    );
    // Whether a write was carried out before the panic, nobody knows.
    let create = create("Connection: close\r\n");
    for (request, status, word) in [
        (create, "503", "outcome_unknown"),
        (list(), "500", "incident"),
    ] {
        let answer = exchange(running.addresses()[0], &request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(
            answer.contains(word) && !answer.contains("the vice"),
            "{answer}"
        );
    }
    let other = exchange(
        running.addresses()[0],
        "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert!(other.contains(" 404 "), "{other}");
}

#[test]
fn a_write_survives_its_client() {
    let backend = Arc::new(Misbehaving {
        takes: SHORT,
        ..Misbehaving::default()
    });
    let running = serve(settings(), Arc::clone(&backend) as Arc<dyn Backend>);
    let mut stream = connect(running.addresses()[0]);
    stream.write_all(create("").as_bytes()).unwrap();
    std::thread::sleep(SHORT / 3);
    drop(stream);
    // A drain waits for it, too.
    assert!(running.shutdown());
    assert!(backend.done.load(Ordering::SeqCst));
}

#[test]
fn a_write_that_takes_too_long_has_an_unknown_outcome_and_goes_on() {
    let backend = Arc::new(Misbehaving {
        takes: SHORT * 3,
        ..Misbehaving::default()
    });
    let mut hurried = settings();
    hurried.timeouts.request = SHORT;
    let running = serve(hurried, Arc::clone(&backend) as Arc<dyn Backend>);
    let begin = Instant::now();
    let answer = exchange(running.addresses()[0], &create("Connection: close\r\n"));
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains("outcome_unknown"),
        "{answer}"
    );
    assert!(begin.elapsed() < LONG / 2);
    let read = exchange(running.addresses()[0], &list());
    assert!(
        read.starts_with("HTTP/1.1 503 ") && read.contains("overloaded"),
        "{read}"
    );
    assert!(running.shutdown());
    assert!(backend.done.load(Ordering::SeqCst));
}

#[test]
fn a_wrong_key_is_refused_before_the_body_and_ends_the_connection() {
    let running = serve(settings(), Arc::new(FakeBackend::default()));
    let smuggled = "GET /y HTTP/1.1\r\nHost: a\r\n\r\n";
    let length = smuggled.len() + 1;
    let head = format!(
        "POST /linkbridge/v1/links HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer wrong\r\nContent-Length: {length}\r\n\r\n"
    );
    let answer = exchange(running.addresses()[0], &format!("{head}{smuggled}"));
    assert!(
        answer.starts_with("HTTP/1.1 401 ") && answer.contains("Connection: close"),
        "{answer}"
    );
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}

#[test]
fn a_body_that_is_too_large_or_too_slow_or_broken_ends_the_connection() {
    let running = serve(settings(), Arc::new(FakeBackend::default()));
    let head = |framing: &str| {
        format!(
            "POST /linkbridge/v1/links HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
        )
    };
    let declared = exchange(running.addresses()[0], &head("Content-Length: 1025"));
    assert!(declared.starts_with("HTTP/1.1 413 "), "{declared}");
    let chunk = format!(
        "{}800\r\n{}\r\n",
        head("Transfer-Encoding: chunked"),
        "x".repeat(2048)
    );
    let chunked = exchange(running.addresses()[0], &chunk);
    assert!(chunked.starts_with("HTTP/1.1 413 "), "{chunked}");
    let stalled = exchange(
        running.addresses()[0],
        &format!("{}{{", head("Content-Length: 10")),
    );
    assert!(stalled.starts_with("HTTP/1.1 408 "), "{stalled}");
    let broken = exchange(
        running.addresses()[0],
        &format!("{}zz\r\n", head("Transfer-Encoding: chunked")),
    );
    assert!(broken.starts_with("HTTP/1.1 400 "), "{broken}");
    for answer in [declared, chunked, stalled, broken] {
        assert!(answer.contains("Connection: close"), "{answer}");
    }
}

#[test]
fn a_head_request_has_no_body_and_does_not_disturb_the_next_one() {
    let running = serve(settings(), Arc::new(FakeBackend::default()));
    let mut stream = connect(running.addresses()[0]);
    stream
        .write_all(b"HEAD /linkbridge/v1/links HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let answer = read_some(&mut stream);
    assert!(
        answer.starts_with("HTTP/1.1 405 ") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
    stream.write_all(list().as_bytes()).unwrap();
    assert!(read_some(&mut stream).starts_with("HTTP/1.1 404 "));
}

#[test]
fn status_needs_no_credential_and_an_unknown_path_is_worded_by_the_nearest_front() {
    let running = serve(settings(), Arc::new(FakeBackend::default()));
    let status = exchange(
        running.addresses()[0],
        "GET /linkbridge/v1/status HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert!(status.starts_with("HTTP/1.1 200 "), "{status}");
    let unknown = exchange(
        running.addresses()[0],
        "GET /linkbridge/v1/nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert!(
        unknown.starts_with("HTTP/1.1 404 ") && unknown.contains("route_unknown"),
        "{unknown}"
    );
}

#[test]
fn guesses_are_limited_and_a_valid_key_from_the_same_address_is_not() {
    let mut strict = settings();
    strict.rates.failed_auth = Rate::parse("2/h").unwrap();
    let running = serve(strict, Arc::new(FakeBackend::default()));
    let ask = |key: &str| {
        let more = "Connection: close\r\n";
        let path = "/linkbridge/v1/users/u-1@acme/links";
        exchange(running.addresses()[0], &request("GET", path, key, more, ""))
    };
    for status in ["401", "401", "429", "429"] {
        let answer = ask("wrong");
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert_eq!(answer.contains("Retry-After: "), status == "429");
        let valid = ask(KEY);
        assert!(valid.starts_with("HTTP/1.1 404 "), "{valid}");
    }
}

/// Our own dialect, whose answers say what is known of the request.
fn talkative() -> Front {
    let text = builtin::text("linkbridge.toml").unwrap();
    let cache = "'Cache-Control' = { const = \"no-store\" }";
    let told = [
        cache,
        "'X-Request' = \"req.request_id\"",
        "'X-Client' = \"req.client_request_id\"",
        "'X-Credential' = \"req.credential\"",
        "'X-Takes' = \"req.accept\"",
        "'X-User' = \"req.user_id\"",
    ];
    let tenant = "'Linkbridge-Tenant' = \"tenant\"";
    let read = format!("{tenant}\n'X-Request-Id' = \"client_request_id\"");
    assert!(text.contains(cache) && text.contains(tenant));
    let text = text.replace(cache, &told.join("\n")).replace(tenant, &read);
    front(mapping::load("native", "native.toml", &text, &|_| None))
}

/// The value of a header of an answer.
fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let lines = answer.lines().take_while(|line| !line.is_empty());
    let mut values = lines.filter_map(|line| line.split_once(": "));
    values
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

#[test]
fn whatever_comes_of_a_request_is_worded_with_what_its_head_says() {
    let running = start_with(
        settings(),
        vec![talkative()],
        Arc::new(FakeBackend::default()),
    );
    let path = "/linkbridge/v1/users/u-1@acme/links";
    let more = "X-Request-Id: r-9\r\nAccept: text/a\r\nAccept: text/b;q=1\r\nConnection: close\r\n";
    let cases = [
        ("GET", path, KEY, "", "404"),
        ("GET", path, "wrong", "", "401"),
        ("GET", "/linkbridge/v1/nothing", KEY, "", "404"),
        ("PUT", path, KEY, "", "405"),
        ("GET", "/linkbridge/v1/../x", KEY, "", "400"),
        ("POST", "/linkbridge/v1/links", KEY, "{", "400"),
        ("POST", "/linkbridge/v1/links", KEY, "{}", "400"),
        ("GET", "/linkbridge/v1/providers", KEY, "", "200"),
        ("GET", "/linkbridge/v1/status", KEY, "", "200"),
    ];
    let mut ids = std::collections::HashSet::new();
    for (method, path, key, body, status) in cases {
        let answer = exchange(
            running.addresses()[0],
            &request(method, path, key, more, body),
        );
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert_eq!(header(&answer, "x-client"), Some("r-9"), "{answer}");
        assert_eq!(
            header(&answer, "x-takes"),
            Some("text/a, text/b;q=1"),
            "{answer}"
        );
        assert_eq!(header(&answer, "x-credential"), Some("given"), "{answer}");
        let id = header(&answer, "x-request").unwrap().to_owned();
        assert!(
            uuid::Uuid::try_parse(&id).is_ok() && ids.insert(id),
            "{answer}"
        );
    }
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(2000));
    let large = request("POST", "/linkbridge/v1/links", KEY, more, &large);
    let answer = exchange(running.addresses()[0], &large);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert_eq!(header(&answer, "x-client"), Some("r-9"), "{answer}");
    // The parameters are still those of the request.
    let read = exchange(running.addresses()[0], &request("GET", path, KEY, more, ""));
    assert_eq!(header(&read, "x-user"), Some("u-1@acme"), "{read}");
}

#[test]
fn a_request_without_a_credential_is_told_from_one_with_an_odd_one() {
    let running = start_with(
        settings(),
        vec![talkative()],
        Arc::new(FakeBackend::default()),
    );
    let ask = |line: &str| {
        let path = "/linkbridge/v1/users/u-1@acme/links";
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{line}\r\n");
        exchange(running.addresses()[0], &request)
    };
    for (line, word) in [
        ("", "absent"),
        ("Authorization: Bearer\r\n", "odd"),
        ("Authorization: Basic x\r\n", "odd"),
        ("Authorization: Bearer wrong\r\n", "given"),
    ] {
        let answer = ask(line);
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert_eq!(header(&answer, "x-credential"), Some(word), "{answer}");
        assert_eq!(header(&answer, "x-takes"), None, "{answer}");
    }
}
