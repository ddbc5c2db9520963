//! Reading the audit from beside whoever writes it.
//!
//! Some records at a time, each time in a transaction of its own: a reader that holds one for long keeps the
//! writer from emptying its log.

use rusqlite::{Connection, OptionalExtension};

use super::line::{Line, NAMES};
use super::record::{VALUES, Value};
use super::verify::{Anchor, Verdict, Verifier, checkpoint};
use super::{AuditKey, Head, ledger};
use crate::backend::embedded::files::Files;
use crate::backend::embedded::settings::{OpenError, Settings};
use crate::backend::embedded::{connection, keys, schema};

/// How many records are read at a time.
const RECORDS: i64 = 2000;

/// Why the audit cannot be read to its end.
#[derive(Debug)]
pub enum LogError {
    /// The store.
    Store(OpenError),
    /// Whoever takes the records.
    Taker(std::io::Error),
}

impl std::fmt::Display for LogError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LogError::Store(error) => error.fmt(f),
            LogError::Taker(error) => error.fmt(f),
        }
    }
}

/// The audit of a data directory. Nothing is changed, and nothing is locked: the store may be open elsewhere.
pub struct Log {
    files: Files,
    pub(super) conn: Connection,
}

impl Log {
    /// Opens it.
    ///
    /// # Errors
    /// [`OpenError`], also for a database that would have to be migrated first, and where there is none.
    pub fn open(settings: &Settings) -> Result<Self, OpenError> {
        let files = Files::at(&settings.directory);
        let path = files.database();
        files.require_database()?;
        let conn = connection::reader(&files).map_err(|e| OpenError::sqlite(&path, &e))?;
        schema::require_newest(&conn, &path)?;
        Ok(Self { files, conn })
    }

    /// That of a connection, for tests.
    #[cfg(test)]
    pub(super) fn of(conn: Connection) -> Self {
        let files = Files::at(std::path::Path::new("memory"));
        Self { files, conn }
    }

    /// What stands for this account in records, with the name of the key.
    ///
    /// # Errors
    /// [`OpenError`] if the key of the audit cannot be read.
    pub fn subject(&self, subject: &str) -> Result<([u8; 32], [u8; 8]), OpenError> {
        let path = self.files.audit_key();
        let bytes = keys::read(&path)?.ok_or_else(|| OpenError::KeyUnreadable {
            place: path.display().to_string(),
            why:
                "there is no such file; without the key of the audit accounts cannot be looked for"
                    .to_owned(),
        })?;
        let key = AuditKey::new(&bytes);
        Ok((key.subject(subject), *key.id()))
    }

    /// Hands on every record after this one, oldest first, until that is enough.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn each(
        &self,
        after: i64,
        mut take: impl FnMut(&Line<'_>) -> std::io::Result<()>,
    ) -> Result<(), LogError> {
        let mut last = self.reading(|| self.before(after))?;
        loop {
            let mut taken = Ok(());
            let count = self.reading(|| {
                self.chunk(last, |read| {
                    if let (Ok(line), Ok(())) = (read, &taken) {
                        taken = take(&line);
                        last = Head {
                            seq: line.seq(),
                            hash: line.hash,
                        };
                    }
                })
            })?;
            taken.map_err(LogError::Taker)?;
            if count < RECORDS {
                return Ok(());
            }
        }
    }

