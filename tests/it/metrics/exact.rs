//! What is counted is what was sent and answered.

use std::collections::BTreeMap;
use std::thread;

use serde_json::{Value, json};

use super::exposition::Exposition;
use super::world::{PASSING, SAID, World};
use crate::support::client::{Answer, Client};
use crate::support::fixtures::{K, TENANTS};

const REQUESTS: &str = "linkbridge_requests_total";
const RECEIVED: &str = "linkbridge_request_body_bytes_total";
const SENT: &str = "linkbridge_response_body_bytes_total";

/// What has come to a metric between two readings.
fn grown(before: &Exposition, after: &Exposition, name: &str, labels: &[(&str, &str)]) -> u64 {
    let grown = after.sum(name, labels) - before.sum(name, labels);
    assert!(grown >= 0.0, "{name} has fallen");
    grown as u64
}

struct Sent {
    answer: Answer,
    body: usize,
}

fn send(client: &mut Client, method: &str, target: &str, key: &str, body: Option<&str>) -> Sent {
    let credential = format!("Bearer {key}");
    let headers = [
        ("Authorization", credential.as_str()),
        ("Linkbridge-Tenant", TENANTS[0].key),
        ("Content-Type", "application/json"),
    ];
    let bytes = body.map(str::as_bytes);
    Sent {
        answer: client.send(method, target, &headers, bytes).unwrap(),
        body: body.map_or(0, str::len),
    }
}

/// A request of the native front that the outcome of is known: method, path, key, body, operation, outcome.
type Case<'c> = (&'c str, &'c str, &'c str, Option<String>, &'c str, &'c str);

#[test]
fn requests_outcomes_and_bytes_are_exact() {
    let world = World::start();
    let link = |subject: &str| {
        let link = json!({ "user_id": "u-1", "provider_id": "google", "subject": subject });
        Some(link.to_string())
    };
    let users = "/linkbridge/v1/users/u-1";
    let links = "/linkbridge/v1/links";
    let listed = "/linkbridge/v1/users/u-1/links";
    let large = Some(format!("{{\"x\":\"{}\"}}", "y".repeat(300_000)));
    let cases: Vec<Case<'_>> = vec![
        ("PUT", users, K, Some("{}".to_owned()), "user.put", "ok"),
        ("POST", links, K, link("s-1"), "link.create", "ok"),
        ("POST", links, K, link("s-2"), "link.create", "ok"),
        (
            "POST",
            links,
            K,
            Some("{".to_owned()),
            "link.create",
            "invalid",
        ),
        (
            "POST",
            links,
            "wrong",
            link("s-3"),
            "link.create",
            "unauthenticated",
        ),
        ("POST", links, K, large, "link.create", "too_large"),
        ("GET", listed, K, None, "link.list", "ok"),
        ("GET", listed, K, None, "link.list", "ok"),
        (
            "GET",
            "/linkbridge/v1/nothing/of/that",
            K,
            None,
            "none",
            "route_unknown",
        ),
        ("PATCH", links, K, None, "none", "method_not_allowed"),
    ];
    let before = world.metrics();
    let mut expected: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let (mut received, mut sent) = (0, 0);
    for (method, target, key, body, operation, outcome) in &cases {
        // A refused body may end the connection, so that each has its own.
        let done = send(&mut world.client(), method, target, key, body.as_deref());
        let was_read = matches!(*outcome, "ok" | "invalid");
        received += if was_read { done.body as u64 } else { 0 };
        sent += done.answer.body.len() as u64;
        *expected.entry((operation, outcome)).or_default() += 1;
    }
    let after = world.metrics();
    for ((operation, outcome), count) in &expected {
        let labels = [
            ("front", "linkbridge"),
            ("operation", *operation),
            ("outcome", *outcome),
        ];
        assert_eq!(
            grown(&before, &after, REQUESTS, &labels),
            *count,
            "{labels:?}"
        );
        let labels = [("front", "linkbridge"), ("operation", *operation)];
        let requests = grown(&before, &after, REQUESTS, &labels);
        let timed = "linkbridge_request_duration_seconds_count";
        assert_eq!(
            grown(&before, &after, timed, &labels),
            requests,
            "{labels:?}"
        );
    }
    let front = [("front", "linkbridge")];
    assert_eq!(grown(&before, &after, REQUESTS, &front), cases.len() as u64);
    assert_eq!(grown(&before, &after, RECEIVED, &front), received);
    assert_eq!(grown(&before, &after, SENT, &front), sent);
    assert_eq!(grown(&before, &after, REQUESTS, &[]), cases.len() as u64);
    // Seven of them come from the one who has the key, and are read; one guesses.
    let judged = |result| {
        let labels = [("credential", "key"), ("result", result)];
        grown(&before, &after, "linkbridge_authentications_total", &labels)
    };
    assert_eq!(judged("ok"), 7);
    let guessed = [("credential", "issued_token"), ("result", "refused")];
    assert_eq!(
        grown(
            &before,
            &after,
            "linkbridge_authentications_total",
            &guessed
        ),
        1
    );
    let of_client = [("client", "super")];
    assert_eq!(
        grown(
            &before,
            &after,
            "linkbridge_client_requests_total",
            &of_client
        ),
        7
    );
    assert_eq!(
        grown(
            &before,
            &after,
            "linkbridge_store_group_operations_sum",
            &[]
        ),
        3
    );
    assert_eq!(grown(&before, &after, "linkbridge_panics_total", &[]), 0);
    assert_eq!(after.value("linkbridge_requests_in_flight", &[]), 0.0);
    assert_eq!(after.value("linkbridge_store_writes_waiting", &[]), 0.0);
}

