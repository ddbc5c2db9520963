//! An import does what `user.put` does, row by row: both are run on random rows, and everything that
//! they leave behind is compared.

use proptest::prelude::*;
use rusqlite::types::Value;

use super::order::order;
use super::*;
use crate::backend::embedded::task::Stop;
use crate::model::{
    Alias, ClientName, DocumentChange, Failure, Outcome, PutMode, TenantId, User, UserId,
    VendorName,
};

const AT: Instant = Instant(1_700_000_000_000);
const UPPER: &str = "61C4D7E2-0A5B-4F0E-9C1D-8E2F3A4B5C6D";
const LOWER: &str = "61c4d7e2-0a5b-4f0e-9c1d-8e2f3a4b5c6d";

fn purpose(rebind: Option<&str>) -> Purpose {
    Purpose {
        origin: std::sync::Arc::default(),
        client: ClientName::new("users import").unwrap(),
        rebind: rebind.map(str::to_owned),
        file: Some([7; 32]),
    }
}

fn importer(directory: &std::path::Path, rebind: Option<&str>) -> Importer {
    Importer::open(Settings::new(directory), purpose(rebind)).unwrap_or_else(|e| panic!("{e}"))
}

fn row(tenant: &str, user: &str, document: Option<&str>, ids: &[(&str, &str)]) -> Row {
    let alias = |(vendor, id): &(&str, &str)| Alias {
        vendor: VendorName::new(vendor).unwrap(),
        vendor_id: (*id).to_owned(),
    };
    Row {
        tenant: TenantId::new(tenant).unwrap(),
        user_id: UserId::new(user).unwrap(),
        document: document.map(str::to_owned),
        ids: ids.iter().map(alias).collect(),
    }
}

fn import(importer: &mut Importer, rows: Vec<Row>) -> Vec<Verdict> {
    let mut heard = Vec::new();
    let batch = Batch::new(rows, 0, Position::default());
    let told = |verdicts: &[Verdict]| {
        heard = verdicts.to_vec();
        Ok(())
    };
    importer.write(AT, &batch, told).unwrap();
    heard
}

/// Everything in the tables that an import writes, in an order of its own.
fn everything(conn: &Connection) -> Vec<Vec<Value>> {
    let tables = [
        "SELECT tenant, user_id, document, created_at, updated_at FROM users ORDER BY 1, 2",
        "SELECT tenant, vendor, vendor_id, user_id FROM user_aliases ORDER BY 1, 2, 3",
        "SELECT tenant, user_id, revision FROM revisions ORDER BY 1, 2",
        "SELECT at, client, tenant, action, user_id, vendor, vendor_id, reason FROM audit \
         ORDER BY tenant, user_id, vendor, vendor_id, reason",
    ];
    let read = |sql: &&str| -> Vec<Vec<Value>> {
        let mut statement = conn.prepare(sql).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|n| row.get(n)).collect());
        rows.unwrap().map(Result::unwrap).collect()
    };
    tables.iter().flat_map(read).collect()
}

/// The row as the native API carries it out, but for one that is so already: that is not written.
fn put(store: &Importer, row: &Row) -> Verdict {
    let run = |action| {
        let operation = Operation {
            tenant: row.tenant.clone(),
            client: store.purpose.client.clone(),
            origin: std::sync::Arc::default(),
            at: AT,
            rules: Rules::default(),
            action,
        };
        let ledger = Ledger::open(&store.conn).unwrap();
        let task = Task {
            conn: &store.conn,
            keys: &store.keys,
            operation: &operation,
            ledger: Some(&ledger),
        };
        store.conn.execute_batch("SAVEPOINT row").unwrap();
        let done = task.run().map_err(Stop::into_failure);
        if done.is_ok() {
            ledger.close(&store.conn).unwrap();
        }
        let undo = if done.is_err() {
            "ROLLBACK TO row;"
        } else {
            ""
        };
        store
            .conn
            .execute_batch(&format!("{undo} RELEASE row"))
            .unwrap();
        done
    };
    let user_id = row.user_id.clone();
    let before = match run(Action::UserGet {
        user_id: user_id.clone(),
        links: false,
    }) {
        Ok(Outcome::User { user, .. }) => Some(user),
        _ => None,
    };
    if before.as_ref().is_some_and(|user| is_so(user, row)) {
        return Ok(Done::Unchanged);
    }
    let put = run(Action::UserPut {
        user_id,
        mode: PutMode::Either,
        document: row.document.clone().map(DocumentChange::Whole),
        ids: row.ids.clone(),
        links: Vec::new(),
    });
    match put {
        Ok(Outcome::User { user, created, .. }) => Ok(Done::Written {
            created,
            ids: (user.ids.len() - before.map_or(0, |user| user.ids.len())) as u64,
            moved: 0,
        }),
        Ok(other) => panic!("{other:?}"),
        // Whom and what the refusal names, the native API does not say.
        Err(Failure::SubjectTaken) => Err(Refusal::Taken {
            vendor: VendorName::new("any").unwrap(),
            holder: row.user_id.clone(),
        }),
        Err(Failure::LinkExists) => Err(Refusal::HasAnother {
            vendor: VendorName::new("any").unwrap(),
            id: String::new(),
        }),
        Err(Failure::Invalid(_)) => Err(Refusal::Canonical),
        Err(failure) => panic!("{failure:?}"),
    }
}

