//! The guard over bytes, with a clock that is moved by hand.

use std::time::Duration;

use tokio::time::Instant;

use super::frames::*;
use super::guard::Guard;
use super::{Allowance, Fault, Settings};

const SECOND: Duration = Duration::from_secs(1);
const SETTINGS_OF_TESTS: Settings = Settings {
    frames: Allowance {
        burst: 2000,
        each: Duration::from_millis(10),
    },
    streams: 100,
    stall: Duration::from_secs(15),
    head: Duration::from_secs(10),
};
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A connection whose preface has come.
struct Connection {
    guard: Guard,
    now: Instant,
}

impl Connection {
    fn new() -> Self {
        let now = Instant::now();
        let mut guard = Guard::new(SETTINGS_OF_TESTS, now);
        guard
            .received(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", now)
            .unwrap();
        guard.received(&frame(SETTINGS, 0, 0, &[]), now).unwrap();
        // What that cost has come back.
        let now = now + SECOND;
        Self { guard, now }
    }

    fn gets(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<(), Fault> {
        self.guard
            .received(&frame(kind, flags, stream, payload), self.now)
    }

    fn says(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.guard
            .sent(&frame(kind, flags, stream, payload), self.now);
    }

    /// A request without a body.
    fn asks(&mut self, stream: u32) {
        self.gets(HEADERS, END_STREAM | END_HEADERS, stream, b"x")
            .unwrap();
    }

    /// How many of these frames pass at once.
    fn passes(&mut self, kind: u8, flags: u8, payload: &[u8]) -> usize {
        let n = (0..100_000).take_while(|_| self.gets(kind, flags, 1, payload).is_ok());
        n.count()
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

fn window(by: u32) -> [u8; 4] {
    by.to_be_bytes()
}

#[test]
fn every_flood_comes_to_its_end() {
    for (kind, flags, payload, passes) in [
        (PING, 0, &[0; 8][..], 2000),
        (PING, 1, &[0; 8], 2000),
        (PRIORITY, 0, &[0; 5], 2000),
        (RST_STREAM, 0, &[0; 4], 2000),
        (WINDOW_UPDATE, 0, &[0; 4], 2000),
        (CONTINUATION, 0, &[], 2000),
        (SETTINGS, 0, &[], 500),
        (SETTINGS, 1, &[], 2000),
        (DATA, 0, &[], 2000),
        (DATA, 0, &[0; 255], 2000),
        (DATA, 8, &[0; 300], 2000),
        (0xbb, 0, &[], 2000),
        // Their size is bounded by nothing else.
        (0xbb, 0, &[0; 16_384], 2000 / 17),
        (SETTINGS, 0, &[0; 6 * 1000], 2000 / 97),
    ] {
        let mut connection = Connection::new();
        assert_eq!(
            connection.passes(kind, flags, payload),
            passes,
            "{kind} {flags}"
        );
        assert_eq!(
            connection.gets(PING, 0, 0, &[0; 8]),
            Err(Fault::Frames(PING))
        );
        // One unit comes back every ten milliseconds, and never more than there were.
        connection.now += SECOND;
        assert_eq!(connection.passes(PING, 0, &[0; 8]), 100);
        connection.now += SECOND * 3600;
        assert_eq!(connection.passes(PING, 0, &[0; 8]), 2000);
    }
}

#[test]
fn what_is_bounded_elsewhere_costs_nothing() {
    let mut connection = Connection::new();
    for (kind, flags, payload) in [
        (DATA, 0, &[0; 256][..]),
        (DATA, END_STREAM, &[]),
        (HEADERS, END_HEADERS, b"x"),
    ] {
        assert_eq!(connection.passes(kind, flags, payload), 100_000, "{kind}");
    }
}

/// A gRPC client that measures the line: after each answer a PING, its own answer to one of ours, two windows,
/// and a reset of what it does not want to the end.
#[test]
fn a_busy_client_never_comes_to_the_end_of_its_budget() {
    let mut connection = Connection::new();
    for i in 0..100_000 {
        let stream = 2 * i + 1;
        connection.asks(stream);
        connection.says(HEADERS, END_HEADERS, stream, b"x");
        connection.says(DATA, 0, stream, b"answer");
        connection.says(HEADERS, END_HEADERS | END_STREAM, stream, b"x");
        for (kind, flags, of, payload) in [
            (WINDOW_UPDATE, 0, 0, &window(6)[..]),
            (WINDOW_UPDATE, 0, stream, &window(6)),
            (PING, 0, 0, &[0; 8]),
            (PING, 1, 0, &[0; 8]),
            (RST_STREAM, 0, stream, &[0; 4]),
        ] {
            assert_eq!(connection.gets(kind, flags, of, payload), Ok(()), "{i}");
        }
    }
}

/// A long answer, read in pieces of 256 bytes with two windows after each.
#[test]
fn a_client_with_a_small_buffer_reads_as_long_as_it_likes() {
    let mut connection = Connection::new();
    connection.asks(1);
    connection.says(HEADERS, END_HEADERS, 1, b"x");
    for i in 0..50_000 {
        connection.says(DATA, 0, 1, &[0; 256]);
        for of in [0, 1] {
            let granted = connection.gets(WINDOW_UPDATE, 0, of, &window(256));
            assert_eq!(granted, Ok(()), "{i}");
        }
    }
    // One byte at a time is another matter.
    let n = (0..50_000).take_while(|_| {
        connection.says(DATA, 0, 1, &[0]);
        connection.gets(WINDOW_UPDATE, 0, 1, &window(1)).is_ok()
    });
    assert!(n.count() < 2100);
}

#[test]
fn resets_are_free_for_who_was_patient() {
    let mut connection = Connection::new();
    for i in 0..10_000 {
        let stream = 2 * i + 1;
        connection.asks(stream);
        connection.now += Duration::from_millis(100);
        assert_eq!(connection.gets(RST_STREAM, 0, stream, &[0; 4]), Ok(()));
        connection.now -= Duration::from_millis(100);
    }
    let n = (10_000..20_000).take_while(|i| {
        connection.asks(2 * i + 1);
        connection.gets(RST_STREAM, 0, 2 * i + 1, &[0; 4]).is_ok()
    });
    assert_eq!(n.count(), 2000);
}

#[test]
fn pieces_of_any_size_mean_the_same() {
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(
        SETTINGS,
        0,
        0,
        &[0, 4, 0, 0, 0, 9, 0, 3, 0, 0, 0, 7, 1],
    ));
    bytes.extend(frame(WINDOW_UPDATE, 0, 5, &window(77)));
    bytes.extend(frame(WINDOW_UPDATE, 0, 5, &[1, 2, 3]));
    bytes.extend(frame(DATA, 1, 0x8000_0005, &[9; 300]));
    bytes.extend(frame(SETTINGS, 1, 0, &[]));
    bytes.extend(frame(PING, 0, 0, &[7; 8]));
    let events = |size: usize| {
        let (mut frames, mut events) = (Frames::of_client(), Vec::new());
        for piece in bytes.chunks(size) {
            frames.feed(piece, |event| events.push(event));
        }
        assert!(frames.is_between());
        events
    };
    let whole = events(usize::MAX);
    assert_eq!(whole.len(), 6 + 3);
    assert!(whole.contains(&Event::Setting { id: 4, value: 9 }));
    assert!(whole.contains(&Event::Setting { id: 3, value: 7 }));
    assert!(whole.contains(&Event::Increment { stream: 5, by: 77 }));
    for size in 1..60 {
        assert_eq!(events(size), whole, "in pieces of {size}");
    }
}

#[test]
fn an_answer_that_waits_for_a_window_has_a_deadline() {
    let stalled = |c: &Connection| c.guard.deadline().map(|(end, _)| end - c.now);
    let mut c = Connection::new();
    c.gets(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 10]).unwrap();
    c.asks(1);
    c.says(HEADERS, END_HEADERS, 1, b"x");
    assert_eq!(stalled(&c), None);
    c.says(DATA, 0, 1, &[0; 10]);
    assert_eq!(stalled(&c), Some(SECOND * 15));
    c.now += SECOND;
    assert_eq!(stalled(&c), Some(SECOND * 14));
    // A window that is opened and used starts the wait anew; one that stays open ends it.
    c.gets(WINDOW_UPDATE, 0, 1, &window(1)).unwrap();
    assert_eq!(stalled(&c), None);
    c.says(DATA, 0, 1, &[0]);
    assert_eq!(stalled(&c), Some(SECOND * 15));
    c.gets(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 11]).unwrap();
    assert_eq!(stalled(&c), None);
    // A smaller initial window makes it wait again, and so does the connection's.
    c.gets(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]).unwrap();
    assert_eq!(stalled(&c), Some(SECOND * 15));
    c.says(DATA, END_STREAM, 1, &[]);
    assert_eq!((stalled(&c), c.guard.open()), (None, 0));
    c.gets(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]).unwrap();
    c.asks(3);
    c.asks(5);
    c.says(HEADERS, END_HEADERS, 3, b"x");
    c.says(DATA, 0, 3, &[0; 65_535 - 11]);
    assert_eq!(stalled(&c), Some(SECOND * 15), "the connection's window");
    c.gets(WINDOW_UPDATE, 0, 0, &window(1)).unwrap();
    assert_eq!(stalled(&c), None);
    c.gets(RST_STREAM, 0, 3, &[0; 4]).unwrap();
    c.says(RST_STREAM, 0, 5, &[0; 4]);
    assert_eq!(c.guard.open(), 0);
}

