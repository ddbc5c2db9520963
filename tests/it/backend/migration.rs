//! Databases that an older linkbridge wrote.

use std::path::Path;

use linkbridge::backend::embedded::audit::Log;
use linkbridge::backend::embedded::{Embedded, OpenError, Settings};
use linkbridge::model::operation::{Rules, SubjectCase, UniqueScope};
use linkbridge::model::{Action, Failure, Instant, Operation, Page, Which};
use rusqlite::Connection;

use super::world::*;

/// The tables of version 1, as they were released.
const V1: &str = include_str!("v1.sql");

/// The tables of version 2, as they were released.
const V2: &str = include_str!("v2.sql");

/// The tables of version 3, as they were released.
const V3: &str = include_str!("v3.sql");

/// Every table of version 1 with its columns.
const TABLES: [&str; 8] = [
    "meta (name, value)",
    "links (seq, link_id, tenant, user_id, provider_id, subject, display_name, token, token_key, created_at, \
     updated_at, last_login_at, revision)",
    "pending (seq, tenant, id_sha256, client, provider_id, subject, display_name, email, username, token, \
     token_key, expires_at)",
    "users (seq, tenant, user_id, document, created_at, updated_at)",
    "user_aliases (tenant, vendor, vendor_id, user_id)",
    "revisions (tenant, user_id, revision)",
    "token_keys (key_id)",
    "audit (seq, at, client, tenant, action, user_id, provider_id, link_id, subject_sha256, vendor, vendor_id, reason)",
];

fn world(directory: &Path) -> World {
    World {
        store: Box::new(embedded(directory)),
    }
}

fn database(directory: &Path) -> Connection {
    Connection::open(directory.join("linkbridge.db")).unwrap()
}

