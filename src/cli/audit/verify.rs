//! `audit verify`: whether every record is the one that was written, in its place, and none is missing.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Place, Trouble, cannot, told};
use crate::backend::embedded::audit::{self, Anchor, Log, Verdict, Verifier};
use crate::cli::users::grouped;
use crate::cli::{Exit, complain, say};
use crate::config::Vars;

/// What to go over.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// A head that was noted earlier: this record must still be there, with this hash.
    #[arg(long, value_name = "HASH@SEQ")]
    expect_head: Option<Anchor>,
    /// Go over this export (JSON lines) instead of a store.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "data"])]
    file: Option<PathBuf>,
}

const AFTER: &str = "\
Whoever can write to the database can also write a new chain. Note the head that is told here where they
cannot, and give it with --expect-head the next time. Requests to an IdP without an outcome are listed:
while a server runs, they may be under way. `audit open` also lists those whose outcome is unknown.

Exit codes: 0 the chain is whole, 1 something is wrong with it, 2 bad usage, 3 it could not be read.";

pub(super) fn run(arguments: &Arguments, vars: &Vars) -> Result<Exit, Trouble> {
    let anchor = arguments.expect_head;
    let verdict = match &arguments.file {
        Some(path) => file(path, anchor)?,
        None => {
            let log = Log::open(&arguments.place.settings(vars)?).map_err(cannot)?;
            log.verify(anchor).map_err(cannot)?
        }
    };
    tell(&verdict);
    Ok(match verdict.is_whole() {
        true => Exit::Fine,
        false => Exit::Findings,
    })
}

/// Goes over an export. What was left out of it shows as missing.
fn file(path: &Path, anchor: Option<Anchor>) -> Result<Verdict, Trouble> {
    let shown = path.display();
    let file = File::open(path).map_err(|e| cannot(format_args!("{shown}: {e}")))?;
    let mut verifier: Option<Verifier> = None;
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|e| cannot(format_args!("{shown}: {e}")))?;
        let read = audit::parse(&line, |line| {
            let verifier = verifier.get_or_insert_with(|| {
                let start = line.start();
                Verifier::new(Some(start).filter(|start| start.seq > 0), anchor)
            });
            verifier.next(line);
        });
        if read.is_none() {
            let verifier = verifier.get_or_insert_with(|| Verifier::new(None, anchor));
            verifier.find(format!("line {} is no record", index + 1));
        }
    }
    let verifier = verifier.unwrap_or_else(|| Verifier::new(None, anchor));
    Ok(verifier.end(None))
}

fn tell(verdict: &Verdict) {
    let Verdict {
        records,
        first,
        head,
        ..
    } = verdict;
    let range = first.map_or_else(String::new, |first| format!(" ({first} to {})", head.seq));
    let records = grouped(*records);
    say(format_args!("records: {records}{range}"));
    if let Some(pruned) = &verdict.pruned {
        say(format_args!(
            "whole from: {}; what came before is not there",
            pruned.seq + 1
        ));
    }
    if verdict.taken_over > 0 {
        let count = grouped(verdict.taken_over);
        say(format_args!("written before there was a chain: {count}"));
    }
    say(format_args!("head: {head}"));
    for open in &verdict.open {
        let (seq, action, upstream) = (open.seq, &open.action, &open.upstream);
        let at = told(open.at);
        say(format_args!(
            "without an outcome: record {seq}, {action} at {upstream}, {at}"
        ));
    }
    if !verdict.unknown.is_empty() {
        let count = grouped(verdict.unknown.len() as u64);
        say(format_args!(
            "with an unknown outcome: {count}; `linkbridge audit open` lists them"
        ));
    }
    verdict.findings.iter().for_each(complain);
    let rest = verdict.wrong.saturating_sub(verdict.findings.len() as u64);
    if rest > 0 {
        complain(format_args!("and {} more", grouped(rest)));
    }
    match verdict.is_whole() {
        true => say("the chain is whole"),
        false => complain("the chain is NOT whole"),
    }
}
