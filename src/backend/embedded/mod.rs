//! The embedded store: SQLite in a data directory, the default backend, with nothing to set up.
//!
//! One thread writes (`writer`), committing whatever waits as one group (`group`); one moves pages
//! from the log into the database (`checkpoint`); reads run where they are asked for (`readers`).
//! What an operation does stands in `links`, `unlink`, `pending`, `users`, `user_list` and `naming`, on
//! the ground of `task`; pending links that nobody completes end in `expiry`. What is kept beside upstreams stands in
//! `upstream`.
//! Tokens are sealed before they reach SQLite (`seal`, `keys`, `reseal`).

mod accounts;
mod aliases;
pub mod audit;
mod checkpoint;
mod connection;
mod counts;
mod document;
mod expiry;
mod files;
mod group;
pub mod import;
mod incarnation;
mod keys;
mod links;
mod naming;
mod opening;
mod patch;
mod pending;
mod readers;
mod reseal;
mod rows;
mod schema;
mod seal;
mod settings;
mod task;
mod unlink;
mod upstream;
mod user_list;
mod users;
mod writer;

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

pub use counts::{Counts, Room};
pub use settings::{OpenError, Settings};

use self::checkpoint::Pulse;
use self::files::Files;
use self::group::Job;
use self::opening::Opened;
pub(in crate::backend) use self::patch::DEPTH;
use self::readers::Readers;
use self::reseal::Reseal;
use self::seal::Keyring;
use self::task::{Stop, Task};
use self::writer::{Writer, overloaded};
use super::{Answer, Atomicity, Backend, BoxFuture};
use crate::model::{Action, Failure, Operation, Outcome};

/// When a client may ask again that the store could not serve. A restarted disk or a freed one is
/// found within this time.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// An open store. Dropping it finishes the work that is queued, and waits for that.
pub struct Embedded {
    readers: Readers,
    files: Files,
    counts: Arc<Counts>,
    keys: Arc<Keyring>,
    audited: Arc<audit::Counts>,
    ready: Arc<AtomicBool>,
    pulse: Arc<Pulse>,
    /// `None` once the store is closing; the writer ends when this is gone and the queue is empty.
    queue: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
    /// Held for as long as anything here may touch the files.
    _lock: Option<File>,
}

