//! What a running server tells of itself beside its requests: what it was built from and is configured with, its
//! store, its upstreams and their indexes. Only here, store and metrics meet: neither knows the other.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use serde_json::{Value, json};

use super::backend::{Leaf, Open};
use crate::backend::Backend as _;
use crate::backend::embedded::audit::Counts as AuditCounts;
use crate::backend::embedded::{Counts, Embedded};
use crate::backend::tally::Read;
use crate::backend::upstream::Upstream;
use crate::backend::upstream::caller::Reading;
use crate::server::{Check, Front, Observed, clock};
use crate::telemetry::metrics::{Group, Kind, Registry, Samples, Snapshot};

/// Everything that is told. `shown` is what may be shown of the configuration, `version` its short name. Called
/// again with the same registry, what is new takes the place of what was.
pub(super) fn observed(
    registry: Arc<Registry>,
    (shown, version): (Value, &str),
    open: &Open,
    fronts: &[Front],
) -> Observed {
    let mut digests: Vec<(String, String)> = fronts
        .iter()
        .map(|front| {
            let dialect = &front.dialect;
            (dialect.name().to_owned(), short(&dialect.digest()))
        })
        .collect();
    digests.sort();
    digests.dedup();
    registry.set("build", build(version, &digests));
    registry.set("store", store(&open.store));
    registry.set("audit", audit(&open.store));
    registry.set("upstreams", upstreams(open));
    let mappings: serde_json::Map<String, Value> = digests
        .into_iter()
        .map(|(name, digest)| (name, Value::String(digest)))
        .collect();
    let configuration = json!({
        "linkbridge": env!("CARGO_PKG_VERSION"),
        "version": version,
        "mappings": mappings,
        "configuration": shown,
    });
    Observed {
        registry,
        configuration: serde_json::to_string_pretty(&configuration).unwrap_or_default() + "\n",
        checks: open.upstreams.iter().map(check).collect(),
    }
}

