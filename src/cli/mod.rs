//! The command line: verbs, and what their exit codes mean.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | fine |
//! | 1 | differences or findings: the verb did its work and has something to say |
//! | 2 | bad usage, or a configuration that cannot be used |
//! | 3 | could not run |
//! | 4 | an address cannot be listened at |
//! | 5 | the store is used by another process |
//! | 6 | the store is damaged |
//!
//! The only module that sees the configuration, the only one that writes to standard output.

mod audit;
mod backend;
mod check;
mod dialects;
mod explain;
mod harden;
mod index;
mod keys;
mod live;
mod load;
mod notify;
mod observe;
mod serve;
mod signals;
mod users;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand};

use crate::config::Vars;
use crate::telemetry;

/// How a verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Fine,
    Findings,
    BadUsage,
    CouldNotRun,
    NoAddress,
    StoreLocked,
    StoreDamaged,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Fine => 0,
            Exit::Findings => 1,
            Exit::BadUsage => 2,
            Exit::CouldNotRun => 3,
            Exit::NoAddress => 4,
            Exit::StoreLocked => 5,
            Exit::StoreDamaged => 6,
        })
    }
}

/// A compatibility proxy for identity-link APIs.
#[derive(Debug, Parser)]
#[command(name = "linkbridge", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve every dialect that is configured.
    Serve(serve::Arguments),
    /// Say everything that is wrong with mapping files, and replay their examples both ways.
    Check(check::Arguments),
    /// Show what a dialect makes of one request; nothing is executed.
    Explain(explain::Arguments),
    /// Show what each built-in dialect supports.
    Dialects(dialects::Arguments),
    /// Make a client's key, or adopt one.
    #[command(subcommand)]
    Keys(keys::Verb),
    /// Fill the indexes of accounts that an IdP cannot look up, or show how far they are.
    #[command(subcommand)]
    Index(index::Verb),
    /// Show who changed what, and prove that it is what was written.
    #[command(subcommand)]
    Audit(audit::Verb),
    /// Fill the directory of users from a file.
    #[command(subcommand)]
    Users(users::Verb),
}

pub use self::harden::harden;

/// Runs a command line.
pub fn run(args: impl IntoIterator<Item = OsString>, vars: &Vars) -> ExitCode {
    let arguments = match Arguments::try_parse_from(args) {
        Ok(arguments) => arguments,
        Err(mut error) => {
            if error.kind() == ErrorKind::UnknownArgument {
                hide_what_is_too_much(&mut error);
            }
            // Help and version are asked for, and no fault; a closed output is none either.
            let _ = error.print();
            let exit = if error.use_stderr() {
                Exit::BadUsage
            } else {
                Exit::Fine
            };
            return exit.into();
        }
    };
    let exit = match arguments.verb {
        Verb::Serve(arguments) => serve::run(&arguments, vars),
        Verb::Check(arguments) => check::run(&arguments, vars),
        Verb::Explain(arguments) => explain::run(&arguments, vars),
        Verb::Dialects(arguments) => dialects::run(&arguments, vars),
        Verb::Keys(verb) => keys::run(&verb),
        Verb::Index(verb) => index::run(&verb, vars),
        Verb::Audit(verb) => audit::run(&verb, vars),
        Verb::Users(verb) => users::run(&verb, vars),
    };
    telemetry::finish();
    exit.into()
}

/// A word that has no place may be a credential, as behind `-H Authorization: Bearer …` without quotes. Options are
/// told by their names.
fn hide_what_is_too_much(error: &mut clap::Error) {
    let is_word = |value: &ContextValue| matches!(value, ContextValue::String(text) if !text.starts_with('-'));
    if error.get(ContextKind::InvalidArg).is_some_and(is_word) {
        let hidden = ContextValue::String("***".to_owned());
        drop(error.insert(ContextKind::InvalidArg, hidden));
        drop(error.remove(ContextKind::Suggested));
    }
}

/// Writes a line to standard output. That nobody reads it must not end the process.
fn say(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Writes a line to standard error, with the same care.
fn complain(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(args: &[&str]) -> String {
        let args = args.iter().map(OsString::from);
        format!("{:?}", run(args, &Vars::default()))
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_is_fine_and_a_missing_configuration_is_bad_usage() {
        let as_code = |exit: Exit| format!("{:?}", ExitCode::from(exit));
        assert_eq!(code(&["linkbridge", "--version"]), as_code(Exit::Fine));
        assert_eq!(code(&["linkbridge", "severe"]), as_code(Exit::BadUsage));
        assert_eq!(
            code(&["linkbridge", "serve", "--config", "/does/not/exist"]),
            as_code(Exit::BadUsage)
        );
        assert_eq!(
            code(&["linkbridge", "keys", "new", "no name"]),
            as_code(Exit::BadUsage)
        );
    }
}
