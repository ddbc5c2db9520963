//! The end of the chain while a transaction adds to it.

use std::cell::Cell;

use rusqlite::{Connection, OptionalExtension};

use super::record::{self, Record, Value, digest, head_of_bytes, head_to_bytes};
use super::{AuditKey, Head};

/// Where `meta` has the head.
pub(super) const HEAD: &str = "audit_head";

const INSERT: &str = "INSERT INTO audit (seq, version, at, phase, action, client, source, credential, front, mapping, \
     request_id, tenant, user_id, provider_id, link_id, subject, key_id, vendor, vendor_id, reason, before, after, \
     upstream, upstream_request_id, intent, outcome, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
     ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)";

/// The end of the chain within one transaction.
pub(in crate::backend::embedded) struct Ledger {
    found: Head,
    head: Cell<Head>,
    /// The next number where the table has rows that the head knows nothing of.
    floor: i64,
    /// How many records could not be added.
    failed: Cell<u64>,
}

impl Ledger {
    /// Reads the end of the chain, within a transaction.
    pub(in crate::backend::embedded) fn open(conn: &Connection) -> rusqlite::Result<Self> {
        let (head, last) = conn
            .prepare_cached("SELECT value, (SELECT max(seq) FROM audit) FROM meta WHERE name = ?1")?
            .query_row([HEAD], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<i64>>(1)?))
            })?;
        let head = head_of_bytes(&head).ok_or(rusqlite::Error::InvalidQuery)?;
        Ok(Self {
            found: head,
            head: Cell::new(head),
            floor: last.unwrap_or(0),
            failed: Cell::new(0),
        })
    }

    /// Keeps the end of the chain; without that the transaction must not be committed. Answers how many records
    /// were added.
    pub(in crate::backend::embedded) fn close(&self, conn: &Connection) -> rusqlite::Result<u64> {
        let head = self.head.get();
        if head == self.found {
            return Ok(0);
        }
        conn.prepare_cached("UPDATE meta SET value = ?2 WHERE name = ?1")?
            .execute((HEAD, head_to_bytes(head)))?;
        Ok(u64::try_from(head.seq - self.found.seq).unwrap_or(0))
    }

    /// Where the chain ends now, for going back there with a savepoint.
    pub(in crate::backend::embedded) fn mark(&self) -> Head {
        self.head.get()
    }

    /// Goes back to where the chain ended when a savepoint began that is undone.
    pub(in crate::backend::embedded) fn go_back(&self, mark: Head) {
        self.head.set(mark);
    }

    /// How many records could not be added; their changes did not take place.
    pub(in crate::backend::embedded) fn failed(&self) -> u64 {
        self.failed.get()
    }

    /// Adds a record, and answers its number.
    pub(in crate::backend::embedded) fn add(
        &self,
        conn: &Connection,
        record: &Record<'_>,
    ) -> rusqlite::Result<i64> {
        self.add_values(conn, |seq| record.values(seq))
    }

    /// Takes a record over that an older linkbridge wrote.
    pub(in crate::backend::embedded) fn take_over(
        &self,
        conn: &Connection,
        record: &Record<'_>,
    ) -> rusqlite::Result<i64> {
        self.add_values(conn, |seq| record.values_as(seq, record::TAKEN_OVER))
    }

    fn add_values<'v>(
        &self,
        conn: &Connection,
        values: impl FnOnce(i64) -> [Value<'v>; record::VALUES],
    ) -> rusqlite::Result<i64> {
        let Head { seq, hash } = self.head.get();
        let seq = seq.max(self.floor) + 1;
        let values = values(seq);
        let hash = digest(&hash, &values);
        let mut statement = conn.prepare_cached(INSERT)?;
        let whole = values.into_iter().chain([Value::Blob(&hash)]);
        let added = statement.execute(rusqlite::params_from_iter(whole));
        added.inspect_err(|_| self.failed.set(self.failed.get() + 1))?;
        self.head.set(Head { seq, hash });
        Ok(seq)
    }
}

/// Begins a chain in a new table.
pub(in crate::backend::embedded) fn create(conn: &Connection) -> rusqlite::Result<Ledger> {
    conn.execute(
        "INSERT INTO meta (name, value) VALUES (?1, ?2)",
        (HEAD, head_to_bytes(Head::START)),
    )?;
    Ledger::open(conn)
}

/// The end of the chain as `meta` has it; `None` if it is not there.
pub(super) fn head(conn: &Connection) -> rusqlite::Result<Option<Head>> {
    let bytes: Option<Vec<u8>> = conn
        .query_row("SELECT value FROM meta WHERE name = ?1", [HEAD], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(bytes.as_deref().and_then(head_of_bytes))
}

/// Tells of what an earlier process has left: an end of the chain that is not the one that was kept, and records
/// with hashes of another key.
pub(in crate::backend::embedded) fn look_at_end(
    conn: &Connection,
    key: &AuditKey,
) -> rusqlite::Result<()> {
    let last: Option<(i64, Vec<u8>, Option<Vec<u8>>)> = conn
        .query_row(
            "SELECT seq, hash, (SELECT key_id FROM audit WHERE key_id IS NOT NULL ORDER BY seq DESC LIMIT 1) \
             FROM audit ORDER BY seq DESC LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let kept = head(conn)?;
    let (seq, hash, key_id) = last.unwrap_or((0, Head::START.hash.to_vec(), None));
    if !kept.is_some_and(|head| head.seq == seq && head.hash.as_slice() == hash) {
        tracing::error!(
            last = seq,
            "the audit does not end where it did: run `linkbridge audit verify`"
        );
    }
    if key_id.is_some_and(|id| id != key.id()) {
        tracing::warn!(
            "the audit has a new key: accounts in older records can no longer be compared with those in new ones"
        );
    }
    Ok(())
}
