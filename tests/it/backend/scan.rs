//! The scan that fills an index, over a list of users that is told page by page.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use linkbridge::backend::BoxFuture;
use linkbridge::backend::embedded::Embedded;
use linkbridge::backend::upstream::scan::{Pace, Scan, Source, Stopped, Users, is_current, is_due};
use linkbridge::backend::upstream::state::{IndexStatus, Mark, Row, State};
use linkbridge::model::{Failure, Instant, UserId};

use super::beside::{full, of_link, put, row};
use super::world::*;

const MAX_AGE: Duration = Duration::from_secs(3600);
const PAGE: usize = 10;

/// An IdP: so many users, each with two links. What is told to fail does, once for each time it is told.
struct Idp {
    users: usize,
    is_whole: bool,
    fails: Mutex<BTreeMap<String, Vec<Failure>>>,
    asked: Mutex<Vec<String>>,
    at_once: Mutex<(usize, usize)>,
}

impl Idp {
    fn new(users: usize) -> Self {
        Self {
            users,
            is_whole: true,
            fails: Mutex::default(),
            asked: Mutex::default(),
            at_once: Mutex::default(),
        }
    }

    fn failing(self, what: &str, failures: &[Failure]) -> Self {
        let mut fails = self.fails.lock().unwrap();
        let failures = failures.iter().rev().cloned().collect();
        fails.insert(what.to_owned(), failures);
        drop(fails);
        self
    }

    fn ask(&self, what: String) -> Result<(), Failure> {
        let mut fails = self.fails.lock().unwrap();
        let failure = fails.get_mut(&what).and_then(Vec::pop);
        self.asked.lock().unwrap().push(what);
        failure.map_or(Ok(()), Err)
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Source for Idp {
    fn users<'a>(&'a self, page: Option<&'a str>) -> BoxFuture<'a, Result<Users, Failure>> {
        Box::pin(async move {
            self.ask(format!("page {}", page.unwrap_or_default()))?;
            let first: usize = page.map_or(0, |page| page.parse().unwrap());
            let end = (first + PAGE).min(self.users);
            Ok(Users {
                users: (first..end).map(|n| user(&format!("u{n}"))).collect(),
                next: (end < self.users).then(|| end.to_string()),
            })
        })
    }

    fn links<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<Vec<Row>, Failure>> {
        Box::pin(async move {
            {
                let mut at_once = self.at_once.lock().unwrap();
                at_once.0 += 1;
                at_once.1 = at_once.1.max(at_once.0);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.at_once.lock().unwrap().0 -= 1;
            self.ask(user.to_string())?;
            Ok(["a", "b"]
                .map(|s| row(user.as_str(), &format!("{s}-{user}")))
                .to_vec())
        })
    }

    fn is_whole(&self) -> bool {
        self.is_whole
    }
}

/// A store, and a clock that goes on with every look at it.
struct Place {
    store: Embedded,
    clock: AtomicI64,
}

impl Place {
    fn new(directory: &Path) -> Self {
        Self {
            store: embedded(directory),
            clock: AtomicI64::new(NOW.0),
        }
    }

    fn run_told(
        &self,
        idp: &Idp,
        restart: bool,
        told: &mut Vec<IndexStatus>,
    ) -> Result<IndexStatus, Stopped> {
        let clock = || Instant(self.clock.fetch_add(1, Ordering::Relaxed));
        let tenant = tenant("acme");
        let scan = Scan {
            source: idp,
            state: &self.store,
            upstream: "main",
            tenant: &tenant,
            pace: Pace {
                at_once: 4,
                patience: Duration::from_millis(1),
                ..Pace::new(NonZeroU32::new(100_000).unwrap())
            },
            max_age: MAX_AGE,
            clock: &clock,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(scan.run(restart, &mut |status| told.push(status.clone())))
    }

    fn run(&self, idp: &Idp, restart: bool) -> Result<IndexStatus, Stopped> {
        self.run_told(idp, restart, &mut Vec::new())
    }

    fn status(&self) -> IndexStatus {
        self.store.index_status("main", &tenant("acme")).unwrap()
    }

    fn has(&self, n: usize) -> bool {
        let who = format!("u{n}");
        ["a", "b"].iter().all(|s| {
            let seen = row(&who, &format!("{s}-{who}"));
            of_link(&self.store, &seen) == Some(seen)
        })
    }
}

fn down() -> Failure {
    Failure::UpstreamDown
}

#[test]
fn a_scan_finds_every_link() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path());
    // 300 rows: more than are written at once.
    let idp = Idp::new(150);
    let mut told = Vec::new();
    let began = Instant(place.clock.load(Ordering::Relaxed));
    let status = place.run_told(&idp, false, &mut told).unwrap();
    assert!((0..150).all(|n| place.has(n)));
    assert_eq!((status.users, status.links), (150, 300));
    let since = status.complete_since.unwrap();
    assert!(
        since >= began && since < Instant(began.0 + 3),
        "when it began, not when it ended"
    );
    assert_eq!((status.started_at, &status.cursor), (None, &None));
    assert_eq!(place.status(), status);
    let asked = idp.asked();
    assert_eq!(asked.len(), 150 + 15);
    assert_eq!(
        asked.iter().collect::<BTreeSet<_>>().len(),
        asked.len(),
        "nothing is asked twice"
    );
    assert_eq!(idp.at_once.lock().unwrap().1, 4);
    assert!(told.windows(2).all(|two| two[0].users <= two[1].users));
    assert_eq!(told.last(), Some(&status));
    assert!(
        told.iter()
            .all(|s| s.complete_since.is_none() || s == &status)
    );
}

#[test]
fn no_users_are_all_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path());
    let status = place.run(&Idp::new(0), false).unwrap();
    assert!(status.complete_since.is_some());
}

