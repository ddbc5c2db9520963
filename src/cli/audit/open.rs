//! `audit open`: requests to IdPs of which nobody knows what became of them.

use clap::Args;

use super::{Place, Trouble, cannot, told};
use crate::backend::embedded::audit::{Log, OpenIntent};
use crate::cli::{Exit, complain, say};
use crate::config::Vars;

/// Whose.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    place: Place,
}

const AFTER: &str = "\
A line has, between tabs: the number of the record, when, the operation, the client, the front, the IdP, the
tenant, the user, and why it is here. `unknown`: the answer was lost, or the process ended before it came; ask
the IdP, and give what you found to `audit settle`. `no outcome`: it is under way, or the process that asked has
ended and the server has not been started since; the next start says `unknown` of it.

Exit codes: 0 listed (also if there is nothing to list), 1 the chain is not whole, 2 bad usage, 3 it could not
be read.";

pub(super) fn run(arguments: &Arguments, vars: &Vars) -> Result<Exit, Trouble> {
    let log = Log::open(&arguments.place.settings(vars)?).map_err(cannot)?;
    let verdict = log.verify(None).map_err(cannot)?;
    let mut all: Vec<(&OpenIntent, &str)> = Vec::new();
    all.extend(verdict.unknown.iter().map(|one| (one, "unknown")));
    all.extend(verdict.open.iter().map(|one| (one, "no outcome")));
    all.sort_by_key(|(one, _)| one.seq);
    for (one, why) in all {
        let named = [&one.action, &one.client, &one.front, &one.upstream];
        let about = [&one.tenant, &one.user_id];
        let cells = named.into_iter().chain(about).map(|cell| shown(cell));
        let cells: Vec<String> = cells.collect();
        let (seq, at) = (one.seq, told(one.at));
        say(format_args!("{seq}\t{at}\t{}\t{why}", cells.join("\t")));
    }
    if !verdict.is_whole() {
        complain("the chain is NOT whole: run `linkbridge audit verify`");
        return Ok(Exit::Findings);
    }
    Ok(Exit::Fine)
}

/// A cell without anything that would end it, or speak to a terminal.
fn shown(text: &str) -> String {
    match text {
        "" => "-".to_owned(),
        text => text.escape_debug().to_string(),
    }
}
