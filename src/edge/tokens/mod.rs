//! Tokens of our own: what a client gets for its credential at a token endpoint, and presents instead of it.
//!
//! A token is a JSON Web Token, signed with Ed25519 by a key of this deployment, and verified without asking
//! a store: nothing is kept of it. It names a client of the configuration and can never do more than that
//! client can at the time; it ends with the credential that it was issued for; it is good at the fronts of one
//! vendor, and no other token is taken for one, because it says of itself what it is (`typ`).

pub mod assertion;
mod credential;
mod issue;
mod jws;
mod keys;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

pub use self::credential::Credential;
pub use self::issue::{Grant, IssueError};
pub use self::keys::KeyError;
use self::keys::Ring;
pub use self::verify::{Claims, looks_like_ours};

/// For whom a token is.
const AUDIENCE: &str = "linkbridge";
/// The name of the file that the signing keys are kept in.
const FILE: &str = "token-signing.keys";

/// How tokens are made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The deployment, as tokens name it.
    pub issuer: String,
    /// How long a key signs.
    pub rotate: Duration,
    /// How far the clocks of clients may be ahead of ours.
    pub leeway: Duration,
}

/// Makes tokens and tells them from others. Clones share their keys.
#[derive(Clone)]
pub struct Tokens {
    settings: Settings,
    /// Where the keys are kept; `None` = nowhere.
    file: Option<PathBuf>,
    /// Shared by all who were made of one another.
    ring: Arc<RwLock<Arc<Ring>>>,
}

/// Keys are not shown.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Reads the keys of a data directory, which exists; makes the first one, or the next if it is time.
    ///
    /// # Errors
    /// [`KeyError`]: the keys cannot be read or written.
    pub fn open(settings: Settings, directory: &Path, now: i64) -> Result<Self, KeyError> {
        let file = directory.join(FILE);
        let stored = keys::read(&file)?;
        Self::with(settings, Some(file), stored, now)
    }

    /// The same keys with other settings. Whoever changes the keys of one changes those of both.
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> Self {
        Self {
            settings,
            file: self.file.clone(),
            ring: Arc::clone(&self.ring),
        }
    }

    /// Keys that end with the process, and its tokens with them.
    ///
    /// # Errors
    /// [`KeyError`]: there are no random numbers.
    pub fn unkept(settings: Settings, now: i64) -> Result<Self, KeyError> {
        Self::with(settings, None, Ring::default(), now)
    }

    fn with(
        settings: Settings,
        file: Option<PathBuf>,
        ring: Ring,
        now: i64,
    ) -> Result<Self, KeyError> {
        let tokens = Self {
            settings,
            file,
            ring: Arc::new(RwLock::new(Arc::new(ring))),
        };
        tokens.rotate(now)?;
        Ok(tokens)
    }

    /// Makes a new signing key if the one that signs is old enough, and forgets keys whose last token has
    /// expired. Answers whether anything changed. Writes a file: keep it off the request path.
    ///
    /// # Errors
    /// [`KeyError`]; then everything is as it was.
    pub fn rotate(&self, now: i64) -> Result<bool, KeyError> {
        let current = self.ring();
        let Some(next) = current.next(now, self.settings.rotate)? else {
            return Ok(false);
        };
        if let Some(file) = &self.file {
            keys::write(file, &next)?;
        }
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(true)
    }

    /// How far the clocks of clients may be ahead, in seconds.
    #[must_use]
    pub fn leeway(&self) -> i64 {
        seconds(self.settings.leeway)
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod credential_tests;
#[cfg(test)]
mod tests;
