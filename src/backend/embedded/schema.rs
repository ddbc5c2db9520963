//! Tables and their versions.
//!
//! Text is compared with SQLite's default collation, byte for byte. Tables are `STRICT`, so that a
//! damaged or foreign file cannot hand over a value of another type.

mod v2;
mod v3;
mod v4;

use std::path::Path;

use rusqlite::Connection;

use super::audit::AuditKey;
use super::settings::OpenError;

/// Marks the file as ours ("lkbr"), so that another program's database is not taken for one.
const APPLICATION_ID: i32 = 0x6c6b_6272;

/// A step from one version to the next, within a transaction.
type Step = fn(&Connection, &AuditKey) -> rusqlite::Result<()>;

/// Every step. One that was released is never changed.
const MIGRATIONS: &[Step] = &[
    v1,
    |conn, _| v2::apply(conn),
    |conn, _| v3::apply(conn),
    v4::apply,
];

fn v1(conn: &Connection, _: &AuditKey) -> rusqlite::Result<()> {
    conn.execute_batch(V1)
}

const V1: &str = "
CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE links (
    seq INTEGER PRIMARY KEY,
    link_id BLOB NOT NULL,
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    display_name TEXT,
    token BLOB,
    token_key BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_login_at INTEGER,
    revision INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX links_by_subject ON links (tenant, provider_id, subject);
CREATE UNIQUE INDEX links_by_id ON links (link_id);
CREATE INDEX links_by_user ON links (tenant, user_id, provider_id);
CREATE TABLE pending (
    seq INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    id_sha256 BLOB NOT NULL,
    client TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    display_name TEXT,
    email TEXT,
    username TEXT,
    token BLOB,
    token_key BLOB,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX pending_by_id ON pending (tenant, id_sha256);
CREATE INDEX pending_by_end ON pending (expires_at);
CREATE TABLE users (
    seq INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    document TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_by_id ON users (tenant, user_id);
CREATE TABLE user_aliases (
    tenant TEXT NOT NULL,
    vendor TEXT NOT NULL,
    vendor_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant, vendor, vendor_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX user_aliases_by_user ON user_aliases (tenant, user_id, vendor);
CREATE TABLE revisions (
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE token_keys (
    key_id BLOB PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    client TEXT NOT NULL,
    tenant TEXT NOT NULL,
    action TEXT NOT NULL,
    user_id TEXT,
    provider_id TEXT,
    link_id BLOB,
    subject_sha256 BLOB,
    vendor TEXT,
    vendor_id TEXT,
    reason TEXT
) STRICT;
";

/// Brings the database to the newest version, each step in a transaction of its own. `key` is for what the audit
/// knew without one.
pub(super) fn migrate(conn: &Connection, path: &Path, key: &AuditKey) -> Result<(), OpenError> {
    let sqlite = |e: rusqlite::Error| OpenError::sqlite(path, &e);
    let done = steps_done(conn, path)?;
    for (done, step) in MIGRATIONS.iter().enumerate().skip(done) {
        let version = done + 1;
        run(conn, *step, version, key).map_err(sqlite)?;
        tracing::info!(version, "migrated the database");
    }
    Ok(())
}

/// Fails unless the database has the newest version already.
pub(super) fn require_newest(conn: &Connection, path: &Path) -> Result<(), OpenError> {
    let (found, known) = (steps_done(conn, path)?, MIGRATIONS.len());
    if found == known {
        return Ok(());
    }
    Err(OpenError::Older {
        path: path.to_owned(),
        found,
        known,
    })
}

/// How many of the steps the database has behind it.
fn steps_done(conn: &Connection, path: &Path) -> Result<usize, OpenError> {
    let sqlite = |e: rusqlite::Error| OpenError::sqlite(path, &e);
    let number = |sql: &str| {
        conn.query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(sqlite)
    };
    let found = number("PRAGMA user_version")?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let is_empty = number("SELECT count(*) FROM sqlite_schema")? == 0;
    let is_ours = number("PRAGMA application_id")? == i64::from(APPLICATION_ID);
    let is_new = is_empty && found == 0;
    if !is_ours && !is_new {
        return Err(OpenError::Corrupt {
            path: path.to_owned(),
            why: "this is not a database of linkbridge".to_owned(),
        });
    }
    if found > known {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    usize::try_from(found).map_err(|_| OpenError::Corrupt {
        path: path.to_owned(),
        why: format!("the version {found} makes no sense"),
    })
}

/// Takes one step. After an error the caller drops the connection, and with it what was begun.
fn run(conn: &Connection, step: Step, version: usize, key: &AuditKey) -> rusqlite::Result<()> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    step(conn, key)?;
    conn.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version}; COMMIT"
    ))
}

/// An empty database of the newest version, for tests.
#[cfg(test)]
pub(super) fn in_memory() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    migrate(&conn, Path::new("memory"), &AuditKey::passing()).unwrap();
    conn
}

/// How SQLite would carry a statement out, for tests.
#[cfg(test)]
pub(super) fn plan(conn: &Connection, sql: &str) -> String {
    let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = statement.raw_query();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        lines.push(row.get::<_, String>(3).unwrap());
    }
    lines.join("\n")
}
