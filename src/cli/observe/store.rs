//! What is told of the store and of its audit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use super::{numbers, seconds};
use crate::backend::Backend as _;
use crate::backend::embedded::Embedded;
use crate::telemetry::metrics::{Group, Kind, Samples};

/// A counter of the store: name, help, and what is read.
type Counter = (&'static str, &'static str, fn(&Embedded) -> &AtomicU64);

/// Counters of the store.
const STORE: &[Counter] = &[
    (
        "linkbridge_store_io_errors_total",
        "Transactions that failed at the disk or in SQLite; after each of them the database is opened anew.",
        |store| &store.counts().broken,
    ),
    (
        "linkbridge_store_writes_refused_total",
        "Writes that were refused because too many waited, or because the store could not write.",
        |store| &store.counts().refused,
    ),
    (
        "linkbridge_store_reads_total",
        "Reads of the store.",
        |store| &store.counts().reads,
    ),
    (
        "linkbridge_store_reads_repeated_total",
        "Reads that failed in SQLite and were tried once more.",
        |store| &store.counts().reads_repeated,
    ),
    (
        "linkbridge_store_checkpoints_total",
        "Checkpoints: pages moved from the write-ahead log into the database.",
        |store| &store.counts().checkpoints,
    ),
    (
        "linkbridge_store_checkpoints_failed_total",
        "Checkpoints that failed; their pages stay in the log, and are moved later.",
        |store| &store.counts().checkpoints_failed,
    ),
];

/// Counters of the audit.
const AUDIT: &[Counter] = &[
    (
        "linkbridge_audit_records_total",
        "Records of changes that were kept.",
        |store| &store.audit_counts().records,
    ),
    (
        "linkbridge_audit_refused_total",
        "Changes that did not take place because their record could not be kept.",
        |store| &store.audit_counts().refused,
    ),
    (
        "linkbridge_audit_pruned_total",
        "Records that were taken away because of their age.",
        |store| &store.audit_counts().pruned,
    ),
    (
        "linkbridge_audit_outcomes_lost_total",
        "Requests to an IdP whose outcome could not be kept: their clients were told that it is not known.",
        |store| &store.audit_counts().outcomes_lost,
    ),
    (
        "linkbridge_audit_intents_found_open_total",
        "Intents of an earlier process without an outcome, as found at the start; the audit says `unknown` of them now.",
        |store| &store.audit_counts().found_open,
    ),
];

/// A family that has a sample for as long as the store is open.
fn of_store(
    group: &mut Group,
    store: &Arc<Embedded>,
    (name, kind, help): (&'static str, Kind, &'static str),
    read: impl Fn(&Embedded, &mut Samples) + Send + Sync + 'static,
) {
    // A registry that is still read must not keep the store from closing.
    let weak: Weak<Embedded> = Arc::downgrade(store);
    group.family(name, kind, help, move |samples| {
        if let Some(store) = weak.upgrade() {
            read(&store, samples);
        }
    });
}

/// A group of these counters.
fn counters(store: &Arc<Embedded>, counters: &[Counter]) -> Group {
    let mut group = Group::new();
    for (name, help, of) in counters {
        let (about, of) = ((*name, Kind::Counter, *help), *of);
        of_store(&mut group, store, about, move |store, samples| {
            samples.count(&[], of(store).load(Ordering::Relaxed));
        });
    }
    group
}

/// Metrics of the audit.
pub(super) fn audit(store: &Arc<Embedded>) -> Group {
    counters(store, AUDIT)
}

/// Metrics of the store.
pub(super) fn store(store: &Arc<Embedded>) -> Group {
    let mut group = counters(store, STORE);
    let mut add = |name, kind, help, read: fn(&Embedded, &mut Samples)| {
        of_store(&mut group, store, (name, kind, help), read);
    };
    add(
        "linkbridge_store_commit_duration_seconds",
        Kind::Histogram,
        "How long transactions took, until they were durable.",
        |store, samples| samples.ranges(&[], seconds(store.counts().commits.read())),
    );
    add(
        "linkbridge_store_group_operations",
        Kind::Histogram,
        "How many operations shared a transaction.",
        |store, samples| samples.ranges(&[], numbers(store.counts().group.read())),
    );
    add(
        "linkbridge_store_writes_waiting",
        Kind::Gauge,
        "Writes that wait for the thread that writes.",
        |store, samples| {
            let waiting = store.counts().waiting.load(Ordering::Relaxed);
            samples.number(&[], waiting.max(0) as f64);
        },
    );
    add(
        "linkbridge_store_ready",
        Kind::Gauge,
        "Whether the store can write (1) or not (0).",
        |store, samples| samples.number(&[], f64::from(u8::from(store.ready()))),
    );
    add(
        "linkbridge_store_idle_readers",
        Kind::Gauge,
        "Connections to the database that read and that nobody uses now.",
        |store, samples| samples.number(&[], store.idle_readers() as f64),
    );
    add(
        "linkbridge_store_size_bytes",
        Kind::Gauge,
        "Size of the files of the store: the database, and its write-ahead log.",
        |store, samples| {
            let room = store.room();
            samples.number(&[("file", "database")], room.database as f64);
            samples.number(&[("file", "log")], room.log as f64);
        },
    );
    add(
        "linkbridge_store_disk_free_bytes",
        Kind::Gauge,
        "Room that is left on the disk of the data directory.",
        |store, samples| {
            if let Some(free) = store.room().free {
                samples.number(&[], free as f64);
            }
        },
    );
    group
}
