//! Whether the event loop of every worker turns: each says so twice a second.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Process;

const EVERY: Duration = Duration::from_millis(500);

/// Notes that a worker's event loop turns.
pub(super) async fn beat(process: Arc<Process>, worker: usize) {
    let mut every = tokio::time::interval(EVERY);
    loop {
        every.tick().await;
        process.meters.beat(worker);
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
        process.is_some_and(|process| {
            let silences = process.meters.silences();
            silences
                .into_iter()
                .flatten()
                .all(|silence| silence <= time)
        })
    }
}
