//! Bytes that two programs could read differently: each is refused and the connection closed, or it has one
//! reading, and what goes on to an origin has one framing.
//!
//! The cases are `tests/smuggling/*.toml`. In `send`, `\r`, `\n`, `\t`, `\0`, `\xHH` and `\\` are bytes, `{text*n}`
//! is the text n times, `{next}` a whole request that is answered with 404, `{get}` its head without the empty line,
//! `{body}` the begin of the head of one that reads its body and is answered with 200, `{len:next}` and
//! `{hexlen:next}` how long `{next}` is.

mod cases;
mod expect;
mod mutations;
mod origin;
mod reader;
mod side_effects;
mod talk;

use std::fmt::Write as _;

use self::cases::{Case, Words};
use self::origin::Origin;
use self::talk::{Answered, talk};
use super::support::config::{self, Profile};
use super::support::fixtures::{A, K, LINK};
use super::support::server::Server;

/// A server whose front passes what it does not know below `/x/` on to an origin.
struct World {
    server: Server,
    origin: Origin,
    _dir: tempfile::TempDir,
}

impl World {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let origin = Origin::start();
        let profile = Profile {
            open_users: true,
            ..Profile::default()
        };
        let data = dir.path().join("data");
        let server = Server::start_with(dir.path(), &|ports| {
            let mut text = config::text(&profile, ports, &data);
            write!(
                text,
                "\n[outbound]\nallow_addresses = [\"127.0.0.1\"]\n\n[[front]]\ndialect = \"fusionauth\"\n\n\
                 [front.passthrough]\norigin = \"{}\"\nallow_http = true\nallow = [\"* /x/**\"]\n\
                 credential = \"client\"\n",
                origin.url()
            )
            .unwrap();
            text
        })
        .unwrap();
        Self {
            server,
            origin,
            _dir: dir,
        }
    }

    /// The words of cases for requests that are answered here.
    fn local() -> Words {
        let key = format!("Host: a\r\nAuthorization: {K}\r\n");
        Words {
            get: "GET /nowhere HTTP/1.1\r\nHost: a\r\n".to_owned(),
            body: format!("GET {LINK}?userId={A} HTTP/1.1\r\n{key}"),
        }
    }

    /// The words of cases for requests that pass.
    fn passed() -> Words {
        let key = format!("Host: a\r\nAuthorization: {K}\r\n");
        Words {
            get: format!("GET /x/y HTTP/1.1\r\n{key}"),
            body: format!("POST /x/y HTTP/1.1\r\n{key}"),
        }
    }
}

/// What follows a case after which the connection goes on: then it is closed, and every case ends with its end.
const LAST: &[u8] = b"GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// What a case sends, and what it expects, as it runs: a connection that goes on is closed by a last request.
fn whole(case: &Case, words: &Words) -> (Vec<u8>, Vec<u16>) {
    let (mut bytes, mut statuses) = (words.bytes(&case.send), case.answers.clone());
    if !case.closes {
        bytes.extend_from_slice(LAST);
        statuses.push(404);
    }
    (bytes, statuses)
}

fn statuses(answered: &[Answered]) -> Vec<u16> {
    answered.iter().map(|answer| answer.status).collect()
}

#[test]
fn every_case_is_refused_or_has_one_reading() {
    let mut world = World::start();
    let words = World::local();
    let cases = cases::all();
    assert!(cases.len() >= 300, "{} cases", cases.len());
    let mut wrong = String::new();
    for case in &cases {
        let (bytes, expected) = whole(case, &words);
        let heads = reader::read(&bytes).heads();
        match talk(world.server.addr, &[&bytes], &heads, false) {
            Err(error) => writeln!(wrong, "{}: {error}", case.name).unwrap(),
            Ok(got) if statuses(&got) != expected => {
                writeln!(wrong, "{}: {got:?}, not {expected:?}", case.name).unwrap();
            }
            Ok(_) => {}
        }
        // However it is cut, it is the same.
        if bytes.len() < 2000 {
            let pieces: Vec<_> = bytes.chunks(1).collect();
            let got = talk(world.server.addr, &pieces, &heads, false);
            if got.as_ref().map(|got| statuses(got)) != Ok(expected) {
                writeln!(wrong, "{}, byte by byte: {got:?}", case.name).unwrap();
            }
        }
    }
    assert!(world.server.lives() && !world.server.log().contains("panicked"));
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_goes_on_to_an_origin_has_one_framing() {
    let world = World::start();
    let words = World::passed();
    let mut wrong = String::new();
    let mut passed = 0;
    for case in cases::all() {
        let mut bytes = words.bytes(&case.send);
        // Passed on, a body is read that nobody here reads, and none is too large: so it is not the case that says
        // whether the connection goes on.
        if reader::read(&bytes).end == reader::End::Clean {
            bytes.extend_from_slice(LAST);
        }
        let before = world.origin.messages();
        let reading = reader::read(&bytes);
        let got = match talk(world.server.addr, &[&bytes], &reading.heads(), false) {
            Ok(got) => got,
            Err(error) => {
                writeln!(wrong, "{}: {error}", case.name).unwrap();
                continue;
            }
        };
        let served = got.iter().filter(|answer| answer.status == 200).count();
        let told = world.origin.messages() - before;
        passed += told;
        if told != served || told > reading.heads().len() {
            writeln!(wrong, "{}: {told} told, {got:?}", case.name).unwrap();
        }
    }
    // A body that breaks off is broken off there too; nothing there is a byte that has two readings.
    for stream in world.origin.streams() {
        if let reader::End::Bad(why) = reader::read(&stream).end {
            let text = String::from_utf8_lossy(&stream);
            writeln!(wrong, "the origin got, {why}: {text:?}").unwrap();
        }
    }
    assert!(passed > 100, "{passed} requests passed");
    assert!(wrong.is_empty(), "{wrong}");
}
