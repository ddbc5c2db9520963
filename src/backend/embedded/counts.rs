//! What the store counts, for metrics.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::Embedded;
use crate::backend::tally::{SIZES, TIMES, Tally};

/// How often things have happened so far. Plain numbers: whoever shows them reads them.
#[derive(Debug)]
pub struct Counts {
    /// Transactions that were made durable.
    pub commits: Tally,
    /// How many operations shared each of them.
    pub group: Tally,
    /// Transactions that failed; after each of them the database is opened anew.
    pub broken: AtomicU64,
    /// Writes that wait for the writer now.
    pub waiting: AtomicI64,
    /// Writes that were refused because too many waited, or because the store could not write.
    pub refused: AtomicU64,
    /// Reads.
    pub reads: AtomicU64,
    /// Reads that failed at SQLite and were tried again.
    pub reads_repeated: AtomicU64,
    /// Checkpoints that moved what they could.
    pub checkpoints: AtomicU64,
    /// Checkpoints that failed.
    pub checkpoints_failed: AtomicU64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            commits: Tally::new(TIMES),
            group: Tally::new(SIZES),
            broken: AtomicU64::new(0),
            waiting: AtomicI64::new(0),
            refused: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            reads_repeated: AtomicU64::new(0),
            checkpoints: AtomicU64::new(0),
            checkpoints_failed: AtomicU64::new(0),
        }
    }
}

impl Counts {
    /// A group was committed.
    pub(super) fn committed(&self, operations: usize, took: Duration) {
        self.commits.took(took);
        self.group.note(operations as u64);
    }

    /// A job has left the queue.
    pub(super) fn taken(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// How much room the store takes, and how much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Bytes of the database.
    pub database: u64,
    /// Bytes of the write-ahead log.
    pub log: u64,
    /// Bytes that could still be written to the disk of the data directory; `None` if nobody knows.
    pub free: Option<u64>,
}

impl Embedded {
    /// What has happened so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The connections that read and that nobody uses now.
    #[must_use]
    pub fn idle_readers(&self) -> usize {
        self.readers.idle()
    }

    /// Looks how large the files are. This asks the file system.
    #[must_use]
    pub fn room(&self) -> Room {
        let length = |path| std::fs::metadata(path).map_or(0, |data| data.len());
        let stat = rustix::fs::statvfs(self.files.directory()).ok();
        Room {
            database: length(self.files.database()),
            log: length(self.files.wal()),
            free: stat.map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize)),
        }
    }
}
