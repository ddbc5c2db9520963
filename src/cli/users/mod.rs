//! `users`: what an operator does with users in bulk.

mod arguments;
mod columns;
mod csv;
mod feed;
mod import;
mod input;
mod jsonl;
mod known;
mod meter;
mod report;
mod source;

use clap::Subcommand;

pub(super) use self::meter::grouped;
use super::Exit;
use crate::config::Vars;

/// What to do with users.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Fill the directory from a file: users, and the ids that vendors know them by.
    Import(arguments::Arguments),
}

pub(super) fn run(verb: &Verb, vars: &Vars) -> Exit {
    match verb {
        Verb::Import(arguments) => import::run(arguments, vars),
    }
}
