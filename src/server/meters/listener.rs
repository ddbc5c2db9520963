//! What is counted of connections: by the address that they came to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};

use super::super::{Listener, Protocol};
use super::{Meters, count, read};
use crate::telemetry::metrics::{Group, Kind, Samples};

/// What is counted of the connections to one address.
pub(in crate::server) struct ListenerMeter {
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
pub(in crate::server) struct Open(Arc<ListenerMeter>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Open {
    /// Notes that the handshake took too long.
    pub(in crate::server) fn handshake_slow(&self) {
        self.0.handshake(0);
    }

    /// Notes that the handshake failed.
    pub(in crate::server) fn handshake_failed(&self, error: &std::io::Error) {
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
    pub(in crate::server) fn accepted(self: &Arc<Self>) -> Open {
        count(&self.accepted);
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    /// Notes a connection that there was no room for.
    pub(in crate::server) fn refused(&self) {
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

/// When the first certificate of a listener ceases to be good, in milliseconds; 0 = it has none.
fn ends(protocol: &Protocol) -> i64 {
    match protocol {
        Protocol::Tls(tls) => tls.ends().0,
        Protocol::Http1 | Protocol::Http2 => 0,
    }
}

impl Meters {
    /// Notes the certificates that listeners have now.
    pub(in crate::server) fn renewed(&self, listeners: &[Listener]) {
        for meter in self.listeners().iter() {
            let mut named = listeners.iter();
            if let Some(of) = named.find(|of| of.address.to_string() == meter.listener) {
                let ends = ends(&of.protocol);
                meter.certificate_ends.store(ends, Ordering::Relaxed);
            }
        }
    }

    /// What is counted of the connections to an address. Workers that listen at the same one share it; its
    /// certificate is the one of the last call.
    pub(in crate::server) fn listener(
        &self,
        listener: &Listener,
        address: SocketAddr,
    ) -> Arc<ListenerMeter> {
        let mut known = self.listeners();
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

    fn listeners(&self) -> MutexGuard<'_, Vec<Arc<ListenerMeter>>> {
        let known = self.listeners.lock();
        known.unwrap_or_else(PoisonError::into_inner)
    }
}

/// A family with samples of every listener.
fn family(
    group: &mut Group,
    meters: &Arc<Meters>,
    (name, kind, help): (&'static str, Kind, &'static str),
    tell: impl Fn(&ListenerMeter, &mut Samples) + Send + Sync + 'static,
) {
    let meters = Arc::clone(meters);
    group.family(name, kind, help, move |samples| {
        let known = meters.listeners().clone();
        for meter in known {
            tell(&meter, samples);
        }
    });
}

/// Puts what is counted of connections into a group.
pub(super) fn register(meters: &Arc<Meters>, group: &mut Group) {
    let help = "Connections that are open.";
    let name = ("linkbridge_connections_open", Kind::Gauge, help);
    family(group, meters, name, |meter, samples| {
        let open = meter.open.load(Ordering::Relaxed) as f64;
        samples.number(&meter.labels(), open);
    });
    let help = "Connections that were let in.";
    let name = ("linkbridge_connections_accepted_total", Kind::Counter, help);
    family(group, meters, name, |meter, samples| {
        samples.count(&meter.labels(), read(&meter.accepted));
    });
    let help = "Connections that were closed at once because there were too many.";
    let name = ("linkbridge_connections_refused_total", Kind::Counter, help);
    family(group, meters, name, |meter, samples| {
        samples.count(&meter.labels(), read(&meter.refused));
    });
    let help = "TLS handshakes that failed, by reason: too slow, broken off by the client, or not to be agreed on.";
    let name = (
        "linkbridge_tls_handshake_failures_total",
        Kind::Counter,
        help,
    );
    family(group, meters, name, |meter, samples| {
        if !meter.is_tls() {
            return;
        }
        for (reason, counter) in REASONS.iter().zip(&meter.handshakes) {
            let labels = [("listener", meter.listener.as_str()), ("reason", *reason)];
            samples.count(&labels, read(counter));
        }
    });
    let help = "When the first certificate of a listener ceases to be good, in seconds since 1970.";
    let name = (
        "linkbridge_tls_certificate_not_after_seconds",
        Kind::Gauge,
        help,
    );
    family(group, meters, name, |meter, samples| {
        let ends = meter.certificate_ends.load(Ordering::Relaxed);
        if ends != 0 {
            let labels = [("listener", meter.listener.as_str())];
            samples.number(&labels, ends as f64 / 1000.0);
        }
    });
}