#[test]
fn a_list_that_may_lack_users_makes_no_index_complete() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path());
    let idp = Idp {
        is_whole: false,
        ..Idp::new(20)
    };
    let status = place.run(&idp, false).unwrap();
    assert_eq!(
        (status.complete_since, status.started_at, status.users),
        (None, None, 20)
    );
    assert!(place.has(19));
}

#[test]
fn a_scan_goes_on_where_it_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let refused = Failure::UpstreamRefused;
    let began = {
        let place = Place::new(directory.path());
        let idp = Idp::new(50).failing("u33", std::slice::from_ref(&refused));
        let stopped = place.run(&idp, false).unwrap_err();
        let user = Some(user("u33"));
        assert_eq!(
            stopped,
            Stopped {
                failure: refused,
                user
            }
        );
        place.status()
    };
    assert_eq!((began.cursor.as_deref(), began.users), (Some("30"), 30));
    assert_eq!(began.complete_since, None);
    let place = Place::new(directory.path());
    let idp = Idp::new(50);
    let status = place.run(&idp, false).unwrap();
    assert_eq!(
        (status.complete_since, status.users),
        (began.started_at, 50)
    );
    assert!((0..50).all(|n| place.has(n)));
    assert!(!idp.asked().contains(&"u29".to_owned()));
}

#[test]
fn a_scan_starts_over_where_going_on_makes_no_sense() {
    let stop = |directory: &Path| {
        let place = Place::new(directory);
        let idp = Idp::new(50).failing("u33", &[Failure::UpstreamRefused]);
        place.run(&idp, false).unwrap_err();
    };
    let later = i64::try_from(MAX_AGE.as_millis()).unwrap();
    // Whether one asks for it, how much later it is, what the page fails with that was to come.
    let cases = [
        (true, 0, None),
        (false, later, None),
        (false, 0, Some(Failure::UpstreamRefused)),
    ];
    for (restart, later, failure) in cases {
        let directory = tempfile::tempdir().unwrap();
        stop(directory.path());
        let place = Place::new(directory.path());
        place.clock.fetch_add(later + 1000, Ordering::Relaxed);
        let began = place.status().started_at;
        let idp = Idp::new(50).failing("page 30", failure.as_slice());
        let status = place.run(&idp, restart).unwrap();
        assert_eq!(status.users, 50);
        assert!(status.complete_since > began);
        assert!(idp.asked().contains(&"u0".to_owned()));
    }
}

