//! Failing disks: nothing is acknowledged that did not happen, nothing acknowledged is lost, reads
//! go on, and the store comes back by itself. How a disk is made to fail stands in `disk`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use linkbridge::backend::{Atomicity, Backend};
use linkbridge::model::Failure;

use super::disk::{Disk, under_faults};
use super::world::*;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// What became of an atomic pair of creates, by the name of its account.
#[derive(Default)]
struct Journal {
    acknowledged: Mutex<Vec<String>>,
    unknown: Mutex<Vec<String>>,
    refused: Mutex<Vec<String>>,
}

impl Journal {
    /// Makes two links that stand or fall together, and notes what was answered.
    fn write(&self, store: &dyn Backend, account: &str) -> bool {
        let pair = vec![
            create("u1", "google", account),
            create("u1", "github", account),
        ];
        let answers = wait(store.apply_all(pair, Atomicity::Together));
        let list = match answers.as_slice() {
            [Ok(_), Ok(_)] => &self.acknowledged,
            [Err(Failure::OutcomeUnknown), Err(Failure::OutcomeUnknown)] => &self.unknown,
            [
                Err(Failure::Overloaded { .. }),
                Err(Failure::Overloaded { .. }),
            ] => &self.refused,
            other => panic!("{other:?}"),
        };
        list.lock().unwrap().push(account.to_owned());
        std::ptr::eq(list, &self.acknowledged)
    }

    fn counts(&self) -> [usize; 3] {
        [&self.acknowledged, &self.unknown, &self.refused].map(|list| list.lock().unwrap().len())
    }

    /// What was acknowledged is there, what was refused is not, what is unknown is whole or not there.
    fn verify(&self, world: &World) {
        let is_there = |account: &String| {
            let both =
                ["google", "github"].map(|at| match world.apply(find(at, account, Some("u1"))) {
                    Ok(_) => true,
                    Err(Failure::LinkNotFound) => false,
                    other => panic!("{other:?}"),
                });
            assert_eq!(both[0], both[1], "{account} is there in part");
            both[0]
        };
        assert!(
            self.acknowledged.lock().unwrap().iter().all(is_there),
            "an acknowledged write is lost"
        );
        assert!(
            !self.refused.lock().unwrap().iter().any(is_there),
            "a refused write took place"
        );
        self.unknown.lock().unwrap().iter().for_each(|account| {
            is_there(account);
        });
    }
}

/// Writes until something is acknowledged, which has to happen soon.
fn resume(store: &dyn Backend, journal: &Journal, tag: &str) {
    let lifted = Instant::now();
    let mut tries = 0;
    while !journal.write(store, &format!("{tag}-resume-{tries}")) {
        assert!(
            lifted.elapsed() < Duration::from_secs(5),
            "{tag}: writes do not resume"
        );
        std::thread::sleep(Duration::from_millis(10));
        tries += 1;
    }
    assert!(store.ready(), "{tag}");
}

/// One failing disk, for a while, under eight writers and two readers.
fn episode(disk: &Disk, group: &str, error: i32) {
    let directory = tempfile::tempdir().unwrap();
    let world = World {
        store: Box::new(embedded(directory.path())),
    };
    let store: &dyn Backend = &*world.store;
    let journal = Journal::default();
    (0..20).for_each(|n| assert!(journal.write(store, &format!("before-{n}"))));
    disk.fail(group, error, 0, u64::MAX);
    let acknowledged = journal.counts()[0];
    let reads = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (journal, reads, is_over) = (&journal, &reads, &is_over);
        for reader in 0..2 {
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let account = format!(
                        "before-{}",
                        (reads.fetch_add(1, Ordering::Relaxed) + reader) % 20
                    );
                    assert!(
                        wait(store.apply(find("google", &account, None))).is_ok(),
                        "a read failed"
                    );
                    assert!(wait(store.apply(list("u1"))).is_ok(), "a list failed");
                    assert!(wait(store.apply(get("u1"))).is_ok(), "a user is gone");
                }
            });
        }
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                scope.spawn(move || {
                    for n in 0..40 {
                        assert!(
                            !journal.write(store, &format!("during-{writer}-{n}")),
                            "acknowledged"
                        );
                        assert!(
                            !store.ready(),
                            "a store that cannot write says that it is ready"
                        );
                        std::thread::sleep(Duration::from_millis(20));
                    }
                })
            })
            .collect();
        writers
            .into_iter()
            .for_each(|writer| writer.join().unwrap());
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(
        journal.counts()[0],
        acknowledged,
        "something was acknowledged on a failing disk"
    );
    assert!(reads.load(Ordering::Relaxed) > 100);
    disk.mend();
    resume(store, &journal, "episode");
    journal.verify(&world);
    drop(world);
    let world = World {
        store: Box::new(embedded(directory.path())),
    };
    journal.verify(&world);
    eprintln!(
        "{group} {error}: acknowledged, unknown, refused: {:?}",
        journal.counts()
    );
}

