//! Things that are said once in a while, however often they happen.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const EVERY: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    /// Whether to say it now.
    pub(super) fn is_time(&self, now: Instant) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = said.is_none_or(|said| now.saturating_duration_since(said) >= EVERY);
        if is_time {
            *said = Some(now);
        }
        is_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_minute() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        let said = [0, 1, 59, 60, 61, 120].map(|after| {
            let now = start + Duration::from_secs(after);
            seldom.is_time(now)
        });
        assert_eq!(said, [true, false, false, true, false, true]);
    }
}
