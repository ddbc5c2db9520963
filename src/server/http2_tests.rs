//! The end of connections of HTTP/2, as their sockets show it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::testing::{SHORT, connect, settings, start};
use super::*;

/// The preface, SETTINGS, and an acknowledgment of the server's.
const PREFACE: &[u8] =
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";
const GOAWAY: u8 = 7;

fn served(change: impl FnOnce(&mut Settings)) -> Running {
    let mut settings = settings();
    settings.listeners[0].protocol = Protocol::Http2;
    change(&mut settings);
    start(settings)
}

fn open(running: &Running) -> TcpStream {
    let mut stream = connect(running.addresses()[0]);
    stream.write_all(PREFACE).unwrap();
    stream
}

/// GET of `/` at `a`, on this stream.
fn ask(stream: &mut TcpStream, id: u8) {
    let frame = [0, 0, 6, 1, 5, 0, 0, 0, id, 0x82, 0x86, 0x84, 0x41, 1, b'a'];
    stream.write_all(&frame).unwrap();
}

/// The next frame: its type, its flags, and its payload. PINGs are answered. None at the end.
fn next(stream: &mut TcpStream) -> Option<(u8, u8, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).ok()?;
    let [l2, l1, l0, kind, flags, ..] = head;
    let length = u32::from_be_bytes([0, l2, l1, l0]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut payload).ok()?;
    if kind == 6 && flags == 0 {
        let mut pong = vec![0, 0, 8, 6, 1, 0, 0, 0, 0];
        pong.extend(&payload);
        // Whoever has gone needs none.
        let _ = stream.write_all(&pong);
    }
    Some((kind, flags, payload))
}

/// Reads to the end, which must come in time and after a GOAWAY without an error.
fn ends(stream: &mut TcpStream, what: &str) {
    let begin = Instant::now();
    let mut said = false;
    while let Some((kind, _, payload)) = next(stream) {
        if kind == GOAWAY {
            assert_eq!(payload[4..8], [0; 4], "{what}");
            said = true;
        }
    }
    assert!(said, "{what}: it ended without a word");
    assert!(begin.elapsed() < Duration::from_secs(5), "{what}");
}

/// Reads to the end of an answer.
fn answered(stream: &mut TcpStream) {
    while let Some((kind, flags, _)) = next(stream) {
        assert_ne!(kind, GOAWAY);
        if kind <= 1 && flags & 1 != 0 {
            return;
        }
    }
    panic!("no answer");
}

#[test]
fn a_connection_without_an_open_stream_ends() {
    let running = served(|settings| settings.timeouts.idle = SHORT * 4);
    let mut silent = open(&running);
    ends(&mut silent, "nothing was asked");
    let mut busy = open(&running);
    let begin = Instant::now();
    for i in 0..8 {
        ask(&mut busy, 2 * i + 1);
        answered(&mut busy);
        std::thread::sleep(SHORT);
    }
    assert!(
        begin.elapsed() > SHORT * 8,
        "it was used for longer than it may idle"
    );
    ends(&mut busy, "nothing is asked any more");
}

#[test]
fn a_connection_ends_with_its_age_and_with_its_last_request() {
    let running = served(|settings| settings.timeouts.connection_age = SHORT);
    ends(&mut open(&running), "age");
    let running = served(|settings| settings.connection_requests = 2);
    let mut stream = open(&running);
    ask(&mut stream, 1);
    answered(&mut stream);
    ask(&mut stream, 3);
    ends(&mut stream, "requests");
}

#[test]
fn a_silent_peer_cannot_hold_a_drain() {
    let running = served(|settings| settings.timeouts.drain = SHORT);
    let mut talks = open(&running);
    let silent = open(&running);
    ask(&mut talks, 1);
    answered(&mut talks);
    let begin = Instant::now();
    assert!(running.shutdown());
    assert!(begin.elapsed() < Duration::from_secs(5));
    drop(silent);
}

/// With a budget of 100 and nothing that comes back.
#[test]
fn a_flood_is_told_and_ended_while_a_busy_client_goes_on() {
    let running = served(|_| {});
    let before = crate::edge::http2::counts()
        .ping
        .load(std::sync::atomic::Ordering::Relaxed);
    let ping = b"\0\0\x08\x06\0\0\0\0\0linkping";
    let mut flood = open(&running);
    flood.write_all(&ping.repeat(2000)).unwrap();
    let mut last = None;
    while let Some(frame) = next(&mut flood) {
        last = Some(frame);
    }
    let (kind, _, payload) = last.unwrap();
    assert_eq!((kind, &payload[4..8]), (GOAWAY, &[0, 0, 0, 11][..]));
    let counted = crate::edge::http2::counts()
        .ping
        .load(std::sync::atomic::Ordering::Relaxed);
    assert!(counted > before);
    let mut busy = open(&running);
    for i in 0..100 {
        ask(&mut busy, 2 * i + 1);
        answered(&mut busy);
        busy.write_all(&ping.repeat(10)).unwrap();
    }
    ask(&mut busy, 201);
    answered(&mut busy);
}
