//! Instants as the model keeps them: whole milliseconds since 1970-01-01T00:00:00Z.

/// The longest that a token may live that a client gets, in seconds: public keys are kept as long.
pub const MAX_TOKEN_SECONDS: i64 = 86_400;

/// A point in time, in milliseconds since the Unix epoch. May be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

impl Instant {
    /// This instant `seconds` later; saturates instead of wrapping.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        let millis = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }
}