fn is_so(user: &User, row: &Row) -> bool {
    let has = |alias: &Alias| {
        user.ids.iter().any(|held| {
            held.vendor == alias.vendor
                && held.vendor_id.to_lowercase() == alias.vendor_id.to_lowercase()
        })
    };
    (row.document.is_none() || row.document == user.document) && row.ids.iter().all(has)
}

fn same_kind(one: &Verdict, other: &Verdict) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => one == other,
        (Err(one), Err(other)) => std::mem::discriminant(one) == std::mem::discriminant(other),
        _ => false,
    }
}

/// Few names, so that rows meet: users whose ids others bring as ids, one id in two spellings.
fn any_row() -> impl Strategy<Value = Row> {
    let name = || prop::sample::select(vec!["a", "b", "c", "d", "x", "y", UPPER, LOWER]);
    let vendor = prop::sample::select(vec!["one", "two", "three", "linkbridge"]);
    // The canonical vendor is a mistake that is seldom made.
    let ids = prop::collection::vec((vendor, name()), 0..4).prop_map(|mut ids| {
        ids.dedup_by_key(|(vendor, _)| *vendor);
        ids
    });
    let document = prop::sample::select(vec![None, None, Some("1"), Some("2")]);
    let tenant = prop::sample::select(vec!["acme", "acme", "other"]);
    (tenant, name(), document, ids)
        .prop_map(|(tenant, user, document, ids)| row(tenant, user, document, &ids))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_import_leaves_what_the_native_api_would_have_left(
        batches in prop::collection::vec(prop::collection::vec(any_row(), 1..12), 1..6),
        is_large in any::<bool>(),
    ) {
        // Rehearsals of stores that are not there need no disk.
        let empty = || Importer::rehearse(Settings::new("/does/not/exist"), purpose(None));
        let (mut bulk, single) = (empty().unwrap(), empty().unwrap());
        if is_large {
            bulk.owners = Some(Owners::load(&bulk.conn).unwrap());
        }
        for rows in batches {
            let expected: Vec<Verdict> = rows.iter().map(|row| put(&single, row)).collect();
            let found = import(&mut bulk, rows.clone());
            for ((row, found), expected) in rows.iter().zip(&found).zip(&expected) {
                prop_assert!(same_kind(found, expected), "{row:?}: {found:?}, not {expected:?}");
            }
            prop_assert_eq!(everything(&bulk.conn), everything(&single.conn));
        }
    }
}

#[test]
fn rows_that_meet_keep_their_order_and_the_others_go_by_user() {
    let rows = [
        row("acme", "z", None, &[("one", "1")]),
        row("acme", "y", None, &[("one", "2")]),
        row("acme", "c", None, &[("one", "9")]),
        row("acme", "b", None, &[("two", "9"), ("one", "y")]),
        row("acme", "a", None, &[("one", "1")]),
        row("other", "a", None, &[("one", "1")]),
    ];
    assert_eq!(order(&rows), (vec![2, 5, 0, 1, 3, 4], 2));
}

#[test]
fn a_refusal_says_whom_and_what() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = importer(directory.path(), None);
    let rows = vec![
        row("acme", "ann", None, &[("one", "1")]),
        row("acme", "bob", None, &[("one", "1")]),
        row("acme", "ann", None, &[("one", "2")]),
        row("acme", "bob", None, &[("one", "ann"), ("two", "ann")]),
    ];
    let taken = |vendor: &str| {
        Err(Refusal::Taken {
            vendor: VendorName::new(vendor).unwrap(),
            holder: UserId::new("ann").unwrap(),
        })
    };
    let verdicts = import(&mut store, rows);
    assert_eq!(verdicts[1], taken("one"));
    let another = Refusal::HasAnother {
        vendor: VendorName::new("one").unwrap(),
        id: "1".to_owned(),
    };
    assert_eq!(verdicts[2], Err(another));
    // At `one` her canonical id is nobody's, since she has another one there.
    assert_eq!(verdicts[3], taken("two"));
    let tally = store.progress().tally;
    assert_eq!((tally.accepted, tally.refused, tally.users), (1, 3, 1));
}

