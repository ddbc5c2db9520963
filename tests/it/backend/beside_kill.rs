//! `kill -9` while rows are put and pending links are taken: what was acknowledged stands.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use linkbridge::backend::Backend;
use linkbridge::backend::upstream::state::State;
use linkbridge::model::{Failure, Instant};

use super::beside::{full, of_link, put, take};
use super::killed::{child, run_and_kill};
use super::world::*;

const KILLS: u64 = 8;
const SELF: &str = "backend::beside_kill::a_killed_process_keeps_what_it_acknowledged";

#[test]
fn a_killed_process_keeps_what_it_acknowledged() {
    if let Some((directory, round)) = child() {
        return write_for_ever(&directory, &round);
    }
    let directory = tempfile::tempdir().unwrap();
    let mut journal = BTreeMap::new();
    for round in 0..KILLS {
        let pause = Duration::from_millis(20 + round * 41 % 150);
        journal.extend(run_and_kill(SELF, directory.path(), round, pause));
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
