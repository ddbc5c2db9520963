//! Users in bulk: rows of the directory in large transactions, on the thread of whoever imports.
//!
//! A row means exactly what `user.put` with its ids means, with the same refusals and the same rows in
//! the audit. What differs is the work. Every check of a row comes before its first write, so that a
//! refused row needs no savepoint; nothing is read back; and a row that says what is so already writes
//! nothing. Nobody else is there: the importer holds the lock of the directory, and has no queue.

mod fresh;
mod order;
mod owners;
mod progress;
mod row;
#[cfg(test)]
mod tests;
mod words;

use std::fs::File;
use std::sync::Arc;

use rusqlite::Connection;

use self::owners::Owners;
pub use self::progress::{Position, Progress, Tally};
pub use self::words::{Batch, Done, ImportError, Purpose, Refusal, Row, Verdict};
use super::audit::Ledger;
use super::files::Files;
use super::opening::{self, Opened};
use super::seal::Keyring;
use super::settings::{OpenError, Settings};
use super::task::{Step, Task};
use super::{connection, incarnation};
use crate::model::operation::Rules;
use crate::model::{Action, Instant, Operation, PutMode};

/// The size of the cache. Users come in any order, so that a batch touches pages all over the indexes;
/// those that do not fit are written more than once.
const CACHE_KIB: u32 = 512 * 1024;

/// From how many rows on a batch is worth a look at every user of the store first.
const MANY: usize = 10_000;

/// The size of the log from which its pages are moved into the database: a page that many batches have
/// touched is moved once.
const WAL_LIMIT: u64 = 512 << 20;

/// A store that is open for an import and for nothing else.
pub struct Importer {
    conn: Connection,
    keys: Keyring,
    files: Files,
    purpose: Purpose,
    progress: Progress,
    /// `None` until there is a batch of many rows.
    owners: Option<Owners>,
    is_rehearsal: bool,
    /// The audit of the batch that is under way.
    ledger: Option<Ledger>,
    _lock: Option<File>,
}

impl Importer {
    /// Opens the store, makes it if there is none.
    ///
    /// # Errors
    /// [`OpenError`], as for a server.
    pub fn open(settings: Settings, purpose: Purpose) -> Result<Self, OpenError> {
        Self::new(opening::open(&with_large_log(settings))?, purpose, false)
    }

    /// Opens the store for an import that says what would happen, and commits nothing. Where there is no
    /// store, none is made.
    ///
    /// # Errors
    /// [`OpenError`], also for a store that would have to be migrated first.
    pub fn rehearse(settings: Settings, purpose: Purpose) -> Result<Self, OpenError> {
        let opened = opening::rehearse(&with_large_log(settings))?;
        Self::new(opened, purpose, true)
    }

    fn new(opened: Opened, purpose: Purpose, is_rehearsal: bool) -> Result<Self, OpenError> {
        let begin = if is_rehearsal { "BEGIN IMMEDIATE;" } else { "" };
        opened
            .conn
            .execute_batch(&format!("PRAGMA cache_size = -{CACHE_KIB}; {begin}"))
            .map_err(|e| OpenError::sqlite(&opened.files.database(), &e))?;
        Ok(Self {
            conn: opened.conn,
            keys: opened.keys,
            files: opened.files,
            purpose,
            progress: Progress::default(),
            owners: None,
            is_rehearsal,
            ledger: None,
            _lock: opened.lock,
        })
    }

    /// What an earlier import of the same file left, if it did not come to the end.
    ///
    /// # Errors
    /// [`ImportError`] if the store cannot be read.
    pub fn left(&self) -> Result<Option<Progress>, ImportError> {
        match &self.purpose.file {
            Some(file) => Ok(Progress::recall(&self.conn, file)?),
            None => Ok(None),
        }
    }

    /// Goes on from there.
    pub fn resume(&mut self, progress: Progress) {
        self.progress = progress;
    }

    /// What was done so far, by the earlier import too if this one goes on from there.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Carries out a batch in one transaction. `told` hears what every row came to before the commit, so
    /// that what it writes down is there when the rows are.
    ///
    /// # Errors
    /// [`ImportError`]; nothing of the batch is kept then, and the importer is of no more use.
    pub fn write(
        &mut self,
        at: Instant,
        batch: &Batch,
        told: impl FnOnce(&[Verdict]) -> Result<(), String>,
    ) -> Result<(), ImportError> {
        if !self.is_rehearsal {
            self.conn.execute_batch("BEGIN IMMEDIATE")?;
        }
        self.ledger = Some(Ledger::open(&self.conn)?);
        let verdicts = self.carry_out(at, batch)?;
        let progress = self
            .progress
            .after(&verdicts, batch.unreadable, batch.until);
        if let Some(ledger) = self.ledger.take() {
            ledger.close(&self.conn)?;
        }
        told(&verdicts).map_err(ImportError)?;
        if !self.is_rehearsal {
            if verdicts
                .iter()
                .any(|v| matches!(v, Ok(Done::Written { .. })))
            {
                self.void_scans()?;
            }
            if let Some(file) = &self.purpose.file {
                progress.keep(&self.conn, file)?;
            }
            self.conn.execute_batch("COMMIT")?;
            self.relieve()?;
        }
        self.progress = progress;
        Ok(())
    }

