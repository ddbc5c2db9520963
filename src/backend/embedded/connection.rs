//! Connections to the database: one that writes, one that checkpoints, many that read.

use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Result};

use super::files::Files;

/// How long a connection waits for another one's lock. The checkpoint that empties the log is the
/// only thing that makes the writer wait, and it may have to wait for a slow disk.
const PATIENCE: Duration = Duration::from_secs(10);

/// Statements that stay prepared. There are about sixty different ones.
const STATEMENTS: usize = 96;

fn open(files: &Files, flags: OpenFlags) -> Result<Connection> {
    // Only we make the file, with its permissions, so a file that has vanished is an error.
    let conn =
        Connection::open_with_flags(files.database(), flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(PATIENCE)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // Closing a connection after an I/O error must not touch the disk again; the checkpointer does
    // what closing would have done.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // A damaged schema must not run code of its own, and cells are checked before they are used.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;",
    )?;
    Ok(conn)
}

/// The connection that writes. An error of a commit is final for it: it is closed, never used again.
pub(super) fn writer(files: &Files, wal_limit: u64) -> Result<Connection> {
    let conn = open(files, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // `fullfsync` matters on systems whose fsync leaves data in the drive's cache.
    conn.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; \
         PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;",
    )?;
    // A log that has grown in a burst is cut to half of the limit when it starts over. That it is longer
    // than the limit therefore means that it has not started over for long.
    let keep = i64::try_from(wal_limit / 2).unwrap_or(i64::MAX);
    conn.query_row(&format!("PRAGMA journal_size_limit = {keep}"), [], |_| {
        Ok(())
    })?;
    Ok(conn)
}

/// The connection that checkpoints.
pub(super) fn checkpointer(files: &Files) -> Result<Connection> {
    let conn = open(files, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; \
         PRAGMA wal_autocheckpoint = 0;",
    )?;
    Ok(conn)
}

/// A connection that only reads.
pub(super) fn reader(files: &Files) -> Result<Connection> {
    let conn = open(files, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.execute_batch("PRAGMA cache_size = -8192;")?;
    Ok(conn)
}

/// An empty database that goes with its connection.
pub(super) fn passing() -> Result<Connection> {
    // SQLite keeps a database without a name in a file that nobody else can see.
    let conn = Connection::open("")?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(conn)
}

/// What a checkpoint came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checkpoint {
    /// Somebody was in the way, so that not everything could be done.
    pub(super) busy: bool,
    /// Pages in the log.
    pub(super) log: i64,
    /// Pages of it that are in the database by now.
    pub(super) done: i64,
}

/// Moves pages from the log into the database. `mode` is one of SQLite's words.
pub(super) fn checkpoint(conn: &Connection, mode: &str) -> Result<Checkpoint> {
    conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        Ok(Checkpoint {
            busy: row.get::<_, i64>(0)? != 0,
            log: row.get(1)?,
            done: row.get(2)?,
        })
    })
}
