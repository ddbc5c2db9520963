//! Restoring a backup voids every pending link: one that was spent after the backup was taken would
//! otherwise come back to life. It also voids what is known of upstreams' indexes being complete: links
//! that were made after the backup are not in it.
//!
//! The database and a file beside it hold the same random word, which changes at every start and at
//! every orderly end. A database whose word the file does not know was put there by somebody. The file
//! must therefore stay out of backups; a backup that is restored without an end or a start in between
//! is not noticed.

use rusqlite::{Connection, OptionalExtension};

use super::audit::{Ledger, Record, Said, json, phase};
use super::files::Files;
use super::group::transact;
use super::settings::OpenError;

/// Voids pending links and scans if the database is not the one that was left here, and takes a new word.
pub(super) fn check(files: &Files, conn: &Connection) -> Result<(), OpenError> {
    let sqlite = |e: rusqlite::Error| OpenError::sqlite(&files.database(), &e);
    let word: Option<String> = conn
        .query_row(
            "SELECT CAST(value AS TEXT) FROM meta WHERE name = 'incarnation'",
            [],
            |row| row.get(0),
        )
        .optional()
        .map_err(sqlite)?;
    let known = std::fs::read_to_string(files.incarnation()).unwrap_or_default();
    if !word
        .as_deref()
        .is_some_and(|word| known.lines().any(|line| line == word))
    {
        let (voided, scans) = transact(conn, void).map_err(|broken| OpenError::Io {
            path: files.database(),
            why: broken.cause,
        })?;
        if scans > 0 {
            tracing::warn!(
                scans,
                "the database was restored from a copy: the indexes of upstreams are scanned anew"
            );
        }
        if voided > 0 {
            tracing::warn!(
                voided,
                "the database was restored from a copy: its pending links are void"
            );
        }
    }
    renew(files, conn, word.as_deref())
}

/// Voids pending links and scans; answers how many.
fn void(conn: &Connection) -> rusqlite::Result<(usize, usize)> {
    let voided = conn.execute("DELETE FROM pending", [])?;
    let scans = conn.execute("DELETE FROM upstream_scans", [])?;
    if voided > 0 {
        let ledger = Ledger::open(conn)?;
        // No clock is read here: it was after the last change that the copy knows of.
        let last = "SELECT at FROM audit ORDER BY seq DESC LIMIT 1";
        let last: Option<i64> = conn.query_row(last, [], |row| row.get(0)).optional()?;
        let count = i64::try_from(voided).unwrap_or(i64::MAX);
        let before = json(&[("count", Said::Number(count))]);
        ledger.add(
            conn,
            &Record {
                at: last.unwrap_or_default(),
                phase: phase::DONE,
                action: "pending.void",
                client: "linkbridge",
                reason: Some("the database was restored from a copy"),
                before: Some(&before),
                ..Record::default()
            },
        )?;
        ledger.close(conn)?;
    }
    Ok((voided, scans))
}

/// Takes a new word at an orderly end.
pub(super) fn leave(files: &Files, conn: &Connection) -> Result<(), OpenError> {
    let known = std::fs::read_to_string(files.incarnation()).unwrap_or_default();
    renew(files, conn, known.lines().next())
}

/// The file knows the old word and the new one while the database goes from one to the other, so
/// that a crash in between voids nothing.
fn renew(files: &Files, conn: &Connection, old: Option<&str>) -> Result<(), OpenError> {
    let path = files.incarnation();
    let word = uuid::Uuid::new_v4().simple().to_string();
    let write = |text: &str| {
        files
            .replace(&path, text)
            .map_err(|e| OpenError::io(&path, &e))
    };
    write(&format!("{word}\n{}\n", old.unwrap_or_default()))?;
    conn.execute(
        "INSERT INTO meta (name, value) VALUES ('incarnation', CAST(?1 AS BLOB)) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [&word],
    )
    .map_err(|e| OpenError::sqlite(&files.database(), &e))?;
    write(&format!("{word}\n"))
}
