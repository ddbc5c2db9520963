//! Every fault, met by a read and by a write: how often the request is seen, what comes of it, how long it takes.

use std::time::Duration;

use linkbridge::backend::upstream::exchange::{Effect, Unanswered};
use linkbridge::model::Failure;

use super::World;
use crate::support::fault::{self, Act, Fault};

use self::Comes::{Answer, DownLost, RefusedLost, TimeoutLost};

/// What comes of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Comes {
    Answer(u16),
    DownLost,
    RefusedLost,
    TimeoutLost,
}

/// Fault, how often a read is sent, what comes of it. A write is sent once, and the same comes of it.
const EXPECTED: &[(&str, usize, Comes)] = &[
    // Without a byte of an answer, a read is sent again, twice at most.
    ("reset before the head", 3, DownLost),
    ("close before the head", 3, DownLost),
    // With one, nothing is.
    ("reset in the head", 1, RefusedLost),
    ("close in the head", 1, RefusedLost),
    ("reset after the head", 1, RefusedLost),
    ("close after the head", 1, RefusedLost),
    ("stalled head", 1, TimeoutLost),
    ("stalled body", 1, TimeoutLost),
    ("nothing at all", 1, TimeoutLost),
    ("a byte now and then", 1, TimeoutLost),
    ("a head byte by byte", 1, TimeoutLost),
    ("truncated body", 1, RefusedLost),
    ("two lengths", 1, RefusedLost),
    ("a length that is none", 1, RefusedLost),
    ("a bad chunk", 1, RefusedLost),
    ("chunks without an end", 1, RefusedLost),
    ("no HTTP", 1, RefusedLost),
    ("a large head", 1, RefusedLost),
    ("many fields", 1, RefusedLost),
    ("a large body", 1, RefusedLost),
    ("a body without an end", 1, RefusedLost),
    ("gzip", 1, RefusedLost),
    ("1xx without an end", 1, RefusedLost),
    ("1xx and then an answer", 1, Answer(200)),
    ("two answers", 1, Answer(200)),
    ("a longer body than said", 1, Answer(200)),
    ("an upgrade", 1, RefusedLost),
    ("302", 1, Answer(302)),
    ("429 with a time", 1, Answer(429)),
    ("503 with a short time", 2, Answer(503)),
    ("503 with a long time", 1, Answer(503)),
    // What a body means is not for the caller to say.
    ("invalid JSON", 1, Answer(200)),
    ("invalid UTF-8", 1, Answer(200)),
    ("deep JSON", 1, Answer(200)),
    ("a page for people", 1, Answer(200)),
    ("400", 1, Answer(400)),
    ("401", 1, Answer(401)),
    ("403", 1, Answer(403)),
    ("404", 1, Answer(404)),
    ("409", 1, Answer(409)),
    ("422", 1, Answer(422)),
    ("429", 1, Answer(429)),
    ("500", 1, Answer(500)),
    ("502", 2, Answer(502)),
    ("503", 2, Answer(503)),
    ("504", 2, Answer(504)),
];

