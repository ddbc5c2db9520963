//! A server as its sockets show it: heads, deadlines, limits, the end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::testing::{LONG, SHORT, connect, exchange, read_some, settings, start};
use super::*;

#[test]
fn a_path_that_nobody_serves_is_a_problem_document() {
    let running = start(settings());
    let answer = exchange(
        running.addresses()[0],
        "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
    assert!(
        answer.contains("application/problem+json") && answer.contains("nosniff"),
        "{answer}"
    );
    assert!(!answer.to_lowercase().contains("\r\nserver:"), "{answer}");
}

#[test]
fn a_refused_head_ends_the_connection() {
    let running = start(settings());
    for (head, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "404"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: pony\r\nContent-Length: 1\r\n\r\n",
            "417",
        ),
        ("FROB / HTTP/1.1\r\nHost: a\r\n\r\n", "501"),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "421"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "501",
        ),
    ] {
        // `exchange` comes back only if the server closes.
        let answer = exchange(running.addresses()[0], head);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{head:?} -> {answer:?}"
        );
    }
}

#[test]
fn an_early_answer_never_leaves_a_body_to_be_read_as_the_next_request() {
    let running = start(settings());
    let smuggled = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = exchange(running.addresses()[0], smuggled);
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(answer.contains("Connection: close"), "{answer}");
}

#[test]
fn silent_and_slow_connections_end() {
    let mut quick = settings();
    quick.timeouts.first_byte = SHORT;
    quick.timeouts.head = SHORT;
    let running = start(quick);
    for (sent, answer) in [("", ""), ("GET / HTT", "HTTP/1.1 408 ")] {
        let begin = Instant::now();
        let answered = exchange(running.addresses()[0], sent);
        assert!(answered.starts_with(answer) && answered.is_empty() == answer.is_empty());
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "{sent:?} was held"
        );
    }
    // Between two requests neither of the two timers runs.
    let mut stream = connect(running.addresses()[0]);
    for _ in 0..2 {
        stream
            .write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        assert!(read_some(&mut stream).starts_with("HTTP/1.1 404"));
        std::thread::sleep(SHORT * 3);
    }
}

#[test]
fn connections_over_the_limit_are_closed_and_room_comes_back() {
    let running = start(Settings {
        connections_per_source: 1,
        ..settings()
    });
    let mut first = connect(running.addresses()[0]);
    first
        .write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    assert!(read_some(&mut first).starts_with("HTTP/1.1 404"));
    let mut second = connect(running.addresses()[0]);
    assert!(matches!(second.read(&mut [0; 1]), Ok(0) | Err(_)));
    drop(first);
    let begin = Instant::now();
    while begin.elapsed() < LONG {
        let mut third = connect(running.addresses()[0]);
        let _ = third.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let mut answer = String::new();
        if third.read_to_string(&mut answer).is_ok() && !answer.is_empty() {
            return;
        }
    }
    panic!("the place of a closed connection was not given back");
}

#[test]
fn a_drain_ends_idle_connections_and_the_server() {
    let running = start(settings());
    let (address, admin) = (running.addresses()[0], running.admin_address().unwrap());
    assert!(
        exchange(
            admin,
            "GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        .contains(" 200 ")
    );
    let mut idle = connect(address);
    idle.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    assert!(read_some(&mut idle).starts_with("HTTP/1.1 404"));
    let begin = Instant::now();
    assert!(running.shutdown());
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_leaving_server_is_not_ready_but_still_serves() {
    let mut patient = settings();
    patient.timeouts.drain_delay = LONG;
    let running = start(patient);
    running.control().drain();
    let ready = exchange(
        running.admin_address().unwrap(),
        "GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert!(ready.contains(" 503 "), "{ready}");
    assert!(
        exchange(
            running.addresses()[0],
            "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        .contains("404")
    );
    // A second signal does not wait.
    running.control().abort();
    assert!(running.wait());
}

#[test]
fn a_stalled_connection_cannot_hold_a_drain_for_ever() {
    let mut hurried = settings();
    hurried.timeouts.drain = SHORT;
    let running = start(hurried);
    let mut stalled = connect(running.addresses()[0]);
    stalled.write_all(b"GET /x HT").unwrap();
    let begin = Instant::now();
    assert!(running.shutdown());
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_http2_listener_speaks_nothing_else() {
    let mut h2 = settings();
    h2.listeners[0].protocol = Protocol::Http2;
    let running = start(h2);
    let mut stream = connect(running.addresses()[0]);
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(frame[3], 4, "the first frame is SETTINGS");
    let answer = {
        let mut stream = connect(running.addresses()[0]);
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        bytes
    };
    assert!(!answer.starts_with(b"HTTP/1.1"));
}

#[test]
fn half_an_http2_preface_does_not_hold_a_connection() {
    let mut quick = settings();
    quick.listeners[0].protocol = Protocol::Http2;
    quick.timeouts.first_byte = SHORT;
    let running = start(quick);
    let address = running.addresses()[0];
    for sent in ["", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
        let begin = Instant::now();
        let mut stream = connect(address);
        // In two pieces, since a new piece must not begin the wait anew.
        let (first, second) = sent.split_at(sent.len() / 2);
        stream.write_all(first.as_bytes()).unwrap();
        std::thread::sleep(SHORT / 3);
        stream.write_all(second.as_bytes()).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "{sent:?} was held"
        );
    }
    // A complete one, in pieces, is served for longer than that.
    let mut stream = connect(address);
    stream.write_all(b"PRI * HTTP/2.0\r\n").unwrap();
    std::thread::sleep(SHORT / 3);
    stream
        .write_all(b"\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .unwrap();
    std::thread::sleep(SHORT * 3);
    let ping = b"\0\0\x08\x06\0\0\0\0\0linkping";
    stream.write_all(ping).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"linkping") {
        let mut byte = [0; 1];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
}

#[test]
fn under_pressure_idle_connections_end_and_busy_ones_stay() {
    let running = start(Settings {
        connections: 10,
        ..settings()
    });
    let ask = |stream: &mut TcpStream| {
        stream
            .write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        assert!(read_some(stream).starts_with("HTTP/1.1 404"));
    };
    let mut open: Vec<_> = (0..9).map(|_| connect(running.addresses()[0])).collect();
    open.iter_mut().for_each(ask);
    let mut busy = open.pop().unwrap();
    let begin = Instant::now();
    let counts = running.overload();
    while counts.connections_ended.load(Ordering::Relaxed) == 0 {
        assert!(begin.elapsed() < LONG, "idle connections were kept");
        ask(&mut busy);
        std::thread::sleep(Duration::from_millis(20));
    }
    ask(&mut busy);
    // As many as give room again; one of them is seen to be at its end.
    let is_over = |idle: &mut TcpStream| {
        idle.set_read_timeout(Some(SHORT)).unwrap();
        matches!(idle.read(&mut [0; 1]), Ok(0))
    };
    assert!(open.iter_mut().any(is_over));
}

#[test]
fn at_the_end_of_its_memory_the_server_takes_no_connections_and_still_tells_its_health() {
    let mut small = settings();
    small.overload.memory = Some(1);
    let running = start(small);
    let begin = Instant::now();
    let counts = running.overload();
    while counts.connections_refused.load(Ordering::Relaxed) == 0 {
        assert!(begin.elapsed() < LONG, "connections were taken");
        let mut stream = connect(running.addresses()[0]);
        let _ = stream.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let _ = stream.read(&mut [0; 1024]);
    }
    let alive = exchange(
        running.admin_address().unwrap(),
        "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert!(alive.contains(" 200 "), "{alive}");
}
