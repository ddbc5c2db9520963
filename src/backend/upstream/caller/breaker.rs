//! The circuit breaker: an IdP that fails so many times in a row is left alone for a while, and then tried
//! by one call at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub(super) struct Breaker {
    /// Whom it is about, for the log.
    name: String,
    /// How many failures in a row open it; 0 for never.
    failures: u32,
    /// How long it stays open.
    open_for: Duration,
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    opens: u64,
}

#[derive(Clone, Copy)]
enum State {
    /// Calls pass; so many have failed since one has not.
    Closed(u32),
    /// No call passes before this instant, and then one.
    Open(Instant),
    /// That one is under way.
    Probing,
}

/// The right to make one call. Whoever goes away without telling what came of it gives a probe back.
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
    is_noted: bool,
}

impl Breaker {
    pub(super) fn new(name: String, failures: u32, open_for: Duration) -> Self {
        Self {
            name,
            failures,
            open_for,
            inner: Mutex::new(Inner {
                state: State::Closed(0),
                opens: 0,
            }),
        }
    }

    /// Whether no call would pass now.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        matches!(self.lock().state, State::Open(until) if now < until)
    }

    /// How often it has opened so far.
    pub(super) fn opens(&self) -> u64 {
        self.lock().opens
    }

    /// The right to call now, if there is one.
    pub(super) fn enter(&self, now: Instant) -> Option<Pass<'_>> {
        let mut inner = self.lock();
        let is_probe = match inner.state {
            State::Closed(_) => false,
            State::Open(until) if now >= until => {
                inner.state = State::Probing;
                true
            }
            State::Open(_) | State::Probing => return None,
        };
        Some(Pass {
            breaker: self,
            is_probe,
            is_noted: false,
        })
    }

    fn note(&self, is_probe: bool, has_failed: bool, now: Instant) {
        let mut inner = self.lock();
        let in_a_row = match inner.state {
            // A call that began before it opened says nothing about now.
            State::Open(_) | State::Probing if !is_probe => return,
            State::Closed(_) if !has_failed => {
                inner.state = State::Closed(0);
                return;
            }
            _ if !has_failed => {
                inner.state = State::Closed(0);
                drop(inner);
                tracing::info!(upstream = self.name, "the upstream answers again");
                return;
            }
            State::Closed(in_a_row) => in_a_row.saturating_add(1),
            State::Open(_) | State::Probing => {
                // Still away: said once, when it went.
                inner.state = State::Open(now + self.open_for);
                return;
            }
        };
        if self.failures == 0 || in_a_row < self.failures {
            inner.state = State::Closed(in_a_row);
            return;
        }
        inner.state = State::Open(now + self.open_for);
        inner.opens += 1;
        drop(inner);
        tracing::warn!(
            upstream = self.name,
            in_a_row,
            "the upstream fails: it is not called any more but by one probe at a time"
        );
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// Tells what came of the call.
    pub(super) fn note(mut self, has_failed: bool, now: Instant) {
        self.is_noted = true;
        self.breaker.note(self.is_probe, has_failed, now);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_probe && !self.is_noted {
            self.breaker.lock().state = State::Open(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Duration = Duration::from_secs(10);

    fn breaker() -> (Breaker, Instant) {
        (
            Breaker::new("main".to_owned(), 3, OPEN),
            tokio::time::Instant::now(),
        )
    }

    fn fail(breaker: &Breaker, now: Instant) {
        breaker.enter(now).unwrap().note(true, now);
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_starts_anew() {
        let (breaker, now) = breaker();
        for _ in 0..5 {
            fail(&breaker, now);
            fail(&breaker, now);
            breaker.enter(now).unwrap().note(false, now);
        }
        assert!(!breaker.is_open(now));
        for _ in 0..3 {
            fail(&breaker, now);
        }
        assert!(breaker.is_open(now) && breaker.enter(now).is_none());
        assert_eq!(breaker.opens(), 1);
    }

    #[test]
    fn one_probe_at_a_time_decides() {
        let (breaker, start) = breaker();
        for _ in 0..3 {
            fail(&breaker, start);
        }
        let early = start + OPEN - Duration::from_millis(1);
        assert!(breaker.enter(early).is_none());
        let later = start + OPEN;
        assert!(!breaker.is_open(later), "a probe may come");
        let probe = breaker.enter(later).unwrap();
        assert!(breaker.enter(later).is_none(), "one at a time");
        probe.note(true, later);
        assert!(breaker.is_open(later + OPEN - Duration::from_millis(1)));
        breaker
            .enter(later + OPEN)
            .unwrap()
            .note(false, later + OPEN);
        assert!(breaker.enter(later + OPEN).is_some());
        assert!(breaker.enter(later + OPEN).is_some());
        assert_eq!(breaker.opens(), 1, "a probe that fails opens nothing anew");
    }

    #[test]
    fn a_probe_that_goes_away_is_given_back() {
        let (breaker, start) = breaker();
        for _ in 0..3 {
            fail(&breaker, start);
        }
        let later = start + OPEN;
        drop(breaker.enter(later).unwrap());
        assert!(breaker.enter(later).is_some());
    }

    #[test]
    fn a_late_answer_does_not_close_it() {
        let (breaker, now) = breaker();
        let slow = breaker.enter(now).unwrap();
        for _ in 0..3 {
            fail(&breaker, now);
        }
        slow.note(false, now);
        assert!(breaker.is_open(now));
    }

    #[test]
    fn without_a_number_it_never_opens() {
        let now = Instant::now();
        let breaker = Breaker::new("main".to_owned(), 0, OPEN);
        for _ in 0..100 {
            fail(&breaker, now);
        }
        assert!(!breaker.is_open(now));
    }
}
