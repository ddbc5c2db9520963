//! How often a value was in which range, as plain atomics: whoever tells metrics reads them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Ends of ranges for times, in nanoseconds: 0.5 ms to 10 s.
pub const TIMES: &[u64] = &[
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

/// Ends of ranges for numbers of things.
pub const SIZES: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256];

/// Values by range.
#[derive(Debug)]
pub struct Tally {
    ends: &'static [u64],
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// A tally as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The upper ends of the ranges.
    pub ends: &'static [u64],
    /// How many values were in each range, not in those below it; one more than there are ends.
    pub counts: Vec<u64>,
    /// All values together.
    pub sum: u64,
}

impl Tally {
    /// A tally without a value.
    #[must_use]
    pub fn new(ends: &'static [u64]) -> Self {
        Self {
            ends,
            counts: (0..=ends.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// Notes a value.
    pub fn note(&self, value: u64) {
        let range = self.ends.partition_point(|end| *end < value);
        if let Some(count) = self.counts.get(range) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Notes a time.
    pub fn took(&self, time: Duration) {
        self.note(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// What was noted so far.
    #[must_use]
    pub fn read(&self) -> Read {
        let counts = self.counts.iter();
        Read {
            ends: self.ends,
            counts: counts.map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_the_end_of_a_range_is_in_it() {
        let tally = Tally::new(&[1, 2, 4]);
        for value in [0, 1, 2, 3, 4, 5, 100] {
            tally.note(value);
        }
        let read = tally.read();
        assert_eq!(read.counts, [2, 1, 2, 2]);
        assert_eq!(read.sum, 115);
    }
}
