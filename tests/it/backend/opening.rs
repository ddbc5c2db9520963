//! Opening and closing an embedded store.

use std::path::Path;

use linkbridge::backend::Backend;
use linkbridge::backend::embedded::audit::Log;
use linkbridge::backend::embedded::{Embedded, OpenError, Settings};
use linkbridge::model::{Failure, Instant};

use super::world::*;

const LATER: Instant = Instant(NOW.0 + 1000);

fn open(directory: &Path) -> Result<Embedded, OpenError> {
    Embedded::open(Settings::new(directory))
}

fn world(directory: &Path) -> World {
    World {
        store: Box::new(embedded(directory)),
    }
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let made = {
        let world = world(directory.path());
        assert!(world.apply(pending("id-1", "google", "s2", LATER)).is_ok());
        world.link(create_with_token("u1", "google", "s1", "opaque"))
    };
    let wal = std::fs::metadata(directory.path().join("linkbridge.db-wal")).unwrap();
    assert_eq!(wal.len(), 0, "closing empties the log");
    let world = world(directory.path());
    assert_eq!(world.link(find("google", "s1", None)), made);
    world.link(complete("id-1", "u1"));
}

#[test]
fn a_directory_has_one_process() {
    let directory = tempfile::tempdir().unwrap();
    let store = embedded(directory.path());
    let error = open(directory.path()).err().unwrap();
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("linkbridge.lock: another linkbridge"),
        "{error}"
    );
    store.close();
    embedded(directory.path()).close();
}

#[test]
fn a_newer_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    embedded(directory.path()).close();
    let conn = rusqlite::Connection::open(directory.path().join("linkbridge.db")).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    let error = open(directory.path()).err().unwrap();
    assert!(
        matches!(error, OpenError::Newer { found: 99, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("version 99"), "{error}");
}

#[test]
fn a_foreign_file_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("linkbridge.db");
    std::fs::write(
        &path,
        "this is a text and no database, whatever its name may say\n".repeat(99),
    )
    .unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = open(directory.path()).err().unwrap();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("linkbridge.db");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE links (a); PRAGMA user_version = 1")
        .unwrap();
    drop(conn);
    let error = open(directory.path()).err().unwrap();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
    assert!(
        error.to_string().contains("not a database of linkbridge"),
        "{error}"
    );
}

#[test]
fn a_directory_that_cannot_be_made_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    std::fs::write(&path, "").unwrap();
    let error = open(&path.join("data")).err().unwrap();
    assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
}

#[test]
fn a_restored_backup_voids_pending_links() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("linkbridge.db");
    let made = {
        let world = world(directory.path());
        assert!(world.apply(pending("id-1", "google", "s1", LATER)).is_ok());
        world.link(create("u1", "google", "s9"))
    };
    let backup = std::fs::read(&database).unwrap();
    world(directory.path()).link(complete("id-1", "u1"));
    std::fs::write(&database, backup).unwrap();
    let world = world(directory.path());
    assert_eq!(
        world.apply(complete("id-1", "u2")),
        Err(Failure::PendingNotFound)
    );
    assert_eq!(world.link(find("google", "s9", None)), made);
}

#[test]
fn a_full_queue_refuses_and_does_not_grow() {
    let directory = tempfile::tempdir().unwrap();
    let store = Embedded::open(Settings {
        queue: 2,
        ..Settings::new(directory.path())
    })
    .unwrap();
    let waker = std::task::Waker::noop();
    let mut context = std::task::Context::from_waker(waker);
    // Nobody waits for an answer here, so that the queue fills as fast as one thread can fill it.
    let mut waiting = Vec::new();
    let mut refused = 0;
    for n in 0..20_000 {
        let mut answer = store.apply(create("u1", "google", &format!("s{n}")));
        match answer.as_mut().poll(&mut context) {
            std::task::Poll::Ready(Err(Failure::Overloaded { .. })) => refused += 1,
            std::task::Poll::Ready(other) => assert!(other.is_ok(), "{other:?}"),
            std::task::Poll::Pending => waiting.push(answer),
        }
    }
    assert!(
        refused > 0 && !waiting.is_empty(),
        "{refused} refused, {} taken",
        waiting.len()
    );
    for answer in waiting {
        assert!(wait(answer).is_ok());
    }
}

