//! Since when no stream of a connection is open.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

/// Told by the layer that sees frames, asked by the one that ends connections.
#[derive(Debug)]
pub struct Quiet {
    began: Instant,
    open: AtomicUsize,
    /// In milliseconds from the beginning.
    since: AtomicU64,
}

impl Default for Quiet {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            open: AtomicUsize::new(0),
            since: AtomicU64::new(0),
        }
    }
}

impl Quiet {
    /// Waits until no stream has been open for as long as this.
    pub async fn lasts(&self, idle: Duration) {
        loop {
            if self.open.load(Ordering::Relaxed) > 0 {
                // Whatever begins within this time ends too late to be over with it.
                sleep(idle).await;
                continue;
            }
            let since = Duration::from_millis(self.since.load(Ordering::Relaxed));
            let end = self.began + since + idle;
            if Instant::now() >= end {
                return;
            }
            sleep_until(end).await;
        }
    }

    /// So many streams are open.
    pub(super) fn note(&self, open: usize, now: Instant) {
        if self.open.swap(open, Ordering::Relaxed) > 0 && open == 0 {
            let since = now.saturating_duration_since(self.began).as_millis();
            let since = u64::try_from(since).unwrap_or(u64::MAX);
            self.since.store(since, Ordering::Relaxed);
        }
    }
}
