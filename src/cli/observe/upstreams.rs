//! What is told of upstreams and of their indexes.

use std::sync::{Arc, Weak};

use super::super::backend::{Leaf, Open};
use super::seconds;
use crate::backend::upstream::Upstream;
use crate::backend::upstream::caller::Reading;
use crate::server::clock;
use crate::telemetry::metrics::{Group, Kind, Samples};

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
pub(super) fn upstreams(open: &Open) -> Group {
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
