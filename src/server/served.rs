//! Metrics of what is served now: issuers, readiness, ways to origins. A reload registers them anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use super::{Shared, admin};
use crate::telemetry::metrics::{Group, Kind, Registry};

/// Registers what belongs to what is served now: to be called again when that has changed.
pub(super) fn register(registry: &Registry, shared: &Arc<Shared>) {
    let mut group = Group::new();
    let weak = Arc::downgrade(shared);
    group.family(
        "linkbridge_issuer_calls_total",
        Kind::Counter,
        "Calls to issuers of tokens: for their keys, or about a token (introspection).",
        move |samples| {
            let Some(shared) = Weak::upgrade(&weak) else {
                return;
            };
            for counts in shared.issuers.counts() {
                for (result, count) in [("ok", counts.answered), ("failed", counts.failed)] {
                    let labels = [
                        ("issuer", counts.issuer),
                        ("purpose", counts.how),
                        ("result", result),
                    ];
                    samples.count(&labels, count);
                }
            }
        },
    );
    let weak = Arc::downgrade(shared);
    group.family(
        "linkbridge_ready",
        Kind::Gauge,
        "Whether a check of readiness says yes (1) or no (0), as /readyz tells.",
        move |samples| {
            let Some(shared) = Weak::upgrade(&weak) else {
                return;
            };
            for check in admin::checks(&shared) {
                let is_good = f64::from(u8::from(check.result.is_ok()));
                samples.number(&[("check", &check.name)], is_good);
            }
        },
    );
    let weak = Arc::downgrade(shared);
    group.family(
        "linkbridge_passthrough_in_flight",
        Kind::Gauge,
        "Exchanges with the origin of a front that requests are passed on to.",
        move |samples| {
            let Some(shared) = Weak::upgrade(&weak) else {
                return;
            };
            // A dialect may be mounted at several places.
            let mut by_front: BTreeMap<&str, usize> = BTreeMap::new();
            for front in &shared.fronts {
                if let Some(passthrough) = &front.passthrough {
                    *by_front.entry(front.dialect.name()).or_default() += passthrough.in_flight();
                }
            }
            for (front, in_flight) in by_front {
                samples.number(&[("front", front)], in_flight as f64);
            }
        },
    );
    registry.set("served", group);
}
