//! What is kept beside an upstream: rows of links, how far an index is, the spending of pending links.

use std::path::Path;
use std::sync::Barrier;

use linkbridge::backend::Backend;
use linkbridge::backend::embedded::{Embedded, Settings};
use linkbridge::backend::upstream::state::{IndexStatus, Mark, Row, State};
use linkbridge::model::{Failure, Instant, PendingLink, Secret};

use super::world::*;

const LATER: Instant = Instant(NOW.0 + 1000);

fn with_store(fact: impl FnOnce(&Embedded)) {
    let directory = tempfile::tempdir().unwrap();
    fact(&embedded(directory.path()));
}

pub(super) fn row(who: &str, account: &str) -> Row {
    Row {
        tenant: tenant("acme"),
        user_id: user(who),
        provider_id: provider("google"),
        subject: subject(account),
        vendor_link_id: None,
        display_name: None,
        token: None,
        created_at: None,
        mark: Mark::Candidate,
    }
}

/// A row with something in every column.
pub(super) fn full(who: &str, account: &str) -> Row {
    Row {
        vendor_link_id: Some(format!("v-{account}")),
        display_name: Some("Shown".to_owned()),
        token: Some(Secret::new(format!("token of {account}"))),
        created_at: Some(NOW),
        mark: Mark::Created(LATER),
        ..row(who, account)
    }
}

pub(super) fn put(store: &Embedded, rows: &[Row]) {
    assert_eq!(wait(store.put("main", rows.to_vec())), Ok(()));
}

fn note(store: &Embedded, rows: &[Row], at: Instant) {
    assert_eq!(wait(store.note("main", rows.to_vec(), at)), Ok(()));
}

fn of_user(store: &Embedded, who: &str) -> Vec<Row> {
    store.of_user("main", &tenant("acme"), &user(who)).unwrap()
}

fn of_account(store: &Embedded, account: &str, fold: bool) -> Vec<Row> {
    store
        .of_account(
            "main",
            &tenant("acme"),
            &provider("google"),
            &subject(account),
            fold,
        )
        .unwrap()
}

pub(super) fn of_link(store: &Embedded, row: &Row) -> Option<Row> {
    store.of_link("main", &row.tenant, row.link_id()).unwrap()
}

pub(super) fn take(store: &Embedded, id: &str, at: Instant) -> Result<PendingLink, Failure> {
    let operation = complete(id, "u1").at(at);
    wait(store.take_pending(&operation, &Secret::new(id)))
}

fn give_back(store: &Embedded, id: &str, pending: PendingLink) {
    let operation = complete(id, "u1");
    let id = Secret::new(id);
    assert_eq!(
        wait(store.give_back_pending(&operation, &id, pending)),
        Ok(())
    );
}

fn make_pending(store: &Embedded, id: &str) {
    let made = wait(store.apply(pending(id, "google", "s1", LATER)));
    assert!(made.is_ok(), "{made:?}");
}

fn is_there(store: &Embedded, id: &str) -> bool {
    wait(store.apply(look(id, None))).is_ok()
}

#[test]
fn a_row_is_found_by_its_link_its_user_and_its_account() {
    with_store(|store| {
        let (one, two) = (full("u1", "s1"), row("u1", "s2"));
        put(store, &[one.clone(), two.clone(), row("u2", "s3")]);
        assert_eq!(of_link(store, &one), Some(one.clone()));
        assert_eq!(of_user(store, "u1"), [one.clone(), two]);
        assert_eq!(of_account(store, "s1", false), [one]);
        assert_eq!(of_account(store, "s4", false), []);
    });
}

