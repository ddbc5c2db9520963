//! The thread that writes.
//!
//! It takes what is waiting, commits it as one group and only then answers everybody, refusals too.
//! After a failed commit the connection is closed: a second fsync of the same file may report success
//! for data that the first one lost. A new connection has to prove itself with a write of its own
//! before the store is ready again; until then whoever comes is told to come back later.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::checkpoint::Pulse;
use super::counts::{Counts, count};
use super::files::Files;
use super::group::{self, Along, Broken, Job};
use super::reseal::Reseal;
use super::seal::Keyring;
use super::{RETRY_AFTER, audit, connection};
use crate::model::Failure;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often expired pending links are looked for.
const PURGE_EVERY: Duration = Duration::from_secs(10);

/// How often records of the audit are looked for that are too old.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

/// How many limits long the log may get before writes are refused. Only a reader of another program
/// that never ends can bring it there.
const LIMITS: u64 = 16;

/// Everything that the writing thread holds.
pub(super) struct Writer {
    pub(super) files: Files,
    pub(super) keys: Arc<Keyring>,
    pub(super) queue: Receiver<Job>,
    pub(super) counts: Arc<Counts>,
    pub(super) ready: Arc<AtomicBool>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) group: usize,
    pub(super) wal_limit: u64,
    pub(super) reseal: Option<Reseal>,
    pub(super) next_purge: Instant,
    /// How old records of the audit get; `None` = they are kept.
    pub(super) audit_age: Option<Duration>,
    pub(super) next_prune: Instant,
    pub(super) audited: Arc<audit::Counts>,
}

impl Writer {
    /// Works until the last sender of the queue is gone; answers the connection, if it is still good.
    pub(super) fn run(mut self, conn: Connection) -> Option<Connection> {
        let mut conn = conn;
        loop {
            match guarded(|| self.serve(&conn)) {
                Ok(()) => return Some(conn),
                Err(broken) => {
                    self.ready.store(false, Ordering::Release);
                    count(&self.counts.broken);
                    tracing::error!(cause = %broken.cause, undone = broken.undone, "the store cannot write; it will be reopened");
                    drop(conn);
                    conn = self.reopen()?;
                    // What the failure interrupted is planned anew; it starts from the first row.
                    self.reseal = Reseal::plan(&conn, &self.keys).unwrap_or_default();
                    self.ready.store(true, Ordering::Release);
                    tracing::info!("the store can write again");
                }
            }
        }
    }

    /// Commits group after group; ends with the queue or with the first broken transaction.
    fn serve(&mut self, conn: &Connection) -> Result<(), Broken> {
        while let Some(first) = self.next_job(conn)? {
            self.counts.taken();
            let mut size = first.size();
            let mut jobs = vec![first];
            while size < self.group
                && let Ok(job) = self.queue.try_recv()
            {
                self.counts.taken();
                size += job.size();
                jobs.push(job);
            }
            let began = Instant::now();
            self.commit(conn, jobs)?;
            self.counts.committed(size, began.elapsed());
            self.pulse.wrote(size);
            self.relieve(conn)?;
            self.tidy(conn)?;
        }
        Ok(())
    }

    /// Waits for the next job, and uses the time in which there is none for what is left to re-seal.
    fn next_job(&mut self, conn: &Connection) -> Result<Option<Job>, Broken> {
        while self.reseal.is_some() {
            match self.queue.try_recv() {
                Ok(job) => return Ok(Some(job)),
                Err(TryRecvError::Disconnected) => return Ok(None),
                Err(TryRecvError::Empty) => self.tidy(conn)?,
            }
        }
        Ok(self.queue.recv().ok())
    }

