//! Whatever is sent, there are no more series than the configuration makes possible, and none has a word of it.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use linkbridge::mapping::builtin;
use linkbridge::model::{FailureKind, OperationKind};

use super::world::World;

const MARK: &str = "hostile";

/// Requests that differ in their words only: `n` is in each of their places.
fn requests(n: u32) -> Vec<String> {
    let mark = format!("{MARK}{n}");
    let head = |method: &str, target: &str, more: &str| {
        format!("{method} {target} HTTP/1.1\r\nHost: a.example\r\n{more}Connection: close\r\n\r\n")
    };
    let key = format!("Authorization: Bearer {mark}\r\n");
    let mut all = vec![
        head("GET", &format!("/{mark}/{mark}"), &key),
        head("GET", &format!("/api/identity-provider/{mark}"), &key),
        head("GET", &format!("/linkbridge/v1/{mark}"), &key),
        head("GET", &format!("/linkbridge/v1/users/{mark}/links"), &key),
        head(
            "GET",
            &format!("/linkbridge/v1/users/{mark}/links"),
            &format!("{key}Linkbridge-Tenant: {mark}\r\n"),
        ),
        head("DELETE", &format!("/linkbridge/v1/links/{mark}"), ""),
        head(
            "POST",
            &format!("/{mark}.Service/{mark}"),
            "Content-Type: application/grpc-web\r\nContent-Length: 0\r\n",
        ),
        head(
            "POST",
            &format!("/zitadel.user.v2.UserService/{mark}"),
            "Content-Type: application/json\r\nContent-Length: 0\r\n",
        ),
        head(&mark.to_uppercase(), "/linkbridge/v1/links", &key),
        head("GET", &format!("/linkbridge/v1/links?{mark}={mark}"), &key),
        head("GET", "/%2e%2e/x", &key),
        format!("GET / HTTP/1.1\r\nHost: {mark}.example\r\nConnection: close\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {mark}.example\r\nHost: b\r\nConnection: close\r\n\r\n"),
        format!(
            "GET http://{mark}.example/ HTTP/1.1\r\nHost: c.example\r\nConnection: close\r\n\r\n"
        ),
        format!("CONNECT {mark}:443 HTTP/1.1\r\nHost: {mark}:443\r\n\r\n"),
        head("GET", "/", &format!("Expect: {mark}\r\n")),
        head("GET", &format!("/{}", mark.repeat(1200)), ""),
    ];
    all.push(head(
        "GET",
        "/linkbridge/v1/status",
        &format!("X-{mark}: {mark}\r\n"),
    ));
    all
}

fn send(addr: SocketAddr, request: &str) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let _ = stream.write_all(request.as_bytes());
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn series_are_bounded_whatever_is_sent() {
    let world = World::start();
    let round = |n| requests(n).iter().for_each(|r| send(world.server.addr, r));
    round(0);
    let before = world.metrics().series();
    (1..30).for_each(round);
    let after = world.metrics();
    let new: Vec<_> = after.series().difference(&before).cloned().collect();
    assert!(new.is_empty(), "{new:?}");

    let fronts: BTreeSet<&str> = builtin::SOURCES.iter().map(|(name, _)| *name).collect();
    for (name, labels) in after.series() {
        for (label, value) in labels {
            let lower = value.to_ascii_lowercase();
            assert!(!lower.contains(MARK), "{name} {label}={value:?}");
            let is_known = match label.as_str() {
                "front" => value == "none" || fronts.contains(value.as_str()),
                "operation" => {
                    matches!(value.as_str(), "none" | "passthrough")
                        || OperationKind::named(&value).is_some()
                }
                "outcome" => {
                    let beside = ["ok", "head_refused", "body_too_slow", "loop", "protocol"];
                    beside.contains(&value.as_str()) || FailureKind::named(&value).is_some()
                }
                _ => true,
            };
            assert!(is_known, "{name} {label}={value:?}");
        }
    }
    let sent = requests(0).len() as f64 * 30.0;
    let counted = after.sum("linkbridge_requests_total", &[]);
    // What hyper itself refuses does not come to be a request.
    assert!(counted > sent * 0.6, "{counted} of {sent}");
    assert_eq!(after.value("linkbridge_panics_total", &[]), 0.0);
    let unread = after.sum("linkbridge_http1_refused_total", &[]);
    assert!(after.sum("linkbridge_head_faults_total", &[]) + unread >= 60.0);
}
