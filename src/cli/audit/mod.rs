//! `audit`: who changed what, and whether that is still what was written.

mod export;
mod open;
mod settle;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{Exit, backend, complain, load};
use crate::backend::embedded::Settings;
use crate::config::Vars;

/// What to do with the audit.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Go over the whole chain of records; the server may run.
    Verify(verify::Arguments),
    /// Write records to standard output, oldest first; the server may run.
    Export(export::Arguments),
    /// List requests to IdPs of which nobody knows what became of them; the server may run.
    Open(open::Arguments),
    /// Write down what became of one, as an operator found out; the server must not run.
    Settle(settle::Arguments),
}

/// Whose audit.
#[derive(Debug, Args)]
struct Place {
    /// The configuration, as for `serve`. Else LINKBRIDGE_CONFIG names it.
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    config: Option<PathBuf>,
    /// The embedded store's data is in this directory; no configuration is read.
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
}

pub(super) fn run(verb: &Verb, vars: &Vars) -> Exit {
    let done = match verb {
        Verb::Verify(arguments) => verify::run(arguments, vars),
        Verb::Export(arguments) => export::run(arguments, vars),
        Verb::Open(arguments) => open::run(arguments, vars),
        Verb::Settle(arguments) => settle::run(arguments, vars),
    };
    done.unwrap_or_else(|(text, exit)| {
        complain(format_args!("error: {text}"));
        exit
    })
}

/// Why a verb could not do its work, and how it ends.
type Trouble = (String, Exit);

/// What cannot be read.
fn cannot(error: impl std::fmt::Display) -> Trouble {
    (error.to_string(), Exit::CouldNotRun)
}

impl Place {
    /// What the store would be opened with.
    fn settings(&self, vars: &Vars) -> Result<Settings, Trouble> {
        if let Some(directory) = &self.data {
            return Ok(Settings::new(directory));
        }
        let loaded = load::once(self.config.as_deref(), &[], vars);
        let loaded = loaded.map_err(|text| {
            let text = text.strip_prefix("error: ").unwrap_or(&text).to_owned();
            (text, Exit::BadUsage)
        })?;
        Ok(backend::settings(loaded.config.backend.store))
    }
}

/// An instant in words.
fn told(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(|_| "?".to_owned(), |at| at.to_string())
}