#[test]
fn every_fault_comes_to_what_it_should() {
    let mut wrong = String::new();
    for (name, act) in fault::named() {
        let row = EXPECTED.iter().find(|(of, _, _)| *of == name);
        let (_, reads, comes) = *row.unwrap_or_else(|| panic!("nothing is expected of {name}"));
        for (effect, times) in [(Effect::Reads, reads), (Effect::Writes, 1)] {
            let server = Fault::start(vec![act.clone()]);
            let answer = World::at(&server.url).send(effect);
            let found = match &answer {
                Ok(answer) => Some(Answer(answer.status)),
                Err(Unanswered::Lost(Failure::UpstreamDown)) => Some(DownLost),
                Err(Unanswered::Lost(Failure::UpstreamRefused)) => Some(RefusedLost),
                Err(Unanswered::Lost(Failure::UpstreamTimeout)) => Some(TimeoutLost),
                Err(_) => None,
            };
            let seen = server.seen().len();
            if found != Some(comes) || seen != times {
                wrong += &format!(
                    "{name}, {effect:?}: {answer:?}, seen {seen} times; expected {comes:?}, {times} times\n"
                );
            }
        }
    }
    assert_eq!(EXPECTED.len(), fault::named().len());
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_no_server_has_seen_was_not_sent() {
    for effect in [Effect::Reads, Effect::Writes] {
        let (url, _socket) = fault::refusing();
        let down = Err(Unanswered::NotSent(Failure::UpstreamDown));
        let timeout = Err(Unanswered::NotSent(Failure::UpstreamTimeout));
        let answer = World::at(&url).send(effect).map(drop);
        assert_eq!(answer, down);
        let (url, _sockets) = fault::black_hole();
        assert_eq!(World::at(&url).send(effect).map(drop), timeout);
        // An address that is not allowed, and a name that nobody has.
        let world = World::at("http://10.1.2.3:80");
        assert_eq!(world.send(effect).map(drop), down);
        let world = World::at("http://nobody.invalid:80");
        let answer = world.send(effect).map(drop);
        assert!(answer == down || answer == timeout, "{answer:?}");
    }
}

#[test]
fn a_connection_that_ends_at_once_brings_no_answer() {
    for act in [Act::ClosesAtOnce, Act::ResetsAtOnce] {
        for effect in [Effect::Reads, Effect::Writes] {
            let server = Fault::start(vec![act.clone()]);
            // Whether the request was on its way before the end is a race; that nobody read it is not.
            let answer = World::at(&server.url).send(effect);
            let is_down = matches!(
                answer,
                Err(Unanswered::NotSent(Failure::UpstreamDown)
                    | Unanswered::Lost(Failure::UpstreamDown))
            );
            assert!(is_down, "{act:?}: {answer:?}");
            assert!(server.seen().is_empty());
        }
    }
}

/// A fault that passes: a read gets over it, a write does not try.
#[test]
fn reads_get_over_what_passes() {
    let passing = [
        Act::SaysAndCloses(Vec::new()),
        Act::SaysAndResets(Vec::new()),
        Act::json(502, "{}"),
        Act::json(503, "{}"),
        Act::status(503, "retry-after: 1\r\n"),
        Act::json(504, "{}"),
    ];
    for act in passing {
        let script = vec![act.clone(), Act::ok("{\"a\":1}")];
        let server = Fault::start(script.clone());
        let world = World::at(&server.url);
        let answer = world.read();
        assert_eq!(answer.unwrap().body, b"{\"a\":1}", "{act:?}");
        let seen = server.seen();
        assert_eq!((seen.len(), world.caller.counts().retries), (2, 1));
        let asks_for_a_second =
            matches!(&act, Act::Answers(_, fields, _) if !fields.contains("json"));
        let waited = seen[1].at - seen[0].at;
        let least = if asks_for_a_second { 980 } else { 15 };
        assert!(
            waited >= Duration::from_millis(least),
            "{act:?}: {waited:?}"
        );
        let server = Fault::start(script);
        let world = World::at(&server.url);
        assert_ne!(super::status(&world.write()), Some(200), "{act:?}");
        assert_eq!((server.seen().len(), world.caller.counts().retries), (1, 0));
    }
}

#[test]
fn retries_end_with_their_budget() {
    let server = Fault::start(vec![Act::SaysAndCloses(Vec::new())]);
    let mut endpoint = super::endpoint(&server.url);
    endpoint.retry_percent = 10;
    let world = World::new(&endpoint);
    let began = std::time::Instant::now();
    for _ in 0..30 {
        assert!(world.read().is_err());
    }
    // Three at the start, one for ten calls, one a second.
    let retries = world.caller.counts().retries;
    let most = 3 + 3 + 1 + began.elapsed().as_secs();
    assert!((5..=most).contains(&retries), "{retries}");
    endpoint.retry_percent = 0;
    let world = World::new(&endpoint);
    for _ in 0..5 {
        assert!(world.read().is_err());
    }
    assert_eq!(world.caller.counts().retries, 0);
}
