//! Connections that are to end while somebody is about to ask: under pressure, in a drain, and after a GOAWAY.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::testing::{
    FakeBackend, KEY, LONG, SHORT, connect, link, read_some, settings, start, start_with,
};
use super::walk_tests::native;
use super::*;
use crate::backend::{Answer, Atomicity, BoxFuture};
use crate::model::{Operation, Outcome};

const GET: &[u8] = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

/// Waits until so many connections were taken in.
fn taken(running: &Running, n: usize) {
    let begin = Instant::now();
    while running.connections().used().0 < n {
        assert!(begin.elapsed() < LONG, "a connection was not taken in");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn rest(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn under_pressure_a_new_connection_gets_one_answer_and_not_none() {
    let mut large = settings();
    large.overload.memory = Some(1 << 50);
    let running = start(large);
    let mut stream = connect(running.addresses()[0]);
    taken(&running, 1);
    running
        .process
        .overload
        .observe((1 << 50) / 100 * 93, (0, 100));
    std::thread::sleep(SHORT / 3);
    running
        .process
        .overload
        .observe((1 << 50) / 100 * 93, (0, 100));
    stream.write_all(GET).unwrap();
    let answer = rest(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer:?}");
}

#[test]
fn a_head_that_is_on_its_way_when_the_drain_begins_is_answered() {
    let running = start(settings());
    let address = running.addresses()[0];
    let (mut kept, mut fresh) = (connect(address), connect(address));
    kept.write_all(GET).unwrap();
    assert!(read_some(&mut kept).starts_with("HTTP/1.1 404"));
    let (begin, end) = GET.split_at(9);
    kept.write_all(begin).unwrap();
    fresh.write_all(begin).unwrap();
    taken(&running, 2);
    std::thread::sleep(SHORT / 3);
    running.control().drain();
    // Longer than either of them may wait for a first byte.
    std::thread::sleep(Duration::from_millis(1300));
    for stream in [&mut kept, &mut fresh] {
        stream.write_all(end).unwrap();
        let answer = rest(stream);
        assert!(
            answer.starts_with("HTTP/1.1 404") && answer.contains("Connection: close"),
            "{answer:?}"
        );
    }
    assert!(running.wait());
}

#[test]
fn an_empty_line_behind_a_body_is_not_a_head_that_comes_slowly() {
    let mut quick = settings();
    quick.timeouts.head = SHORT;
    let running = start(quick);
    let mut stream = connect(running.addresses()[0]);
    for _ in 0..2 {
        stream.write_all(GET).unwrap();
        assert!(read_some(&mut stream).starts_with("HTTP/1.1 404"));
        stream.write_all(b"\r\n").unwrap();
        std::thread::sleep(SHORT * 2);
    }
}

#[test]
fn an_old_client_expects_nothing() {
    let running = start(settings());
    let mut stream = connect(running.addresses()[0]);
    let old = b"GET /x HTTP/1.0\r\nHost: a\r\nExpect: pony\r\n\r\n";
    stream.write_all(old).unwrap();
    let answer = rest(&mut stream);
    assert!(answer.contains(" 404 "), "{answer}");
}

#[test]
fn whoever_is_refused_by_its_head_is_not_asked_for_its_body() {
    let mut large = settings();
    large.overload.memory = Some(1 << 50);
    let running = start_with(large, vec![native()], Arc::new(FakeBackend::default()));
    let post = format!(
        "POST /linkbridge/v1/links HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n\
         Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"
    );
    let begin = Instant::now();
    // What is observed here may be corrected before the request is read: then once more.
    while begin.elapsed() < LONG {
        running.process.overload.observe(0, (0, 100));
        let mut stream = connect(running.addresses()[0]);
        taken(&running, 1);
        running.process.overload.observe(1 << 50, (0, 100));
        let _ = stream.write_all(post.as_bytes());
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        if answer.contains("HTTP/1.1 503") {
            assert!(!answer.contains("HTTP/1.1 100"), "{answer}");
            return;
        }
    }
    panic!("the request was never refused");
}

/// The preface, SETTINGS and its acknowledgment, then a request; not a single PONG.
#[test]
fn who_answers_no_ping_is_not_kept_after_the_last_word() {
    let mut settings = settings();
    settings.listeners[0].protocol = Protocol::Http2;
    settings.connection_requests = 1;
    settings.timeouts.idle = SHORT;
    let running = start(settings);
    let mut stream = connect(running.addresses()[0]);
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0")
        .unwrap();
    let ask = [0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84, 0x41, 1, b'a'];
    stream.write_all(&ask).unwrap();
    let begin = Instant::now();
    let _ = stream.read_to_end(&mut Vec::new());
    assert!(begin.elapsed() < Duration::from_secs(8), "it was kept");
}

/// Has very much to tell.
struct Talkative;

impl Backend for Talkative {
    fn apply(&self, _: Operation) -> BoxFuture<'_, Answer> {
        let told = |n: u32| crate::model::Link {
            display_name: Some("x".repeat(1 << 17)),
            ..link("google", &format!("ext-{n}"))
        };
        Box::pin(std::future::ready(Ok(Outcome::Links {
            links: (0..128).map(told).collect(),
            total: 128,
        })))
    }

    fn apply_all(&self, _: Vec<Operation>, _: Atomicity) -> BoxFuture<'_, Vec<Answer>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    fn ready(&self) -> bool {
        true
    }
}

/// More than all buffers on the way have room for is still to be sent when the connection has nothing else to
/// do; nor does what is refused behind it cut it off.
#[test]
fn a_connection_is_not_idle_while_its_answer_is_read_slowly() {
    let mut quick = settings();
    quick.timeouts.idle = SHORT;
    let running = start_with(quick, vec![native()], Arc::new(Talkative));
    let get = format!(
        "GET /linkbridge/v1/users/u-1@acme/links HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n\r\n"
    );
    for (behind, end) in [
        ("", "}"),
        ("GET /\n", "\"A line ends without a carriage return.\"}"),
    ] {
        let mut stream = connect(running.addresses()[0]);
        stream.write_all(get.as_bytes()).unwrap();
        stream.write_all(behind.as_bytes()).unwrap();
        std::thread::sleep(SHORT * 6);
        let answer = rest(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 200"), "{:.200}", answer);
        let length = answer.split("Content-Length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        assert!(
            answer.len() > length,
            "{behind:?}: {} of {length}",
            answer.len()
        );
        assert!(answer.ends_with(end), "{behind:?}");
    }
}
