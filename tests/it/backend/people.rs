//! Lists of users.

use linkbridge::backend::Atomicity;
use linkbridge::model::operation::{Rules, SubjectCase};
use linkbridge::model::{Action, Instant, Link, Operation, Outcome, Page, User, UserId, Which};
use serde_json::json;

use super::world::*;

/// Which users, after whom, how many to pass over, how many to answer.
fn listing(which: Which, after: Option<&str>, offset: u64, limit: Option<u64>) -> Operation {
    operation(Action::UserList {
        which,
        after: after.map(user),
        page: Page { offset, limit },
        links: false,
    })
}

fn all(after: Option<&str>, offset: u64, limit: Option<u64>) -> Operation {
    listing(Which::All, after, offset, limit)
}

fn every(which: Which) -> Operation {
    listing(which, None, 0, None)
}

fn ids(ids: &[&str]) -> Which {
    Which::Ids(ids.iter().map(|id| user(id)).collect())
}

fn holder(at: &str, account: &str) -> Which {
    Which::Holder {
        provider_id: provider(at),
        subject: subject(account),
    }
}

fn named(name: &str) -> Which {
    Which::Named(name.to_owned())
}

fn answer(world: &World, operation: Operation) -> (Vec<(User, Vec<Link>)>, u64, bool) {
    match world.apply(operation) {
        Ok(Outcome::Users { users, total, more }) => (users, total, more),
        other => panic!("no users: {other:?}"),
    }
}

/// The ids of an answer in one text, their number in all, and whether there are more.
fn told(world: &World, operation: Operation) -> (String, u64, bool) {
    let (users, total, more) = answer(world, operation);
    let ids: Vec<&str> = users
        .iter()
        .map(|(u, _)| UserId::as_str(&u.user_id))
        .collect();
    (ids.join(" "), total, more)
}

fn is(ids: &str, total: u64, more: bool) -> (String, u64, bool) {
    (ids.to_owned(), total, more)
}

/// Of the directory: `a`, `c` and `e`, of whom `c` has links; beside it: `b` and `d` with links.
fn five(world: &World) {
    for who in ["e", "a", "c"] {
        world.user(put(who, None, &[]));
    }
    for (who, account) in [("d", "1"), ("b", "2"), ("c", "3"), ("b", "4"), ("c", "5")] {
        world.link(create(who, "google", account));
    }
    world.user(put("z", None, &[]).of("other"));
    world.link(create("y", "google", "1").of("other"));
}