/// The beginning of a mapping's digest, which records of the audit have whole.
fn short(digest: &[u8; 32]) -> String {
    digest.iter().take(8).fold(String::new(), |mut out, byte| {
        // Writing into a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// An upstream that fails is told; whether nothing can be served without it, the backend knows.
fn check(upstream: &Arc<Upstream>) -> Check {
    let weak = Arc::downgrade(upstream);
    Check {
        name: format!("upstream {}", upstream.name()),
        is_needed: false,
        ask: Box::new(move || match weak.upgrade().and_then(|u| u.reading()) {
            Some(reading) if reading.is_open => Err("it fails, and is left alone".to_owned()),
            _ => Ok(()),
        }),
    }
}

fn build(version: &str, digests: &[(String, String)]) -> Group {
    let mut group = Group::new();
    group.gauge(
        "linkbridge_build_info",
        "Always 1; the version of linkbridge.",
        &[("version", env!("CARGO_PKG_VERSION"))],
        || 1.0,
    );
    group.gauge(
        "linkbridge_config_info",
        "Always 1; a short name of the configuration, which changes when anything in it does.",
        &[("version", version)],
        || 1.0,
    );
    for (front, digest) in digests {
        group.gauge(
            "linkbridge_mapping_info",
            "Always 1; a short name of the mapping of a front, which changes when its text does.",
            &[("front", front), ("digest", digest)],
            || 1.0,
        );
    }
    group
}

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

type CountOf = fn(&Counts) -> &std::sync::atomic::AtomicU64;

/// Counters of the store: name, help, and what is read.
const STORE: &[(&str, &str, CountOf)] = &[
    (
        "linkbridge_store_io_errors_total",
        "Transactions that failed at the disk or in SQLite; after each of them the database is opened anew.",
        |counts| &counts.broken,
    ),
    (
        "linkbridge_store_writes_refused_total",
        "Writes that were refused because too many waited, or because the store could not write.",
        |counts| &counts.refused,
    ),
    (
        "linkbridge_store_reads_total",
        "Reads of the store.",
        |counts| &counts.reads,
    ),
    (
        "linkbridge_store_reads_repeated_total",
        "Reads that failed in SQLite and were tried once more.",
        |counts| &counts.reads_repeated,
    ),
    (
        "linkbridge_store_checkpoints_total",
        "Checkpoints: pages moved from the write-ahead log into the database.",
        |counts| &counts.checkpoints,
    ),
    (
        "linkbridge_store_checkpoints_failed_total",
        "Checkpoints that failed; their pages stay in the log, and are moved later.",
        |counts| &counts.checkpoints_failed,
    ),
];

type AuditCountOf = fn(&AuditCounts) -> &std::sync::atomic::AtomicU64;

/// Counters of the audit.
const AUDIT: &[(&str, &str, AuditCountOf)] = &[
    (
        "linkbridge_audit_records_total",
        "Records of changes that were kept.",
        |counts| &counts.records,
    ),
    (
        "linkbridge_audit_refused_total",
        "Changes that did not take place because their record could not be kept.",
        |counts| &counts.refused,
    ),
    (
        "linkbridge_audit_pruned_total",
        "Records that were taken away because of their age.",
        |counts| &counts.pruned,
    ),
    (
        "linkbridge_audit_outcomes_lost_total",
        "Requests to an IdP whose outcome could not be kept: their clients were told that it is not known.",
        |counts| &counts.outcomes_lost,
    ),
    (
        "linkbridge_audit_intents_found_open_total",
        "Intents of an earlier process without an outcome, as found at the start; the audit says `unknown` of them now.",
        |counts| &counts.found_open,
    ),
];

fn audit(store: &Arc<Embedded>) -> Group {
    let mut group = Group::new();
    for (name, help, of) in AUDIT {
        let about = (*name, Kind::Counter, *help);
        of_store(&mut group, store, about, move |store, samples| {
            samples.count(&[], of(store.audit_counts()).load(Ordering::Relaxed));
        });
    }
    group
}

fn store(store: &Arc<Embedded>) -> Group {
    let mut group = Group::new();
    for (name, help, of) in STORE {
        let about = (*name, Kind::Counter, *help);
        of_store(&mut group, store, about, move |store, samples| {
            samples.count(&[], of(store.counts()).load(Ordering::Relaxed));
        });
    }
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

fn seconds(read: Read) -> Snapshot {
    Snapshot {
        bounds: read.ends.iter().map(|end| *end as f64 / 1e9).collect(),
        counts: read.counts,
        sum: read.sum as f64 / 1e9,
    }
}

fn numbers(read: Read) -> Snapshot {
    Snapshot {
        bounds: read.ends.iter().map(|end| *end as f64).collect(),
        counts: read.counts,
        sum: read.sum as f64,
    }
}

type NumberOf = fn(&Reading) -> u64;

/// Counters of an upstream: name, help, and what is read.
const UPSTREAM: &[(&str, &str, NumberOf)] = &[
    (
        "linkbridge_upstream_calls_total",
        "Calls to an upstream that were asked for.",
        |reading| reading.counts.calls,
    ),
    (
        "linkbridge_upstream_retries_total",
        "Tries besides the first of a call.",
        |reading| reading.counts.retries,
    ),
    (
        "linkbridge_upstream_failures_total",
        "Tries without an answer, or with one that says that the upstream is broken.",
        |reading| reading.counts.failures,
    ),
    (
        "linkbridge_upstream_breaker_opens_total",
        "How often an upstream began to be left alone because it failed.",
        |reading| reading.counts.opens,
    ),
    (
        "linkbridge_upstream_waits_total",
        "Calls that had to wait for their turn.",
        |reading| reading.waits,
    ),
    (
        "linkbridge_upstream_turned_away_total",
        "Calls that were given up because no turn came.",
        |reading| reading.turned_away,
    ),
    (
        "linkbridge_upstream_credential_refused_total",
        "Answers that refused our credential (401 or 403).",
        |reading| reading.credential_refused,
    ),
];

/// Whoever has no upstream has these metrics without samples.
fn upstreams(open: &Open) -> Group {
    let all: Vec<Weak<Upstream>> = open.upstreams.iter().map(Arc::downgrade).collect();
    let mut group = Group::new();
    for (name, help, of) in UPSTREAM {
        of_upstreams(
            &mut group,
            &all,
            (*name, Kind::Counter, *help),
            move |upstream, samples| {
                if let Some(reading) = upstream.reading() {
                    samples.count(&[("upstream", upstream.name())], of(&reading));
                }
            },
        );
    }
    let mut add = |name, kind, help, read: fn(&Upstream, &Reading, &mut Samples)| {
        of_upstreams(
            &mut group,
            &all,
            (name, kind, help),
            move |upstream, samples| {
                if let Some(reading) = upstream.reading() {
                    read(upstream, &reading, samples);
                }
            },
        );
    };
    add(
        "linkbridge_upstream_call_duration_seconds",
        Kind::Histogram,
        "How long calls to an upstream took, waiting and retries included.",
        |upstream, reading, samples| {
            let snapshot = seconds(reading.duration.clone());
            samples.ranges(&[("upstream", upstream.name())], snapshot);
        },
    );
    add(
        "linkbridge_upstream_in_flight",
        Kind::Gauge,
        "Calls to an upstream that are under way or wait for their turn.",
        |upstream, reading, samples| {
            samples.number(&[("upstream", upstream.name())], reading.in_flight as f64);
        },
    );
    add(
        "linkbridge_upstream_breaker_open",
        Kind::Gauge,
        "Whether an upstream is left alone because it fails (1) or not (0).",
        |upstream, reading, samples| {
            let is_open = f64::from(u8::from(reading.is_open));
            samples.number(&[("upstream", upstream.name())], is_open);
        },
    );
    add(
        "linkbridge_upstream_chains_total",
        Kind::Counter,
        "Plans of several calls that were run: the upstream does not carry them out as one.",
        |upstream, _, samples| {
            samples.count(&[("upstream", upstream.name())], upstream.chains());
        },
    );
    indexes(&mut group, open);
    group
}

fn of_upstreams(
    group: &mut Group,
    all: &[Weak<Upstream>],
    (name, kind, help): (&'static str, Kind, &'static str),
    read: impl Fn(&Upstream, &mut Samples) + Send + Sync + 'static,
) {
    let all = all.to_vec();
    group.family(name, kind, help, move |samples| {
        for upstream in all.iter().filter_map(Weak::upgrade) {
            read(&upstream, samples);
        }
    });
}

/// The indexes of one upstream, taken together: tenants are not told.
#[derive(Default)]
struct Indexes {
    links: u64,
    incomplete: u64,
    /// When the scan of the oldest one began, in milliseconds.
    oldest: Option<i64>,
}

impl Indexes {
    fn of(upstream: &Upstream, leaf: &Leaf) -> Self {
        leaf.tenants
            .iter()
            .fold(Self::default(), |mut all, tenant| {
                let status = upstream.index_status(tenant).unwrap_or_default();
                all.links += status.links;
                match status.complete_since {
                    Some(since) => {
                        all.oldest = Some(all.oldest.map_or(since.0, |oldest| oldest.min(since.0)));
                    }
                    None => all.incomplete += 1,
                }
                all
            })
    }
}

fn indexes(group: &mut Group, open: &Open) {
    let needing = open.upstreams.iter().zip(&open.leaves);
    let needing = needing.filter(|(upstream, _)| upstream.needs_index());
    let needing: Vec<(Weak<Upstream>, Leaf)> = needing
        .map(|(upstream, leaf)| (Arc::downgrade(upstream), leaf.clone()))
        .collect();
    let needing = Arc::new(needing);
    let mut add = |name, help, read: fn(&Indexes, &Leaf) -> Option<f64>| {
        let needing = Arc::clone(&needing);
        group.family(name, Kind::Gauge, help, move |samples| {
            for (weak, leaf) in &*needing {
                if let Some(upstream) = weak.upgrade()
                    && let Some(number) = read(&Indexes::of(&upstream, leaf), leaf)
                {
                    samples.number(&[("upstream", upstream.name())], number);
                }
            }
        });
    };
    add(
        "linkbridge_index_links",
        "Links that the last scans have found, of all tenants of an upstream that cannot look accounts up.",
        |indexes, _| Some(indexes.links as f64),
    );
    add(
        "linkbridge_index_incomplete",
        "Tenants of an upstream that have no complete index: nothing is known of who is not in it.",
        |indexes, _| Some(indexes.incomplete as f64),
    );
    add(
        "linkbridge_index_age_seconds",
        "How long ago the scan of the oldest index of an upstream began.",
        |indexes, _| {
            let age = clock::now().0.saturating_sub(indexes.oldest?);
            Some(age.max(0) as f64 / 1000.0)
        },
    );
    add(
        "linkbridge_index_max_age_seconds",
        "How old an index may be before it cannot say any more that nobody holds an account.",
        |_, leaf| Some(leaf.settings.index_max_age.as_secs_f64()),
    );
}
