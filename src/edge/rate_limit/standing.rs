//! What a client is told of a limit: the fields of draft-ietf-httpapi-ratelimit-headers-11, and what vendors
//! make of the same numbers.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

/// `RateLimit-Policy`.
pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// `RateLimit`.
pub const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// How a client stands with the limit that is nearest to refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The name of the limit.
    pub policy: &'static str,
    /// How many are allowed in a window.
    pub quota: u64,
    /// The window, in whole seconds, rounded up.
    pub window: u64,
    /// How many more are let in now.
    pub remaining: u64,
    /// In how many seconds, rounded up, there is at least one more than that; 0 if all are there.
    pub reset: u64,
}

impl Standing {
    /// The tighter of two: the one with fewer left; of equals, the one that waits longer.
    #[must_use]
    pub fn tighter(self, other: Self) -> Self {
        let rank = |s: &Self| (s.remaining, std::cmp::Reverse(s.reset));
        if rank(&other) < rank(&self) {
            other
        } else {
            self
        }
    }

    /// The value of `RateLimit-Policy`: `"client";q=400;w=2`.
    #[must_use]
    pub fn policy_field(&self) -> Option<HeaderValue> {
        let text = format!("\"{}\";q={};w={}", self.policy, self.quota, self.window);
        HeaderValue::try_from(text).ok()
    }

    /// The value of `RateLimit`: `"client";r=42;t=1`.
    #[must_use]
    pub fn limit_field(&self) -> Option<HeaderValue> {
        let text = format!("\"{}\";r={};t={}", self.policy, self.remaining, self.reset);
        HeaderValue::try_from(text).ok()
    }
}

/// Whole seconds, rounded up from the last nanosecond: whoever waits so long is not early.
pub(super) fn whole_seconds(duration: Duration) -> u64 {
    let begun = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_structured_lists_of_one_member() {
        let standing = Standing {
            policy: "client",
            quota: 400,
            window: 2,
            remaining: 42,
            reset: 1,
        };
        assert_eq!(standing.policy_field().unwrap(), "\"client\";q=400;w=2");
        assert_eq!(standing.limit_field().unwrap(), "\"client\";r=42;t=1");
    }

    #[test]
    fn the_tighter_one_has_less_or_waits_longer() {
        let standing = |remaining, reset| Standing {
            policy: "x",
            quota: 9,
            window: 9,
            remaining,
            reset,
        };
        let tighter = |a: (u64, u64), b: (u64, u64)| {
            let found = standing(a.0, a.1).tighter(standing(b.0, b.1));
            (found.remaining, found.reset)
        };
        assert_eq!(tighter((3, 1), (2, 1)), (2, 1));
        assert_eq!(tighter((0, 1), (0, 7)), (0, 7));
        assert_eq!(tighter((0, 7), (1, 90)), (0, 7));
    }

    #[test]
    fn seconds_are_rounded_up_from_the_last_nanosecond() {
        assert_eq!(whole_seconds(Duration::from_nanos(2_000_000_001)), 3);
        assert_eq!(whole_seconds(Duration::from_secs(2)), 2);
        assert_eq!(whole_seconds(Duration::ZERO), 0);
    }
}
