//! Many at the same time: who asks for the same thing gets it once.

use std::sync::{Arc, Barrier};

use linkbridge::backend::{Answer, Backend};
use linkbridge::model::operation::{LastFactor, Rules, SubjectCase, UniqueScope};
use linkbridge::model::{Failure, Instant, Operation};

use super::world::*;

const THREADS: usize = 64;
const ROUNDS: usize = 50;

/// Applies one operation per thread, all at once.
fn race(world: &World, operation: impl Fn(usize) -> Operation) -> Vec<Answer> {
    let start = Arc::new(Barrier::new(THREADS));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|n| {
                let (start, operation) = (start.clone(), operation(n));
                let store: &dyn Backend = &*world.store;
                scope.spawn(move || {
                    start.wait();
                    wait(store.apply(operation))
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

fn assert_one_winner(answers: &[Answer], loss: &Failure) {
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(
        answers
            .iter()
            .filter_map(|answer| answer.as_ref().err())
            .all(|failure| failure == loss)
    );
}

facts! {
    fn one_of_many_completes_a_pending_link(world) {
        for round in 0..world.store.rounds(ROUNDS) {
            let (id, account) = (format!("id-{round}"), format!("s{round}"));
            assert!(world.apply(pending(&id, "google", &account, Instant(i64::MAX))).is_ok());
            let answers = race(world, |n| complete(&id, &format!("u{n}")));
            assert_one_winner(&answers, &Failure::PendingNotFound);
        }
    }

    fn one_of_many_users_gets_an_account(world) {
        for round in 0..world.store.rounds(ROUNDS) {
            let account = format!("s{round}");
            let answers = race(world, |n| create(&format!("u{n}"), "google", &account));
            assert_one_winner(&answers, &Failure::SubjectTaken);
        }
    }

    fn racing_creates_do_not_pass_a_limit(world) {
        let one = Rules { per_user_provider: Some(1), ..Rules::default() };
        let answers = race(world, |n| create("u1", "google", &format!("s{n}")).rules(one));
        assert_one_winner(&answers, &Failure::LimitExceeded { max: 1 });
    }

    fn racing_creates_do_not_pass_a_users_limit(world) {
        let one = Rules { per_user: Some(1), ..PLAIN };
        for round in 0..world.store.rounds(ROUNDS) {
            let who = format!("u{round}");
            let answers = race(world, |n| create(&who, &format!("p{}", n % 7), &format!("s{round}-{n}")).rules(one));
            assert_one_winner(&answers, &Failure::UserAlreadyLinked);
        }
    }

    fn one_of_many_tenants_gets_an_account_in_whatever_case(world) {
        let rules = Rules { unique_scope: UniqueScope::Instance, subject_case: SubjectCase::Fold, ..PLAIN };
        for round in 0..world.store.rounds(ROUNDS) {
            let spelled = |n: usize| ["ext", "Ext", "eXt", "EXT"][n % 4];
            let answers = race(world, |n| {
                create(&format!("u{}", n / 8), "google", &format!("{}-{round}", spelled(n))).rules(rules).of(&format!("t{}", n % 8))
            });
            assert_one_winner(&answers, &Failure::SubjectTaken);
        }
    }

    fn racing_deletes_leave_the_last_link(world) {
        let keep = Rules { last_factor: LastFactor::Keep, ..PLAIN };
        for round in 0..world.store.rounds(ROUNDS) {
            let who = format!("u{round}");
            let account = |n: usize| format!("s{round}-{}", n % 2);
            (0..2).for_each(|n| drop(world.link(create(&who, "google", &account(n)))));
            let answers = race(world, |n| delete(&who, "google", &account(n)).rules(keep));
            assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
            assert_eq!(world.links(list(&who)).1, 1);
        }
    }

    fn a_link_is_deleted_once(world) {
        for _ in 0..world.store.rounds(ROUNDS) {
            world.link(create("u1", "google", "s1"));
            let answers = race(world, |_| delete("u1", "google", "s1"));
            assert_one_winner(&answers, &Failure::LinkNotFound);
        }
    }

    fn a_read_sees_every_write_that_was_acknowledged_before_it(world) {
        let answers = race(world, |n| create(&format!("u{n}"), "google", &format!("s{n}")));
        assert!(answers.iter().all(Result::is_ok));
        std::thread::scope(|scope| {
            for n in 0..8 {
                let store: &dyn Backend = &*world.store;
                scope.spawn(move || {
                    for round in 0..world.store.rounds(200) {
                        let account = format!("r{n}-{round}");
                        assert!(wait(store.apply(create("u1", "google", &account))).is_ok());
                        assert!(wait(store.apply(find("google", &account, Some("u1")))).is_ok());
                        assert!(wait(store.apply(delete("u1", "google", &account))).is_ok());
                        assert_eq!(wait(store.apply(find("google", &account, None))), Err(Failure::LinkNotFound));
                    }
                });
            }
        });
    }
}
