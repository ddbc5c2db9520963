//! What a running server tells of itself beside its requests: what it was built from and is configured with, its
//! store, its upstreams and their indexes. Only here, store and metrics meet: neither knows the other.

mod store;
mod upstreams;

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use super::backend::Open;
use crate::backend::tally::Read;
use crate::backend::upstream::Upstream;
use crate::server::{Check, Front, Observed};
use crate::telemetry::metrics::{Group, Registry, Snapshot};

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
    registry.set("store", store::store(&open.store));
    registry.set("audit", store::audit(&open.store));
    registry.set("upstreams", upstreams::upstreams(open));
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

/// What was read of times, which are kept in nanoseconds.
fn seconds(read: Read) -> Snapshot {
    scaled(read, 1e9)
}

fn numbers(read: Read) -> Snapshot {
    scaled(read, 1.0)
}

fn scaled(read: Read, unit: f64) -> Snapshot {
    Snapshot {
        bounds: read.ends.iter().map(|end| *end as f64 / unit).collect(),
        counts: read.counts,
        sum: read.sum as f64 / unit,
    }
}
