//! Lists of links.

use linkbridge::model::{Action, Failure, Instant, Link, Operation, Page};

use super::world::*;

fn page(who: &str, offset: u64, limit: Option<u64>) -> Operation {
    operation(Action::LinkList {
        user_id: user(who),
        provider_id: None,
        subject: None,
        page: Page { offset, limit },
    })
}

fn only(who: &str, at: Option<&str>, account: Option<&str>) -> Operation {
    operation(Action::LinkList {
        user_id: user(who),
        provider_id: at.map(provider),
        subject: account.map(subject),
        page: Page::default(),
    })
}

fn subjects(links: &[Link]) -> Vec<&str> {
    links.iter().map(|link| link.subject.as_str()).collect()
}

facts! {
    fn links_are_listed_oldest_first_and_then_as_they_were_made(world) {
        for (account, at) in [("c", 3), ("b", 1), ("a", 1), ("d", 0)] {
            world.link(create("u1", "google", account).at(Instant(at)));
        }
        assert_eq!(subjects(&world.links(list("u1")).0), ["d", "b", "a", "c"]);
    }

    fn links_are_listed_as_they_were_made(world) {
        for account in ["c", "b", "a", "d"] {
            world.link(create("u1", "google", account));
        }
        assert_eq!(subjects(&world.links(list("u1")).0), ["c", "b", "a", "d"]);
    }

    fn a_page_has_its_links_and_the_number_of_all(world) {
        for n in 0..5 {
            world.link(create("u1", "google", &format!("s{n}")).at(Instant(n)));
        }
        for (offset, limit, want) in [
            (0, Some(2), vec!["s0", "s1"]),
            (4, Some(2), vec!["s4"]),
            (5, Some(2), vec![]),
            (3, None, vec!["s3", "s4"]),
            (0, Some(0), vec![]),
            (u64::MAX, Some(u64::MAX), vec![]),
        ] {
            let (links, total) = world.links(page("u1", offset, limit));
            assert_eq!((subjects(&links), total), (want, 5), "{offset} {limit:?}");
        }
    }

    fn a_list_can_be_of_one_provider_or_account(world) {
        for (at, account) in [("google", "s1"), ("google", "s2"), ("github", "s1")] {
            world.link(create("u1", at, account));
        }
        world.link(create("u2", "google", "s3"));
        assert_eq!(world.links(only("u1", Some("google"), None)).1, 2);
        assert_eq!(world.links(only("u1", None, Some("s1"))).1, 2);
        assert_eq!(world.links(only("u1", Some("github"), Some("s1"))).1, 1);
        assert_eq!(world.links(only("u1", Some("github"), Some("s2"))).1, 0);
    }

    fn a_list_of_nobody_is_empty_unless_users_must_be_known(world) {
        assert_eq!(world.links(list("u1")), (vec![], 0));
        assert_eq!(world.apply(list("u1").rules(known())), Err(Failure::UserNotFound));
        world.user(put("u1", None, &[]));
        assert_eq!(world.links(list("u1").rules(known())), (vec![], 0));
    }
}
