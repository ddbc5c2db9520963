//! The limit against models of a backend, over simulated time.

use super::*;

const RANGE: Range = Range {
    floor: 8,
    ceiling: 512,
};

/// A backend that does so many at once, each in 20 ms, and queues the rest.
struct Model {
    limit: Limit,
    now: Instant,
    at_once: usize,
    pushes_back_from: usize,
}

impl Model {
    fn new(at_once: usize) -> Self {
        let now = Instant::now();
        Self {
            limit: Limit::new(RANGE, now),
            now,
            at_once,
            pushes_back_from: usize::MAX,
        }
    }

    /// Runs for a time with so many who want something; answers the limits it went through.
    fn run(&mut self, wanted: usize, millis: u64) -> Vec<usize> {
        let end = self.now + Duration::from_millis(millis);
        let mut limits = Vec::new();
        while self.now < end {
            let going_on = wanted.min(self.limit.now());
            self.limit.saw(going_on);
            let rounds = going_on.div_ceil(self.at_once).max(1) as u32;
            for _ in 0..going_on.min(self.at_once).min(self.pushes_back_from) {
                let took = Duration::from_millis(20) * rounds;
                self.limit.ended(Priority::Create, took);
            }
            for _ in self.pushes_back_from..going_on {
                self.limit.pushed_back();
            }
            self.now += Duration::from_millis(20);
            self.limit.turn(self.now);
            limits.push(self.limit.now());
        }
        limits
    }
}

#[test]
fn it_comes_down_to_what_the_backend_can_do_and_keeps_it_busy() {
    let mut model = Model::new(16);
    model.run(4, 1000);
    let under_load = model.run(10_000, 10_000);
    let late = &under_load[100..];
    assert!(
        late.iter().all(|limit| (12..=40).contains(limit)),
        "{late:?}"
    );
    // An hour later what is slow still has not become normal.
    let later = model.run(10_000, 600_000);
    assert!(later.iter().all(|limit| *limit <= 48), "{:?}", later.last());
}

#[test]
fn it_grows_where_the_backend_can_do_more() {
    let mut model = Model::new(10_000);
    model.run(4, 1000);
    let limits = model.run(10_000, 3000);
    assert_eq!(limits.last(), Some(&RANGE.ceiling));
}

#[test]
fn it_comes_back_within_two_seconds() {
    let mut model = Model::new(16);
    model.run(4, 1000);
    model.run(10_000, 5000);
    model.at_once = 1;
    model.run(10_000, 5000);
    assert!(model.limit.now() <= 2 * RANGE.floor);
    model.at_once = 10_000;
    model.run(4, 2000);
    assert!(model.limit.now() >= RANGE.floor * REST);
}

#[test]
fn it_believes_a_backend_that_says_it_has_too_much() {
    let mut model = Model::new(10_000);
    model.pushes_back_from = 32;
    let limits = model.run(10_000, 5000);
    let late = &limits[100..];
    assert!(
        late.iter().all(|limit| (16..=96).contains(limit)),
        "{late:?}"
    );
}

#[test]
fn a_slow_backend_that_nobody_overloads_is_left_alone() {
    let mut model = Model::new(1000);
    model.run(4, 1000);
    let (now, limit) = (model.now, &mut model.limit);
    let before = limit.now();
    // A hundred times slower than before, with three at once.
    for step in 1..200_u32 {
        limit.saw(3);
        (0..6).for_each(|_| limit.ended(Priority::Create, Duration::from_secs(2)));
        limit.turn(now + Duration::from_millis(500) * step);
    }
    assert!(limit.now() >= before, "{} < {before}", limit.now());
}

#[test]
fn one_that_hangs_among_many_changes_nothing() {
    let now = Instant::now();
    let mut limit = Limit::new(RANGE, now);
    let before = limit.now();
    for step in 1..100_u32 {
        limit.saw(30);
        (0..20).for_each(|_| limit.ended(Priority::Get, Duration::from_millis(20)));
        (0..5).for_each(|_| limit.ended(Priority::Get, Duration::from_secs(5)));
        limit.turn(now + WINDOW * step);
    }
    assert!(limit.now() >= before);
}

#[test]
fn no_times_and_odd_times_keep_it_in_its_range() {
    let now = Instant::now();
    let odd = Range {
        floor: 0,
        ceiling: 0,
    };
    let mut limit = Limit::new(odd, now);
    assert_eq!(limit.now(), 1);
    for step in 1..1000_u64 {
        limit.saw(usize::MAX);
        (0..100).for_each(|n| {
            limit.ended(Priority::List, Duration::from_secs(step * n % 7));
            limit.pushed_back();
        });
        limit.turn(now + Duration::from_millis(200 * step));
        assert_eq!(limit.now(), 1);
    }
}
