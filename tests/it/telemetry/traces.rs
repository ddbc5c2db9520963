//! A trace goes through linkbridge: from the caller, over its own spans, to the IdP.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::support::client::Client;
use super::super::support::fault::{Act, Fault, Seen};
use super::super::support::fixtures::{A, K, LINK};
use super::otlp::{Collector, Span};
use super::{lines, start, wait_for};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Attributes that a span may have.
const ALLOWED: [&str; 13] = [
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "url.scheme",
    "server.address",
    "network.protocol.version",
    "error.type",
    "http.request.resend_count",
    "linkbridge.front",
    "linkbridge.op",
    "linkbridge.operation",
    "linkbridge.client",
    "linkbridge.request_id",
];

fn tables(collector: &str, idp: &str, more: &str) -> String {
    format!(
        "\n[traces]\nendpoint = \"{collector}\"\nallow_http = true\nallow_addresses = [\"127.0.0.1\"]\n{more}\n\
         [backend.upstream]\ndialect = \"fusionauth\"\nbase_url = \"{idp}\"\nallow_http = true\n\
         allow_addresses = [\"127.0.0.1\"]\ncredential = {{ kind = \"static\", token = \"file:token\" }}\n"
    )
}

fn find<'s>(spans: &'s [Span], name: &str) -> Vec<&'s Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

/// What was asked for requests that are traced.
fn traced(idp: &Fault) -> Vec<Seen> {
    let mut seen = idp.seen();
    seen.retain(|seen| seen.field("traceparent").is_some());
    seen
}

