//! What comes before anything is done with a data directory: its files, its lock, its tables, its keys.

use std::fs::File;

use rusqlite::Connection;
use zeroize::Zeroizing;

use super::audit::AuditKey;
use super::files::Files;
use super::seal::{Key, Keyring};
use super::settings::{OpenError, Settings};
use super::{connection, incarnation, keys, schema};

/// A data directory that this process has taken, with the connection that may write to it.
pub(super) struct Opened {
    pub(super) files: Files,
    pub(super) conn: Connection,
    pub(super) keys: Keyring,
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
    incarnation::check(&files, &conn)?;
    Ok(Opened {
        files,
        conn,
        keys,
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
        lock,
    })
}