#[test]
fn closing_finishes_what_was_queued() {
    let directory = tempfile::tempdir().unwrap();
    let store = embedded(directory.path());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for n in 0..300 {
        let mut answer = store.apply(create("u1", "google", &format!("s{n}")));
        assert!(!matches!(
            answer.as_mut().poll(&mut context),
            std::task::Poll::Ready(Err(_))
        ));
    }
    store.close();
    assert_eq!(
        world(directory.path()).links(list("u1")).1,
        300,
        "also those nobody waited for"
    );
}

#[test]
fn the_log_does_not_grow_without_end() {
    let directory = tempfile::tempdir().unwrap();
    let wal_limit = 1 << 20;
    let store = Embedded::open(Settings {
        wal_limit,
        ..Settings::new(directory.path())
    })
    .unwrap();
    let world = World {
        store: Box::new(store),
    };
    let mut largest = 0;
    let document = format!("\"{}\"", "x".repeat(20_000));
    for n in 0..600 {
        world.user(put(&format!("u{}", n % 7), Some(&document), &[]));
        largest = largest.max(
            std::fs::metadata(directory.path().join("linkbridge.db-wal"))
                .unwrap()
                .len(),
        );
    }
    assert!(
        largest < 2 * wal_limit,
        "{largest} bytes for some 13 MB of writes"
    );
}

#[test]
fn expired_pending_links_are_purged() {
    let directory = tempfile::tempdir().unwrap();
    {
        let world = world(directory.path());
        for n in 0..600 {
            assert!(
                world
                    .apply(pending(
                        &format!("id-{n}"),
                        "google",
                        &format!("s{n}"),
                        LATER
                    ))
                    .is_ok()
            );
        }
        assert!(
            world
                .apply(pending("kept", "google", "kept", Instant(LATER.0 + 9)))
                .is_ok()
        );
    }
    {
        // Each group of a new process takes some along until none are left.
        let world = world(directory.path());
        for n in 0..4 {
            world.user(put(&format!("u{n}"), None, &[]).at(LATER));
        }
    }
    let conn = rusqlite::Connection::open(directory.path().join("linkbridge.db")).unwrap();
    let left: i64 = conn
        .query_row("SELECT count(*) FROM pending", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 1);
    // Each of them is in the audit, as the one that was made.
    let (expired, same): (i64, i64) = conn
        .query_row(
            "SELECT count(*), count(m.seq) FROM audit e LEFT JOIN audit m ON m.action = 'pending.create' \
             AND m.after = e.before AND m.subject = e.subject AND m.provider_id = e.provider_id \
             AND m.tenant = e.tenant WHERE e.action = 'pending.expire' AND e.client = 'linkbridge'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!((expired, same), (600, 600));
    let log = Log::open(&Settings::new(directory.path())).unwrap();
    let verdict = log.verify(None).unwrap();
    assert!(verdict.is_whole(), "{:?}", verdict.findings);
}

#[test]
fn an_end_that_cannot_be_written_down_waits_and_costs_nobody_else_a_write() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let conn = rusqlite::Connection::open(directory.path().join("linkbridge.db")).unwrap();
    assert!(world.apply(pending("id", "google", "s", LATER)).is_ok());
    drop(world);
    conn.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON audit WHEN NEW.action = 'pending.expire' \
         BEGIN SELECT RAISE(ABORT, 'no room'); END",
    )
    .unwrap();
    let left = || -> i64 {
        let sql = "SELECT count(*) FROM pending";
        conn.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    // A new process looks with its first write.
    let reopened = || {
        let world = self::world(directory.path());
        world.user(put("u", None, &[]).at(LATER));
    };
    reopened();
    assert_eq!(left(), 1);
    conn.execute_batch("DROP TRIGGER full").unwrap();
    reopened();
    assert_eq!(left(), 0);
    let log = Log::open(&Settings::new(directory.path())).unwrap();
    assert!(log.verify(None).unwrap().is_whole());
}