fn number(conn: &Connection, sql: &str) -> i64 {
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// A store with something in every table.
fn fill(world: &World) {
    for tenant in ["acme", "other"] {
        for n in 0..1500 {
            let (who, account) = (format!("u{}", n % 700), format!("Ext-{n}"));
            world.link(
                create_with_token(&who, "google", &account, &format!("token-{n}")).of(tenant),
            );
        }
        world.link(create("u1", "github", "lower-1").of(tenant));
    }
    for (who, document) in [
        ("u1", Some(r#"{"username":"ann"}"#)),
        ("u2", Some("[]")),
        ("v1", Some(r#"{"username":"ann"}"#)),
        ("v2", None),
    ] {
        world.user(put(
            who,
            document,
            &[alias("one", &format!("{who}-at-one"))],
        ));
    }
    assert!(
        world
            .apply(pending("id-1", "google", "waiting", Instant(i64::MAX)))
            .is_ok()
    );
}

/// The tables of version 2 with its columns. Triggers count the users.
fn tables_of_v2() -> Vec<String> {
    let mut tables = TABLES.map(str::to_owned).to_vec();
    tables[1] = tables[1].replace("revision)", "revision, folded)");
    tables[3] = tables[3].replace("updated_at)", "updated_at, username, external_id)");
    tables
}

/// A directory whose database has version 1 and holds what the one in `from` does.
fn as_v1(from: &Path) -> tempfile::TempDir {
    older(from, 1, V1, &TABLES.map(str::to_owned))
}

/// A directory whose database is older, and holds what the one in `from` does.
fn older(from: &Path, version: u32, schema: &str, tables: &[String]) -> tempfile::TempDir {
    let old = tempfile::tempdir().unwrap();
    for name in ["token.key", "incarnation"] {
        std::fs::copy(from.join(name), old.path().join(name)).unwrap();
    }
    let conn = database(old.path());
    conn.execute_batch(schema).unwrap();
    conn.execute(
        "ATTACH ?1 AS new",
        [from.join("linkbridge.db").to_str().unwrap()],
    )
    .unwrap();
    for table in tables {
        let (name, columns) = table.split_once(" (").unwrap();
        let columns = columns.trim_end_matches(')');
        let copied = conn
            .execute(
                &format!(
                    "INSERT INTO {name} ({columns}) SELECT {} FROM new.{name}{}",
                    // A new store has keyed hashes of accounts, and the end of its chain.
                    columns.replace("subject_sha256", "subject"),
                    if name == "meta" {
                        " WHERE name <> 'audit_head'"
                    } else {
                        ""
                    }
                ),
                [],
            )
            .unwrap();
        assert!(copied > 0, "{name} is empty");
    }
    conn.execute_batch(&format!(
        "PRAGMA application_id = 0x6c6b6272; PRAGMA user_version = {version}"
    ))
    .unwrap();
    old
}

/// What can be asked without changing anything.
fn questions() -> Vec<Operation> {
    let everybody = operation(Action::UserList {
        which: Which::All,
        after: None,
        page: Page::default(),
        links: true,
    });
    let named = operation(Action::UserList {
        which: Which::Named("ann".to_owned()),
        after: None,
        page: Page::default(),
        links: false,
    });
    let mut questions = vec![named, look("id-1", Some("u1"))];
    for rules in [Rules::default(), known()] {
        for tenant in ["acme", "other"] {
            questions.push(everybody.clone().of(tenant).rules(rules));
        }
    }
    questions
}

#[test]
fn a_database_of_version_1_is_taken_over() {
    let new = tempfile::tempdir().unwrap();
    let answers = |world: &World| -> Vec<_> {
        questions()
            .into_iter()
            .map(|question| world.apply(question))
            .collect()
    };
    let want = {
        let world = world(new.path());
        fill(&world);
        answers(&world)
    };
    assert!(want.iter().all(Result::is_ok));
    let old = as_v1(new.path());
    let world = world(old.path());
    assert_eq!(answers(&world), want);

    let fold = Rules {
        subject_case: SubjectCase::Fold,
        ..PLAIN
    };
    let instance = Rules {
        unique_scope: UniqueScope::Instance,
        ..PLAIN
    };
    for n in 0..1500 {
        let account = format!("eXT-{n}");
        let folded = create("new", "google", &account).rules(fold);
        assert_eq!(world.apply(folded), Err(Failure::SubjectTaken), "{n}");
    }
    assert_eq!(
        world.apply(create("new", "github", "LOWER-1").rules(fold)),
        Err(Failure::SubjectTaken)
    );
    assert_eq!(
        world.apply(create("new", "google", "Ext-1")),
        Err(Failure::SubjectTaken)
    );
    let elsewhere = create("new", "google", "Ext-1").rules(instance).of("third");
    assert_eq!(world.apply(elsewhere), Err(Failure::SubjectTaken));
    world.link(complete("id-1", "u1"));
    drop(world);
    let conn = database(old.path());
    assert_eq!(number(&conn, "PRAGMA user_version"), 4);
    let counted = "SELECT listed * 10000 + holding FROM user_counts WHERE tenant = 'acme'";
    assert_eq!(number(&conn, counted), 4 * 10_000 + 698);
    let check: String = conn
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

#[test]
fn a_migrated_database_has_the_tables_of_a_new_one() {
    let new = tempfile::tempdir().unwrap();
    fill(&world(new.path()));
    let olds = [
        as_v1(new.path()),
        older(new.path(), 2, V2, &tables_of_v2()),
        older(new.path(), 3, V3, &tables_of_v2()),
    ];
    for old in &olds {
        embedded(old.path()).close();
    }
    let schema = |directory: &Path| -> Vec<(String, String)> {
        let conn = database(directory);
        let mut statement = conn
            .prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name")
            .unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    };
    let counts = "SELECT group_concat(tenant || listed || '+' || holding) FROM user_counts";
    let counted = |directory: &Path| -> String {
        database(directory)
            .query_row(counts, [], |row| row.get(0))
            .unwrap()
    };
    for old in &olds {
        assert_eq!(schema(old.path()), schema(new.path()));
        assert_eq!(counted(old.path()), counted(new.path()));
    }
}

#[test]
fn a_database_of_version_2_is_taken_over() {
    let new = tempfile::tempdir().unwrap();
    let answers = |world: &World| -> Vec<_> {
        let questions = questions().into_iter();
        questions.map(|question| world.apply(question)).collect()
    };
    let want = {
        let world = world(new.path());
        fill(&world);
        answers(&world)
    };
    let old = older(new.path(), 2, V2, &tables_of_v2());
    assert_eq!(answers(&world(old.path())), want);
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let new = tempfile::tempdir().unwrap();
    fill(&world(new.path()));
    let old = as_v1(new.path());
    // The last part of the step will miss it.
    database(old.path())
        .execute_batch("DROP INDEX links_by_subject")
        .unwrap();
    for _ in 0..2 {
        let error = Embedded::open(Settings::new(old.path())).err().unwrap();
        assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
        let conn = database(old.path());
        assert_eq!(number(&conn, "PRAGMA user_version"), 1);
        let columns = "SELECT count(*) FROM pragma_table_info('links') WHERE name = 'folded'";
        assert_eq!(number(&conn, columns), 0);
    }
    database(old.path())
        .execute_batch(
            "CREATE UNIQUE INDEX links_by_subject ON links (tenant, provider_id, subject)",
        )
        .unwrap();
    let world = world(old.path());
    assert_eq!(
        world.link(find("google", "Ext-1", None)).user_id,
        user("u1")
    );
}

#[test]
fn records_of_version_3_are_taken_over_into_the_chain() {
    let new = tempfile::tempdir().unwrap();
    fill(&world(new.path()));
    let old = older(new.path(), 3, V3, &tables_of_v2());
    // What anybody could test guesses with.
    let plain = sha256("Ext-7");
    database(old.path())
        .execute(
            "UPDATE audit SET subject_sha256 = ?1 WHERE seq = 8",
            [plain.as_slice()],
        )
        .unwrap();
    let before = number(&database(old.path()), "SELECT count(*) FROM audit");
    let world = world(old.path());
    world.link(create("later", "github", "Ext-7"));
    drop(world);
    let log = Log::open(&Settings::new(old.path())).unwrap();
    let verdict = log.verify(None).unwrap();
    assert!(verdict.is_whole(), "{:?}", verdict.findings);
    assert_eq!(verdict.taken_over, u64::try_from(before).unwrap());
    assert_eq!(verdict.records, verdict.taken_over + 1);
    let conn = database(old.path());
    let hits = |hash: &[u8]| -> i64 {
        let sql = "SELECT count(*) FROM audit WHERE subject = ?1";
        conn.query_row(sql, [hash], |row| row.get(0)).unwrap()
    };
    assert_eq!(hits(&plain), 0);
    // An account is found in old records and in new ones.
    let (keyed, _) = log.subject("Ext-7").unwrap();
    assert_eq!(hits(&keyed), 2);
    drop(conn);
    let file = std::fs::read(old.path().join("linkbridge.db")).unwrap();
    assert!(!file.windows(32).any(|bytes| bytes == plain));
}

fn sha256(text: &str) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(text.as_bytes()).into()
}
