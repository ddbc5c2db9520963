//! Group commit: many operations, one transaction, one answer each once it is durable.

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::audit::{self, Ledger};
use super::expiry;
use super::seal::Keyring;
use super::task::{self, Step, Stop, Task};
use super::upstream::{Change, Changed};
use crate::backend::{Answer, Atomicity};
use crate::model::{Failure, Operation};

/// What one caller waits for.
pub(super) enum Job {
    /// Operations.
    Operations {
        operations: Vec<Operation>,
        atomicity: Atomicity,
        reply: oneshot::Sender<Vec<Answer>>,
    },
    /// A change of what is kept beside an upstream.
    Beside {
        change: Change,
        reply: oneshot::Sender<Result<Changed, Failure>>,
    },
}

impl Job {
    /// How many rows it writes, roughly.
    pub(super) fn size(&self) -> usize {
        match self {
            Job::Operations { operations, .. } => operations.len(),
            Job::Beside { change, .. } => change.size(),
        }
    }

    /// The latest instant that it names, in milliseconds.
    fn latest(&self) -> Option<i64> {
        match self {
            Job::Operations { operations, .. } => operations.iter().map(|o| o.at.0).max(),
            Job::Beside { change, .. } => change.at().map(|at| at.0),
        }
    }

    /// Answers the same failure to everything.
    pub(super) fn fail(self, failure: &Failure) {
        let came_to = match &self {
            Job::Operations { operations, .. } => {
                CameTo::Operations(operations.iter().map(|_| Err(failure.clone())).collect())
            }
            Job::Beside { .. } => CameTo::Beside(Err(failure.clone())),
        };
        self.answer(came_to);
    }

    /// Answers. Nobody may be listening any more, which changes nothing.
    pub(super) fn answer(self, came_to: CameTo) {
        match (self, came_to) {
            (Job::Operations { reply, .. }, CameTo::Operations(answers)) => {
                let _ = reply.send(answers);
            }
            (Job::Beside { reply, .. }, CameTo::Beside(changed)) => {
                let _ = reply.send(changed);
            }
            // A job comes to what is of its kind; whoever waits would see the end of the channel.
            (Job::Operations { .. }, CameTo::Beside(_))
            | (Job::Beside { .. }, CameTo::Operations(_)) => {}
        }
    }
}

/// What a job came to.
pub(super) enum CameTo {
    /// One answer for each operation.
    Operations(Vec<Answer>),
    /// What was changed beside an upstream.
    Beside(Result<Changed, Failure>),
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
    /// What each job came to.
    pub(super) came_to: Vec<CameTo>,
    /// Whether more pending links are waiting to be purged.
    pub(super) more_to_purge: bool,
    /// How many records the audit has got.
    pub(super) records: u64,
    /// How many it could not get, so that their changes did not take place.
    pub(super) refused: u64,
    /// How many it has lost to their age, and whether more are waiting for it.
    pub(super) pruned: (u64, bool),
    /// Which lost outcomes are written down as unknown.
    pub(super) concluded: Vec<i64>,
}

/// What is tidied up along with a group.
#[derive(Clone, Copy, Default)]
pub(super) struct Along<'a> {
    /// Some expired pending links go.
    pub(super) purge: bool,
    /// Some records of the audit go that are older than this, in milliseconds.
    pub(super) older_than: Option<i64>,
    /// Intents whose outcome is lost get `unknown` as theirs.
    pub(super) lost: &'a [i64],
}

/// Carries out the jobs in one transaction, and tidies up along with them.
pub(super) fn run(
    conn: &Connection,
    keys: &Keyring,
    jobs: &[Job],
    along: Along<'_>,
) -> Result<Done, Broken> {
    transact(conn, |conn| {
        let ledger = Ledger::open(conn)?;
        let came_to = jobs
            .iter()
            .map(|job| run_job(conn, keys, &ledger, job))
            .collect::<rusqlite::Result<_>>()?;
        let latest = jobs.iter().filter_map(Job::latest).max();
        let mut concluded = Vec::new();
        for seq in along.lost {
            let Some(at) = latest else { break };
            let conclude = || Ok(audit::conclude_lost(conn, &ledger, *seq, at)?);
            if in_savepoint(conn, &ledger, conclude)?.is_ok() {
                concluded.push(*seq);
            }
        }
        let more_to_purge = match latest {
            Some(at) if along.purge => {
                let purge = || expiry::purge(conn, keys.audit(), &ledger, at);
                // What cannot be written down stays, and costs nobody else a write.
                in_savepoint(conn, &ledger, purge)?.unwrap_or_else(|stop| {
                    stop.into_failure();
                    false
                })
            }
            _ => false,
        };
        let pruned = match (latest, along.older_than) {
            (Some(now), Some(age)) => audit::prune(conn, &ledger, now.saturating_sub(age), now)?,
            _ => (0, false),
        };
        Ok(Done {
            came_to,
            more_to_purge,
            records: ledger.close(conn)?,
            refused: ledger.failed(),
            pruned,
            concluded,
        })
    })
}

fn run_job(
    conn: &Connection,
    keys: &Keyring,
    ledger: &Ledger,
    job: &Job,
) -> rusqlite::Result<CameTo> {
    Ok(match job {
        Job::Operations {
            operations,
            atomicity,
            ..
        } => CameTo::Operations(run_operations(conn, keys, ledger, operations, *atomicity)?),
        Job::Beside { change, .. } => CameTo::Beside(
            in_savepoint(conn, ledger, || change.run(conn, keys, ledger))?
                .map_err(Stop::into_failure),
        ),
    })
}

fn run_operations(
    conn: &Connection,
    keys: &Keyring,
    ledger: &Ledger,
    operations: &[Operation],
    atomicity: Atomicity,
) -> rusqlite::Result<Vec<Answer>> {
    let mut tasks = operations.iter().map(|operation| Task {
        conn,
        keys,
        operation,
        ledger: Some(ledger),
    });
    match atomicity {
        Atomicity::Each => tasks
            .map(|task| Ok(in_savepoint(conn, ledger, || task.run())?.map_err(Stop::into_failure)))
            .collect(),
        Atomicity::Together => {
            let together = in_savepoint(conn, ledger, || {
                tasks.try_fold(Vec::new(), |mut outcomes, task| {
                    outcomes.push(task.run()?);
                    Ok(outcomes)
                })
            })?;
            Ok(match together {
                Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
                Err(stop) => {
                    let failure = stop.into_failure();
                    operations.iter().map(|_| Err(failure.clone())).collect()
                }
            })
        }
    }
}

/// Runs `work` so that it stands or is undone by itself. An outer error concerns the whole transaction.
fn in_savepoint<T>(
    conn: &Connection,
    ledger: &Ledger,
    work: impl FnOnce() -> Step<T>,
) -> rusqlite::Result<Step<T>> {
    execute(conn, "SAVEPOINT operation")?;
    let mark = ledger.mark();
    match work() {
        Ok(done) => {
            execute(conn, "RELEASE operation")?;
            Ok(Ok(done))
        }
        Err(Stop::Sql(error)) if !task::is_contained(&error) || conn.is_autocommit() => Err(error),
        Err(stop) => {
            execute(conn, "ROLLBACK TO operation")?;
            execute(conn, "RELEASE operation")?;
            ledger.go_back(mark);
            Ok(Err(stop))
        }
    }
}
