//! One line for each request, also for those that come to nothing, and nothing in it that was not decided on.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::super::support::client::Client;
use super::super::support::fixtures::{A, K, LINK, create_body};
use super::{lines, start, wait_for};

/// Everything that a line may have.
const FIELDS: [&str; 27] = [
    "timestamp",
    "level",
    "target",
    "request_id",
    "trace_id",
    "front",
    "op",
    "operation",
    "client",
    "tenant",
    "protocol",
    "tls",
    "method",
    "route",
    "status",
    "outcome",
    "limit",
    "duration_us",
    "queue_us",
    "request_bytes",
    "response_bytes",
    "source",
    "upstream",
    "upstream_attempts",
    "upstream_us",
    "message",
    "name",
];

/// What a line says that is the same each time.
fn said(line: &Value, keys: &[&str]) -> Value {
    let told = keys
        .iter()
        .map(|key| ((*key).to_owned(), line[*key].clone()));
    Value::Object(told.collect())
}

const KEYS: [&str; 9] = [
    "front",
    "op",
    "operation",
    "client",
    "tenant",
    "method",
    "route",
    "status",
    "outcome",
];

#[test]
fn each_request_has_a_line_also_one_that_comes_to_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), "", "");
    let mut client = Client::new(server.addr);
    let n_before = lines(&server.log()).len();
    let body = create_body(A, "ext-1", "Ann", "opaque");
    let made = client.post(LINK, &body).unwrap();
    let list = format!("{LINK}?userId={A}&secret-name=secret-value");
    let wrong = [("Authorization", "not-a-key-of-anybody")];
    client.send("GET", &list, &wrong, None).unwrap();
    client
        .send("GET", "/secret-path/x", &[("Authorization", K)], None)
        .unwrap();
    client.bare("PATCH", LINK).unwrap();
    client
        .post(LINK, &json!({ "identityProviderLink": {} }))
        .unwrap();
    client.bare("GET", &list).unwrap();
    client.bare("SECRETMETHOD", LINK).unwrap();
    let told = wait_for("lines", || {
        let told = lines(&server.log());
        (told.len() >= n_before + 7).then_some(told)
    });
    let told = told.get(n_before..).unwrap();
    let create = |status: u16, outcome: &str| {
        json!({
            "front": "fusionauth", "op": "create", "operation": "link.create", "client": "super",
            "tenant": "acme", "method": "POST", "route": LINK, "status": status, "outcome": outcome,
        })
    };
    let first = said(told.first().unwrap(), &KEYS);
    assert_eq!(first, create(200, "ok"));
    let first = told.first().unwrap();
    assert_eq!(first["request_bytes"], body.to_string().len());
    assert_eq!(first["response_bytes"], made.body.len());
    assert_eq!(
        (&first["source"], &first["protocol"]),
        (&json!("127.0.0.0"), &json!("http/1.1"))
    );
    let outcomes: Vec<_> = told
        .iter()
        .map(|line| said(line, &["status", "outcome", "method"]))
        .collect();
    let line = |status: u16, outcome: &str, method: &str| json!({ "status": status, "outcome": outcome, "method": method });
    assert_eq!(told[6]["method"], "_OTHER");
    assert_eq!(
        outcomes.get(..6).unwrap(),
        [
            line(200, "ok", "POST"),
            line(401, "unauthenticated", "GET"),
            line(404, "route_unknown", "GET"),
            line(405, "method_not_allowed", "PATCH"),
            line(400, "invalid", "POST"),
            line(200, "ok", "GET"),
        ]
    );
    assert_eq!(told[1]["route"], LINK);
    let ids: BTreeSet<&str> = told
        .iter()
        .map(|line| line["request_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), told.len());
    for line in told {
        for key in line.as_object().unwrap().keys() {
            assert!(FIELDS.contains(&key.as_str()), "{key}: {line}");
        }
    }
    let log = server.log().to_ascii_lowercase();
    for secret in ["secret", "not-a-key", "ext-1", A, "opaque", "ann"] {
        let found = log
            .lines()
            .find(|line| line.contains("\"access\"") && line.contains(secret));
        assert_eq!(found, None, "{secret}");
    }
}

#[test]
fn the_id_of_a_request_is_one_in_its_answer_and_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(
        dir.path(),
        "trusted_peers = [\"127.0.0.0/8\"]",
        "[log]\nsource = \"full\"\n",
    );
    let mut client = Client::new(server.addr);
    let target = "/v1/environments/3b0c7f64-52b1-4f0e-9d0a-6f6f0a5c1e21/users/x/linkedAccounts";
    let mut ask = |fields: &[(&str, &str)]| {
        let answer = client.send("GET", target, fields, None).unwrap();
        answer.header("correlation-id").unwrap().to_owned()
    };
    let from = ("X-Forwarded-For", "203.0.113.9, 192.0.2.77");
    let given = ask(&[("X-Request-Id", "edge-7f.3"), from]);
    let own = ask(&[("X-Request-Id", "not fit for a line"), from]);
    assert_eq!(given, "edge-7f.3");
    assert!(uuid::Uuid::try_parse(&own).is_ok(), "{own}");
    for id in [given, own] {
        let line = wait_for("a line", || {
            lines(&server.log())
                .into_iter()
                .find(|line| line["request_id"] == id.as_str())
        });
        assert_eq!(
            (&line["status"], &line["source"]),
            (&json!(401), &json!("192.0.2.77"))
        );
    }
}

#[test]
fn who_is_not_believed_chooses_neither_id_nor_source() {
    let dir = tempfile::tempdir().unwrap();
    let access = dir.path().join("access.log");
    let more = format!("[log]\naccess = \"file:{}\"\n", access.display());
    let server = start(dir.path(), "", &more);
    let mut client = Client::new(server.addr);
    let claims = [("X-Request-Id", "mine"), ("X-Forwarded-For", "192.0.2.77")];
    client.send("GET", "/nothing", &claims, None).unwrap();
    let line = wait_for("a line", || {
        let text = std::fs::read_to_string(&access).unwrap_or_default();
        lines(&text)
            .into_iter()
            .find(|line| line["outcome"] == "route_unknown")
    });
    assert_ne!(line["request_id"], "mine");
    assert_eq!(line["source"], "127.0.0.0");
    assert_eq!(
        lines(&server.log()).len(),
        0,
        "they have a file of their own"
    );
}

#[test]
fn a_request_that_nobody_waits_for_has_a_line_too() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), "", "");
    let mut stream = TcpStream::connect(server.addr).unwrap();
    let head = format!(
        "POST {LINK} HTTP/1.1\r\nHost: a\r\nAuthorization: {K}\r\nContent-Type: application/json\r\n\
         Content-Length: 1000\r\n\r\n{{\"identity"
    );
    stream.write_all(head.as_bytes()).unwrap();
    // Until the server waits for the rest.
    std::thread::sleep(std::time::Duration::from_millis(200));
    drop(stream);
    let line = wait_for("a line", || {
        lines(&server.log())
            .into_iter()
            .find(|line| line["method"] == "POST")
    });
    assert!(
        ["client_gone", "invalid"].contains(&line["outcome"].as_str().unwrap()),
        "{line}"
    );
    // One that asks over TLS or not, and is answered or not, is one line.
    let mut stream = TcpStream::connect(server.addr).unwrap();
    stream
        .write_all(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}
