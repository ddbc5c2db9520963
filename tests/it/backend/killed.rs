//! A child process that writes to a store until it is killed, and tells what it does: a test of this binary, run
//! again by itself.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The store of the child process, and the number of the round.
const STORE: &str = "LINKBRIDGE_KILL_STORE";
const ROUND: &str = "LINKBRIDGE_KILL_ROUND";

/// The store to write to and the round, if this is the child.
pub(super) fn child() -> Option<(PathBuf, String)> {
    let directory = std::env::var_os(STORE)?;
    let round = std::env::var_os(ROUND).unwrap_or_default();
    Some((directory.into(), round.to_string_lossy().into_owned()))
}

/// Runs a test as a child, and kills it `pause` after it has said that it is ready. What it said, line by line:
/// accounts, each with the sign before it.
pub(super) fn run_and_kill(
    test: &str,
    store: &Path,
    round: u64,
    pause: Duration,
) -> impl Iterator<Item = (String, char)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(STORE, store)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    assert!(
        lines.any(|line| line == "ready"),
        "the store of the child did not open"
    );
    let reader = std::thread::spawn(move || lines.collect::<Vec<String>>());
    std::thread::sleep(pause);
    child.kill().unwrap();
    child.wait().unwrap();
    let said = reader.join().unwrap().into_iter();
    said.filter_map(|line| {
        let (sign, account) = line.split_once(' ')?;
        Some((account.to_owned(), sign.parse().ok()?))
    })
}
