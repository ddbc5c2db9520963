//! Version 4: the audit as a chain of records, and requests to IdPs without an outcome.
//!
//! Records of older versions are taken over in their order, and chained as they are. Their hashes of accounts, which
//! anybody could test guesses with, become keyed ones.

use rusqlite::Connection;

use super::super::audit::{self, AuditKey, Record, phase};

const TABLES: &str = "
ALTER TABLE audit RENAME TO audit_before;
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    phase TEXT NOT NULL,
    action TEXT NOT NULL,
    client TEXT NOT NULL,
    source TEXT,
    credential TEXT,
    front TEXT,
    mapping BLOB,
    request_id TEXT,
    tenant TEXT,
    user_id TEXT,
    provider_id TEXT,
    link_id BLOB,
    subject BLOB,
    key_id BLOB,
    vendor TEXT,
    vendor_id TEXT,
    reason TEXT,
    before TEXT,
    after TEXT,
    upstream TEXT,
    upstream_request_id TEXT,
    intent INTEGER,
    outcome TEXT,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE audit_open (
    seq INTEGER PRIMARY KEY
) STRICT;
";

pub(super) fn apply(conn: &Connection, key: &AuditKey) -> rusqlite::Result<()> {
    conn.execute_batch(TABLES)?;
    let ledger = audit::create(conn)?;
    let mut statement = conn.prepare(
        "SELECT at, client, tenant, action, user_id, provider_id, link_id, subject_sha256, vendor, vendor_id, reason \
         FROM audit_before ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text = |column| {
            row.get_ref(column)
                .and_then(|value| Ok(value.as_str_or_null()?))
        };
        let blob = |column| {
            row.get_ref(column)
                .and_then(|value| Ok(value.as_blob_or_null()?))
        };
        let subject = blob(7)?.and_then(|hash| hash.try_into().ok());
        let subject = subject.map(|hash: [u8; 32]| key.keyed_digest("subject", &hash));
        ledger.take_over(
            conn,
            &Record {
                at: row.get(0)?,
                phase: phase::DONE,
                client: text(1)?.unwrap_or_default(),
                tenant: text(2)?,
                action: text(3)?.unwrap_or_default(),
                user_id: text(4)?,
                provider_id: text(5)?,
                link_id: blob(6)?,
                subject: subject.as_ref().map(<[u8; 32]>::as_slice),
                key_id: subject.as_ref().map(|_| key.id().as_slice()),
                vendor: text(8)?,
                vendor_id: text(9)?,
                reason: text(10)?,
                ..Record::default()
            },
        )?;
    }
    ledger.close(conn)?;
    drop(rows);
    drop(statement);
    // What anybody could test guesses with does not stay in free pages.
    conn.execute_batch(
        "PRAGMA secure_delete = ON; DROP TABLE audit_before; PRAGMA secure_delete = OFF",
    )
}
