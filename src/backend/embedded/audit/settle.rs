//! Requests to IdPs of which nobody knows what became of them.
//!
//! Only the process that asks an IdP can write down what came of it. What it could not keep is `unknown` with the next
//! write that it can make. Whoever takes the store after that process has ended writes `unknown` in its place: nobody
//! else ever will, and an intent without an outcome keeps the audit from being pruned. What an operator finds out
//! later is one more record.

use rusqlite::{Connection, OptionalExtension};

use super::{Ledger, Record, phase};
use crate::backend::embedded::group::{Broken, transact};
use crate::backend::embedded::settings::{OpenError, Settings};
use crate::backend::embedded::{connection, opening};
use crate::backend::upstream::state::Came;

/// The most intents that get their outcome in one transaction.
const SOME: i64 = 512;

/// The most of them that the log tells one by one.
const TOLD: u64 = 20;

/// Why an outcome is unknown that an earlier process has not written down.
const ENDED: &str = "the process ended before an outcome was written down";

/// Why one is unknown that this process could not write down.
const LOST: &str = "the outcome could not be written down when it was there";

/// What an operator has found out about a request to an IdP.
#[derive(Clone, Copy, Debug)]
pub struct Word<'a> {
    /// The number of its intent.
    pub seq: i64,
    /// What became of it.
    pub came: Came,
    /// How that is known.
    pub because: &'a str,
    /// Now, in milliseconds since the epoch.
    pub at: i64,
}

/// Why the word of an operator was not written down.
#[derive(Debug)]
pub enum Unsettled {
    /// The store cannot be opened, for example because it is in use.
    Store(OpenError),
    /// It cannot be written.
    Broken(String),
    /// Its outcome is no open question; the text says why.
    NotOpen(String),
}

impl std::fmt::Display for Unsettled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unsettled::Store(error) => error.fmt(f),
            Unsettled::Broken(text) | Unsettled::NotOpen(text) => f.write_str(text),
        }
    }
}

/// Writes `unknown` for every intent that an earlier process has left without an outcome; answers how many there
/// were. What is listed as open and is no intent is left for whoever goes over the chain.
pub(in crate::backend::embedded) fn conclude_open(conn: &Connection) -> Result<u64, Broken> {
    let mut all = 0;
    loop {
        let some = some_open(conn).map_err(|e| Broken {
            undone: true,
            cause: e.to_string(),
        })?;
        if some.is_empty() {
            return Ok(all);
        }
        transact(conn, |conn| {
            let ledger = Ledger::open(conn)?;
            // No clock is read here: it was after the last change that is known of.
            let last = "SELECT at FROM audit ORDER BY seq DESC LIMIT 1";
            let at: i64 = conn.query_row(last, [], |row| row.get(0))?;
            for seq in &some {
                conclude(conn, &ledger, (*seq, ENDED), at)?;
            }
            ledger.close(conn)
        })?;
        for seq in &some {
            all += 1;
            if all <= TOLD {
                tracing::warn!(
                    seq,
                    "an IdP was to be asked for a change, and the process ended before it wrote down what became of it"
                );
            }
        }
    }
}

/// Some of the intents that are open.
fn some_open(conn: &Connection) -> rusqlite::Result<Vec<i64>> {
    conn.prepare(
        "SELECT o.seq FROM audit_open o JOIN audit a ON a.seq = o.seq AND a.phase = ?1 ORDER BY o.seq LIMIT ?2",
    )?
    .query_map((phase::INTENT, SOME), |row| row.get(0))?
    .collect()
}

/// Writes `unknown` for an intent that is open.
fn conclude(
    conn: &Connection,
    ledger: &Ledger,
    (seq, reason): (i64, &str),
    at: i64,
) -> rusqlite::Result<()> {
    let end = Record {
        at,
        phase: phase::OUTCOME,
        client: "linkbridge",
        reason: Some(reason),
        intent: Some(seq),
        outcome: Some(Came::Unknown.word()),
        ..Record::default()
    };
    add(conn, ledger, end)?;
    conn.prepare_cached("DELETE FROM audit_open WHERE seq = ?1")?
        .execute([seq])?;
    Ok(())
}

