//! `audit settle`: what an operator has found out about a request to an IdP.

use clap::{Args, ValueEnum};

use super::{Place, Trouble, cannot};
use crate::backend::embedded::audit::{self, Unsettled, Word};
use crate::backend::upstream::state::Came;
use crate::cli::{Exit, complain, say};
use crate::config::Vars;
use crate::server::clock;

/// The longest reason, in bytes.
const LONGEST: usize = 1000;

/// What became of what.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// The number of the record, as `audit open` lists it.
    #[arg(value_name = "SEQ", value_parser = clap::value_parser!(i64).range(1..))]
    seq: i64,
    /// What became of it.
    #[arg(long = "as", value_enum, value_name = "WORD")]
    came: Found,
    /// How you know: it stands in the record.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    because: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Found {
    /// The IdP has carried it out.
    Done,
    /// It has not.
    NotDone,
    /// That cannot be found out any more.
    Unknown,
}

const AFTER: &str = "\
The word is one more record of the chain; nothing that was written is changed, nor is any link, here or at the
IdP. The server must not run.

Exit codes: 0 written, 1 its outcome is no open question, 2 bad usage, 3 the store is in use or could not be
written.";

pub(super) fn run(arguments: &Arguments, vars: &Vars) -> Result<Exit, Trouble> {
    let word = Word {
        seq: arguments.seq,
        came: match arguments.came {
            Found::Done => Came::Done,
            Found::NotDone => Came::Failed,
            Found::Unknown => Came::Unknown,
        },
        because: &arguments.because,
        at: clock::now().0,
    };
    match audit::settle(&arguments.place.settings(vars)?, &word) {
        Ok(by) => {
            say(format_args!(
                "record {} is settled by record {by}",
                word.seq
            ));
            Ok(Exit::Fine)
        }
        Err(Unsettled::NotOpen(text)) => {
            complain(text);
            Ok(Exit::Findings)
        }
        Err(error) => Err(cannot(error)),
    }
}

/// A reason that says something, on one line.
fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("a reason says something".to_owned());
    }
    if text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(format!("a reason is one line of up to {LONGEST} bytes"));
    }
    Ok(text.to_owned())
}
