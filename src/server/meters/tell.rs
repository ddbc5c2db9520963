//! What is counted of requests and of workers, told as metrics.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::{CREDENTIALS, HEADS, Meters, RESULTS, WIRES, read};
use crate::telemetry::metrics::{Group, Kind, Samples};

/// A family that these meters have samples of.
fn family(
    group: &mut Group,
    meters: &Arc<Meters>,
    (name, kind, help): (&'static str, Kind, &'static str),
    tell: impl Fn(&Meters, &mut Samples) + Send + Sync + 'static,
) {
    let meters = Arc::clone(meters);
    group.family(name, kind, help, move |samples| tell(&meters, samples));
}

/// Puts what is counted of requests and of workers into a group.
pub(super) fn register(meters: &Arc<Meters>, group: &mut Group) {
    requests(meters, group);
    kinds(meters, group);
    clients(meters, group);
    workers(meters, group);
}

fn requests(meters: &Arc<Meters>, group: &mut Group) {
    let help = "Requests whose head is complete and whose answer has not begun.";
    let name = ("linkbridge_requests_in_flight", Kind::Gauge, help);
    family(group, meters, name, |meters, samples| {
        samples.number(&[], meters.in_flight.load(Ordering::Relaxed) as f64);
    });
    let help = "Requests whose client went away before there was an answer; what they write is carried through.";
    let name = ("linkbridge_requests_abandoned_total", Kind::Counter, help);
    family(group, meters, name, |meters, samples| {
        samples.count(&[], read(&meters.abandoned));
    });
    let help = "Panics while a request was answered. Each is a bug, and has an incident number in the log.";
    let name = ("linkbridge_panics_total", Kind::Counter, help);
    family(group, meters, name, |meters, samples| {
        samples.count(&[], read(&meters.panics));
    });
}

fn kinds(meters: &Arc<Meters>, group: &mut Group) {
    let help = "Requests whose head was refused before any front was looked for, by the status that was answered.";
    let name = ("linkbridge_head_faults_total", Kind::Counter, help);
    family(group, meters, name, |meters, samples| {
        for (place, counter) in meters.heads.iter().enumerate() {
            let known = HEADS.get(place).map(u16::to_string);
            let status = known.as_deref().unwrap_or("other");
            samples.count(&[("status", status)], read(counter));
        }
    });
    let help =
        "Requests by what they were spoken in: a version of HTTP, or the protocol of a call.";
    let name = ("linkbridge_requests_by_protocol_total", Kind::Counter, help);
    family(group, meters, name, |meters, samples| {
        for (name, counter) in WIRES.iter().zip(&meters.wires) {
            samples.count(&[("protocol", name)], read(counter));
        }
    });
    let help = "Credentials that were judged, by what was presented and what came of it.";
    let name = ("linkbridge_authentications_total", Kind::Counter, help);
    family(group, meters, name, |meters, samples| {
        for (kind, results) in CREDENTIALS.iter().zip(&meters.auth) {
            for (result, counter) in RESULTS.iter().zip(results) {
                let labels = [("credential", *kind), ("result", *result)];
                samples.count(&labels, read(counter));
            }
        }
    });
}

fn clients(meters: &Arc<Meters>, group: &mut Group) {
    let help = "Requests of known clients, by the client's name in the configuration.";
    let name = ("linkbridge_client_requests_total", Kind::Counter, help);
    family(group, meters, name, |meters, samples| {
        let clients = meters.clients.lock();
        for (name, counter) in &*clients.unwrap_or_else(PoisonError::into_inner) {
            samples.count(&[("client", name)], read(counter));
        }
    });
}

fn workers(meters: &Arc<Meters>, group: &mut Group) {
    let help = "For how long the event loop of a worker has not turned; half a second is normal.";
    let name = ("linkbridge_worker_silence_seconds", Kind::Gauge, help);
    family(group, meters, name, |meters, samples| {
        for (worker, silence) in meters.silences().into_iter().enumerate() {
            if let Some(silence) = silence {
                let worker = worker.to_string();
                samples.number(&[("worker", &worker)], silence.as_secs_f64());
            }
        }
    });
}
