use std::os::unix::fs::PermissionsExt;

use jsonwebtoken::{Algorithm, crypto};

use super::super::{Settings, Tokens};
use super::*;

const DAY: i64 = 86_400;

fn settings() -> Settings {
    Settings {
        issuer: "linkbridge:test".to_owned(),
        rotate: Duration::from_secs(30 * 86_400),
        leeway: Duration::ZERO,
    }
}

fn open(directory: &Path, now: i64) -> Result<Tokens, KeyError> {
    Tokens::open(settings(), directory, now)
}

/// The names of the keys of a file, the one that signs first.
fn ids(directory: &Path) -> Vec<String> {
    read(&directory.join("token-signing.keys")).unwrap().ids()
}

#[test]
fn a_key_is_made_once_and_is_its_owners_only() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path(), 0).unwrap();
    let first = ids(directory.path());
    assert_eq!(first.len(), 1);
    let file = directory.path().join("token-signing.keys");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    open(directory.path(), 29 * DAY).unwrap();
    assert_eq!(ids(directory.path()), first);
    let names = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(names, 1, "no draft is left");
}

#[test]
fn an_old_key_is_replaced_and_kept_until_its_last_token_has_expired() {
    let directory = tempfile::tempdir().unwrap();
    let tokens = open(directory.path(), 0).unwrap();
    let old = ids(directory.path()).remove(0);
    assert!(!tokens.rotate(30 * DAY - 1).unwrap());
    assert!(tokens.rotate(30 * DAY).unwrap());
    let both = ids(directory.path());
    assert_eq!((both.len(), &both[1]), (2, &old));
    let text = std::fs::read_to_string(directory.path().join("token-signing.keys")).unwrap();
    assert_eq!(
        text.matches("\"seed\"").count(),
        1,
        "the old private part is gone"
    );
    assert!(!tokens.rotate(31 * DAY).unwrap());
    assert!(tokens.rotate(31 * DAY + 1).unwrap());
    assert_eq!(ids(directory.path()), both[..1]);
}

#[test]
fn a_key_that_is_old_at_the_start_is_replaced_then() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path(), 0).unwrap();
    open(directory.path(), 365 * DAY).unwrap();
    assert_eq!(ids(directory.path()).len(), 2);
}

#[test]
fn what_one_process_has_signed_the_next_one_knows() {
    let directory = tempfile::tempdir().unwrap();
    let message = b"a.b".as_slice();
    let (id, signature) = {
        let tokens = open(directory.path(), 0).unwrap();
        let ring = tokens.ring();
        let (id, key) = ring.signing().unwrap();
        let signature = crypto::sign(message, &key, Algorithm::EdDSA).unwrap();
        (id.to_owned(), signature)
    };
    let tokens = open(directory.path(), 60 * DAY).unwrap();
    let public = tokens.ring().public(&id).unwrap();
    assert!(crypto::verify(&signature, message, &public, Algorithm::EdDSA).unwrap());
    assert_ne!(tokens.ring().signing().unwrap().0, id);
}

#[test]
fn what_cannot_be_written_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let tokens = open(directory.path(), 0).unwrap();
    let before = tokens.ring().ids();
    std::fs::remove_dir_all(directory.path()).unwrap();
    assert!(tokens.rotate(60 * DAY).is_err());
    assert_eq!(tokens.ring().ids(), before);
}

#[test]
fn a_file_that_others_may_read_or_that_is_damaged_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path(), 0).unwrap();
    let file = directory.path().join("token-signing.keys");
    let good = std::fs::read_to_string(&file).unwrap();
    let refused = |text: &str, mode: u32| {
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        open(directory.path(), 0)
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(refused(&good, 0o600), None);
    assert!(refused(&good, 0o640).unwrap().contains("chmod 600"));
    let half: &str = good.split_at(good.len() / 2).0;
    let twice = good.replacen("\"format\":1", "\"format\":1,\"format\":1", 1);
    let other = good.replacen("\"format\":1", "\"format\":2", 1);
    let more = good.replacen("\"made\"", "\"x\":1,\"made\"", 1);
    let unsigned = good.replacen("\"seed\"", "\"retired\":5,\"seed\"", 1);
    for bad in ["", "{}", half, &twice, &other, &more, &unsigned] {
        let why = refused(bad, 0o600).unwrap();
        assert!(why.contains("not a file of keys"), "{bad}: {why}");
    }
    // Two halves that do not belong together.
    let strange = Key::generate(1).unwrap();
    let document: Document = serde_json::from_str(&good).unwrap();
    let mixed = good.replacen(
        document.keys[0].public.as_str(),
        &URL_SAFE_NO_PAD.encode(&strange.public),
        1,
    );
    assert!(refused(&mixed, 0o600).is_some());
}

#[test]
fn what_the_keys_are_is_not_shown() {
    let tokens = Tokens::unkept(settings(), 0).unwrap();
    let shown = format!("{tokens:?}");
    assert!(
        shown.contains("linkbridge:test") && !shown.contains("Key"),
        "{shown}"
    );
}
