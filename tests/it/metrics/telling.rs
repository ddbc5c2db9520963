//! What else the admin listener tells: health that turns with what it is about, and nothing that is secret.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::world::{PASSING, UPSTREAM_TOKEN, World};
use crate::support::client::Client;
use crate::support::fixtures::{HARNESS, K, TENANTS, USERS};

/// A link of a tenant, by the native API.
fn create(client: &mut Client, tenant: &str, subject: &str) -> u16 {
    let credential = format!("Bearer {HARNESS}");
    let headers = [
        ("Authorization", credential.as_str()),
        ("Linkbridge-Tenant", tenant),
        ("Content-Type", "application/json"),
    ];
    let (user, provider) = (USERS[0].key, "google");
    let link = json!({ "user_id": user, "provider_id": provider, "subject": subject, "token": "MARK-token" });
    let body = link.to_string();
    let sent = client.send(
        "POST",
        "/linkbridge/v1/links",
        &headers,
        Some(body.as_bytes()),
    );
    sent.unwrap().status
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn readiness_turns_with_the_upstream_and_with_the_drain_and_liveness_does_not() {
    let world = World::start();
    let mut client = world.client();
    assert_eq!(world.ask("/startupz", &[]).status, 200);
    assert_eq!(
        world.ask("/readyz", &[]).text(),
        "serving: ok\nbackend: ok\n"
    );
    assert_eq!(create(&mut client, TENANTS[0].key, "s"), 201);

    // The upstream refuses our credential: that is counted, and is our trouble, not the client's.
    assert_eq!(create(&mut client, TENANTS[1].key, "s"), 502);
    let metrics = world.metrics();
    let main = [("upstream", "main")];
    assert!(metrics.value("linkbridge_upstream_credential_refused_total", &main) >= 1.0);
    assert_eq!(
        metrics.value("linkbridge_upstream_breaker_open", &main),
        0.0
    );

    world.upstream_says(500);
    until("the circuit does not open", || {
        create(&mut world.client(), TENANTS[1].key, "s");
        world
            .metrics()
            .value("linkbridge_upstream_breaker_open", &main)
            == 1.0
    });
    let metrics = world.metrics();
    assert_eq!(
        metrics.value("linkbridge_upstream_breaker_opens_total", &main),
        1.0
    );
    assert_eq!(
        metrics.value("linkbridge_ready", &[("check", "backend")]),
        0.0
    );
    let ready = world.ask("/readyz?verbose", &[]);
    assert_eq!(ready.status, 503);
    assert!(
        ready.text().contains("backend: not ready: "),
        "{}",
        ready.text()
    );
    assert!(
        ready.text().contains("upstream main: it fails"),
        "{}",
        ready.text()
    );
    assert_eq!(world.ask("/livez", &[]).status, 200);
    // The other tenant is served all the same.
    assert_eq!(create(&mut client, TENANTS[0].key, "s-2"), 201);

    let pid = world.server.pid().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    until("the drain is not told", || {
        let ready = world.ask("/readyz", &[("Accept", "application/json")]);
        let ready = ready.json().unwrap();
        ready["checks"][0]["reason"] == "the server is about to drain"
    });
    assert_eq!(world.ask("/livez", &[]).status, 200);
}

#[test]
fn nothing_secret_and_nobody_is_told() {
    let world = World::start();
    let mut client = world.client();
    assert_eq!(create(&mut client, TENANTS[0].key, "MARK-subject"), 201);
    create(&mut client, TENANTS[1].key, "MARK-subject");
    let key_hash = "key_sha256\": \"***";
    let mut secrets: Vec<String> = [K, HARNESS, UPSTREAM_TOKEN, "MARK", USERS[0].key]
        .iter()
        .map(|text| (*text).to_owned())
        .collect();
    secrets.extend(
        TENANTS
            .iter()
            .flat_map(|t| t.ids.iter().flatten())
            .filter(|id| id.len() > 8)
            .map(|id| (*id).to_owned()),
    );
    for path in ["/metrics", "/configz", "/routes", "/readyz?verbose"] {
        let text = world.ask(path, &[]).text();
        assert!(text.len() > 20, "{path}");
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{path} tells {secret}");
        }
    }
    let config = world.ask("/configz", &[]);
    assert!(config.text().contains(key_hash), "{}", config.text());
    let config = config.json().unwrap();
    assert_eq!(config["version"].as_str().unwrap().len(), 16);
    assert!(config["mappings"]["linkbridge"].is_string());
    let given = &config["configuration"]["given"];
    assert_eq!(given["limits"]["source_rate"], "100000/s burst 100000");
    assert_eq!(given["client"][0]["name"], "super");
    assert_eq!(config["configuration"]["effective"]["body_bytes"], 262_144);
}