    /// Ends the import. If the file is done, its progress is forgotten: the next import of it starts
    /// over.
    ///
    /// # Errors
    /// [`ImportError`]; what was written is kept all the same.
    pub fn finish(self, is_done: bool) -> Result<(), ImportError> {
        if self.is_rehearsal {
            self.conn.execute_batch("ROLLBACK")?;
        } else {
            if let Some(file) = self.purpose.file.filter(|_| is_done) {
                Progress::forget(&self.conn, &file)?;
            }
            incarnation::leave(&self.files, &self.conn).map_err(|e| ImportError(e.to_string()))?;
        }
        connection::checkpoint(&self.conn, "TRUNCATE")?;
        Ok(())
    }

    /// What each row comes to, in the order of the file.
    fn carry_out(&mut self, at: Instant, batch: &Batch) -> Result<Vec<Verdict>, ImportError> {
        if self.owners.is_none() && batch.rows.len() >= MANY {
            self.owners = Some(Owners::load(&self.conn)?);
        }
        let mut verdicts = vec![Ok(Done::Unchanged); batch.rows.len()];
        // An id that is moved concerns a user whom no row names, so that nothing may change places.
        let in_order = 0..batch.rows.len();
        let rows: &mut dyn Iterator<Item = usize> = match self.purpose.rebind {
            Some(_) => &mut in_order.into_iter(),
            None => &mut self.fresh_first(at, batch, &mut verdicts)?.into_iter(),
        };
        for index in rows {
            if let (Some(row), Some(verdict)) = (batch.rows.get(index), verdicts.get_mut(index)) {
                let operation = self.operation(at, row);
                let task = self.task(&operation);
                *verdict =
                    task.import(row, self.purpose.rebind.as_deref(), self.owners.as_ref())?;
                self.note(row, verdict);
            }
        }
        Ok(verdicts)
    }

    /// Writes the rows that can be written without a question, and answers the others in their order.
    fn fresh_first(
        &mut self,
        at: Instant,
        batch: &Batch,
        verdicts: &mut [Verdict],
    ) -> Step<Vec<usize>> {
        let Some(owners) = &self.owners else {
            return Ok(batch.order.clone());
        };
        let (apart, entangled) = batch
            .order
            .split_at_checked(batch.apart)
            .unwrap_or_default();
        let mut others = Vec::new();
        let mut fresh = Vec::with_capacity(apart.len());
        for index in apart {
            match (batch.rows.get(*index), verdicts.get_mut(*index)) {
                (Some(row), Some(verdict)) if row.is_fresh(owners) => {
                    *verdict = row.made();
                    fresh.push(row);
                }
                _ => others.push(*index),
            }
        }
        self.write_fresh(at, &fresh)?;
        if let Some(owners) = &mut self.owners {
            fresh.iter().for_each(|row| row.known_to(owners));
        }
        others.extend(entangled);
        Ok(others)
    }

    /// Whatever a row has written is known from now on.
    fn note(&mut self, row: &Row, verdict: &Verdict) {
        if let (Ok(Done::Written { .. }), Some(owners)) = (verdict, &mut self.owners) {
            row.known_to(owners);
        }
    }

    fn operation(&self, at: Instant, row: &Row) -> Operation {
        Operation {
            tenant: row.tenant.clone(),
            client: self.purpose.client.clone(),
            origin: Arc::clone(&self.purpose.origin),
            at,
            rules: Rules::default(),
            // The ids and the document are the row's; this is what the audit says of it.
            action: Action::UserPut {
                user_id: row.user_id.clone(),
                mode: PutMode::Either,
                document: None,
                ids: Vec::new(),
                links: Vec::new(),
            },
        }
    }

    fn task<'a>(&'a self, operation: &'a Operation) -> Task<'a> {
        Task {
            conn: &self.conn,
            keys: &self.keys,
            operation,
            ledger: self.ledger.as_ref(),
        }
    }

    /// A scan knows nothing of the links of who is new, and has those of who gets another id under the old one.
    fn void_scans(&self) -> Result<(), ImportError> {
        self.conn
            .prepare_cached("DELETE FROM upstream_scans")?
            .execute([])?;
        Ok(())
    }

    /// Moves the pages of a log that has grown long into the database.
    fn relieve(&self) -> Result<(), ImportError> {
        let length = std::fs::metadata(self.files.wal()).map_or(0, |data| data.len());
        if length > WAL_LIMIT {
            connection::checkpoint(&self.conn, "RESTART")?;
        }
        Ok(())
    }
}

fn with_large_log(settings: Settings) -> Settings {
    Settings {
        wal_limit: WAL_LIMIT,
        ..settings
    }
}