/// Lets the k-th call fail, once and then for good, for every k.
fn sweep(disk: &Disk, group: &str, error: i32, last: usize) {
    let directory = tempfile::tempdir().unwrap();
    let journal = Journal::default();
    for k in 0..last {
        let world = World {
            store: Box::new(embedded(directory.path())),
        };
        for fail in [1, u64::MAX] {
            disk.fail(group, error, k, fail);
            for n in 0..6 {
                journal.write(&*world.store, &format!("{group}-{k}-{fail}-{n}"));
            }
            disk.mend();
            resume(&*world.store, &journal, &format!("{group}-{k}-{fail}"));
        }
        if k % 3 == 0 {
            // Closing on a failing disk must not lose anything either.
            disk.fail(group, error, k / 3, u64::MAX);
            drop(world);
            disk.mend();
        } else {
            drop(world);
        }
    }
    let world = World {
        store: Box::new(embedded(directory.path())),
    };
    journal.verify(&world);
    let counts = journal.counts();
    eprintln!("{group} {error}: acknowledged, unknown, refused: {counts:?}");
    assert!(counts[0] > 0 && counts[1] + counts[2] > 0);
}

/// A commit whose fsync fails. The log holds it, and the page cache shows it, but the disk may not
/// have it: nothing may be appended to it in this process, and a crash may bring it back. Answers
/// whether it did; it does not if the store was quicker with its next attempt than the copy.
fn half_done(disk: &Disk) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let crashed = tempfile::tempdir().unwrap();
    let journal = Journal::default();
    {
        let world = World {
            store: Box::new(embedded(directory.path())),
        };
        assert!(journal.write(&*world.store, "before"));
        disk.fail("sync", EIO, 0, u64::MAX);
        assert!(!journal.write(&*world.store, "half-done"));
        assert_eq!(
            journal.counts(),
            [1, 1, 0],
            "acknowledged, unknown, refused"
        );
        // What a crash at this moment would leave.
        for name in [
            "linkbridge.db",
            "linkbridge.db-wal",
            "token.key",
            "incarnation",
        ] {
            std::fs::copy(directory.path().join(name), crashed.path().join(name)).unwrap();
        }
        disk.mend();
        resume(&*world.store, &journal, "half-done");
        assert_eq!(
            world.apply(find("google", "half-done", None)),
            Err(Failure::LinkNotFound)
        );
    }
    journal.verify(&World {
        store: Box::new(embedded(directory.path())),
    });
    let world = World {
        store: Box::new(embedded(crashed.path())),
    };
    assert!(world.apply(find("google", "before", None)).is_ok());
    let back = ["google", "github"].map(|at| world.apply(find(at, "half-done", None)).is_ok());
    assert_eq!(back[0], back[1]);
    back[0]
}

#[test]
fn a_commit_whose_fsync_failed_is_not_built_upon() {
    under_faults("a_commit_whose_fsync_failed_is_not_built_upon", |disk| {
        assert!(
            (0..5).any(|_| half_done(disk)),
            "it never came back, so that its outcome is known"
        );
    });
}

#[test]
fn a_failing_fsync_acknowledges_nothing() {
    under_faults("a_failing_fsync_acknowledges_nothing", |disk| {
        episode(disk, "sync", EIO)
    });
}

#[test]
fn a_full_disk_refuses_writes_and_serves_reads() {
    under_faults("a_full_disk_refuses_writes_and_serves_reads", |disk| {
        episode(disk, "write", ENOSPC)
    });
}

#[test]
fn a_failing_write_acknowledges_nothing() {
    under_faults("a_failing_write_acknowledges_nothing", |disk| {
        episode(disk, "write", EIO)
    });
}

#[test]
fn whichever_fsync_fails_nothing_is_lost() {
    under_faults("whichever_fsync_fails_nothing_is_lost", |disk| {
        sweep(disk, "sync", EIO, 12)
    });
}

#[test]
fn whichever_write_finds_the_disk_full_nothing_is_lost() {
    under_faults(
        "whichever_write_finds_the_disk_full_nothing_is_lost",
        |disk| sweep(disk, "write", ENOSPC, 40),
    );
}

#[test]
fn whichever_write_fails_nothing_is_lost() {
    under_faults("whichever_write_fails_nothing_is_lost", |disk| {
        sweep(disk, "write", EIO, 40)
    });
}
