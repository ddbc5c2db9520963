//! Between linkbridge and an IdP: passes requests on, and lets the one that is chosen meet a fault.
//!
//! Requests that name the same user are one lane, with a fault of its own, so that many cells can be under way
//! over one server.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::support::fault::{Act, Fault, Seen, answer};

/// What every user of these tests begins with.
const USER: &str = "fa017000-0000-4000-8000-";
/// How much longer the id of a user is.
const DIGITS: usize = 12;

/// The id of a user.
pub(super) fn user(n: usize) -> String {
    format!("{USER}{n:0DIGITS$}")
}

/// A fault on the way.
#[derive(Clone, Debug)]
pub(super) struct Trap {
    /// Which request of the lane meets it, from 0.
    pub(super) at: usize,
    /// Whether all that come after meet it too.
    pub(super) lasts: bool,
    /// Whether the IdP does what the request says before.
    pub(super) is_done: bool,
    pub(super) does: Does,
}

/// What is answered in place of the IdP.
#[derive(Clone, Debug)]
pub(super) enum Does {
    /// This.
    Act(Act),
    /// What the IdP has answered, between these bytes.
    Around(Vec<u8>, Vec<u8>),
}

/// A request of a lane.
#[derive(Clone, Debug)]
pub(super) struct Passed {
    pub(super) line: String,
    pub(super) writes: bool,
}

#[derive(Default)]
struct Lane {
    trap: Option<Trap>,
    passed: Vec<Passed>,
}

type Lanes = Arc<Mutex<HashMap<String, Lane>>>;

/// The server in between.
pub(super) struct Middle {
    fault: Fault,
    lanes: Lanes,
}

fn lock(lanes: &Lanes) -> MutexGuard<'_, HashMap<String, Lane>> {
    lanes.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Middle {
    /// In front of the IdP at this address.
    pub(super) fn start(idp: SocketAddr) -> Self {
        let lanes = Lanes::default();
        let known = Arc::clone(&lanes);
        let fault = Fault::choosing(Box::new(move |seen| choose(seen, &known, idp)));
        Self { fault, lanes }
    }

    /// Where it is.
    pub(super) fn url(&self) -> String {
        self.fault.url.clone()
    }

    /// From now on the requests about this user are counted, and one meets a fault.
    pub(super) fn arm(&self, user: &str, trap: Option<Trap>) {
        let lane = Lane {
            trap,
            passed: Vec::new(),
        };
        lock(&self.lanes).insert(user.to_owned(), lane);
    }

    /// Every request about this user since; from now on, none meets a fault.
    pub(super) fn disarm(&self, user: &str) -> Vec<Passed> {
        let lane = lock(&self.lanes).remove(user);
        lane.map_or(Vec::new(), |lane| lane.passed)
    }
}

fn choose(seen: &Seen, lanes: &Lanes, idp: SocketAddr) -> Act {
    let trap = named(seen).and_then(|user| {
        let mut lanes = lock(lanes);
        let lane = lanes.get_mut(&user)?;
        let at = lane.passed.len();
        lane.passed.push(Passed {
            line: seen.line().to_owned(),
            writes: writes(seen.line()),
        });
        let trap = lane.trap.clone()?;
        let is_met = at == trap.at || (trap.lasts && at > trap.at);
        is_met.then_some(trap)
    });
    let Some(trap) = trap else {
        return Act::Says(pass(seen, idp));
    };
    let told = trap.is_done.then(|| pass(seen, idp));
    match trap.does {
        Does::Act(act) => act,
        Does::Around(before, after) => {
            let told = told.unwrap_or_else(|| answer(500, "", b""));
            Act::Says([before, told, after].concat())
        }
    }
}

/// The user whom a request names, wherever in it.
fn named(seen: &Seen) -> Option<String> {
    let body = String::from_utf8_lossy(&seen.body);
    [&*seen.head, &*body].into_iter().find_map(|text| {
        let at = text.find(USER)?;
        text.get(at..at + USER.len() + DIGITS).map(str::to_owned)
    })
}

fn writes(line: &str) -> bool {
    !line.starts_with("GET ") && !line.contains("_search")
}

/// Asks the IdP; its answer, for a connection that stays.
fn pass(seen: &Seen, idp: SocketAddr) -> Vec<u8> {
    let asked = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(idp)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let head = format!("{}\r\nconnection: close\r\n\r\n", seen.head);
        stream.write_all(&[head.as_bytes(), &seen.body].concat())?;
        let mut told = Vec::new();
        stream.read_to_end(&mut told)?;
        Ok(told)
    };
    let told = asked().unwrap_or_else(|error| panic!("{}: {error}", seen.line()));
    let end = told.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = told.split_at(end.unwrap_or_else(|| panic!("no head: {}", seen.line())));
    let head = String::from_utf8_lossy(head).replace("\r\nconnection: close", "");
    [head.as_bytes(), body].concat()
}