/// A directory with the secrets that the configuration refers to.
fn secrets() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    for name in ["token", "collector"] {
        let path = dir.path().join(name);
        std::fs::write(&path, format!("the-{name}")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    dir
}

#[test]
fn a_trace_goes_on_from_the_caller_to_the_idp() {
    let dir = secrets();
    let collector = Collector::start();
    // The first request of ours fails. What is asked at the start belongs to no request.
    let failed = AtomicBool::new(false);
    let idp = Fault::choosing(Box::new(move |seen: &Seen| {
        let is_ours = seen.field("traceparent").is_some();
        match is_ours && !failed.swap(true, Ordering::Relaxed) {
            true => Act::json(503, "{}"),
            false => Act::ok("{\"identityProviderLinks\":[]}"),
        }
    }));
    let headers = "headers = { Authorization = \"file:collector\" }";
    let server = start(dir.path(), "", &tables(&collector.0.url, &idp.url, headers));
    let mut client = Client::new(server.addr);
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let fields = [
        ("Authorization", K),
        ("traceparent", parent.as_str()),
        ("tracestate", "rojo=00f067aa0ba902b7"),
    ];
    let target = format!("{LINK}?userId={A}");
    assert_eq!(
        client.send("GET", &target, &fields, None).unwrap().status,
        200
    );

    let spans = wait_for("spans", || {
        let spans = collector.spans();
        let own: Vec<Span> = spans
            .into_iter()
            .filter(|span| span.trace == TRACE)
            .collect();
        own.iter()
            .any(|span| span.kind == "SPAN_KIND_SERVER")
            .then_some(own)
    });
    let root = find(&spans, &format!("GET {LINK}"))[0];
    assert_eq!(
        (root.parent.as_str(), root.kind.as_str()),
        (CALLER, "SPAN_KIND_SERVER")
    );
    assert_eq!(root.attribute("http.response.status_code"), Some("200"));
    assert_eq!(root.attribute("http.route"), Some(LINK));
    assert_eq!(root.attribute("linkbridge.front"), Some("fusionauth"));
    for name in ["admit", "body", "decode", "backend", "encode"] {
        let found = find(&spans, name);
        assert!(!found.is_empty(), "{name}: {spans:#?}");
        assert!(found.iter().all(|span| span.parent == root.id), "{name}");
    }
    let attempts = find(&spans, "upstream attempt");
    assert_eq!(attempts.len(), 2, "{spans:#?}");
    let call = find(&spans, "upstream call")[0];
    let ids: Vec<&str> = spans.iter().map(|span| span.id.as_str()).collect();
    assert!(ids.contains(&call.parent.as_str()));
    assert!(
        attempts
            .iter()
            .all(|span| span.parent == call.id && span.kind == "SPAN_KIND_CLIENT")
    );
    assert!(attempts[0].failed && !attempts[1].failed);
    for span in &spans {
        assert!(root.start <= span.start && span.start <= span.end && span.end <= root.end);
        assert_eq!(span.state, "rojo=00f067aa0ba902b7");
        let strange = span
            .attributes
            .iter()
            .find(|(key, _)| !ALLOWED.contains(&key.as_str()));
        assert_eq!(strange, None);
    }

    // Who is called is told which attempt it is, and who takes traces is shown the credential for that.
    let asked = traced(&idp);
    let told: Vec<&str> = asked
        .iter()
        .filter_map(|s| s.field("traceparent"))
        .collect();
    let expected: Vec<String> = attempts
        .iter()
        .map(|s| format!("00-{TRACE}-{}-01", s.id))
        .collect();
    assert_eq!(told, expected);
    assert_eq!(asked[0].field("tracestate"), Some("rojo=00f067aa0ba902b7"));
    let seen = collector.0.seen();
    assert!(
        seen[0].line().starts_with("POST /v1/traces "),
        "{}",
        seen[0].line()
    );
    assert_eq!(seen[0].field("authorization"), Some("the-collector"));
    assert_eq!(
        seen[0].field("content-type"),
        Some("application/x-protobuf")
    );

    let line = wait_for("a line", || {
        lines(&server.log())
            .into_iter()
            .find(|line| line["trace_id"] == TRACE)
    });
    assert_eq!(
        (&line["upstream_attempts"], &line["status"]),
        (&2.into(), &200.into())
    );
    assert_eq!(
        line["request_id"].as_str(),
        root.attribute("linkbridge.request_id")
    );
}

#[test]
fn what_the_caller_does_not_record_is_not_recorded_here_either() {
    let dir = secrets();
    let collector = Collector::start();
    let idp = Fault::start(vec![Act::ok("{\"identityProviderLinks\":[]}")]);
    let server = start(dir.path(), "", &tables(&collector.0.url, &idp.url, ""));
    let mut client = Client::new(server.addr);
    let target = format!("{LINK}?userId={A}");
    let other = "0af7651916cd43dd8448eb211c80319c";
    for (parent, state) in [
        (format!("00-{TRACE}-{CALLER}-00"), "a=b"),
        // Invalid: a new trace begins, and what vendors have said of the other one is gone.
        (format!("00-{other}-{CALLER}-01-x"), "a=b"),
    ] {
        let fields = [
            ("Authorization", K),
            ("traceparent", parent.as_str()),
            ("tracestate", state),
        ];
        assert_eq!(
            client.send("GET", &target, &fields, None).unwrap().status,
            200
        );
    }
    let told = traced(&idp);
    let [first, second] = told.as_slice() else {
        panic!("{told:?}");
    };
    let of_first = first.field("traceparent").unwrap();
    assert!(
        of_first.starts_with(&format!("00-{TRACE}-")) && of_first.ends_with("-00"),
        "{of_first}"
    );
    assert!(!of_first.contains(CALLER));
    let of_second = second.field("traceparent").unwrap();
    assert!(
        !of_second.contains(other) && of_second.ends_with("-01"),
        "{of_second}"
    );
    assert_eq!(second.field("tracestate"), None);
    let trace = of_second.split('-').nth(1).unwrap().to_owned();
    wait_for("the new trace", || {
        collector
            .spans()
            .into_iter()
            .find(|span| span.trace == trace)
    });
    assert!(
        collector
            .spans()
            .iter()
            .all(|span| span.trace != TRACE && span.trace != other)
    );
}

#[test]
fn a_collector_that_takes_nothing_costs_no_request_anything() {
    for act in [
        Act::SaysAndStalls(Vec::new()),
        Act::ClosesAtOnce,
        Act::status(503, ""),
        Act::status(401, ""),
    ] {
        let dir = secrets();
        let collector = Fault::start(vec![act.clone()]);
        let idp = Fault::start(vec![Act::ok("{\"identityProviderLinks\":[]}")]);
        let server = start(dir.path(), "", &tables(&collector.url, &idp.url, ""));
        let mut client = Client::new(server.addr);
        let target = format!("{LINK}?userId={A}");
        let began = Instant::now();
        for _ in 0..100 {
            assert_eq!(client.bare("GET", &target).unwrap().status, 200);
        }
        assert!(
            began.elapsed() < Duration::from_secs(15),
            "{act:?}: {:?}",
            began.elapsed()
        );
        // Batches are sent two seconds after their first span; it is noticed that nobody takes them.
        if let Act::Answers(..) = act {
            wait_for("a warning", || {
                server.log().contains("does not take traces").then_some(())
            });
        }
        assert!(!server.log().contains("the-collector"));
    }
}

#[test]
fn without_traces_nobody_is_told_of_one() {
    let dir = secrets();
    let idp = Fault::start(vec![Act::ok("{\"identityProviderLinks\":[]}")]);
    let tables = tables("http://127.0.0.1:9", &idp.url, "");
    let without = &tables[tables.find("[backend.upstream]").unwrap()..];
    let server = start(dir.path(), "", without);
    let mut client = Client::new(server.addr);
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let fields = [("Authorization", K), ("traceparent", parent.as_str())];
    client
        .send("GET", &format!("{LINK}?userId={A}"), &fields, None)
        .unwrap();
    assert!(traced(&idp).is_empty() && !idp.seen().is_empty());
    wait_for("a line", || {
        lines(&server.log())
            .into_iter()
            .find(|line| line["trace_id"] == TRACE)
    });
}
