//! `kill -9` while eight threads write: what was acknowledged is there, and nothing is there in part.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use linkbridge::backend::Atomicity;
use linkbridge::model::{Failure, Instant, Operation};

use super::killed::{child, run_and_kill};
use super::world::*;

const KILLS: u64 = 25;
const SELF: &str = "backend::kill::a_killed_process_loses_nothing_that_it_acknowledged";

#[test]
fn a_killed_process_loses_nothing_that_it_acknowledged() {
    if let Some((directory, round)) = child() {
        return write_for_ever(&directory, &round);
    }
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut journal = BTreeMap::new();
    for round in 0..KILLS {
        // The pauses differ, so that the kills meet the writers at different steps.
        let pause = Duration::from_millis(5 + round * 37 % 200);
        // The last that was said of each account counts.
        journal.extend(run_and_kill(SELF, &data, round, pause));
        let world = World {
            store: Box::new(embedded(&data)),
        };
        journal
            .iter()
            .for_each(|(account, state)| verify(&world, account, *state));
    }
    assert!(
        journal.len() > 500,
        "only {} pairs were written",
        journal.len()
    );
    let count = |state| journal.values().filter(|s| **s == state).count();
    eprintln!(
        "{KILLS} kills: {} made, {} removed, {} completed",
        count('+'),
        count('-'),
        count('c')
    );
}

/// Says what it is about to do and what was acknowledged, line by line.
fn write_for_ever(directory: &Path, round: &str) {
    let world = World {
        store: Box::new(embedded(directory)),
    };
    println!("ready");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let world = &world;
            scope.spawn(move || {
                for n in 0.. {
                    let account = format!("{round}-{thread}-{n}");
                    let both = |operation: fn(&str, &str, &str) -> Operation| {
                        let pair = ["google", "github"]
                            .map(|at| operation("u1", at, &account))
                            .to_vec();
                        let answers = wait(world.store.apply_all(pair, Atomicity::Together));
                        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
                    };
                    if n % 3 == 2 {
                        assert!(
                            world
                                .apply(pending(&account, "google", &account, Instant(i64::MAX)))
                                .is_ok()
                        );
                        println!("p {account}");
                        world.link(complete(&account, "u1"));
                        println!("c {account}");
                        continue;
                    }
                    both(create);
                    println!("+ {account}");
                    if n % 3 == 1 {
                        println!("? {account}");
                        both(delete);
                        println!("- {account}");
                    }
                }
            });
        }
    });
}

fn verify(world: &World, account: &str, state: char) {
    let is_there = |at| match world.apply(find(at, account, Some("u1"))) {
        Ok(_) => true,
        Err(Failure::LinkNotFound) => false,
        other => panic!("{other:?}"),
    };
    let links = (is_there("google"), is_there("github"));
    let waits = world.apply(look(account, None)).is_ok();
    match state {
        '+' => assert_eq!(links, (true, true), "{account} was made"),
        '-' => assert_eq!(links, (false, false), "{account} was removed"),
        '?' => assert_eq!(links.0, links.1, "{account} was removed in part"),
        'c' => assert_eq!((links.0, waits), (true, false), "{account} was completed"),
        _ => assert_ne!(
            links.0, waits,
            "{account} is pending or linked, not both or neither"
        ),
    }
}
