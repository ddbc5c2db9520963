//! From the configured backend to an open one.

use std::sync::Arc;

use crate::backend::Backend;
use crate::backend::embedded::{self, Embedded};
use crate::config;
use crate::directory::Aliases;

/// An open backend, and where users' ids are kept.
pub(super) struct Open {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) aliases: Arc<dyn Aliases>,
}

/// Opens the backend.
///
/// # Errors
/// A sentence that says why it cannot be opened and what to do.
pub(super) fn open(backend: config::Backend) -> Result<Open, String> {
    let store = Embedded::open(settings(backend.store)).map_err(|error| error.to_string())?;
    let store = Arc::new(store);
    Ok(Open {
        backend: Arc::clone(&store) as Arc<dyn Backend>,
        aliases: store,
    })
}

/// What the embedded store is opened with.
pub(super) fn settings(store: config::Store) -> embedded::Settings {
    let config::Store {
        directory,
        token_keys,
    } = store;
    embedded::Settings {
        token_keys,
        ..embedded::Settings::new(directory)
    }
}

/// The backend in a few words, for the start.
pub(super) fn describe(backend: &config::Backend) -> String {
    let config::Store {
        directory,
        token_keys,
    } = &backend.store;
    let keys = match token_keys.len() {
        0 => "its own token key".to_owned(),
        1 => "1 token key".to_owned(),
        n => format!("{n} token keys"),
    };
    format!("embedded store in {}, {keys}", directory.display())
}