#[test]
fn upstreams_and_tenants_do_not_see_each_others_rows() {
    with_store(|store| {
        let one = full("u1", "s1");
        put(store, std::slice::from_ref(&one));
        let (acme, other) = (tenant("acme"), tenant("other"));
        for (upstream, tenant) in [("second", &acme), ("main", &other)] {
            let (google, s1) = (provider("google"), subject("s1"));
            assert_eq!(store.of_link(upstream, tenant, one.link_id()), Ok(None));
            assert_eq!(store.of_user(upstream, tenant, &user("u1")), Ok(vec![]));
            for fold in [false, true] {
                let found = store.of_account(upstream, tenant, &google, &s1, fold);
                assert_eq!(found, Ok(vec![]));
            }
        }
        assert_eq!(wait(store.forget("second", vec![one.clone()])), Ok(()));
        assert_eq!(of_link(store, &one), Some(one));
    });
}

#[test]
fn a_row_that_is_put_again_is_replaced_and_keeps_its_place() {
    with_store(|store| {
        put(store, &[full("u1", "s1"), row("u1", "s2")]);
        let gone = Row {
            mark: Mark::Deleted(LATER),
            ..row("u1", "s1")
        };
        put(store, std::slice::from_ref(&gone));
        assert_eq!(of_user(store, "u1"), [gone, row("u1", "s2")]);
    });
}

#[test]
fn what_the_idp_acknowledged_is_audited() {
    let directory = tempfile::tempdir().unwrap();
    {
        let store = embedded(directory.path());
        let (made, gone) = (full("u1", "s1"), row("u1", "s2"));
        put(&store, std::slice::from_ref(&gone));
        let create = create("u1", "google", "s1");
        let done = wait(store.acknowledge("main", &create, vec![made.clone()], vec![]));
        assert_eq!((done, of_link(&store, &made)), (Ok(()), Some(made)));
        let delete = delete("u1", "google", "s2");
        let done = wait(store.acknowledge("main", &delete, vec![], vec![gone.clone()]));
        assert_eq!((done, of_link(&store, &gone)), (Ok(()), None));
    }
    let conn = rusqlite::Connection::open(directory.path().join("linkbridge.db")).unwrap();
    let rows: String = conn
        .query_row(
            "SELECT group_concat(concat_ws(' ', client, tenant, action, user_id, provider_id, \
             length(link_id), length(subject))) FROM audit",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let want = "tests acme link.create u1 google 16 32,tests acme link.delete u1 google 16 32";
    assert_eq!(rows, want);
}

#[test]
fn several_users_may_be_candidates_for_an_account() {
    with_store(|store| {
        let both = [row("u1", "s1"), row("u2", "s1")];
        put(store, &both);
        assert_eq!(of_account(store, "s1", false), both);
    });
}

#[test]
fn an_account_is_found_in_any_case() {
    let spellings = ["STRASSE-Ä", "strasse-ä", "Strasse-Ä"];
    with_store(|store| {
        let rows: Vec<Row> = spellings
            .iter()
            .enumerate()
            .map(|(n, account)| row(&format!("u{n}"), account))
            .collect();
        put(store, &rows);
        put(store, &[row("u9", "strasse")]);
        for (spelling, row) in spellings.iter().zip(&rows) {
            assert_eq!(of_account(store, spelling, true), rows, "{spelling}");
            let exact = of_account(store, spelling, false);
            assert_eq!(exact.as_slice(), std::slice::from_ref(row));
        }
        assert_eq!(of_account(store, "sTRASSE-ä", true), rows);
        assert_eq!(of_account(store, "sTRASSE-ä", false), []);
    });
}

#[test]
fn a_noted_row_says_nothing_against_one_that_is_there() {
    let deleted = |until| Row {
        mark: Mark::Deleted(until),
        ..full("u1", "s1")
    };
    let seen = |id: Option<&str>| Row {
        vendor_link_id: id.map(str::to_owned),
        ..row("u1", "s1")
    };
    let at = Instant(LATER.0 - 1);
    // What is there, what is noted, what is there then.
    let cases = [
        (None, seen(Some("v2")), seen(Some("v2"))),
        (Some(full("u1", "s1")), seen(None), full("u1", "s1")),
        (
            Some(full("u1", "s1")),
            seen(Some("v2")),
            Row {
                vendor_link_id: Some("v2".to_owned()),
                ..full("u1", "s1")
            },
        ),
        (Some(deleted(LATER)), seen(None), deleted(LATER)),
        (
            Some(deleted(at)),
            seen(None),
            Row {
                mark: Mark::Candidate,
                ..full("u1", "s1")
            },
        ),
    ];
    for (before, noted, after) in cases {
        with_store(|store| {
            put(store, before.as_slice());
            note(store, std::slice::from_ref(&noted), at);
            assert_eq!(of_user(store, "u1"), [after], "{before:?}, {noted:?}");
        });
    }
}

#[test]
fn a_row_stays_until_it_is_forgotten() {
    with_store(|store| {
        let rows = [row("u1", "s1"), row("u1", "s2")];
        put(store, &rows);
        wait(store.apply(super::ask::put("u1", None, &[]))).unwrap();
        wait(store.apply(remove("u1"))).unwrap();
        assert_eq!(of_user(store, "u1"), rows);
        for _ in 0..2 {
            assert_eq!(wait(store.forget("main", vec![row("u1", "s1")])), Ok(()));
            assert_eq!(of_user(store, "u1"), [row("u1", "s2")]);
        }
    });
}

#[test]
fn an_index_knows_how_far_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let status = IndexStatus {
        complete_since: Some(NOW),
        cursor: Some("page 7".to_owned()),
        started_at: Some(LATER),
        users: 7,
        links: 11,
    };
    {
        let store = embedded(directory.path());
        let ask = |at: &str, of: &str| store.index_status(at, &tenant(of)).unwrap();
        assert_eq!(ask("main", "acme"), IndexStatus::default());
        for status in [status.clone(), IndexStatus::default(), status.clone()] {
            let noted = wait(store.set_index_status("main", &tenant("acme"), status.clone()));
            assert_eq!((noted, ask("main", "acme")), (Ok(()), status));
        }
        assert_eq!(ask("main", "other"), IndexStatus::default());
        assert_eq!(ask("second", "acme"), IndexStatus::default());
    }
    let store = embedded(directory.path());
    assert_eq!(store.index_status("main", &tenant("acme")), Ok(status));
}

