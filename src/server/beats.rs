//! Whether the event loop of every worker turns: each notes the time twice a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::Process;

const EVERY: Duration = Duration::from_millis(500);

/// When each worker was last seen, in milliseconds since the start.
pub(super) struct Beats {
    start: Instant,
    last: Vec<AtomicU64>,
}

impl Beats {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            start: Instant::now(),
            last: (0..workers).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn note(&self, worker: usize) {
        if let Some(last) = self.last.get(worker) {
            last.store(self.now(), Ordering::Relaxed);
        }
    }

    /// How long ago the worker was seen that was seen longest ago.
    pub(super) fn longest(&self) -> Duration {
        let oldest = self.last.iter().map(|last| last.load(Ordering::Relaxed));
        let oldest = oldest.min().unwrap_or_default();
        Duration::from_millis(self.now().saturating_sub(oldest))
    }
}

/// Notes that a worker's event loop turns.
pub(super) async fn beat(process: Arc<Process>, worker: usize) {
    let mut every = tokio::time::interval(EVERY);
    loop {
        every.tick().await;
        process.beats.note(worker);
    }
}

/// Tells whether a server's event loops turn. It keeps nothing of the server alive.
pub struct Pulse(Weak<Process>);

impl Pulse {
    pub(super) fn new(process: &Arc<Process>) -> Self {
        Self(Arc::downgrade(process))
    }

    /// Whether every worker was seen within this time. A server that has ended was not.
    #[must_use]
    pub fn beats_within(&self, time: Duration) -> bool {
        let process = self.0.upgrade();
        process.is_some_and(|process| process.beats.longest() <= time)
    }
}
