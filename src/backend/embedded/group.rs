//! Group commit: many operations, one transaction, one answer each once it is durable.

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::pending;
use super::seal::Keyring;
use super::task::{self, Stop, Task};
use crate::backend::{Answer, Atomicity};
use crate::model::{Failure, Operation};

/// Operations of one caller that wait for the writer.
pub(super) struct Job {
    pub(super) operations: Vec<Operation>,
    pub(super) atomicity: Atomicity,
    pub(super) reply: oneshot::Sender<Vec<Answer>>,
}

impl Job {
    /// Answers every operation. Nobody may be listening any more, which changes nothing.
    pub(super) fn answer(self, answers: Vec<Answer>) {
        let _ = self.reply.send(answers);
    }

    /// Answers the same failure to every operation.
    pub(super) fn fail(self, failure: &Failure) {
        let answers = self
            .operations
            .iter()
            .map(|_| Err(failure.clone()))
            .collect();
        self.answer(answers);
    }
}

/// A transaction that failed as a whole.
#[derive(Debug)]
pub(super) struct Broken {
    /// Whether it is certain that nothing of it will ever be seen.
    pub(super) undone: bool,
    /// What happened.
    pub(super) cause: String,
}

/// Runs `work` in a transaction and makes it durable.
pub(super) fn transact<T>(
    conn: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, Broken> {
    let broken = |undone, e: &rusqlite::Error| Broken {
        undone,
        cause: e.to_string(),
    };
    execute(conn, "BEGIN IMMEDIATE").map_err(|e| broken(true, &e))?;
    let done = match work(conn) {
        Ok(done) => done,
        // Nothing is committed before COMMIT; the rollback only has to take place.
        Err(e) => return Err(broken(is_rolled_back(conn), &e)),
    };
    match execute(conn, "COMMIT") {
        Ok(()) => Ok(done),
        // The record that commits is the last to be written, so that a disk that was full before it
        // leaves a transaction that never was. After any other error it may be on the disk or not.
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
            Err(broken(is_rolled_back(conn), &e))
        }
        Err(e) => Err(broken(false, &e)),
    }
}

fn is_rolled_back(conn: &Connection) -> bool {
    conn.is_autocommit() || execute(conn, "ROLLBACK").is_ok()
}

fn execute(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(|_| ())
}

/// What a group came to.
pub(super) struct Done {
    /// The answers of each job.
    pub(super) answers: Vec<Vec<Answer>>,
    /// Whether more pending links are waiting to be purged.
    pub(super) more_to_purge: bool,
}

/// Carries out the jobs in one transaction. `purge` takes some expired pending links along.
pub(super) fn run(
    conn: &Connection,
    keys: &Keyring,
    jobs: &[Job],
    purge: bool,
) -> Result<Done, Broken> {
    transact(conn, |conn| {
        let answers = jobs
            .iter()
            .map(|job| run_job(conn, keys, job))
            .collect::<rusqlite::Result<_>>()?;
        let latest = jobs
            .iter()
            .flat_map(|job| &job.operations)
            .map(|operation| operation.at.0)
            .max();
        let more_to_purge = match latest {
            Some(at) if purge => pending::purge(conn, at)?,
            _ => false,
        };
        Ok(Done {
            answers,
            more_to_purge,
        })
    })
}

fn run_job(conn: &Connection, keys: &Keyring, job: &Job) -> rusqlite::Result<Vec<Answer>> {
    let mut tasks = job.operations.iter().map(|operation| Task {
        conn,
        keys,
        operation,
    });
    match job.atomicity {
        Atomicity::Each => tasks
            .map(|task| Ok(in_savepoint(conn, || task.run())?.map_err(Stop::into_failure)))
            .collect(),
        Atomicity::Together => {
            let together = in_savepoint(conn, || {
                tasks.try_fold(Vec::new(), |mut outcomes, task| {
                    outcomes.push(task.run()?);
                    Ok(outcomes)
                })
            })?;
            Ok(match together {
                Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
                Err(stop) => {
                    let failure = stop.into_failure();
                    job.operations
                        .iter()
                        .map(|_| Err(failure.clone()))
                        .collect()
                }
            })
        }
    }
}

/// Runs `work` so that it stands or is undone by itself. An outer error concerns the whole transaction.
fn in_savepoint<T>(
    conn: &Connection,
    work: impl FnOnce() -> Result<T, Stop>,
) -> rusqlite::Result<Result<T, Stop>> {
    execute(conn, "SAVEPOINT operation")?;
    match work() {
        Ok(done) => {
            execute(conn, "RELEASE operation")?;
            Ok(Ok(done))
        }
        Err(Stop::Sql(error)) if !task::is_contained(&error) || conn.is_autocommit() => Err(error),
        Err(stop) => {
            execute(conn, "ROLLBACK TO operation")?;
            execute(conn, "RELEASE operation")?;
            Ok(Err(stop))
        }
    }
}