/// Writes `unknown` for an intent whose outcome could not be kept. If it was kept after all, nothing is to be done.
pub(in crate::backend::embedded) fn conclude_lost(
    conn: &Connection,
    ledger: &Ledger,
    seq: i64,
    at: i64,
) -> rusqlite::Result<()> {
    let is_open = "SELECT EXISTS (SELECT 1 FROM audit_open WHERE seq = ?1)";
    match conn.query_row(is_open, [seq], |row| row.get(0))? {
        true => conclude(conn, ledger, (seq, LOST), at),
        false => Ok(()),
    }
}

/// Adds a record about an intent, which says whom and what that was about.
fn add(conn: &Connection, ledger: &Ledger, record: Record<'_>) -> rusqlite::Result<i64> {
    let mut statement = conn.prepare_cached(
        "SELECT action, tenant, user_id, provider_id, upstream, link_id, subject, key_id FROM audit WHERE seq = ?1",
    )?;
    let mut rows = statement.query([record.intent])?;
    let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    // A cell that is damaged must not keep the store from being opened.
    let text = |place| row.get_ref(place).ok()?.as_str().ok();
    let blob = |place| row.get_ref(place).ok()?.as_blob().ok();
    let whole = Record {
        action: text(0).unwrap_or_default(),
        tenant: text(1),
        user_id: text(2),
        provider_id: text(3),
        upstream: text(4),
        link_id: blob(5),
        subject: blob(6),
        key_id: blob(7),
        ..record
    };
    ledger.add(conn, &whole)
}

/// Writes down what an operator has found out about a request whose outcome is not known. Nobody else may have the
/// store open. Answers the number of the record.
///
/// # Errors
/// [`Unsettled`]; then nothing is written.
pub fn settle(settings: &Settings, word: &Word<'_>) -> Result<i64, Unsettled> {
    let (conn, _lock) = opening::alone(settings).map_err(Unsettled::Store)?;
    let done = transact(&conn, |conn| {
        let is_open = match standing(conn, word.seq)? {
            Ok(is_open) => is_open,
            Err(text) => return Ok(Err(Unsettled::NotOpen(text))),
        };
        let ledger = Ledger::open(conn)?;
        // The process that asked has ended, or the store could not be had.
        if is_open {
            conclude(conn, &ledger, (word.seq, ENDED), word.at)?;
        }
        let said = Record {
            at: word.at,
            phase: phase::SETTLED,
            client: "audit settle",
            front: Some("cli"),
            reason: Some(word.because),
            intent: Some(word.seq),
            outcome: Some(word.came.word()),
            ..Record::default()
        };
        let seq = add(conn, &ledger, said)?;
        ledger.close(conn)?;
        Ok(Ok(seq))
    });
    let seq = done.map_err(|broken| Unsettled::Broken(broken.cause))??;
    // What is in the log already is safe there.
    let _ = connection::checkpoint(&conn, "TRUNCATE");
    Ok(seq)
}

/// Whether an intent has no outcome yet, or one that is not known; else why there is nothing to settle.
fn standing(conn: &Connection, seq: i64) -> rusqlite::Result<Result<bool, String>> {
    let found: Option<(String, bool)> = conn
        .query_row(
            "SELECT phase, EXISTS (SELECT 1 FROM audit_open WHERE seq = ?1) FROM audit WHERE seq = ?1",
            [seq],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let is_open = match found {
        None => return Ok(Err(format!("there is no record {seq}"))),
        Some((phase, _)) if phase != phase::INTENT => {
            let text = format!("record {seq} is no intent: its phase is `{phase}`");
            return Ok(Err(text));
        }
        Some((_, is_open)) => is_open,
    };
    let newest: Option<(i64, String, Option<String>)> = conn
        .query_row(
            "SELECT seq, phase, outcome FROM audit WHERE intent = ?1 AND seq > ?1 ORDER BY seq DESC LIMIT 1",
            [seq],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    Ok(match newest {
        None if is_open => Ok(true),
        None => Err(format!(
            "record {seq} has no outcome, and is not listed as open: run `linkbridge audit verify`"
        )),
        Some((by, phase, _)) if phase == phase::SETTLED => {
            Err(format!("record {seq} is settled already, by record {by}"))
        }
        Some((_, _, Some(outcome))) if outcome == Came::Unknown.word() => Ok(false),
        Some((by, _, outcome)) => {
            let outcome = outcome.unwrap_or_default();
            Err(format!(
                "the outcome of record {seq} is known: record {by} says `{outcome}`"
            ))
        }
    })
}

#[cfg(test)]
mod tests;
