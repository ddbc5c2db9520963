//! What a server counts: fixed for the process, while the fronts and clients that it counts by may change.
//!
//! On the way of a request there are additions to atomics and nothing else. Series are found by their names
//! once, when a front or a client begins to be served ([`Series`]).

mod listener;
mod tell;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(super) use self::listener::{ListenerMeter, Open};
use super::{Front, Shared};
use crate::edge::authn::Clients;
use crate::model::Failure;
use crate::telemetry::metrics::{FrontSeries, Group, Outcome, Registry, Requests, What};

/// What a worker that has ended in order is not asked for any more.
const ENDED: u64 = u64::MAX;

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// What a counter says.
pub(super) fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Everything that a server counts.
pub(super) struct Meters {
    started: Instant,
    requests: Arc<Requests>,
    in_flight: AtomicI64,
    /// Requests whose client went away before there was an answer.
    abandoned: AtomicU64,
    /// Panics in the walk of a request.
    pub(super) panics: AtomicU64,
    heads: Heads,
    wires: Wires,
    auth: [[AtomicU64; N_RESULTS]; N_CREDENTIALS],
    clients: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    listeners: Mutex<Vec<Arc<ListenerMeter>>>,
    /// By worker: when its event loop last turned, in milliseconds since the start.
    beats: Vec<AtomicU64>,
}

/// The series of the fronts and clients that are served now, by their places in the lists.
pub(super) struct Series {
    fronts: Vec<Arc<FrontSeries>>,
    stranger: Arc<FrontSeries>,
    clients: Vec<Arc<AtomicU64>>,
}

impl Series {
    /// The series of a front; or of the requests that are for none.
    pub(super) fn front(&self, index: Option<usize>) -> &Arc<FrontSeries> {
        let front = index.and_then(|index| self.fronts.get(index));
        front.unwrap_or(&self.stranger)
    }

    /// Notes a request of a client.
    pub(super) fn client(&self, index: Option<usize>) {
        if let Some(counter) = index.and_then(|index| self.clients.get(index)) {
            count(counter);
        }
    }
}

/// A request that is being answered.
pub(super) struct InFlight<'m> {
    meters: &'m Meters,
    is_answered: bool,
}

impl InFlight<'_> {
    /// Notes that there is an answer.
    pub(super) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.meters.in_flight.fetch_sub(1, Ordering::Relaxed);
        if !self.is_answered {
            count(&self.meters.abandoned);
        }
    }
}

/// What a request presents, for counting.
#[derive(Clone, Copy)]
pub(super) enum Presented {
    /// Nothing, or nothing that is looked at.
    Nothing,
    /// A key.
    Key,
    /// A token of ours.
    OwnToken,
    /// What somebody else may have issued.
    Foreign,
}

const CREDENTIALS: [&str; N_CREDENTIALS] = ["none", "key", "own_token", "issued_token"];
const N_CREDENTIALS: usize = 4;
const RESULTS: [&str; N_RESULTS] = ["ok", "refused", "limited", "unavailable"];
const N_RESULTS: usize = 4;

const HEADS: [u16; 7] = [400, 405, 414, 417, 421, 431, 501];
const WIRES: [&str; 5] = ["http/1", "http/2", "grpc", "grpc-web", "connect"];

/// Refused heads by status; the last place is for any other.
type Heads = [AtomicU64; HEADS.len() + 1];
type Wires = [AtomicU64; WIRES.len()];

