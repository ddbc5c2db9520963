//! Pending links that nobody has completed in time.
//!
//! From the instant of their end on nobody finds them any more; their rows go some at a time, along with the writes
//! of others. Each has a record in the audit, in the same transaction.

use rusqlite::{Connection, Row};

use super::audit::{AuditKey, Ledger, Record, Said, json, phase};
use super::task::Step;

/// The most that go with one group of writes.
const PURGE: i64 = 256;

/// What their records say was done.
const ACTION: &str = "pending.expire";

/// Deletes some pending links of any tenant that had expired at `at`, and answers whether there may be more of them.
pub(super) fn purge(conn: &Connection, key: &AuditKey, ledger: &Ledger, at: i64) -> Step<bool> {
    let mut statement = conn.prepare_cached(
        "SELECT seq, tenant, provider_id, subject, id_sha256, client, display_name, email, username, expires_at, \
         token IS NOT NULL FROM pending WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
    )?;
    let mut rows = statement.query((at, PURGE))?;
    let mut gone = Vec::new();
    while let Some(row) = rows.next()? {
        gone.push(row.get::<_, i64>(0)?);
        record(conn, key, ledger, row, at)?;
    }
    drop(rows);
    let mut statement = conn.prepare_cached("DELETE FROM pending WHERE seq = ?1")?;
    for seq in &gone {
        statement.execute([seq])?;
    }
    Ok(i64::try_from(gone.len()).is_ok_and(|gone| gone == PURGE))
}

/// Writes down that one is gone.
fn record(conn: &Connection, key: &AuditKey, ledger: &Ledger, row: &Row<'_>, at: i64) -> Step<()> {
    // A damaged cell must not keep the others from going: it is left out.
    let text = |place| row.get_ref(place).ok()?.as_str().ok();
    let id = row.get_ref(4)?.as_blob().unwrap_or_default();
    let id = <&[u8; 32]>::try_from(id).map_or(Said::Nothing, |id| key.pending_id(id));
    let before = json(&[
        ("client", text(5).map_or(Said::Nothing, Said::Text)),
        ("display_name", key.name(text(6))),
        ("email", key.name(text(7))),
        ("expires_at", Said::Number(row.get(9)?)),
        ("pending_id", id),
        ("token", Said::there(row.get(10)?)),
        ("username", key.name(text(8))),
    ]);
    let subject = text(3).map(|subject| key.subject(subject));
    ledger.add(
        conn,
        &Record {
            at,
            phase: phase::DONE,
            action: ACTION,
            client: "linkbridge",
            tenant: text(1),
            provider_id: text(2),
            subject: subject.as_ref().map(<[u8; 32]>::as_slice),
            key_id: Some(key.id().as_slice()),
            before: Some(&before),
            ..Record::default()
        },
    )?;
    Ok(())
}
