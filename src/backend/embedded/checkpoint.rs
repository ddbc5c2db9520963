//! The thread that moves pages from the write-ahead log into the database, so that no writer waits
//! for it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::connection;
use super::counts::{Counts, count};
use super::files::Files;

/// After how many operations the thread is woken before its time: about ten megabytes of log.
const OPERATIONS: usize = 512;

/// How long pages may wait in the log.
const PERIOD: Duration = Duration::from_secs(1);

/// How long nobody may have written before the log is cut to nothing.
const IDLE: Duration = Duration::from_secs(5);

/// What the writer tells the checkpointer.
pub(super) struct Pulse {
    state: Mutex<State>,
    woken: Condvar,
}

struct State {
    /// Operations since the last checkpoint.
    written: usize,
    last_write: Instant,
    stop: bool,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                written: 0,
                last_write: Instant::now(),
                stop: false,
            }),
            woken: Condvar::new(),
        }
    }

    /// Notes that operations were committed.
    pub(super) fn wrote(&self, operations: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.written += operations;
        state.last_write = Instant::now();
        if state.written >= OPERATIONS {
            self.woken.notify_one();
        }
    }

    /// Ends the thread.
    pub(super) fn stop(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stop = true;
        self.woken.notify_one();
    }

    /// Waits until there is something to do.
    fn wait(&self) -> Due {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_quiet = |state: &mut State| !state.stop && state.written < OPERATIONS;
        let (mut state, _) = self
            .woken
            .wait_timeout_while(state, PERIOD, is_quiet)
            .unwrap_or_else(PoisonError::into_inner);
        let written = std::mem::take(&mut state.written);
        Due {
            stop: state.stop,
            written: written > 0,
            idle: state.last_write.elapsed() >= IDLE,
        }
    }
}

/// What there is to do.
struct Due {
    stop: bool,
    written: bool,
    idle: bool,
}

/// Checkpoints until it is told to stop, and then once more.
pub(super) fn run(files: &Files, pulse: &Arc<Pulse>, counts: &Counts) {
    let mut conn = None;
    // A log may be left over from an earlier process.
    let mut is_dirty = true;
    let mut is_cut = false;
    loop {
        let due = pulse.wait();
        if due.written {
            (is_dirty, is_cut) = (true, false);
        }
        let mode = if (due.stop || due.idle) && !is_cut {
            "TRUNCATE"
        } else {
            "PASSIVE"
        };
        if due.stop || is_dirty || (due.idle && !is_cut) {
            match checkpoint(&mut conn, files, mode) {
                Ok(done) => {
                    count(&counts.checkpoints);
                    is_dirty = done.busy || done.done < done.log;
                    is_cut = mode == "TRUNCATE" && !is_dirty;
                }
                Err(e) => {
                    count(&counts.checkpoints_failed);
                    // Pages that did not reach the database stay in the log and are moved again.
                    tracing::warn!(cause = %e, "a checkpoint failed, and will be tried again");
                    conn = None;
                }
            }
        }
        if due.stop {
            return;
        }
    }
}

fn checkpoint(
    conn: &mut Option<Connection>,
    files: &Files,
    mode: &str,
) -> rusqlite::Result<connection::Checkpoint> {
    let conn = match conn {
        Some(conn) => conn,
        None => conn.insert(connection::checkpointer(files)?),
    };
    connection::checkpoint(conn, mode)
}
