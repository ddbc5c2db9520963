use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::server::testing::{FakeBackend, connect, exchange, settings, start_observed};
use crate::server::{Observed, Running};
use std::io::{Read as _, Write as _};

fn running(observed: Observed) -> (Running, SocketAddr) {
    let backend = Arc::new(FakeBackend::default());
    let running = start_observed(settings(), Vec::new(), backend, observed);
    let admin = running.admin_address().unwrap();
    (running, admin)
}

fn get(admin: SocketAddr, method: &str, target: &str, more: &str) -> (u16, String, String) {
    let request =
        format!("{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{more}\r\n");
    let answer = exchange(admin, &request);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

#[test]
fn every_path_answers_get_and_head_and_nothing_else() {
    let (_running, admin) = running(Observed::default());
    std::thread::sleep(Duration::from_millis(100));
    for path in [
        "/livez",
        "/readyz",
        "/startupz",
        "/metrics",
        "/configz",
        "/routes",
    ] {
        let (status, _, body) = get(admin, "GET", path, "");
        assert_eq!(status, 200, "{path}: {body}");
        let (status, head, body) = get(admin, "HEAD", path, "");
        assert_eq!((status, body.as_str()), (200, ""), "{path}: {head}");
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let (status, head, _) = get(admin, method, path, "");
            assert_eq!(status, 405, "{method} {path}");
            assert!(head.contains("allow: get, head"), "{head}");
        }
    }
    for path in ["/", "/metrics/", "/metricsz", "/livez/x", "//livez"] {
        assert_eq!(get(admin, "GET", path, "").0, 404, "{path}");
    }
}

#[test]
fn checks_decide_on_readiness_and_say_why() {
    let check = |name: &str, is_needed, result: Result<(), &str>| Check {
        name: name.to_owned(),
        is_needed,
        ask: {
            let result = result.map_err(str::to_owned);
            Box::new(move || result.clone())
        },
    };
    let (_good, admin) = running(Observed {
        checks: vec![
            check("extra", true, Ok(())),
            check("told", false, Err("gone")),
        ],
        ..Observed::default()
    });
    let (status, _, body) = get(admin, "GET", "/readyz", "");
    assert_eq!(
        (status, body.as_str()),
        (200, "serving: ok\nbackend: ok\nextra: ok\n")
    );
    let (_, _, body) = get(admin, "GET", "/readyz?verbose", "");
    assert!(
        body.ends_with("told: gone (is served all the same)\n"),
        "{body}"
    );
    let (_bad, admin) = running(Observed {
        checks: vec![check("extra", true, Err("broken"))],
        ..Observed::default()
    });
    let (status, _, body) = get(admin, "GET", "/readyz", "");
    assert_eq!(status, 503);
    assert!(body.ends_with("extra: not ready: broken\n"), "{body}");
    let (status, head, body) = get(admin, "GET", "/readyz", "Accept: application/json\r\n");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["ready"]), (503, &serde_json::json!(false)));
    assert!(head.contains("content-type: application/json"));
    assert_eq!(body["checks"][2]["reason"], "broken");
}

#[test]
fn a_reading_that_hangs_does_not_keep_health_from_answering() {
    let observed = Observed::default();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let stopped = std::sync::Mutex::new(stopped);
    observed
        .registry
        .counter("lb_hang_total", "Hangs.", &[], move || {
            let _ = stopped
                .lock()
                .unwrap()
                .recv_timeout(Duration::from_secs(20));
            0
        });
    let (running, admin) = running(observed);
    let mut hanging = connect(admin);
    hanging
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let begin = Instant::now();
    assert_eq!(get(admin, "GET", "/livez", "").0, 200);
    assert_eq!(get(admin, "GET", "/readyz", "").0, 200);
    assert!(begin.elapsed() < Duration::from_secs(5));
    // Nor does it hold up the end.
    assert!(running.shutdown());
    assert!(begin.elapsed() < Duration::from_secs(10));
    drop(stop);
}

#[test]
fn silent_peers_do_not_keep_the_place_for_ever() {
    let (_running, admin) = running(Observed::default());
    let silent: Vec<_> = (0..CONNECTIONS).map(|_| connect(admin)).collect();
    let begin = Instant::now();
    assert_eq!(get(admin, "GET", "/livez", "").0, 200);
    assert!(begin.elapsed() < HEAD + Duration::from_secs(3));
    for mut peer in silent {
        assert!(matches!(peer.read(&mut [0; 1]), Ok(0) | Err(_)));
    }
}