#[test]
fn a_list_of_fields_has_a_deadline_from_its_first_frame() {
    let mut c = Connection::new();
    c.gets(HEADERS, END_STREAM, 1, b"x").unwrap();
    let end = (c.now + SECOND * 10, Fault::Head);
    assert_eq!(c.guard.deadline(), Some(end));
    c.now += SECOND;
    c.gets(CONTINUATION, 0, 1, b"x").unwrap();
    assert_eq!(c.guard.deadline(), Some(end));
    c.gets(CONTINUATION, END_HEADERS, 1, b"x").unwrap();
    assert_eq!(c.guard.deadline(), None);
}

#[test]
fn what_is_remembered_of_streams_is_bounded() {
    let mut c = Connection::new();
    for stream in (1..100_000).step_by(2) {
        c.asks(stream);
    }
    assert_eq!(c.guard.open(), 200);
}

#[test]
fn the_last_word_names_the_last_stream_that_was_passed_on() {
    let mut c = Connection::new();
    c.asks(7);
    let mut flood = frame(HEADERS, END_STREAM | END_HEADERS, 9, b"x");
    flood.extend(frame(PING, 0, 0, &[0; 8]).repeat(2001));
    let fault = c.guard.received(&flood, c.now).unwrap_err();
    let word = c.guard.last_word(fault).unwrap();
    let (head, payload) = word.split_at(9);
    assert_eq!(head[..4], [0, 0, u8::try_from(payload.len()).unwrap(), 7]);
    assert_eq!(payload[..8], [0, 0, 0, 7, 0, 0, 0, 11]);
    // In the midst of a frame of ours there is no place for it.
    c.guard.sent(&frame(DATA, 0, 7, &[0; 9])[..12], c.now);
    assert_eq!(c.guard.last_word(fault), None);
}

