//! Rates: how they are written, and what they are in `governor`'s terms.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

/// What takes longer than that to be whole again is no rate: 31 years, in nanoseconds. Sums of such times with
/// that of a process fit a `u64`.
const LONGEST_WINDOW: u64 = 1_000_000_000_000_000_000;

/// So many in a span, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In how long.
    pub per: Duration,
    /// How many at once.
    pub burst: NonZeroU32,
}

impl Rate {
    /// Reads `50/s`, `10/m burst 20`, `1000/h` or `5000/d`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (count, unit) = words.next()?.split_once('/')?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        let count: NonZeroU32 = count.parse().ok()?;
        let burst = match (words.next(), words.next(), words.next()) {
            (None, ..) => count,
            (Some("burst"), Some(burst), None) => burst.parse().ok()?,
            _ => return None,
        };
        let rate = Self {
            count,
            per: Duration::from_secs(seconds),
            burst,
        };
        (rate.window() <= LONGEST_WINDOW).then_some(rate)
    }

    /// After how long one more is allowed, in nanoseconds; never zero.
    pub(super) fn each(self) -> u64 {
        let nanos = (self.per / self.count.get()).as_nanos();
        u64::try_from(nanos).unwrap_or(u64::MAX).max(1)
    }

    /// How long it takes until a budget that was used up is whole again, in nanoseconds: so many as are
    /// allowed at once are allowed in every span of this length.
    pub(super) fn window(self) -> u64 {
        self.each().saturating_mul(u64::from(self.burst.get()))
    }

    pub(super) fn quota(self) -> Quota {
        let each = Duration::from_nanos(self.each());
        // It is at least one nanosecond, so the fallback cannot be reached.
        Quota::with_period(each)
            .unwrap_or(Quota::per_second(self.count))
            .allow_burst(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_written() {
        let rate = |n, per, burst| Rate {
            count: NonZeroU32::new(n).unwrap(),
            per: Duration::from_secs(per),
            burst: NonZeroU32::new(burst).unwrap(),
        };
        assert_eq!(Rate::parse("50/s burst 100"), Some(rate(50, 1, 100)));
        assert_eq!(Rate::parse("10/m"), Some(rate(10, 60, 10)));
        assert_eq!(Rate::parse("500/d burst 20"), Some(rate(500, 86_400, 20)));
        for bad in [
            "",
            "50",
            "0/s",
            "5/w",
            "5/s burst",
            "5/s burst 0",
            "5/s burst 1 x",
            "-1/s",
            "1/d burst 4294967295",
        ] {
            assert_eq!(Rate::parse(bad), None, "{bad}");
        }
    }
}