facts! {
    fn everybody_is_listed_by_id(world) {
        assert_eq!(told(world, all(None, 0, None)), is("", 0, false));
        five(world);
        assert_eq!(told(world, all(None, 0, None)), is("a b c d e", 5, false));
        assert_eq!(told(world, all(None, 0, None).rules(known())), is("a c e", 3, false));
        assert_eq!(told(world, all(None, 0, None).of("other")), is("y z", 2, false));
        assert_eq!(told(world, all(None, 0, None).of("third")), is("", 0, false));
    }

    fn a_page_says_whether_there_are_more(world) {
        five(world);
        for (after, offset, limit, want) in [
            (None, 0, Some(2), is("a b", 5, true)),
            (Some("b"), 0, Some(2), is("c d", 5, true)),
            (Some("d"), 0, Some(2), is("e", 5, false)),
            (Some("c"), 0, Some(2), is("d e", 5, false)),
            (Some("e"), 0, Some(2), is("", 5, false)),
            (Some("bb"), 1, Some(1), is("d", 5, true)),
            (Some("bb"), 1, None, is("d e", 5, false)),
            (None, 3, Some(9), is("d e", 5, false)),
            (None, 0, Some(0), is("", 5, true)),
            (Some("e"), 0, Some(0), is("", 5, false)),
            (None, u64::MAX, Some(u64::MAX), is("", 5, false)),
            (None, 0, Some(u64::MAX), is("a b c d e", 5, false)),
        ] {
            assert_eq!(told(world, all(after, offset, limit)), want, "{after:?} {offset} {limit:?}");
        }
        assert_eq!(told(world, all(Some("a"), 0, Some(1)).rules(known())), is("c", 3, true));
    }

    fn pages_that_follow_each_other_tell_everybody_once(world) {
        for n in 0..60 {
            let (who, account) = (format!("{:02}", n * 7 % 60), format!("s{n}"));
            if n % 3 != 0 {
                world.user(put(&who, None, &[]));
            }
            if n % 3 != 1 {
                world.link(create(&who, "google", &account));
            }
        }
        let (mut seen, mut after) = (Vec::new(), None::<String>);
        loop {
            let (users, total, more) = answer(world, all(after.as_deref(), 0, Some(7)));
            assert_eq!(total, 60);
            seen.extend(users.into_iter().map(|(u, _)| u.user_id.as_str().to_owned()));
            after = seen.last().cloned();
            if !more {
                break;
            }
        }
        assert_eq!(seen, (0..60).map(|n| format!("{n:02}")).collect::<Vec<_>>());
    }

    fn users_of_the_directory_are_listed_page_by_page(world) {
        for who in ["e", "a", "c"] {
            world.user(put(who, None, &[]));
        }
        for (after, offset, limit, want) in [
            (None, 0, None, is("a c e", 3, false)),
            (None, 0, Some(2), is("a c", 3, true)),
            (Some("a"), 0, Some(2), is("c e", 3, false)),
            (Some("b"), 1, Some(1), is("e", 3, false)),
            (Some("e"), 0, Some(0), is("", 3, false)),
        ] {
            assert_eq!(told(world, all(after, offset, limit)), want, "{after:?} {offset} {limit:?}");
        }
    }

    fn ids_are_compared_byte_for_byte_in_order(world) {
        for who in ["b", "B", "ä", "a\u{308}", "\u{ffff}", "\u{10000}", "~"] {
            world.user(put(who, None, &[]));
        }
        // The order of UTF-8 is that of code points.
        assert_eq!(told(world, all(None, 0, None)).0, "B a\u{308} b ~ ä \u{ffff} \u{10000}");
        assert_eq!(told(world, all(Some("b"), 0, Some(2))), is("~ ä", 7, true));
    }

    fn some_are_listed_by_their_ids(world) {
        five(world);
        let some = ["e", "nobody", "b", "e", "a"];
        assert_eq!(told(world, every(ids(&some))), is("a b e", 3, false));
        assert_eq!(told(world, every(ids(&some)).rules(known())), is("a e", 2, false));
        assert_eq!(told(world, every(ids(&some)).of("other")), is("", 0, false));
        assert_eq!(told(world, listing(ids(&some), Some("a"), 0, Some(1))), is("b", 3, true));
        assert_eq!(told(world, listing(ids(&some), None, 1, Some(2))), is("b e", 3, false));
        assert_eq!(told(world, every(ids(&[]))), is("", 0, false));
    }

    fn the_holder_of_an_account_is_listed(world) {
        five(world);
        assert_eq!(told(world, every(holder("google", "2"))), is("b", 1, false));
        assert_eq!(told(world, every(holder("google", "2")).rules(known())), is("", 0, false));
        assert_eq!(told(world, every(holder("google", "3")).rules(known())), is("c", 1, false));
        assert_eq!(told(world, every(holder("github", "2"))), is("", 0, false));
        assert_eq!(told(world, every(holder("google", "2")).of("other")), is("", 0, false));
        assert_eq!(told(world, listing(holder("google", "2"), Some("b"), 0, None)), is("", 1, false));
        assert_eq!(told(world, listing(holder("google", "2"), None, 0, Some(0))), is("", 1, true));
        let fold = Rules { subject_case: SubjectCase::Fold, ..PLAIN };
        world.link(create("a", "google", "Ext"));
        assert_eq!(told(world, every(holder("google", "ext")).rules(fold)), is("", 0, false), "looking up is exact");
    }

    fn users_are_found_by_name(world) {
        for (who, document) in [
            ("u1", json!({"username": "ann"})),
            ("u2", json!({"username": "Ann"})),
            ("u3", json!({"username": "ann", "more": 1})),
            ("u4", json!({"user": {"username": "ann"}})),
            ("u5", json!({"username": ["ann"]})),
            ("u6", json!({"username": 5})),
            ("u7", json!(["username", "ann"])),
            ("u8", json!({"username": "5"})),
            ("u9", json!({"username": "[\"ann\"]"})),
        ] {
            world.user(put(who, Some(&document.to_string()), &[]));
        }
        world.user(put("u1", Some(r#"{"username":"ann"}"#), &[]).of("other"));
        world.link(create("ann", "google", "ann"));
        assert_eq!(told(world, every(named("ann"))), is("u1 u3", 2, false));
        assert_eq!(told(world, every(named("ann")).rules(known())), is("u1 u3", 2, false));
        assert_eq!(told(world, every(named("5"))), is("u8", 1, false));
        assert_eq!(told(world, every(named(r#"["ann"]"#))), is("u9", 1, false));
        assert_eq!(told(world, every(named(""))), is("", 0, false));
        assert_eq!(told(world, listing(named("ann"), None, 0, Some(1))), is("u1", 2, true));
        assert_eq!(told(world, listing(named("ann"), Some("u1"), 0, Some(1))), is("u3", 2, false));
    }

    fn a_name_follows_its_document(world) {
        let names = |name: &str| told(world, every(named(name))).1;
        world.user(put("u1", Some(r#"{"username":"ann"}"#), &[]));
        world.user(put("u1", None, &[]));
        world.user(name("u1", "one", "x", None));
        assert_eq!((names("ann"), names("bob")), (1, 0));
        world.link(with_attributes(create("u1", "google", "s1"), &[attribute("username", json!("bob"), false)]));
        assert_eq!((names("ann"), names("bob")), (0, 1));
        world.user(put("u1", Some("{}"), &[]));
        assert_eq!((names("ann"), names("bob")), (0, 0));
        world.user(put("u1", Some(r#"{"username":"a\u0000b \u00e4\ud83d\ude00"}"#), &[]));
        assert_eq!((names("a\0b ä😀"), names("a")), (1, 0));
        world.user(remove("u1"));
        assert_eq!(names("a\0b ä😀"), 0);
    }

    fn links_are_listed_with_their_users(world) {
        five(world);
        world.link(create("b", "google", "older").at(Instant(1)));
        let mut asked = all(Some("a"), 0, Some(2));
        if let Action::UserList { links, .. } = &mut asked.action {
            *links = true;
        }
        let (users, ..) = answer(world, asked);
        for (user, links) in &users {
            assert_eq!(*links, world.links(list(user.user_id.as_str())).0);
            assert_eq!(*user, world.user(get(user.user_id.as_str())).0);
        }
        assert_eq!(users.iter().map(|(_, links)| links.len()).collect::<Vec<_>>(), [3, 2]);
        assert!(answer(world, all(None, 0, None)).0.iter().all(|(_, links)| links.is_empty()));
    }

    /// A user is counted once, in whatever order links and entry of the directory come and go.
    fn everybody_is_counted_once(world) {
        let counts = || [Rules::default(), known()].map(|rules| told(world, all(None, 0, Some(0)).rules(rules)).1);
        world.link(create("u1", "google", "s1"));
        world.link(create("u1", "google", "s2"));
        assert_eq!(counts(), [1, 0]);
        world.links(delete("u1", "google", "s2"));
        assert_eq!(counts(), [1, 0]);
        world.link(create("u1", "google", "s2"));
        world.user(put("u1", None, &[]));
        world.link(create("u1", "google", "s3"));
        assert_eq!(counts(), [1, 1]);
        for account in ["s1", "s2", "s3"] {
            world.links(delete("u1", "google", account));
        }
        assert_eq!(counts(), [1, 1]);
        world.link(create("u2", "google", "s1"));
        world.links(delete("u2", "google", "s1"));
        assert_eq!(counts(), [1, 1]);
        world.link(create("u1", "google", "s1"));
        world.user(remove("u1"));
        assert_eq!(counts(), [0, 0]);
        assert!(world.apply_all(vec![create("u3", "google", "s1"), create("u3", "google", "s1")], Atomicity::Together)[0].is_err());
        assert_eq!(counts(), [0, 0], "what is undone is not counted");
    }
}