#[test]
fn a_pending_link_is_taken_once() {
    with_store(|store| {
        make_pending(store, "id-1");
        let other =
            wait(store.take_pending(&complete("id-1", "u1").of("other"), &Secret::new("id-1")));
        assert_eq!(other, Err(Failure::PendingNotFound));
        let taken = take(store, "id-1", NOW).unwrap();
        assert_eq!(taken.subject, subject("s1"));
        assert_eq!(taken.token, Some(Secret::new("pending-token")));
        assert!(!is_there(store, "id-1"));
        assert_eq!(take(store, "id-1", NOW), Err(Failure::PendingNotFound));
        give_back(store, "id-1", taken.clone());
        give_back(store, "id-1", taken.clone());
        assert_eq!(take(store, "id-1", NOW), Ok(taken));
        assert_eq!(take(store, "id-1", NOW), Err(Failure::PendingNotFound));
    });
}

#[test]
fn an_expired_pending_link_is_not_taken() {
    with_store(|store| {
        make_pending(store, "id-1");
        assert_eq!(take(store, "id-1", LATER), Err(Failure::PendingNotFound));
        make_pending(store, "id-2");
        let taken = take(store, "id-2", Instant(LATER.0 - 1)).unwrap();
        give_back(store, "id-2", taken);
        assert_eq!(take(store, "id-2", LATER), Err(Failure::PendingNotFound));
    });
}