#[test]
fn routes_are_what_is_served() {
    let world = World::start();
    let routes = world.routes();
    let fronts = routes["fronts"].as_array().unwrap();
    let of = |name: &str| fronts.iter().find(|front| front["front"] == name).unwrap();
    let ops = of("linkbridge")["ops"].as_array().unwrap().clone();
    let create = ops
        .iter()
        .find(|op| op["operation"] == "link.create")
        .unwrap();
    assert_eq!(create["method"], "POST");
    assert_eq!(create["paths"], json!(["/linkbridge/v1/links"]));
    assert_eq!(create["credential"], true);
    let status = ops.iter().find(|op| op["operation"] == "status").unwrap();
    assert_eq!(status["credential"], false);
    assert!(of(PASSING)["passthrough"].is_string());
    assert!(of("linkbridge")["passthrough"].is_null());
    let calls = of("zitadel-v2")["ops"].as_array().unwrap().clone();
    let calls = calls
        .iter()
        .flat_map(|op| op["calls"].as_array().unwrap().clone());
    let calls: Vec<_> = calls.collect();
    assert!(
        calls.contains(&json!("zitadel.user.v2.UserService/AddIDPLink")),
        "{calls:?}"
    );
}

#[test]
fn both_formats_tell_the_same() {
    let world = World::start();
    let text = world.ask("/metrics", &[]);
    assert_eq!(
        text.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let accept = "application/openmetrics-text;version=1.0.0;q=0.7,text/plain;version=0.0.4;q=0.3";
    let open = world.ask("/metrics", &[("Accept", accept)]);
    let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(open.header("content-type"), Some(media));
    assert!(open.text().ends_with("\n# EOF\n"));
    let names = |text: &str| -> Vec<String> {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples
            .map(|l| l.rsplit_once(' ').unwrap().0.to_owned())
            .collect()
    };
    assert_eq!(names(&text.text()), names(&open.text()));
    let plain = world.ask(
        "/metrics",
        &[("Accept", "application/openmetrics-text;q=0")],
    );
    assert_eq!(plain.header("content-type"), text.header("content-type"));
}

/// A judge from outside, where it is at hand: the parsers of the official Python client.
#[test]
#[ignore = "wants Python with prometheus_client; .ci/run has it"]
fn the_official_parsers_read_both_formats() {
    let world = World::start();
    for (accept, parser) in [
        ("text/plain", "prometheus_client.parser"),
        (
            "application/openmetrics-text",
            "prometheus_client.openmetrics.parser",
        ),
    ] {
        let text = world.ask("/metrics", &[("Accept", accept)]).text();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("metrics");
        std::fs::write(&file, &text).unwrap();
        let script = format!(
            "import sys\nfrom {parser} import text_string_to_metric_families as read\n\
             found = list(read(open(sys.argv[1]).read()))\nassert len(found) > 40, len(found)\n\
             assert all(f.documentation for f in found)"
        );
        let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        let done = Command::new(python)
            .args(["-c", &script])
            .arg(&file)
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
    let Some(promtool) = std::env::var_os("PROMTOOL") else {
        eprintln!("SKIPPED: PROMTOOL names no promtool");
        return;
    };
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations/alerts.yaml");
    let checked = Command::new(&promtool)
        .args(["check", "rules", rules])
        .output()
        .unwrap();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("metrics");
    std::fs::write(&file, world.ask("/metrics", &[]).body).unwrap();
    let linted = Command::new(&promtool)
        .args(["check", "metrics"])
        .stdin(std::fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    assert!(
        linted.status.success(),
        "{}",
        String::from_utf8_lossy(&linted.stderr)
    );
}

#[test]
fn connections_are_counted_where_they_come() {
    let world = World::start();
    let at = world.tls.to_string();
    let (listener, tls) = (
        [("listener", at.as_str())],
        [("listener", at.as_str()), ("protocol", "tls")],
    );
    let before = world.metrics();
    assert_eq!(
        before.value("linkbridge_connections_accepted_total", &tls),
        0.0
    );
    let ends = before.value("linkbridge_tls_certificate_not_after_seconds", &listener);
    assert!(ends > 1.7e9, "{ends}");
    // One says nothing and goes, one speaks no TLS.
    drop(TcpStream::connect(world.tls).unwrap());
    let mut plain = TcpStream::connect(world.tls).unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let _ = plain.read_to_end(&mut Vec::new());
    let failed = |reason: &str| {
        let labels = [listener[0], ("reason", reason)];
        world
            .metrics()
            .value("linkbridge_tls_handshake_failures_total", &labels)
    };
    until("handshakes are not counted", || {
        failed("refused") == 1.0 && failed("broken_off") == 1.0
    });
    until("connections stay open", || {
        world.metrics().value("linkbridge_connections_open", &tls) == 0.0
    });
    let after = world.metrics();
    assert_eq!(
        after.value("linkbridge_connections_accepted_total", &tls),
        2.0
    );

    let at = world.server.addr.to_string();
    let labels = [("listener", at.as_str()), ("protocol", "http/1")];
    let open = |world: &World| {
        world
            .metrics()
            .value("linkbridge_connections_open", &labels)
    };
    let first = open(&world);
    let held: Vec<TcpStream> = (0..5)
        .map(|_| TcpStream::connect(world.server.addr).unwrap())
        .collect();
    until("connections are not open", || open(&world) >= first + 5.0);
    drop(held);
    until("connections stay open", || open(&world) <= first);
}
