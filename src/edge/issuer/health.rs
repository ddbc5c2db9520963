//! Whether somebody can be reached at all: who cannot is tried once a second, and no request waits for it
//! besides the one that tries.
//!
//! Only what no caller can bring about counts: connections that fail and answers that do not come. Were a
//! status to count, a token that an issuer cannot digest would shut out everybody's.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many failures in a row, and it is taken for away.
const TAKEN_FOR_AWAY: u32 = 5;
/// How long nobody tries after that.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Health(Mutex<State>);

#[derive(Default)]
struct State {
    in_a_row: u32,
    next: Option<Instant>,
}

impl Health {
    /// Whether to try now. Where it is taken for away, one caller a second is told so.
    pub(super) fn may_try(&self, now: Instant) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.in_a_row < TAKEN_FOR_AWAY {
            return true;
        }
        let is_time = state.next.is_none_or(|next| now >= next);
        if is_time {
            state.next = Some(now + PAUSE);
        }
        is_time
    }

    /// Notes what came of a try.
    pub(super) fn note(&self, is_there: bool, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_there {
            *state = State::default();
        } else {
            state.in_a_row = state.in_a_row.saturating_add(1);
            state.next = Some(now + PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_away_is_tried_once_a_second() {
        let (health, start) = (Health::default(), Instant::now());
        let after = |millis| start + Duration::from_millis(millis);
        for _ in 0..TAKEN_FOR_AWAY {
            assert!(health.may_try(start));
            health.note(false, start);
        }
        let tries = [0, 999, 1000, 1001, 1999, 2000].map(|millis| health.may_try(after(millis)));
        assert_eq!(tries, [false, false, true, false, false, true]);
        health.note(true, after(2000));
        assert!(health.may_try(after(2000)) && health.may_try(after(2000)));
    }

    #[test]
    fn an_answer_between_failures_starts_anew() {
        let (health, now) = (Health::default(), Instant::now());
        for _ in 0..20 {
            for is_there in [false, false, false, false, true] {
                assert!(health.may_try(now));
                health.note(is_there, now);
            }
        }
    }
}
