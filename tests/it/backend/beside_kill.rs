//! `kill -9` while rows are put and pending links are taken: what was acknowledged stands.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use linkbridge::backend::Backend;
use linkbridge::backend::upstream::state::State;
use linkbridge::model::{Failure, Instant};

use super::beside::{full, of_link, put, take};
use super::world::*;

const KILLS: u64 = 8;
const STORE: &str = "LINKBRIDGE_KILL_BESIDE";
const ROUND: &str = "LINKBRIDGE_KILL_BESIDE_ROUND";

#[test]
fn a_killed_process_keeps_what_it_acknowledged() {
    if let Some(directory) = std::env::var_os(STORE) {
        let round = std::env::var_os(ROUND).unwrap_or_default();
        return write_for_ever(Path::new(&directory), &round.to_string_lossy());
    }
    let directory = tempfile::tempdir().unwrap();
    let mut journal = BTreeMap::new();
    for round in 0..KILLS {
        run_and_kill(directory.path(), round, &mut journal);
        let store = embedded(directory.path());
        for (account, state) in &mut journal {
            let row = full("u1", account);
            let found = of_link(&store, &row);
            match *state {
                '+' => assert_eq!(found, Some(row), "{account} was put"),
                '-' => assert_eq!(found, None, "{account} was forgotten"),
                't' => {
                    let again = take(&store, account, NOW);
                    assert_eq!(again, Err(Failure::PendingNotFound), "{account} was taken");
                }
                // It was being taken or forgotten: either is right, and stays.
                _ => *state = ' ',
            }
        }
    }
    assert!(journal.len() > 100, "only {} were written", journal.len());
}

/// Says what it is about to do and what was acknowledged, line by line.
fn write_for_ever(directory: &Path, round: &str) {
    let store = embedded(directory);
    println!("ready");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for n in 0.. {
                    let account = format!("{round}-{thread}-{n}");
                    if n % 3 == 2 {
                        let made = pending(&account, "google", &account, Instant(i64::MAX));
                        assert!(wait(store.apply(made)).is_ok());
                        println!("? {account}");
                        take(store, &account, NOW).unwrap();
                        println!("t {account}");
                        continue;
                    }
                    let row = full("u1", &account);
                    put(store, std::slice::from_ref(&row));
                    println!("+ {account}");
                    if n % 3 == 1 {
                        println!("? {account}");
                        wait(store.forget("main", vec![row])).unwrap();
                        println!("- {account}");
                    }
                }
            });
        }
    });
}

fn run_and_kill(data: &Path, round: u64, journal: &mut BTreeMap<String, char>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "backend::beside_kill::a_killed_process_keeps_what_it_acknowledged",
            "--nocapture",
        ])
        .env(STORE, data)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    assert!(lines.any(|line| line == "ready"), "the store did not open");
    let reader = std::thread::spawn(move || lines.collect::<Vec<String>>());
    std::thread::sleep(Duration::from_millis(20 + round * 41 % 150));
    child.kill().unwrap();
    child.wait().unwrap();
    for line in reader.join().unwrap() {
        if let Some((state, account)) = line.split_once(' ')
            && let Some(state) = state.chars().next().filter(|c| "+-?t".contains(*c))
        {
            journal.insert(account.to_owned(), state);
        }
    }
}