    fn commit(&mut self, conn: &Connection, jobs: Vec<Job>) -> Result<(), Broken> {
        let now = Instant::now();
        let age = self.audit_age.filter(|_| now >= self.next_prune);
        let age = age.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        let lost = self.audited.lost.all();
        let along = Along {
            purge: now >= self.next_purge,
            older_than: age,
            lost: &lost,
        };
        match group::run(conn, &self.keys, &jobs, along) {
            Ok(done) => {
                if along.purge && !done.more_to_purge {
                    self.next_purge = now + PURGE_EVERY;
                }
                let (pruned, more) = done.pruned;
                if age.is_some() && !more {
                    self.next_prune = now + PRUNE_EVERY;
                }
                self.audited
                    .records
                    .fetch_add(done.records, Ordering::Relaxed);
                self.audited.lost.concluded(&done.concluded);
                self.audited.pruned.fetch_add(pruned, Ordering::Relaxed);
                self.audited
                    .refused
                    .fetch_add(done.refused, Ordering::Relaxed);
                jobs.into_iter()
                    .zip(done.came_to)
                    .for_each(|(job, came_to)| job.answer(came_to));
                Ok(())
            }
            Err(broken) => {
                // Whoever is told of a failure must not find the store ready.
                self.ready.store(false, Ordering::Release);
                let failure = if broken.undone {
                    overloaded()
                } else {
                    Failure::OutcomeUnknown
                };
                jobs.into_iter().for_each(|job| job.fail(&failure));
                Err(broken)
            }
        }
    }

    /// Keeps the log from growing without end. Under a load that never pauses the checkpointer moves
    /// pages, but the log can start over only when all of them are moved and nobody appends.
    fn relieve(&self, conn: &Connection) -> Result<(), Broken> {
        let length = std::fs::metadata(self.files.wal()).map_or(0, |data| data.len());
        if length <= self.wal_limit {
            return Ok(());
        }
        let undone = |cause| Broken {
            undone: true,
            cause,
        };
        let done = connection::checkpoint(conn, "RESTART").map_err(|e| undone(e.to_string()))?;
        if done.busy && length > self.wal_limit.saturating_mul(LIMITS) {
            return Err(undone(
                "the write-ahead log cannot be emptied, because somebody keeps reading it"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Re-seals some tokens, if there are any to re-seal.
    fn tidy(&mut self, conn: &Connection) -> Result<(), Broken> {
        if let Some(reseal) = self.reseal.take() {
            self.reseal = reseal.step(conn, &self.keys)?;
        }
        Ok(())
    }

    /// Opens a connection that can write, or ends with the queue.
    fn reopen(&self) -> Option<Connection> {
        let mut pause = FIRST_PAUSE;
        loop {
            self.refuse_for(pause)?;
            match guarded(|| self.probe()) {
                Ok(conn) => return Some(conn),
                Err(broken) => {
                    tracing::warn!(cause = %broken.cause, "the store still cannot write")
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Tells everybody who comes within `pause` to come back later.
    fn refuse_for(&self, pause: Duration) -> Option<()> {
        let end = Instant::now() + pause;
        loop {
            match self
                .queue
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(job) => {
                    self.counts.taken();
                    count(&self.counts.refused);
                    job.fail(&overloaded());
                }
                Err(RecvTimeoutError::Timeout) => return Some(()),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    fn probe(&self) -> Result<Connection, Broken> {
        let conn = connection::writer(&self.files, self.wal_limit).map_err(|e| Broken {
            undone: true,
            cause: e.to_string(),
        })?;
        group::transact(&conn, |conn| {
            conn.execute(
                "INSERT INTO meta (name, value) VALUES ('probe', randomblob(16)) \
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                [],
            )
        })?;
        self.relieve(&conn)?;
        Ok(conn)
    }
}

/// A panic is a bug, but it must cost one group and not the store. Whoever waits for that group learns
/// from the end of its reply channel that nothing is known.
fn guarded<T>(work: impl FnOnce() -> Result<T, Broken>) -> Result<T, Broken> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Broken {
            undone: false,
            cause: "a panic in the writer".to_owned(),
        })
    })
}

/// The answer of a store that cannot write now. Not everybody is to come back in the same second.
pub(super) fn overloaded() -> Failure {
    static TURN: AtomicU32 = AtomicU32::new(0);
    let turn = TURN.fetch_add(1, Ordering::Relaxed);
    Failure::Overloaded {
        retry_after: RETRY_AFTER * (1 + turn % 3),
    }
}
