//! What a server counts: fixed for the process, while the fronts and clients that it counts by may change.
//!
//! On the way of a request there are additions to atomics and nothing else. Series are found by their names
//! once, when a front or a client begins to be served ([`Series`]).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Front, Listener, Protocol, Shared};
use crate::edge::authn::Clients;
use crate::model::Failure;
use crate::telemetry::metrics::{FrontSeries, Group, Kind, Outcome, Registry, Requests, What};

/// What a worker that has ended in order is not asked for any more.
const ENDED: u64 = u64::MAX;

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
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

    /// Notes the certificates that listeners have now.
    pub(super) fn renewed(&self, listeners: &[Listener]) {
        let known = self.listeners.lock();
        for meter in known.unwrap_or_else(PoisonError::into_inner).iter() {
            let mut named = listeners.iter();
            if let Some(of) = named.find(|of| of.address.to_string() == meter.listener) {
                let ends = ends(&of.protocol);
                meter.certificate_ends.store(ends, Ordering::Relaxed);
            }
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

    /// What is counted of the connections to an address. Workers that listen at the same one share it; its
    /// certificate is the one of the last call.
    pub(super) fn listener(&self, listener: &Listener, address: SocketAddr) -> Arc<ListenerMeter> {
        let mut known = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let name = address.to_string();
        if let Some(meter) = known.iter().find(|meter| meter.listener == name) {
            meter
                .certificate_ends
                .store(ends(&listener.protocol), Ordering::Relaxed);
            return Arc::clone(meter);
        }
        let meter = Arc::new(ListenerMeter::new(name, &listener.protocol));
        known.push(Arc::clone(&meter));
        meter
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
        self.register_requests(&mut group);
        self.register_connections(&mut group);
        registry.set("server", group);
    }

    fn register_requests(self: &Arc<Self>, group: &mut Group) {
        let this = Arc::clone(self);
        group.gauge(
            "linkbridge_requests_in_flight",
            "Requests whose head is complete and whose answer has not begun.",
            &[],
            move || this.in_flight.load(Ordering::Relaxed) as f64,
        );
        let this = Arc::clone(self);
        group.counter(
            "linkbridge_requests_abandoned_total",
            "Requests whose client went away before there was an answer; what they write is carried through.",
            &[],
            move || read(&this.abandoned),
        );
        let this = Arc::clone(self);
        group.counter(
            "linkbridge_panics_total",
            "Panics while a request was answered. Each is a bug, and has an incident number in the log.",
            &[],
            move || read(&this.panics),
        );
        let this = Arc::clone(self);
        group.family(
            "linkbridge_head_faults_total",
            Kind::Counter,
            "Requests whose head was refused before any front was looked for, by the status that was answered.",
            move |samples| {
                for (place, counter) in this.heads.iter().enumerate() {
                    let known = HEADS.get(place).map(u16::to_string);
                    let status = known.as_deref().unwrap_or("other");
                    samples.count(&[("status", status)], read(counter));
                }
            },
        );
        let this = Arc::clone(self);
        group.family(
            "linkbridge_requests_by_protocol_total",
            Kind::Counter,
            "Requests by what they were spoken in: a version of HTTP, or the protocol of a call.",
            move |samples| {
                for (name, counter) in WIRES.iter().zip(&this.wires) {
                    samples.count(&[("protocol", name)], read(counter));
                }
            },
        );
        let this = Arc::clone(self);
        group.family(
            "linkbridge_authentications_total",
            Kind::Counter,
            "Credentials that were judged, by what was presented and what came of it.",
            move |samples| {
                for (kind, results) in CREDENTIALS.iter().zip(&this.auth) {
                    for (result, counter) in RESULTS.iter().zip(results) {
                        let labels = [("credential", *kind), ("result", *result)];
                        samples.count(&labels, read(counter));
                    }
                }
            },
        );
        let this = Arc::clone(self);
        group.family(
            "linkbridge_client_requests_total",
            Kind::Counter,
            "Requests of known clients, by the client's name in the configuration.",
            move |samples| {
                let clients = this.clients.lock().unwrap_or_else(PoisonError::into_inner);
                for (name, counter) in &*clients {
                    samples.count(&[("client", name)], read(counter));
                }
            },
        );
        let this = Arc::clone(self);
        group.family(
            "linkbridge_worker_silence_seconds",
            Kind::Gauge,
            "For how long the event loop of a worker has not turned; half a second is normal.",
            move |samples| {
                for (worker, silence) in this.silences().into_iter().enumerate() {
                    if let Some(silence) = silence {
                        let worker = worker.to_string();
                        samples.number(&[("worker", &worker)], silence.as_secs_f64());
                    }
                }
            },
        );
    }

    fn register_connections(self: &Arc<Self>, group: &mut Group) {
        let each = |this: &Arc<Self>| -> Vec<Arc<ListenerMeter>> {
            let known = this.listeners.lock();
            known.unwrap_or_else(PoisonError::into_inner).clone()
        };
        let this = Arc::clone(self);
        group.family(
            "linkbridge_connections_open",
            Kind::Gauge,
            "Connections that are open.",
            move |samples| {
                for meter in each(&this) {
                    let open = meter.open.load(Ordering::Relaxed) as f64;
                    samples.number(&meter.labels(), open);
                }
            },
        );
        let this = Arc::clone(self);
        group.family(
            "linkbridge_connections_accepted_total",
            Kind::Counter,
            "Connections that were let in.",
            move |samples| {
                for meter in each(&this) {
                    samples.count(&meter.labels(), read(&meter.accepted));
                }
            },
        );
        let this = Arc::clone(self);
        group.family(
            "linkbridge_connections_refused_total",
            Kind::Counter,
            "Connections that were closed at once because there were too many.",
            move |samples| {
                for meter in each(&this) {
                    samples.count(&meter.labels(), read(&meter.refused));
                }
            },
        );
        let this = Arc::clone(self);
        group.family(
            "linkbridge_tls_handshake_failures_total",
            Kind::Counter,
            "TLS handshakes that failed, by reason: too slow, broken off by the client, or not to be agreed on.",
            move |samples| {
                for meter in each(&this).iter().filter(|meter| meter.is_tls()) {
                    for (reason, counter) in REASONS.iter().zip(&meter.handshakes) {
                        let labels = [("listener", meter.listener.as_str()), ("reason", *reason)];
                        samples.count(&labels, read(counter));
                    }
                }
            },
        );
        let this = Arc::clone(self);
        group.family(
            "linkbridge_tls_certificate_not_after_seconds",
            Kind::Gauge,
            "When the first certificate of a listener ceases to be good, in seconds since 1970.",
            move |samples| {
                for meter in each(&this) {
                    let ends = meter.certificate_ends.load(Ordering::Relaxed);
                    if ends != 0 {
                        let labels = [("listener", meter.listener.as_str())];
                        samples.number(&labels, ends as f64 / 1000.0);
                    }
                }
            },
        );
    }
}

/// When the first certificate of a listener ceases to be good, in milliseconds; 0 = it has none.
fn ends(protocol: &Protocol) -> i64 {
    match protocol {
        Protocol::Tls(tls) => tls.ends().0,
        Protocol::Http1 | Protocol::Http2 => 0,
    }
}

/// What is counted of the connections to one address.
pub(super) struct ListenerMeter {
    listener: String,
    protocol: &'static str,
    accepted: AtomicU64,
    refused: AtomicU64,
    open: AtomicI64,
    handshakes: [AtomicU64; REASONS.len()],
    /// In milliseconds since 1970; 0 = there is none.
    certificate_ends: AtomicI64,
}

const REASONS: [&str; 3] = ["slow", "broken_off", "refused"];

/// An open connection.
pub(super) struct Open(Arc<ListenerMeter>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Open {
    /// Notes that the handshake took too long.
    pub(super) fn handshake_slow(&self) {
        self.0.handshake(0);
    }

    /// Notes that the handshake failed.
    pub(super) fn handshake_failed(&self, error: &std::io::Error) {
        // What rustls says comes as data that is not valid; anything else is the connection.
        let is_said = error.kind() == std::io::ErrorKind::InvalidData;
        self.0.handshake(if is_said { 2 } else { 1 });
    }
}

impl ListenerMeter {
    fn new(listener: String, protocol: &Protocol) -> Self {
        let word = match protocol {
            Protocol::Http1 => "http/1",
            Protocol::Http2 => "http/2",
            Protocol::Tls(_) => "tls",
        };
        Self {
            listener,
            protocol: word,
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            open: AtomicI64::new(0),
            handshakes: Default::default(),
            certificate_ends: AtomicI64::new(ends(protocol)),
        }
    }

    /// Notes a connection that is let in; it is open as long as what is returned lives.
    pub(super) fn accepted(self: &Arc<Self>) -> Open {
        count(&self.accepted);
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    /// Notes a connection that there was no room for.
    pub(super) fn refused(&self) {
        count(&self.refused);
    }

    fn handshake(&self, reason: usize) {
        if let Some(counter) = self.handshakes.get(reason) {
            count(counter);
        }
    }

    fn is_tls(&self) -> bool {
        self.protocol == "tls"
    }

    fn labels(&self) -> [(&'static str, &str); 2] {
        [("listener", &self.listener), ("protocol", self.protocol)]
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
