//! The files of a data directory: their names, their permissions and the lock of the process.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::settings::OpenError;

/// How often, and how long apart, the lock is tried for: a process that was just killed may hold it for a
/// moment still, as may a child that is between its fork and its start.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(30);

/// The data directory and the names in it.
#[derive(Clone, Debug)]
pub(super) struct Files {
    directory: PathBuf,
}

impl Files {
    /// Makes the directory, open to its owner only, if it is not there.
    pub(super) fn prepare(directory: &Path) -> Result<Self, OpenError> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(directory)
            .map_err(|e| OpenError::io(directory, &e))?;
        Ok(Self::at(directory))
    }

    /// The directory as it is.
    pub(super) fn at(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn database(&self) -> PathBuf {
        self.directory.join("linkbridge.db")
    }

    /// Fails where there is no database.
    pub(super) fn require_database(&self) -> Result<(), OpenError> {
        let path = self.database();
        match path.exists() {
            true => Ok(()),
            false => Err(OpenError::Io {
                path,
                why: "there is no database".to_owned(),
            }),
        }
    }

    pub(super) fn wal(&self) -> PathBuf {
        self.directory.join("linkbridge.db-wal")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.directory.join("token.key")
    }

    pub(super) fn audit_key(&self) -> PathBuf {
        self.directory.join("audit.key")
    }

    pub(super) fn incarnation(&self) -> PathBuf {
        self.directory.join("incarnation")
    }

    /// Takes the directory for this process; the lock ends with the returned file, also by a crash.
    pub(super) fn lock(&self) -> Result<File, OpenError> {
        let path = self.directory.join("linkbridge.lock");
        let file = private()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| OpenError::io(&path, &e))?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(e)) => return Err(OpenError::io(&path, &e)),
            }
        }
        Err(OpenError::Locked { path })
    }

    /// Makes an empty database file if there is none. SQLite would make it readable for everybody
    /// that the umask allows; its log and index files then take the permissions of this one.
    pub(super) fn create_database(&self) -> Result<(), OpenError> {
        let path = self.database();
        match private().write(true).create_new(true).open(&path) {
            Ok(file) => file
                .sync_all()
                .and_then(|()| self.sync())
                .map_err(|e| OpenError::io(&path, &e)),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(OpenError::io(&path, &e)),
        }
    }

    /// Writes the log of an earlier process over itself, and makes it durable.
    ///
    /// If an fsync of that process failed, the page cache may show commits that are not on the disk
    /// and that no later fsync would write. SQLite would take them for durable and append to them; a
    /// power loss then cuts the log before everything that was acknowledged since.
    pub(super) fn renew_log(&self) -> Result<(), OpenError> {
        let path = self.wal();
        let mut file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(OpenError::io(&path, &e)),
        };
        let mut rewrite = || -> std::io::Result<()> {
            let mut chunk = vec![0; 1 << 20];
            let mut at = 0;
            loop {
                file.seek(SeekFrom::Start(at))?;
                let length = file.read(&mut chunk)?;
                let Some(read) = chunk.get(..length).filter(|read| !read.is_empty()) else {
                    return file.sync_all();
                };
                file.seek(SeekFrom::Start(at))?;
                file.write_all(read)?;
                at += length as u64;
            }
        };
        rewrite().map_err(|e| OpenError::io(&path, &e))
    }

    /// Replaces a small file as a whole: after a crash there is the old text or the new one.
    pub(super) fn replace(&self, path: &Path, text: &str) -> std::io::Result<()> {
        let draft = path.with_extension("new");
        let mut file = private()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, path)?;
        self.sync()
    }

    /// Makes the names in the directory durable.
    fn sync(&self) -> std::io::Result<()> {
        if cfg!(unix) {
            File::open(&self.directory)?.sync_all()
        } else {
            Ok(())
        }
    }
}

/// Options that give a new file to its owner only.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Whether somebody else than the owner may read the file, by its permission bits.
pub(super) fn is_exposed(file: &File) -> std::io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        Ok(false)
    }
}
