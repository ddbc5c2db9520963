//! Connections that read, on the thread of whoever asks.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::connection;
use super::counts::{Counts, count};
use super::files::Files;
use super::task::{Step, Stop};

/// A pool of reading connections. As many exist as reads ever ran at the same time: one per worker.
pub(super) struct Readers {
    files: Files,
    counts: Arc<Counts>,
    idle: Mutex<Vec<Connection>>,
    /// Kept open for as long as the store is. When the last connection goes, SQLite forgets where the
    /// log ends, and the next one reads it from the file: with the commits whose fsync failed.
    _anchor: Mutex<Connection>,
}

impl Readers {
    pub(super) fn new(files: Files, counts: Arc<Counts>) -> rusqlite::Result<Self> {
        let anchor = connection::reader(&files)?;
        // A connection knows nothing of the log before its first read.
        anchor.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?;
        Ok(Self {
            files,
            counts,
            idle: Mutex::new(Vec::new()),
            _anchor: Mutex::new(anchor),
        })
    }

    /// Reads in one transaction, so that all statements of `work` see the same state: at least
    /// everything that was acknowledged before.
    ///
    /// A connection that failed is not used again; the work gets one more try with a new one.
    pub(super) fn with<T>(&self, work: impl Fn(&Connection) -> Step<T>) -> Step<T> {
        count(&self.counts.reads);
        match self.attempt(&work) {
            Err(stop @ Stop::Sql(_)) => {
                count(&self.counts.reads_repeated);
                tracing::debug!(?stop, "a read is tried again on a new connection");
                self.attempt(&work)
            }
            done => done,
        }
    }

    fn attempt<T>(&self, work: impl Fn(&Connection) -> Step<T>) -> Step<T> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let conn = match idle {
            Some(conn) => conn,
            None => connection::reader(&self.files)?,
        };
        conn.prepare_cached("BEGIN")?.execute([])?;
        let result = work(&conn);
        if matches!(result, Err(Stop::Sql(_))) {
            return result;
        }
        conn.prepare_cached("COMMIT")?.execute([])?;
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(conn);
        result
    }

    /// How many connections nobody uses now.
    pub(super) fn idle(&self) -> usize {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Closes the connections that nobody uses now.
    pub(super) fn close(&self) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