#[test]
fn what_fails_for_a_moment_is_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path());
    let busy = Failure::RateLimited {
        retry_after: Duration::from_millis(2),
    };
    let idp = Idp::new(30)
        .failing("page 10", &[down(), busy, Failure::UpstreamTimeout])
        .failing("u12", &vec![down(); 5])
        .failing("u13", &[Failure::UserNotFound]);
    let status = place.run(&idp, false).unwrap();
    assert_eq!((status.users, status.links), (30, 58));
    assert!(place.has(12) && !place.has(13));
}

#[test]
fn what_does_not_pass_ends_a_scan_and_keeps_the_index_before() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path());
    let done = place.run(&Idp::new(20), false).unwrap();
    let idp = Idp::new(20).failing("page 10", &vec![down(); 100]);
    assert_eq!(place.run(&idp, false).unwrap_err(), Stopped::from(down()));
    let status = place.status();
    assert_eq!(
        (status.complete_since, status.users),
        (done.complete_since, 10)
    );
    assert!(status.started_at > done.complete_since);
}

#[test]
fn a_scan_says_nothing_against_what_linkbridge_wrote() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path());
    let ours = full("u1", "a-u1");
    let gone = Row {
        mark: Mark::Deleted(Instant(NOW.0 + 1_000_000)),
        ..row("u2", "a-u2")
    };
    put(&place.store, &[ours.clone(), gone.clone()]);
    place.run(&Idp::new(5), false).unwrap();
    assert_eq!(of_link(&place.store, &ours), Some(ours));
    assert_eq!(of_link(&place.store, &gone), Some(gone));
}

#[test]
fn an_index_is_due_before_it_is_too_old() {
    let half = i64::try_from(MAX_AGE.as_millis() / 2).unwrap();
    let status = |since: Option<i64>, started: Option<i64>| IndexStatus {
        complete_since: since.map(Instant),
        started_at: started.map(Instant),
        ..IndexStatus::default()
    };
    // The status, how old it is, whether it is current, whether it is time for a scan.
    let cases = [
        (status(None, None), 0, false, true),
        (status(None, Some(0)), 1, false, true),
        (status(Some(0), None), half - 1, true, false),
        (status(Some(0), None), half, true, true),
        (status(Some(0), Some(5)), 6, true, true),
        (status(Some(0), None), 2 * half - 1, true, true),
        (status(Some(0), None), 2 * half, false, true),
    ];
    for (status, now, current, due) in cases {
        let is = (
            is_current(&status, MAX_AGE, Instant(now)),
            is_due(&status, MAX_AGE, Instant(now)),
        );
        assert_eq!(is, (current, due), "{status:?} at {now}");
    }
}

#[test]
fn a_scan_keeps_its_pace() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path());
    let (idp, acme) = (Idp::new(18), tenant("acme"));
    let clock = || NOW;
    let scan = Scan {
        source: &idp,
        state: &place.store,
        upstream: "main",
        tenant: &acme,
        pace: Pace::new(NonZeroU32::new(100).unwrap()),
        max_age: MAX_AGE,
        clock: &clock,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let began = std::time::Instant::now();
    runtime.block_on(scan.run(false, &mut |_| ())).unwrap();
    // 18 users and 2 pages of them; the first turn is free.
    assert!(
        began.elapsed() >= Duration::from_millis(190),
        "{:?}",
        began.elapsed()
    );
}