#[test]
fn what_cannot_be_is_told_as_the_rfc_wants_it() {
    for (kind, flags, payload, possible) in [
        (PING, 0, &[0; 7][..], false),
        (PING, 1, &[0; 9], false),
        (RST_STREAM, 0, &[0; 3], false),
        (WINDOW_UPDATE, 0, &[0; 5], false),
        (PRIORITY, 0, &[0; 4], false),
        (SETTINGS, 0, &[0; 5], false),
        (SETTINGS, 1, &[0; 6], false),
        (DATA, 0, &[0; 16_385], false),
        (0xbb, 0, &[0; 16_385], false),
        (DATA, 0, &[0; 16_384], true),
        (SETTINGS, 0, &[0; 12], true),
    ] {
        let expected = if possible { Ok(()) } else { Err(Fault::Size) };
        let got = Connection::new().gets(kind, flags, 1, payload);
        assert_eq!(got, expected, "{kind} {}", payload.len());
    }
    let mut connection = Connection::new();
    connection.asks(1);
    let window = connection.gets(SETTINGS, 0, 0, &[0, 4, 0x80, 0, 0, 0]);
    assert_eq!(window, Err(Fault::Window));
    for kind in [DATA, HEADERS] {
        assert_eq!(connection.gets(kind, 0, 1, b"x"), Err(Fault::Ended));
    }
    connection.says(HEADERS, END_HEADERS | END_STREAM, 1, b"x");
    // Of streams that are closed hyper knows more.
    assert_eq!(connection.gets(DATA, 0, 1, b"x"), Ok(()));
    let now = Instant::now();
    let mut guard = Guard::new(SETTINGS_OF_TESTS, now);
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(PING, 0, 0, &[0; 8]));
    assert_eq!(guard.received(&bytes, now), Err(Fault::Opening));
    let word = guard.last_word(Fault::Opening).unwrap();
    assert_eq!(word[13..17], [0, 0, 0, 1]);
}
