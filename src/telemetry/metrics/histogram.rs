//! How long things take: a histogram of atomics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper ends of the ranges, in seconds. From what the store answers from its cache to the longest time
/// that a request may take by default.
pub const BOUNDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The same in nanoseconds: whole numbers are compared exactly.
const NANOS: [u64; 14] = [
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Durations, by range.
#[derive(Debug, Default)]
pub struct Histogram {
    /// How many were in each range; the last one has no upper end.
    counts: [AtomicU64; 15],
    nanos: AtomicU64,
}

/// A histogram as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The upper ends of the ranges.
    pub bounds: Vec<f64>,
    /// How many were in each range, not in those below it; one more than there are bounds.
    pub counts: Vec<u64>,
    /// All values together.
    pub sum: f64,
}

impl Histogram {
    /// Notes one duration: two additions.
    pub fn observe(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let range = NANOS.partition_point(|end| *end < nanos);
        if let Some(count) = self.counts.get(range) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// What was noted so far.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let counts = self.counts.iter();
        Snapshot {
            bounds: BOUNDS.to_vec(),
            counts: counts.map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.nanos.load(Ordering::Relaxed) as f64 / 1e9,
        }
    }

    /// Whether nothing was noted yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts
            .iter()
            .all(|count| count.load(Ordering::Relaxed) == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_the_same_in_both_units() {
        assert_eq!(NANOS.len(), BOUNDS.len());
        for (nanos, seconds) in NANOS.iter().zip(BOUNDS) {
            assert_eq!(*nanos as f64 / 1e9, *seconds);
        }
    }

    #[test]
    fn a_duration_at_the_end_of_a_range_is_in_it() {
        let histogram = Histogram::default();
        assert!(histogram.is_empty());
        histogram.observe(Duration::ZERO);
        histogram.observe(Duration::from_micros(500));
        histogram.observe(Duration::from_nanos(500_001));
        histogram.observe(Duration::from_secs(10));
        histogram.observe(Duration::from_secs(11));
        let read = histogram.snapshot();
        assert_eq!(read.counts.len(), read.bounds.len() + 1);
        assert_eq!((read.counts[0], read.counts[1]), (2, 1));
        assert_eq!((read.counts[13], read.counts[14]), (1, 1));
        assert!((read.sum - 21.001_000_001).abs() < 1e-6);
    }
}