impl Embedded {
    /// Opens the store, makes it if there is none, and starts its threads.
    ///
    /// # Errors
    /// [`OpenError`] says what is in the way, where, and what would be right.
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        let Opened {
            files,
            conn,
            keys,
            found_open,
            lock,
        } = opening::open(&settings)?;
        let keys = Arc::new(keys);
        let path = files.database();
        let sqlite = |e: rusqlite::Error| OpenError::sqlite(&path, &e);
        let (queue, waiting) = sync_channel(settings.queue);
        let ready = Arc::new(AtomicBool::new(true));
        let pulse = Arc::new(Pulse::new());
        let counts = Arc::new(Counts::default());
        let audited = Arc::new(audit::Counts::default());
        audited.found_open.store(found_open, Ordering::Relaxed);
        audited.records.store(found_open, Ordering::Relaxed);
        let writer = Writer {
            files: files.clone(),
            keys: keys.clone(),
            queue: waiting,
            counts: counts.clone(),
            ready: ready.clone(),
            pulse: pulse.clone(),
            group: settings.group,
            wal_limit: settings.wal_limit,
            reseal: Reseal::plan(&conn, &keys).map_err(sqlite)?,
            next_purge: Instant::now(),
            audit_age: settings.audit_age,
            next_prune: Instant::now(),
            audited: audited.clone(),
        };
        // The store exists before its threads do: if one cannot be started, dropping it ends the other.
        let mut store = Self {
            readers: Readers::new(files.clone(), counts.clone()).map_err(sqlite)?,
            files: files.clone(),
            counts: counts.clone(),
            keys,
            audited,
            ready,
            pulse: pulse.clone(),
            queue: Some(queue),
            threads: Vec::new(),
            _lock: lock,
        };
        let its_files = files.clone();
        store.start(&files, "store-writer", move || {
            let conn = writer.run(conn)?;
            if let Err(error) = incarnation::leave(&its_files, &conn) {
                tracing::warn!(%error, "the store could not be marked as closed");
            }
            Some(())
        })?;
        let its_files = files.clone();
        store.start(&files, "store-checkpoint", move || {
            checkpoint::run(&its_files, &pulse, &counts);
            Some(())
        })?;
        Ok(store)
    }

    fn start(
        &mut self,
        files: &Files,
        name: &str,
        body: impl FnOnce() -> Option<()> + Send + 'static,
    ) -> Result<(), OpenError> {
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                body();
            })
            .map_err(|e| OpenError::io(&files.database(), &e))?;
        self.threads.push(thread);
        Ok(())
    }

    /// Finishes the work that is queued, empties the log and lets go of the directory.
    pub fn close(self) {
        drop(self);
    }

    /// The counters of the audit.
    #[must_use]
    pub fn audit_counts(&self) -> &Arc<audit::Counts> {
        &self.audited
    }

    fn read(&self, operation: &Operation) -> Answer {
        match operation.action {
            Action::Status => Ok(Outcome::Status {
                ready: self.ready(),
            }),
            _ => self
                .readers
                .with(|conn| {
                    Task {
                        conn,
                        keys: &self.keys,
                        operation,
                        ledger: None,
                    }
                    .run()
                })
                .map_err(Stop::into_failure),
        }
    }

    /// Gives operations to the writer.
    async fn write(&self, operations: Vec<Operation>, atomicity: Atomicity) -> Vec<Answer> {
        let count = operations.len();
        let answers = self.queue(|reply| Job::Operations {
            operations,
            atomicity,
            reply,
        });
        answers
            .await
            .unwrap_or_else(|failure| vec![Err(failure); count])
    }

    /// Gives a job to the writer and waits for what it comes to. A queue that is full refuses; it never
    /// grows.
    async fn queue<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, Failure> {
        let Some(queue) = self.queue.as_ref().filter(|_| self.ready()) else {
            counts::count(&self.counts.refused);
            return Err(overloaded());
        };
        let (reply, came_to) = oneshot::channel();
        // Counted before it can be taken.
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        queue.try_send(job(reply)).map_err(|_| {
            self.counts.taken();
            counts::count(&self.counts.refused);
            overloaded()
        })?;
        // The writer answers every job that it takes; if it does not, it ended in the middle of one.
        came_to.await.map_err(|_| Failure::OutcomeUnknown)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.queue = None;
        self.readers.close();
        // The writer was started first and must be done before the last checkpoint.
        let mut threads = self.threads.drain(..);
        let mut is_sound = threads.next().is_none_or(|writer| writer.join().is_ok());
        self.pulse.stop();
        for thread in threads {
            is_sound &= thread.join().is_ok();
        }
        if !is_sound {
            tracing::error!("a thread of the store had ended with a panic");
        }
    }
}

impl Backend for Embedded {
    fn apply(&self, operation: Operation) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            if !operation.action.kind().writes() {
                return self.read(&operation);
            }
            let answers = self.write(vec![operation], Atomicity::Each).await;
            answers
                .into_iter()
                .next()
                .unwrap_or(Err(Failure::OutcomeUnknown))
        })
    }

    fn apply_all(
        &self,
        operations: Vec<Operation>,
        atomicity: Atomicity,
    ) -> BoxFuture<'_, Vec<Answer>> {
        Box::pin(async move {
            if operations
                .iter()
                .any(|operation| operation.action.kind().writes())
            {
                return self.write(operations, atomicity).await;
            }
            let answers: Vec<Answer> = operations
                .iter()
                .map(|operation| self.read(operation))
                .collect();
            match answers.iter().find_map(|answer| answer.as_ref().err()) {
                Some(failure) if atomicity == Atomicity::Together => {
                    vec![Err(failure.clone()); answers.len()]
                }
                _ => answers,
            }
        })
    }

    fn ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }
}
