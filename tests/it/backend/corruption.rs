//! A damaged file: the store refuses to open, or answers correctly, or answers a failure. It never
//! panics, and it never answers with another tenant's or another account's link.

use std::path::Path;

use linkbridge::backend::embedded::{Embedded, OpenError, Settings};
use linkbridge::model::operation::{Rules, SubjectCase, UniqueScope};
use linkbridge::model::{Action, Link, Outcome, Page, Secret, User, Which};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::world::*;

const LINKS: usize = 120;
const MUTATIONS: usize = 250;

fn fill(directory: &Path) {
    let world = World {
        store: Box::new(embedded(directory)),
    };
    for n in 0..LINKS {
        let (who, account) = (format!("u{}", n % 9), format!("subject-{n}"));
        for tenant in ["acme", "other"] {
            world.link(
                create_with_token(&who, "google", &account, &format!("token-{tenant}-{n}"))
                    .of(tenant),
            );
        }
    }
    for n in 0..9 {
        world.user(put(
            &format!("u{n}"),
            Some("{\"username\":\"ann\"}"),
            &[alias("one", &format!("x{n}"))],
        ));
        assert!(
            world
                .apply(pending(
                    &format!("id-{n}"),
                    "github",
                    &format!("p{n}"),
                    linkbridge::model::Instant(i64::MAX)
                ))
                .is_ok()
        );
    }
}

/// Asks for everything, and then writes.
fn scan(world: &World) {
    for n in 0..LINKS {
        let account = format!("subject-{n}");
        for tenant in ["acme", "other"] {
            if let Ok(Outcome::Link { link, .. }) =
                world.apply(find("google", &account, None).of(tenant))
            {
                assert_eq!(
                    (link.tenant.as_str(), link.subject.as_str()),
                    (tenant, account.as_str())
                );
                assert_eq!(link.user_id.as_str(), format!("u{}", n % 9));
                let token = link.token.as_ref().map(Secret::expose);
                assert!(token.is_none_or(|token| token == format!("token-{tenant}-{n}")));
            }
        }
    }
    for n in 0..9 {
        let who = format!("u{n}");
        if let Ok(Outcome::Links { links, .. }) = world.apply(list(&who)) {
            assert!(
                links
                    .iter()
                    .all(|l| l.user_id.as_str() == who && l.tenant.as_str() == "acme")
            );
        }
        if let Ok(Outcome::Pending { pending, .. }) =
            world.apply(look(&format!("id-{n}"), Some(&who)))
        {
            assert_eq!(pending.tenant.as_str(), "acme");
        }
        let _ = world
            .store
            .user_of(&tenant("acme"), &vendor("one"), &format!("x{n}"));
        let _ = world.store.tenants_of(&vendor("one"), &who);
    }
    for which in [Which::All, Which::Named("ann".to_owned())] {
        let answer = world.apply(operation(Action::UserList {
            which,
            after: None,
            page: Page::default(),
            links: true,
        }));
        if let Ok(Outcome::Users { users, .. }) = answer {
            let of =
                |user: &User, l: &Link| l.user_id == user.user_id && l.tenant.as_str() == "acme";
            assert!(
                users
                    .iter()
                    .all(|(user, links)| links.iter().all(|l| of(user, l)))
            );
        }
    }
    for write in [
        create("u1", "google", "new"),
        complete("id-3", "u2"),
        delete("u3", "google", "subject-3"),
        remove("u4"),
        create("u1", "google", "SUBJECT-5").rules(Rules {
            unique_scope: UniqueScope::Instance,
            subject_case: SubjectCase::Fold,
            ..PLAIN
        }),
        with_attributes(
            create("u5", "google", "new-5"),
            &[attribute("a.b", 1.into(), true)],
        ),
        put("u6", Some("{}"), &[]),
        among("u7", &["google"], Some(("google", "subject-7"))),
    ] {
        let _ = world.apply(write);
    }
}

#[test]
fn a_damaged_file_is_refused_or_read_correctly() {
    let whole = tempfile::tempdir().unwrap();
    fill(whole.path());
    let original = std::fs::read(whole.path().join("linkbridge.db")).unwrap();
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut refused = 0;
    for mutation in 0..MUTATIONS {
        let mut bytes = original.clone();
        let mut below = |end: usize| (random.next_u64() % end as u64) as usize;
        match mutation % 4 {
            0 => bytes.truncate(below(original.len())),
            1 => bytes[below(original.len())] ^= 1 << below(8),
            2 => (0..64).for_each(|_| bytes[below(original.len())] = below(256) as u8),
            // Two pages change places, checksums of nobody notice, and indexes lead to wrong rows.
            _ => {
                let pages = original.len() / 4096;
                let (a, b) = (1 + below(pages - 1), 1 + below(pages - 1));
                (0..4096).for_each(|n| bytes.swap(a * 4096 + n, b * 4096 + n));
            }
        }
        let directory = tempfile::tempdir().unwrap();
        for name in ["token.key", "incarnation"] {
            std::fs::copy(whole.path().join(name), directory.path().join(name)).unwrap();
        }
        std::fs::write(directory.path().join("linkbridge.db"), &bytes).unwrap();
        match Embedded::open(Settings::new(directory.path())) {
            Ok(store) => scan(&World {
                store: Box::new(store),
            }),
            Err(error) => {
                refused += 1;
                assert!(
                    !matches!(error, OpenError::Locked { .. } | OpenError::Newer { .. })
                        || mutation % 4 == 2,
                    "{error}"
                );
            }
        }
    }
    assert!(
        refused > 0 && refused < MUTATIONS,
        "{refused} of {MUTATIONS} were refused"
    );
}