/// Every path of every front, by its inventory: what is counted for a front is what was sent to it.
#[test]
fn every_front_counts_its_own_requests() {
    let world = World::start();
    let routes = world.routes();
    let fronts = routes["fronts"].as_array().unwrap();
    let before = world.metrics();
    let mut sent: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut classes: BTreeMap<(&str, u16), u64> = BTreeMap::new();
    let mut client = world.client();
    for front in fronts {
        let name = front["front"].as_str().unwrap();
        for (method, path) in paths(front) {
            let body = (method != "GET").then_some("{}");
            let answer = send(&mut client, &method, &path, K, body).answer;
            let count = sent.entry(name).or_default();
            count.0 += 1;
            count.1 += if method == "HEAD" {
                0
            } else {
                answer.body.len() as u64
            };
            *classes.entry((name, answer.status / 100)).or_default() += 1;
        }
    }
    let after = world.metrics();
    assert!(
        sent.len() > 5 && sent.values().all(|(count, _)| *count > 0),
        "{sent:?}"
    );
    for (name, (count, bytes)) in &sent {
        let front = [("front", *name)];
        assert_eq!(grown(&before, &after, REQUESTS, &front), *count, "{name}");
        assert_eq!(grown(&before, &after, SENT, &front), *bytes, "{name}");
    }
    for ((name, class), count) in &classes {
        let class = format!("{class}xx");
        let labels = [("front", *name), ("class", class.as_str())];
        let told = grown(&before, &after, "linkbridge_responses_total", &labels);
        assert_eq!(told, *count, "{labels:?}");
    }
}

/// The methods and paths of a front, with something in every place.
fn paths(front: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for op in front["ops"].as_array().unwrap() {
        let method = op["method"].as_str().unwrap();
        for path in op["paths"].as_array().unwrap() {
            let parts = path.as_str().unwrap().split('/').map(|part| match part {
                part if part.starts_with('{') => "x",
                part => part,
            });
            let path: Vec<&str> = parts.collect();
            found.push((method.to_owned(), path.join("/")));
        }
    }
    found
}

#[test]
fn what_is_passed_on_is_counted_with_its_bytes() {
    let world = World::start();
    let before = world.metrics();
    for body in ["", "four", "some more than that"] {
        let headers = [("Authorization", K)];
        let answer = world
            .client()
            .send("POST", "/api/theme/x", &headers, Some(body.as_bytes()))
            .unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, SAID));
    }
    let labels = [("front", PASSING), ("operation", "passthrough")];
    let ok = [labels[0], labels[1], ("outcome", "ok")];
    // An exchange ends a moment after its client has read the last byte.
    let began = std::time::Instant::now();
    let mut after = world.metrics();
    while after.value("linkbridge_passthrough_in_flight", &labels[..1]) > 0.0
        && began.elapsed() < std::time::Duration::from_secs(5)
    {
        thread::sleep(std::time::Duration::from_millis(5));
        after = world.metrics();
    }
    assert_eq!(grown(&before, &after, REQUESTS, &ok), 3);
    assert_eq!(grown(&before, &after, RECEIVED, &labels), 23);
    assert_eq!(grown(&before, &after, SENT, &labels), 3 * SAID.len() as u64);
    assert_eq!(
        after.value("linkbridge_passthrough_in_flight", &labels[..1]),
        0.0
    );
}

#[test]
fn many_at_once_lose_no_count_while_others_read() {
    let world = World::start();
    let before = world.metrics();
    let (threads, each) = (6, 60);
    thread::scope(|scope| {
        for n in 0..threads {
            let world = &world;
            scope.spawn(move || {
                let mut client = world.client();
                for i in 0..each {
                    let link = json!({ "user_id": format!("u-{n}"), "provider_id": "google", "subject": format!("s-{n}-{i}") });
                    let sent = send(&mut client, "POST", "/linkbridge/v1/links", K, Some(&link.to_string()));
                    assert_eq!(sent.answer.status, 201);
                }
            });
        }
        for _ in 0..2 {
            // Reading checks that ranges are consistent, each time.
            scope.spawn(|| (0..15).for_each(|_| drop(world.metrics())));
        }
    });
    let after = world.metrics();
    let labels = [
        ("front", "linkbridge"),
        ("operation", "link.create"),
        ("outcome", "ok"),
    ];
    assert_eq!(grown(&before, &after, REQUESTS, &labels), threads * each);
    let operations = "linkbridge_store_group_operations_sum";
    assert_eq!(grown(&before, &after, operations, &[]), threads * each);
}