impl Meters {
    pub(super) fn new(workers: usize) -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            requests: Arc::default(),
            in_flight: AtomicI64::new(0),
            abandoned: AtomicU64::new(0),
            panics: AtomicU64::new(0),
            heads: Default::default(),
            wires: Default::default(),
            auth: Default::default(),
            clients: Mutex::default(),
            listeners: Mutex::default(),
            beats: (0..workers).map(|_| AtomicU64::new(0)).collect(),
        })
    }

    /// The series of these fronts and clients: those that were served before go on counting.
    pub(super) fn series(&self, fronts: &[Front], clients: &Clients) -> Series {
        let front = |front: &Front| self.requests.front(Some(front.dialect.name()));
        let mut known = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let clients = clients.all().iter().map(|client| {
            let name = client.name.as_str().to_owned();
            Arc::clone(known.entry(name).or_default())
        });
        Series {
            fronts: fronts.iter().map(front).collect(),
            stranger: self.requests.front(None),
            clients: clients.collect(),
        }
    }

    /// Counts a request as long as what is returned lives.
    pub(super) fn enter(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight {
            meters: self,
            is_answered: false,
        }
    }

    /// Notes a head that is refused.
    pub(super) fn head(&self, status: u16) {
        let place = HEADS.iter().position(|known| *known == status);
        if let Some(counter) = self.heads.get(place.unwrap_or(HEADS.len())) {
            count(counter);
        }
    }

    /// Notes what a request was spoken in: the name of the protocol of a call, else the version of HTTP.
    pub(super) fn wire(&self, call: Option<&str>, is_http1: bool) {
        let name = call.unwrap_or(if is_http1 { "http/1" } else { "http/2" });
        let place = WIRES.iter().position(|known| *known == name);
        if let Some(counter) = place.and_then(|place| self.wires.get(place)) {
            count(counter);
        }
    }

    /// Notes how a credential was judged.
    pub(super) fn judged<T>(&self, presented: Presented, result: &Result<T, Failure>) {
        let result = match result {
            Ok(_) => 0,
            Err(Failure::RateLimited { .. }) => 2,
            Err(Failure::Overloaded { .. }) => 3,
            Err(_) => 1,
        };
        let kind = self.auth.get(presented as usize);
        if let Some(counter) = kind.and_then(|kind| kind.get(result)) {
            count(counter);
        }
    }

    /// Notes that the event loop of a worker turns.
    pub(super) fn beat(&self, worker: usize) {
        if let Some(beat) = self.beats.get(worker) {
            beat.store(self.millis().max(1), Ordering::Relaxed);
        }
    }

    /// Notes that a worker has ended in order.
    pub(super) fn ended(&self, worker: usize) {
        if let Some(beat) = self.beats.get(worker) {
            beat.store(ENDED, Ordering::Relaxed);
        }
    }

    /// For how long the event loop of each worker has not turned; `None` if it has ended in order.
    pub(super) fn silences(&self) -> Vec<Option<Duration>> {
        let now = self.millis();
        let silence = |beat: &AtomicU64| match read(beat) {
            ENDED => None,
            at => Some(Duration::from_millis(now.saturating_sub(at))),
        };
        self.beats.iter().map(silence).collect()
    }

    /// Whether the event loop of every worker has turned.
    pub(super) fn has_started(&self) -> bool {
        self.beats.iter().all(|beat| read(beat) > 0)
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(ENDED - 1)
    }

    /// Puts everything that is counted here into the registry.
    pub(super) fn register(self: &Arc<Self>, registry: &Registry) {
        let mut group = Group::new();
        self.requests.register(&mut group);
        tell::register(self, &mut group);
        listener::register(self, &mut group);
        registry.set("server", group);
    }
}

/// What a request was for, for counting.
pub(super) fn what(
    shared: &Shared,
    front: Option<usize>,
    op: Option<crate::dialect::OpId>,
    passes: bool,
) -> What {
    let front = front.and_then(|index| shared.fronts.get(index));
    match (front, op) {
        _ if passes => What::Passthrough,
        (Some(front), Some(op)) => What::Operation(front.dialect.operation(op)),
        _ => What::None,
    }
}

/// What came of a request that did not say: nothing went wrong, or it is against the rules of its protocol.
pub(super) fn outcome(noted: Option<Outcome>, status: u16) -> Outcome {
    noted.unwrap_or(if status < 400 {
        Outcome::Ok
    } else {
        Outcome::Protocol
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_does_not_turn_is_silent_and_one_that_has_ended_is_not() {
        let meters = Meters::new(2);
        assert!(!meters.has_started());
        meters.beat(0);
        meters.ended(1);
        assert!(meters.has_started());
        std::thread::sleep(Duration::from_millis(30));
        let silences = meters.silences();
        assert!(silences[0].unwrap() >= Duration::from_millis(25));
        assert_eq!(silences[1], None);
        meters.beat(0);
        assert!(meters.silences()[0].unwrap() < Duration::from_millis(25));
    }

    #[test]
    fn presented_credentials_are_places_in_the_list() {
        assert_eq!(CREDENTIALS[Presented::Nothing as usize], "none");
        assert_eq!(CREDENTIALS[Presented::Foreign as usize], "issued_token");
    }
}