    /// Goes over the whole chain.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub fn verify(&self, anchor: Option<Anchor>) -> Result<Verdict, LogError> {
        let (pruned, before) = self.reading(|| {
            let pruned = self.newest_checkpoint()?;
            let start = pruned.unwrap_or(Head::START).seq;
            let before: Option<i64> = self.conn.query_row(
                "SELECT min(seq) FROM audit WHERE seq <= ?1",
                [start],
                |row| row.get(0),
            )?;
            Ok((pruned, before))
        })?;
        let mut verifier = Verifier::new(pruned, anchor);
        if let Some(seq) = before {
            verifier.find(format!("record {seq} comes before the first one"));
        }
        loop {
            let end = self.reading(|| {
                let last = verifier.last();
                // Records that have gone since are no gap.
                if let Some(first) = self.first_after(last.seq)?
                    && first > last.seq + 1
                    && let Some(now) = self.newest_checkpoint()?
                    && now.seq == first - 1
                {
                    verifier.skip_to(now);
                }
                let last = verifier.last();
                let count = self.chunk(last, |read| match read {
                    Ok(line) => verifier.next(&line),
                    Err(seq) => verifier.find(format!("record {seq} cannot be read")),
                })?;
                if count == RECORDS {
                    return Ok(None);
                }
                let open: Vec<i64> = self
                    .conn
                    .prepare("SELECT seq FROM audit_open ORDER BY seq")?
                    .query_map([], |row| row.get(0))?
                    .collect::<rusqlite::Result<_>>()?;
                Ok(Some((ledger::head(&self.conn)?, open)))
            })?;
            let Some((head, open)) = end else { continue };
            let Some(head) = head else {
                verifier.find("the end of the chain was kept, and is not there".to_owned());
                return Ok(verifier.end(None));
            };
            let mut verdict = verifier.end(Some(head));
            let known: Vec<i64> = verdict.open.iter().map(|intent| intent.seq).collect();
            if known != open {
                verdict.wrong += 1;
                let text =
                    "the list of requests without an outcome is not the one that the records give";
                verdict.findings.push(text.to_owned());
            }
            return Ok(verdict);
        }
    }

    /// One look at the database, in one transaction.
    fn reading<T>(&self, work: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, LogError> {
        let work = || -> rusqlite::Result<T> {
            self.conn.execute_batch("BEGIN")?;
            let done = work();
            self.conn.execute_batch("COMMIT")?;
            done
        };
        work().map_err(|e| LogError::Store(OpenError::sqlite(&self.files.database(), &e)))
    }

    /// The record at or before this number: its hash is what the next one begins with.
    fn before(&self, after: i64) -> rusqlite::Result<Head> {
        let found = self
            .conn
            .query_row(
                "SELECT seq, hash FROM audit WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1",
                [after],
                |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)),
            )
            .optional()?;
        let found = found.and_then(|(seq, hash)| {
            let hash = hash.try_into().ok()?;
            Some(Head { seq, hash })
        });
        match found {
            Some(head) => Ok(head),
            None => Ok(self.newest_checkpoint()?.unwrap_or(Head::START)),
        }
    }

    fn first_after(&self, seq: i64) -> rusqlite::Result<Option<i64>> {
        self.conn
            .query_row("SELECT min(seq) FROM audit WHERE seq > ?1", [seq], |row| {
                row.get(0)
            })
    }

    /// Up to where records are gone, as the newest record that tells it says.
    fn newest_checkpoint(&self) -> rusqlite::Result<Option<Head>> {
        let first: Option<i64> = self
            .conn
            .query_row("SELECT min(seq) FROM audit", [], |row| row.get(0))?;
        // A chain that begins with its first record has lost none, and its records need not be looked through.
        if first.is_none_or(|first| first == 1) {
            return Ok(None);
        }
        let after: Option<Option<String>> = self
            .conn
            .query_row(
                "SELECT after FROM audit WHERE phase = 'checkpoint' ORDER BY seq DESC LIMIT 1",
                [],
                |row| row.get(0),
            )
            .optional()?;
        Ok(after.flatten().as_deref().and_then(checkpoint))
    }

    /// Reads some records after this one; answers how many rows there were. A row that is none of ours is told by
    /// its number.
    fn chunk(
        &self,
        after: Head,
        mut take: impl FnMut(Result<Line<'_>, i64>),
    ) -> rusqlite::Result<i64> {
        let columns = NAMES.join(", ");
        let sql = format!("SELECT {columns}, hash FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query((after.seq, RECORDS))?;
        let (mut count, mut previous) = (0, after.hash);
        while let Some(row) = rows.next()? {
            count += 1;
            let mut values = Some([Value::Null; VALUES]);
            for place in 0..VALUES {
                let value = Value::of(row.get_ref(place)?);
                values = values.zip(value).map(|(mut values, value)| {
                    if let Some(into) = values.get_mut(place) {
                        *into = value;
                    }
                    values
                });
            }
            let hash = Value::of(row.get_ref(VALUES)?).and_then(Value::blob);
            let hash = hash.and_then(|hash| hash.try_into().ok());
            match values.zip(hash) {
                Some((values, hash)) => {
                    take(Ok(Line {
                        values,
                        previous,
                        hash,
                    }));
                    previous = hash;
                }
                None => take(Err(row.get(0)?)),
            }
        }
        Ok(count)
    }
}
