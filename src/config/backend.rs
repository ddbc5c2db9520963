//! `[backend]`: where links are kept.

use std::path::{Path, PathBuf};

use super::secret;
use super::section::{Section, Source};
use super::server::Data;
use super::vars::Vars;
use crate::model::Secret;

/// The backend that is configured.
#[derive(Debug)]
pub enum Backend {
    /// The embedded store.
    Embedded {
        /// Its data directory.
        directory: PathBuf,
        /// Keys for the tokens of links at rest; the first one seals. None = the store makes its own.
        token_keys: Vec<Secret>,
    },
}

impl Backend {
    /// The directory that the deployment keeps its own files in.
    #[must_use]
    pub fn directory(&self) -> &Path {
        let Backend::Embedded { directory, .. } = self;
        directory
    }
}

pub(super) fn backend(section: Section<'_>, vars: &Vars, data: &Data) -> Backend {
    // The path of the store is the more particular one, but a flag or a variable beats what the file
    // says under either key.
    let directory = match directory(&section) {
        Some((path, source)) if source >= data.source => path,
        _ => data.directory.clone(),
    };
    let token_keys = section
        .texts("token_keys")
        .iter()
        .filter_map(|given| secret::resolve(given, vars))
        .collect();
    section.finish();
    Backend::Embedded {
        directory,
        token_keys,
    }
}

fn directory(section: &Section<'_>) -> Option<(PathBuf, Source)> {
    let given = section.text("store")?;
    let hint = "`embedded:PATH`, or `embedded:` for the directory that [server] names as `data`";
    match given.value.split_once(':') {
        Some(("embedded", "")) => None,
        Some(("embedded", path)) => Some((PathBuf::from(path), section.source(&given))),
        Some(("postgres" | "postgresql", _)) => {
            // Such a URL holds a password more often than not.
            given.at.mask();
            given
                .at
                .error("LB502", "PostgreSQL is not served yet", hint);
            None
        }
        _ => {
            given.at.mask();
            given.at.error("LB502", "this is not a store", hint);
            None
        }
    }
}
