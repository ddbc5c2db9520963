//! Tokens at rest and the keys that seal them.

use std::path::Path;
use std::time::{Duration, Instant};

use linkbridge::backend::embedded::{Embedded, OpenError, Settings};
use linkbridge::model::{Instant as At, Link, Secret};

use super::world::*;

const LATER: At = At(NOW.0 + 1000);
const TOKEN: &str = "opaque-token-of-a-link";

fn with_keys(directory: &Path, keys: &[&str]) -> Result<Embedded, OpenError> {
    let token_keys = keys.iter().map(|key| Secret::new(*key)).collect();
    Embedded::open(Settings {
        token_keys,
        ..Settings::new(directory)
    })
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

fn world(store: Embedded) -> World {
    World {
        store: Box::new(store),
    }
}

fn token(link: &Link) -> Option<&str> {
    link.token.as_ref().map(Secret::expose)
}

/// Makes a link with a token in a store with these keys, and closes it.
fn seal(directory: &Path, keys: &[&str]) {
    let world = world(with_keys(directory, keys).unwrap());
    world.link(create_with_token("u1", "google", "s1", TOKEN));
    assert!(
        world
            .apply(pending("id-of-pending", "google", "s2", LATER))
            .is_ok()
    );
}

fn bytes_of(directory: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .flat_map(|path| std::fs::read(path).unwrap())
        .collect()
}

#[test]
fn neither_tokens_nor_pending_ids_stand_in_any_file() {
    let directory = tempfile::tempdir().unwrap();
    let holds = |text: &str| {
        let text = text.as_bytes();
        bytes_of(directory.path())
            .windows(text.len())
            .any(|window| window == text)
    };
    let world = world(embedded(directory.path()));
    world.link(create_with_token("u1", "google", "s1", TOKEN));
    assert!(
        world
            .apply(pending("id-of-pending", "google", "s2", LATER))
            .is_ok()
    );
    let is_clean = |when: &str| {
        assert!(holds("google"), "the search finds what is there, {when}");
        for secret in [TOKEN, "id-of-pending", "pending-token"] {
            assert!(!holds(secret), "{secret} {when}");
        }
    };
    is_clean("in the log");
    drop(world);
    is_clean("in the database");
}

#[test]
fn the_audit_has_no_subject() {
    let directory = tempfile::tempdir().unwrap();
    {
        let world = world(embedded(directory.path()));
        world.link(create("u1", "google", "subject-one"));
        world.links(delete("u1", "google", "subject-one"));
    }
    let conn = rusqlite::Connection::open(directory.path().join("linkbridge.db")).unwrap();
    let actions = "SELECT count(*) FROM audit WHERE action IN ('link.create', 'link.delete') \
                   AND length(subject) = 32 AND client = 'tests' AND user_id = 'u1' AND length(link_id) = 16";
    assert_eq!(
        conn.query_row(actions, [], |row| row.get::<_, i64>(0))
            .unwrap(),
        2
    );
    let dump: String = conn
        .query_row("SELECT group_concat(concat_ws('|', action, user_id, provider_id, reason, vendor, before, after)) FROM audit", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert!(!dump.contains("subject-one"), "{dump}");
}

#[cfg(unix)]
#[test]
fn every_file_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("data");
    let store = embedded(&directory);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    names.sort();
    let want = [
        "audit.key",
        "incarnation",
        "linkbridge.db",
        "linkbridge.db-shm",
        "linkbridge.db-wal",
        "linkbridge.lock",
        "token.key",
    ];
    assert_eq!(names, want);
    drop(store);
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    drop(embedded(directory.path()));
    let path = directory.path().join("token.key");
    for mode in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = with_keys(directory.path(), &[]).err().unwrap();
        assert!(
            matches!(error, OpenError::KeyUnreadable { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
}

#[test]
fn a_lost_key_file_is_missed_and_not_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    seal(directory.path(), &[]);
    let path = directory.path().join("token.key");
    std::fs::remove_file(&path).unwrap();
    let error = with_keys(directory.path(), &[]).err().unwrap();
    assert!(matches!(error, OpenError::KeyMissing { .. }), "{error:?}");
    assert!(!path.exists());
}

#[test]
fn a_lost_key_that_sealed_nothing_is_not_missed() {
    let directory = tempfile::tempdir().unwrap();
    {
        let world = world(embedded(directory.path()));
        world.link(create_with_token("u1", "google", "s1", TOKEN));
        world.links(delete("u1", "google", "s1"));
    }
    std::fs::remove_file(directory.path().join("token.key")).unwrap();
    drop(embedded(directory.path()));
}

#[test]
fn a_wrong_key_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    seal(directory.path(), &[&hex(1)]);
    let error = with_keys(directory.path(), &[&hex(2)]).err().unwrap();
    assert!(matches!(error, OpenError::KeyMissing { .. }), "{error:?}");
    let world = world(with_keys(directory.path(), &[&hex(1)]).unwrap());
    assert_eq!(token(&world.link(find("google", "s1", None))), Some(TOKEN));
}

#[test]
fn a_key_of_another_form_is_refused_without_being_shown() {
    let directory = tempfile::tempdir().unwrap();
    let error = with_keys(directory.path(), &[&hex(1), "too-short-a-secret"])
        .err()
        .unwrap();
    assert!(
        matches!(error, OpenError::KeyUnreadable { .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("token key 2") && error.to_string().contains("32 bytes"),
        "{error}"
    );
    assert!(!error.to_string().contains("too-short-a-secret"), "{error}");
}

/// Opens with these keys as soon as it works: the tokens are sealed anew while the store is open.
fn once_rotated(directory: &Path, both: &[&str], new: &[&str]) -> Embedded {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        drop(with_keys(directory, both).unwrap());
        match with_keys(directory, new) {
            Ok(store) => return store,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        let store = with_keys(directory, both).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        drop(store);
    }
}

#[test]
fn a_rotation_seals_every_token_with_the_new_key() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (hex(1), hex(2));
    {
        let world = world(with_keys(directory.path(), &[&old]).unwrap());
        for n in 0..600 {
            // Every second link has no token, so that steps of rows without any are walked over too.
            let account = format!("s{n}");
            let made = create_with_token("u1", "google", &account, &format!("token-{n}"));
            world.link(if n % 2 == 0 {
                made
            } else {
                create("u1", "google", &account)
            });
        }
        assert!(world.apply(pending("id-1", "google", "p1", LATER)).is_ok());
    }
    let world = world(once_rotated(directory.path(), &[&new, &old], &[&new]));
    for n in (0..600).step_by(2) {
        let link = world.link(find("google", &format!("s{n}"), None));
        assert_eq!(token(&link), Some(format!("token-{n}").as_str()));
    }
    assert_eq!(
        token(&world.link(complete("id-1", "u1"))),
        Some("pending-token")
    );
}

#[test]
fn a_configured_key_takes_over_from_the_key_file() {
    let directory = tempfile::tempdir().unwrap();
    seal(directory.path(), &[]);
    let key = hex(3);
    drop(once_rotated(directory.path(), &[&key], &[&key]));
    let end = Instant::now() + Duration::from_secs(10);
    std::fs::rename(
        directory.path().join("token.key"),
        directory.path().join("kept.key"),
    )
    .unwrap();
    while with_keys(directory.path(), &[&key]).is_err() {
        assert!(Instant::now() < end);
        std::fs::rename(
            directory.path().join("kept.key"),
            directory.path().join("token.key"),
        )
        .unwrap();
        let store = with_keys(directory.path(), &[&key]).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        drop(store);
        std::fs::rename(
            directory.path().join("token.key"),
            directory.path().join("kept.key"),
        )
        .unwrap();
    }
}
