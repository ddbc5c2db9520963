//! What a store does that cannot keep the audit, under many writers at once, and when records get old.

use std::sync::Barrier;
use std::sync::atomic::Ordering;
use std::time::Duration;

use linkbridge::backend::Backend;
use linkbridge::backend::embedded::audit::Log;
use linkbridge::backend::embedded::{Embedded, Settings};
use linkbridge::model::{
    Action, ClientName, Failure, Instant, Operation, ProviderId, Rules, Secret, Subject, Target,
    TenantId, UserId,
};

use super::records;

fn operation(action: Action, at: i64) -> Operation {
    Operation {
        tenant: TenantId::new("acme").unwrap(),
        client: ClientName::new("tests").unwrap(),
        origin: std::sync::Arc::default(),
        at: Instant(at),
        rules: Rules::default(),
        action,
    }
}

fn create(user: &str, subject: &str, at: i64) -> Operation {
    let action = Action::LinkCreate {
        user_id: UserId::new(user).unwrap(),
        provider_id: ProviderId::new("google").unwrap(),
        subject: Subject::new(subject).unwrap(),
        display_name: Some("Shown".to_owned()),
        token: Some(Secret::new("token")),
        attributes: Vec::new(),
    };
    operation(action, at)
}

fn delete(user: &str, subject: &str, at: i64) -> Operation {
    let action = Action::LinkDelete(Target::Exact {
        user_id: UserId::new(user).unwrap(),
        provider_id: ProviderId::new("google").unwrap(),
        subject: Subject::new(subject).unwrap(),
    });
    operation(action, at)
}

fn wait<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

fn is_whole(directory: &std::path::Path) {
    let verdict = Log::open(&Settings::new(directory)).unwrap().verify(None);
    let verdict = verdict.unwrap();
    assert!(verdict.is_whole(), "{:?}", verdict.findings);
}

#[test]
fn a_write_whose_record_cannot_be_kept_does_not_take_place() {
    let directory = tempfile::tempdir().unwrap();
    let store = Embedded::open(Settings::new(directory.path())).unwrap();
    let apply = |operation| wait(store.apply(operation));
    assert!(apply(create("u1", "s1", 1)).is_ok());
    let conn = rusqlite::Connection::open(directory.path().join("linkbridge.db")).unwrap();
    conn.busy_timeout(Duration::from_secs(5)).unwrap();
    conn.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END",
    )
    .unwrap();
    let put = Action::UserPut {
        user_id: UserId::new("u2").unwrap(),
        mode: linkbridge::model::PutMode::Either,
        document: None,
        ids: Vec::new(),
        links: Vec::new(),
    };
    for refused in [
        create("u1", "s2", 2),
        delete("u1", "s1", 2),
        operation(put, 2),
    ] {
        let answer = apply(refused.clone());
        assert!(
            matches!(answer, Err(Failure::Internal { .. })),
            "{refused:?}: {answer:?}"
        );
    }
    let links = |conn: &rusqlite::Connection| -> String {
        let sql = "SELECT group_concat(subject) || (SELECT count(*) FROM users) FROM links";
        conn.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(links(&conn), "s10");
    assert_eq!(store.audit_counts().refused.load(Ordering::Relaxed), 3);
    conn.execute_batch("DROP TRIGGER full").unwrap();
    assert!(apply(create("u1", "s2", 3)).is_ok());
    assert_eq!(links(&conn), "s1,s20");
    drop(store);
    is_whole(directory.path());
    assert_eq!(records(directory.path(), 0).len(), 2);
}

#[test]
fn many_writers_make_one_chain_while_it_is_read() {
    const WRITERS: usize = 8;
    const WRITES: usize = 60;
    let directory = tempfile::tempdir().unwrap();
    let store = Embedded::open(Settings::new(directory.path())).unwrap();
    let barrier = Barrier::new(WRITERS + 1);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, barrier) = (&store, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for n in 0..WRITES {
                    let user = format!("u{writer}");
                    // Every third is refused: the account has a holder.
                    let subject = match n % 3 {
                        2 => format!("s0-{}", n - 1),
                        _ => format!("s{writer}-{n}"),
                    };
                    let _ = wait(store.apply(create(&user, &subject, 1)));
                }
            });
        }
        barrier.wait();
        for _ in 0..5 {
            is_whole(directory.path());
        }
    });
    drop(store);
    is_whole(directory.path());
    let made = records(directory.path(), 0).len();
    let conn = rusqlite::Connection::open(directory.path().join("linkbridge.db")).unwrap();
    let links: i64 = conn
        .query_row("SELECT count(*) FROM links", [], |row| row.get(0))
        .unwrap();
    assert_eq!(i64::try_from(made).unwrap(), links);
}

#[test]
fn records_that_are_old_enough_go_with_the_writes_of_others() {
    const DAY: i64 = 86_400_000;
    let directory = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(directory.path());
    settings.audit_age = Some(Duration::from_secs(400 * 86_400));
    let open = || Embedded::open(settings.clone()).unwrap();
    {
        let store = open();
        for n in 0..20 {
            let made = wait(store.apply(create("u1", &format!("s{n}"), n * DAY)));
            assert!(made.is_ok(), "{made:?}");
        }
    }
    {
        let store = open();
        // Ten days are left over of those 400 before.
        assert!(wait(store.apply(create("u1", "later", 410 * DAY))).is_ok());
        assert_eq!(store.audit_counts().pruned.load(Ordering::Relaxed), 10);
    }
    let found = records(directory.path(), 0);
    assert_eq!(found[0]["seq"], 11);
    let last = found.last().unwrap();
    assert_eq!(
        (&last["phase"], &last["after"]["through"]),
        (&"checkpoint".into(), &10.into())
    );
    assert_eq!(found.len(), 12);
    is_whole(directory.path());
}
