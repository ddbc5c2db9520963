//! What an embedded store is opened with, and the reasons for which it refuses to open.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::Secret;

/// What an embedded store is opened with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the database, its lock and the key file live; made if it is not there.
    pub directory: PathBuf,
    /// Keys of the tokens at rest, 32 bytes each in base64 or hex: the first seals, all of them open.
    /// Without any, a key file in the directory serves, and is made on the first start.
    pub token_keys: Vec<Secret>,
    /// The most writes (single operations or batches) that may wait; one more is refused.
    pub queue: usize,
    /// The most operations that share one transaction.
    pub group: usize,
    /// The size of the write-ahead log, in bytes, from which the writer itself stops to empty it.
    pub wal_limit: u64,
    /// How old records of the audit get; `None` keeps them for ever.
    pub audit_age: Option<Duration>,
}

impl Settings {
    /// The defaults, in `directory`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            token_keys: Vec::new(),
            queue: 4096,
            group: 256,
            wal_limit: 64 << 20,
            audit_age: None,
        }
    }
}

/// Why a store does not open. The text says what, where, and what would be right.
#[derive(Debug)]
pub enum OpenError {
    /// Another process has the directory.
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// There are sealed tokens, and the key that opens them is not among the keys.
    KeyMissing {
        /// Which key, as the database names it.
        key: String,
        /// Where a key file would be.
        path: PathBuf,
    },
    /// A key cannot be used.
    KeyUnreadable {
        /// Where the key stands.
        place: String,
        /// What is wrong with it, and what would be right.
        why: String,
    },
    /// The database was written by a newer linkbridge.
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that is known here.
        known: i64,
    },
    /// The database was written by an older linkbridge, and nothing may be changed now.
    Older {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The version that is wanted.
        known: usize,
    },
    /// The file is not a database of linkbridge, or is damaged.
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// The operating system refused.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        why: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Locked { path } => write!(
                f,
                "{}: another linkbridge uses this data directory; stop it, or give this one a directory of its own",
                path.display()
            ),
            OpenError::KeyMissing { key, path } => write!(
                f,
                "the database holds tokens that are sealed with key {key}, which is not among the keys; \
                 add that key to the configured token keys, or put its file back at {}",
                path.display()
            ),
            OpenError::KeyUnreadable { place, why } => write!(f, "{place}: {why}"),
            OpenError::Newer { path, found, known } => write!(
                f,
                "{}: the database has version {found}, this linkbridge knows versions up to {known}; \
                 start the linkbridge that wrote it, or restore a backup from before the upgrade",
                path.display()
            ),
            OpenError::Older { path, found, known } => write!(
                f,
                "{}: the database has version {found} and must be brought to version {known} first, which a dry run \
                 does not do; take a backup and start linkbridge once",
                path.display()
            ),
            OpenError::Corrupt { path, why } => write!(
                f,
                "{}: {why}; restore a backup, or move the file away to start with an empty store",
                path.display()
            ),
            OpenError::Io { path, why } => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}

impl OpenError {
    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        OpenError::Io {
            path: path.to_owned(),
            why: error.to_string(),
        }
    }

    /// What SQLite says about the database file, sorted into damage and everything else.
    pub(super) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as C;
        let (path, why) = (path.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(C::NotADatabase | C::DatabaseCorrupt) => OpenError::Corrupt { path, why },
            // A file whose schema does not parse or whose tables are not ours was not left so by us.
            Some(C::Unknown | C::TypeMismatch | C::ConstraintViolation) | None => {
                OpenError::Corrupt { path, why }
            }
            Some(_) => OpenError::Io { path, why },
        }
    }
}
