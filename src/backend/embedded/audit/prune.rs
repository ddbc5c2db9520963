//! What is old enough goes, from the start of the chain, some records at a time.
//!
//! A record of its own says up to which one they are gone and which hash that one had, so that the chain can be
//! gone over from there. A request to an IdP of which nobody knows what became of it ends the way: it stays, and
//! everything after it.

use rusqlite::Connection;

use super::record::{Record, phase};
use super::tell::{Said, json};
use super::{Ledger, hex};

/// The most records that go with one transaction.
const RECORDS: i64 = 512;

/// What a record says that tells of records that are gone.
pub(super) const ACTION: &str = "audit.prune";

/// Takes records away that are older than `before`; answers how many went, and whether there may be more.
pub(in crate::backend::embedded) fn prune(
    conn: &Connection,
    ledger: &Ledger,
    before: i64,
    now: i64,
) -> rusqlite::Result<(u64, bool)> {
    let end = ledger.mark().seq;
    let mut statement = conn.prepare_cached(
        "SELECT seq, at, hash FROM audit WHERE seq < ?1 \
         AND seq < coalesce((SELECT min(seq) FROM audit_open), ?1) ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = statement.query((end, RECORDS))?;
    let mut last: Option<(i64, Vec<u8>)> = None;
    let mut gone = 0;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? >= before {
            break;
        }
        last = Some((row.get(0)?, row.get(2)?));
        gone += 1;
    }
    drop(rows);
    let Some((seq, hash)) = last else {
        return Ok((0, false));
    };
    conn.prepare_cached("DELETE FROM audit WHERE seq <= ?1")?
        .execute([seq])?;
    let hash = hex(&hash);
    let after = json(&[
        ("hash", Said::Text(&hash)),
        ("records", Said::Number(gone)),
        ("through", Said::Number(seq)),
    ]);
    ledger.add(
        conn,
        &Record {
            at: now,
            phase: phase::CHECKPOINT,
            action: ACTION,
            client: "linkbridge",
            after: Some(&after),
            ..Record::default()
        },
    )?;
    Ok((u64::try_from(gone).unwrap_or(0), gone == RECORDS))
}
