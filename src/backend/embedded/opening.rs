//! What comes before anything is done with a data directory: its files, its lock, its tables, its keys.

use std::fs::File;

use rusqlite::Connection;
use zeroize::Zeroizing;

use super::audit::{AuditKey, conclude_open, look_at_end};
use super::files::Files;
use super::seal::{Key, Keyring};
use super::settings::{OpenError, Settings};
use super::{connection, incarnation, keys, schema};

/// A data directory that this process has taken, with the connection that may write to it.
pub(super) struct Opened {
    pub(super) files: Files,
    pub(super) conn: Connection,
    pub(super) keys: Keyring,
    /// How many intents an earlier process had left without an outcome.
    pub(super) found_open: u64,
    /// Held for as long as anything may touch the files; `None` where there are none.
    pub(super) lock: Option<File>,
}

/// Takes the directory, and makes the store if there is none.
pub(super) fn open(settings: &Settings) -> Result<Opened, OpenError> {
    let files = Files::prepare(&settings.directory)?;
    let lock = files.lock()?;
    files.create_database()?;
    files.renew_log()?;
    let path = files.database();
    let conn =
        connection::writer(&files, settings.wal_limit).map_err(|e| OpenError::sqlite(&path, &e))?;
    let audit = keys::audit(&files)?;
    schema::migrate(&conn, &path, &audit)?;
    let keys = keys::load(&files, &settings.token_keys, audit, &conn)?;
    look_at_end(&conn, keys.audit()).map_err(|e| OpenError::sqlite(&path, &e))?;
    incarnation::check(&files, &conn)?;
    let found_open = conclude_open(&conn).map_err(|broken| OpenError::Io {
        path,
        why: broken.cause,
    })?;
    Ok(Opened {
        files,
        conn,
        keys,
        found_open,
        lock: Some(lock),
    })
}

/// The store as it is, for work that is never committed. Where there is no store, an empty one that
/// nobody else sees takes its place.
pub(super) fn rehearse(settings: &Settings) -> Result<Opened, OpenError> {
    let files = Files::at(&settings.directory);
    let path = files.database();
    let sqlite = |e: rusqlite::Error| OpenError::sqlite(&path, &e);
    let (conn, lock) = if path.exists() {
        let lock = files.lock()?;
        let conn = connection::writer(&files, settings.wal_limit).map_err(sqlite)?;
        schema::require_newest(&conn, &path)?;
        (conn, Some(lock))
    } else {
        let conn = connection::passing().map_err(sqlite)?;
        schema::migrate(&conn, &path, &AuditKey::passing())?;
        (conn, None)
    };
    Ok(Opened {
        files,
        conn,
        // What is never committed holds no token, and no account that anybody could test.
        keys: Keyring::new(
            Key::new(&Zeroizing::new([0; 32])),
            Vec::new(),
            AuditKey::passing(),
        ),
        found_open: 0,
        lock,
    })
}

/// The database as it is, for work that needs no keys. Nobody else may have it open while the file is held.
pub(super) fn alone(settings: &Settings) -> Result<(Connection, File), OpenError> {
    let files = Files::at(&settings.directory);
    let path = files.database();
    files.require_database()?;
    let lock = files.lock()?;
    files.renew_log()?;
    let conn =
        connection::writer(&files, settings.wal_limit).map_err(|e| OpenError::sqlite(&path, &e))?;
    schema::require_newest(&conn, &path)?;
    Ok((conn, lock))
}
