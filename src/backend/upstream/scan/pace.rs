//! How fast a scan goes: it must leave the IdP to those who wait for an answer.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How fast a scan may be.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The most requests in a second.
    pub per_second: NonZeroU32,
    /// The most requests at once.
    pub at_once: usize,
    /// How long to wait before what failed is tried again for the first time.
    pub patience: Duration,
}

impl Pace {
    /// So many requests in a second.
    #[must_use]
    pub fn new(per_second: NonZeroU32) -> Self {
        Self {
            per_second,
            at_once: 8,
            patience: Duration::from_secs(1),
        }
    }
}

/// Gives out turns, evenly spaced. Turns that nobody took are not saved up.
pub(super) struct Turns {
    apart: Duration,
    next: Mutex<Instant>,
}

impl Turns {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            apart: Duration::from_secs(1) / pace.per_second.get(),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Waits for the next turn.
    pub(super) async fn next(&self) {
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(Instant::now());
            *next = turn + self.apart;
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}
