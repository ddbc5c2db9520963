//! The cases with bytes inserted, deleted, doubled, swapped and changed, in random pieces.
//!
//! Whatever comes of it, the server either refuses it and closes, or answers exactly as many requests as the
//! strict reader counts. `LINKBRIDGE_SMUGGLING_ROUNDS` says how many, `LINKBRIDGE_SMUGGLING_SEED` which ones.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::reader::{self, End};
use super::talk::{Answered, talk};
use super::{LAST, World, cases};
use crate::support::random::{Random, number, seed};

/// Bytes that mean something.
const SPECIAL: &[u8] = b"\r\n\t \0:;,/?#%*-+0159aAfFxX_\"\\\x0b\x0c\x7f\x80\xa0\xff";
/// Pieces that mean something.
const PARTS: &[&[u8]] = &[
    b"\r\n",
    b"\r\n\r\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: b\r\n",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"0\r\n\r\n",
    b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
];

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..random.between(1, 3) {
        if bytes.is_empty() {
            return;
        }
        let (at, other) = (random.index(bytes.len()), random.index(bytes.len()));
        match random.between(0, 6) {
            0 => bytes.insert(at, SPECIAL[random.index(SPECIAL.len())]),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, bytes[at]),
            3 => bytes.swap(at, other),
            4 => bytes[at] = SPECIAL[random.index(SPECIAL.len())],
            5 => {
                let part = PARTS[random.index(PARTS.len())];
                drop(bytes.splice(at..at, part.iter().copied()));
            }
            _ => {
                let (start, end) = (at.min(other), at.max(other).min(at.min(other) + 40));
                let piece = bytes[start..end].to_vec();
                drop(bytes.splice(end..end, piece));
            }
        }
    }
}

/// The pieces that a stream is sent in.
fn cut<'b>(mut bytes: &'b [u8], random: &mut Random) -> Vec<&'b [u8]> {
    let mut pieces = Vec::new();
    while pieces.len() < 3 && bytes.len() > 1 && random.between(0, 2) > 0 {
        let (piece, rest) = bytes.split_at(random.index(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

/// What is wrong with the answers to a stream, if anything is.
fn fault(answers: &[Answered], n_complete: usize, end: End) -> Option<String> {
    let (last, before) = match answers.split_last() {
        Some((last, before)) => (Some(last), before),
        None => (None, answers),
    };
    if before.iter().any(|answer| answer.says_close) {
        return Some("an answer behind the last one".to_owned());
    }
    let is_refused = last.is_some_and(|last| last.says_close && last.status >= 400);
    // A refusal may be that of a request that is complete, or that of what follows all of them.
    let most = match end {
        End::Clean | End::Last => n_complete,
        End::Bad(_) | End::Incomplete => n_complete + 1,
    };
    match end {
        _ if is_refused && answers.len() <= most => None,
        End::Bad(why) => Some(format!("not refused: {why}")),
        _ if answers.len() != n_complete || is_refused => {
            Some(format!("{} answers for {n_complete}", answers.len()))
        }
        _ => None,
    }
}

fn round(world: &World, stream: &[u8], random: &mut Random) -> Option<String> {
    let mut bytes = stream.to_vec();
    mutate(&mut bytes, random);
    if reader::read(&bytes).end == End::Clean {
        bytes.extend_from_slice(LAST);
    }
    let reading = reader::read(&bytes);
    let gives_up = reading.end == End::Incomplete;
    let pieces = cut(&bytes, random);
    let what = match talk(world.server.addr, &pieces, &reading.heads(), gives_up) {
        Err(error) => error,
        Ok(answers) => {
            let why = fault(&answers, reading.methods.len(), reading.end)?;
            format!("{why}; {answers:?}")
        }
    };
    let text = bytes.escape_ascii();
    Some(format!("{what}; {:?}; {text}", reading.end))
}

#[test]
fn mutations_are_refused_or_have_the_strict_reading() {
    let rounds = number("LINKBRIDGE_SMUGGLING_ROUNDS").unwrap_or(1000);
    let seed = seed("LINKBRIDGE_SMUGGLING_SEED");
    eprintln!("LINKBRIDGE_SMUGGLING_SEED={seed}");
    let mut world = World::start();
    let words = World::local();
    let streams: Vec<_> = cases::all()
        .iter()
        .map(|case| words.bytes(&case.send))
        .filter(|bytes| bytes.len() < 2000)
        .collect();
    let (next, wrong) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= rounds {
                        return;
                    }
                    // Each round has numbers of its own, whichever thread it is that has it.
                    let mut random = Random::new(seed.wrapping_add(number.wrapping_mul(0x9e37)));
                    let stream = &streams[random.index(streams.len())];
                    if let Some(fault) = round(&world, stream, &mut random) {
                        wrong
                            .lock()
                            .unwrap()
                            .push(format!("round {number}: {fault}"));
                    }
                }
            });
        }
    });
    assert!(world.server.lives() && !world.server.log().contains("panicked"));
    let wrong = wrong.into_inner().unwrap();
    let some: Vec<_> = wrong.iter().take(20).cloned().collect();
    assert!(
        wrong.is_empty(),
        "{} of {rounds}:\n{}",
        wrong.len(),
        some.join("\n")
    );
}
