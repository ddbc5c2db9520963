//! How often something was refused, for whoever shows numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Fault;

/// Refusals of the filter since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Heads that are no request, or whose framing has more than one reading.
    pub malformed: AtomicU64,
    /// Heads over one of the limits of size: 414 and 431.
    pub too_large: AtomicU64,
    /// Heads that did not come in time: 408.
    pub too_slow: AtomicU64,
    /// What HTTP has and is not done here: tunnels, other codings, versions and expectations, foreign targets.
    pub unsupported: AtomicU64,
    /// Bodies whose chunks or trailers are broken. They are answered in the words of their front.
    pub bodies: AtomicU64,
}

impl Counts {
    /// Counts a refusal.
    pub fn add(&self, fault: Fault) {
        let counter = match (fault.is_in_body(), fault.status()) {
            (true, _) => &self.bodies,
            (_, 408) => &self.too_slow,
            (_, 414 | 431) => &self.too_large,
            (_, 400) => &self.malformed,
            _ => &self.unsupported,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