#[test]
fn with_a_reason_ids_move_and_both_users_have_it_in_the_audit() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = importer(directory.path(), Some("merged"));
    let first = row("acme", "ann", None, &[("one", "1"), ("two", "1")]);
    import(&mut store, vec![first]);
    let verdicts = import(
        &mut store,
        vec![
            row("acme", "bob", None, &[("one", "1"), ("two", "2")]),
            row("acme", "ann", None, &[("two", "3")]),
        ],
    );
    let written = |created, ids, moved| {
        Ok(Done::Written {
            created,
            ids,
            moved,
        })
    };
    assert_eq!(verdicts, [written(true, 1, 1), written(false, 0, 1)]);
    let read = |sql: &str| -> Vec<String> {
        let mut statement = store.conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(
        read(
            "SELECT concat_ws(' ', user_id, vendor, vendor_id) FROM user_aliases ORDER BY user_id, vendor"
        ),
        ["ann two 3", "bob one 1", "bob two 2"]
    );
    let moves = "SELECT concat_ws(' ', user_id, vendor, vendor_id) FROM audit WHERE reason = 'merged' \
                 AND vendor = 'one' ORDER BY user_id";
    assert_eq!(read(moves), ["ann one 1", "bob one 1"]);
}

#[test]
fn a_batch_that_cannot_be_told_of_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = importer(directory.path(), None);
    import(&mut store, vec![row("acme", "ann", None, &[])]);
    let at = Position {
        offset: 10,
        lines: 1,
    };
    let batch = Batch::new(vec![row("acme", "bob", None, &[])], 2, at);
    let error = store.write(AT, &batch, |_| Err("the disk is full".to_owned()));
    assert_eq!(error.unwrap_err().to_string(), "the disk is full");
    drop(store);
    let store = importer(directory.path(), None);
    assert_eq!(everything(&store.conn).len(), 3);
    let left = store.left().unwrap().unwrap();
    assert_eq!((left.until, left.tally.users), (Position::default(), 1));
}

#[test]
fn what_is_left_of_an_import_is_there_until_it_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let until = Position {
        offset: 100,
        lines: 5,
    };
    let mut store = importer(directory.path(), None);
    assert_eq!(store.left().unwrap(), None);
    let batch = Batch::new(vec![row("acme", "ann", None, &[("one", "1")])], 2, until);
    store.write(AT, &batch, |_| Ok(())).unwrap();
    store.finish(false).unwrap();

    let mut store = importer(directory.path(), None);
    let left = store.left().unwrap().unwrap();
    assert_eq!(left.until, until);
    assert_eq!((left.tally.refused, left.tally.ids), (2, 1));
    store.resume(left);
    import(&mut store, vec![row("acme", "bob", None, &[])]);
    assert_eq!(store.progress().tally.users, 2);
    store.finish(true).unwrap();
    assert_eq!(importer(directory.path(), None).left().unwrap(), None);
}

#[test]
fn a_rehearsal_leaves_nothing_behind_and_makes_no_store() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let rows = || {
        vec![
            row("acme", "ann", None, &[("one", "1")]),
            row("acme", "bob", None, &[("one", "1")]),
        ]
    };
    let rehearse = || {
        let mut store = Importer::rehearse(Settings::new(&data), purpose(None))
            .unwrap_or_else(|e| panic!("{e}"));
        import(&mut store, rows());
        // The second batch sees the first one, as it would if that had been committed.
        import(&mut store, rows());
        let tally = store.progress().tally;
        store.finish(true).unwrap();
        (tally.users, tally.unchanged, tally.refused)
    };
    assert_eq!(rehearse(), (1, 1, 2));
    assert!(!data.exists());
    importer(&data, None).finish(true).unwrap();
    assert_eq!(rehearse(), (1, 1, 2));
    let store = importer(&data, None);
    assert_eq!(everything(&store.conn).len(), 0);
    assert_eq!(store.left().unwrap(), None);
}

#[test]
fn an_import_that_writes_voids_scans_of_upstreams() {
    let directory = tempfile::tempdir().unwrap();
    let mut importer = importer(directory.path(), None);
    let count = |importer: &Importer| -> i64 {
        let sql = "SELECT count(*) FROM upstream_scans";
        importer.conn.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let scan = "INSERT INTO upstream_scans (upstream, tenant, complete_since, users, links) VALUES ('main', 'acme', 1, 0, 0)";
    let ann = || vec![row("acme", "ann", None, &[("one", "x")])];
    importer.conn.execute_batch(scan).unwrap();
    import(&mut importer, ann());
    assert_eq!(count(&importer), 0);
    importer.conn.execute_batch(scan).unwrap();
    // The same again is no change.
    import(&mut importer, ann());
    assert_eq!(count(&importer), 1);
}