/// Whoever takes it, or completes it in the store, is the only one.
#[test]
fn one_of_many_takes_a_pending_link() {
    with_store(|store| {
        for round in 0..50 {
            let id = format!("id-{round}");
            make_pending(store, &id);
            let start = Barrier::new(32);
            let winners = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..32)
                    .map(|n| {
                        let (start, id) = (&start, &id);
                        scope.spawn(move || {
                            start.wait();
                            if n % 8 == 0 {
                                return wait(store.apply(complete(id, "u1"))).is_ok();
                            }
                            match take(store, id, NOW) {
                                Ok(_) => true,
                                Err(failure) => {
                                    assert_eq!(failure, Failure::PendingNotFound);
                                    false
                                }
                            }
                        })
                    })
                    .collect();
                let won = threads.into_iter().map(|thread| thread.join().unwrap());
                won.filter(|won| *won).count()
            });
            assert_eq!(winners, 1, "{id}");
            wait(store.apply(delete("u1", "google", "s1"))).ok();
        }
    });
}

#[test]
fn a_restored_backup_voids_what_is_known_of_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("linkbridge.db");
    let done = IndexStatus {
        complete_since: Some(NOW),
        ..IndexStatus::default()
    };
    {
        let store = embedded(directory.path());
        put(&store, &[row("u1", "s1")]);
        let noted = wait(store.set_index_status("main", &tenant("acme"), done.clone()));
        assert_eq!(noted, Ok(()));
        make_pending(&store, "id-1");
    }
    let backup = std::fs::read(&database).unwrap();
    let status = |store: &Embedded| store.index_status("main", &tenant("acme")).unwrap();
    {
        let store = embedded(directory.path());
        assert_eq!(status(&store), done, "a start voids nothing");
        put(&store, &[row("u2", "s2")]);
        take(&store, "id-1", NOW).unwrap();
    }
    std::fs::write(&database, backup).unwrap();
    let store = embedded(directory.path());
    assert_eq!(status(&store), IndexStatus::default());
    assert_eq!(of_user(&store, "u1"), [row("u1", "s1")]);
    assert_eq!(take(&store, "id-1", NOW), Err(Failure::PendingNotFound));
}

#[test]
fn a_store_that_cannot_take_more_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let store = Embedded::open(Settings {
        queue: 1,
        ..Settings::new(directory.path())
    })
    .unwrap();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut waiting = Vec::new();
    let refused = (0..20_000).any(|n| {
        let mut put = store.put("main", vec![row("u1", &format!("s{n}"))]);
        match put.as_mut().poll(&mut context) {
            std::task::Poll::Ready(Err(failure)) => {
                assert!(matches!(failure, Failure::Overloaded { .. }));
                true
            }
            std::task::Poll::Ready(Ok(())) => false,
            std::task::Poll::Pending => {
                waiting.push(put);
                false
            }
        }
    });
    assert!(refused);
    assert!(waiting.into_iter().all(|put| wait(put).is_ok()));
}

fn with_keys(directory: &Path, keys: &[&str]) -> Embedded {
    let token_keys = keys.iter().map(|key| Secret::new(*key)).collect();
    Embedded::open(Settings {
        token_keys,
        ..Settings::new(directory)
    })
    .unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn tokens_are_sealed_and_sealed_anew_with_a_new_key() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = ("01".repeat(32), "02".repeat(32));
    let rows: Vec<Row> = (0..300).map(|n| full("u1", &format!("s{n}"))).collect();
    put(&with_keys(directory.path(), &[&old]), &rows);
    let bytes = std::fs::read(directory.path().join("linkbridge.db")).unwrap();
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(holds(b"google") && !holds(b"token of"));
    let lost = Embedded::open(Settings {
        token_keys: vec![Secret::new(new.clone())],
        ..Settings::new(directory.path())
    });
    assert!(lost.is_err(), "the old key is missed");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let store = with_keys(directory.path(), &[&new, &old]);
        std::thread::sleep(std::time::Duration::from_millis(20));
        drop(store);
        let conn = rusqlite::Connection::open(directory.path().join("linkbridge.db")).unwrap();
        let keys: i64 = conn
            .query_row("SELECT count(*) FROM token_keys", [], |row| row.get(0))
            .unwrap();
        if keys == 1 {
            break;
        }
        assert!(std::time::Instant::now() < end);
    }
    assert_eq!(of_user(&with_keys(directory.path(), &[&new]), "u1"), rows);
}
