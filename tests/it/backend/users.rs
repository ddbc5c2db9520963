//! Users of the directory.

use linkbridge::model::{Action, Failure, Instant, Operation, Outcome, Page, Which};

use super::world::*;

fn users() -> Operation {
    operation(Action::UserList {
        which: Which::All,
        after: None,
        page: Page::default(),
        links: false,
    })
}

facts! {
    fn a_put_user_is_read_as_it_was_put(world) {
        let document = "{\"b\": 1,  \"a\": [1.0, 1e2]}";
        let (made, created) = world.user(put("u1", Some(document), &[alias("one", "x"), alias("two", "y")]));
        assert!(created);
        assert_eq!(made.document.as_deref(), Some(document));
        assert_eq!(made.ids, [alias("one", "x"), alias("two", "y")]);
        assert_eq!((made.created_at, made.updated_at), (Some(NOW), Some(NOW)));
        assert_eq!(world.user(get("u1")), (made, false));
        assert_eq!(world.apply(get("u2")), Err(Failure::UserNotFound));
        assert_eq!(world.apply(get("u1").of("other")), Err(Failure::UserNotFound));
    }

    fn a_second_put_changes_what_it_names(world) {
        world.user(put("u1", Some("{}"), &[alias("one", "x")]));
        let (kept, created) = world.user(put("u1", None, &[]).at(Instant(NOW.0 + 9)));
        assert!(!created);
        assert_eq!((kept.document.as_deref(), kept.ids.len()), (Some("{}"), 1));
        assert_eq!((kept.created_at, kept.updated_at), (Some(NOW), Some(Instant(NOW.0 + 9))));
        assert_eq!(world.user(put("u1", Some("[]"), &[])).0.document.as_deref(), Some("[]"));
    }

    fn instants_never_go_back(world) {
        world.user(put("u1", None, &[]));
        let (user, _) = world.user(put("u1", None, &[]).at(Instant(0)));
        assert_eq!((user.created_at, user.updated_at), (Some(NOW), Some(NOW)));
    }

    fn ids_are_insert_only(world) {
        world.user(put("u1", None, &[alias("one", "x")]));
        assert_eq!(world.apply(put("u2", None, &[alias("one", "x")])), Err(Failure::SubjectTaken));
        assert_eq!(world.apply(get("u2")), Err(Failure::UserNotFound), "the put is refused as a whole");
        assert_eq!(world.apply(put("u1", None, &[alias("one", "z")])), Err(Failure::LinkExists));
        assert_eq!(world.user(put("u1", None, &[alias("one", "x")])).0.ids, [alias("one", "x")]);
        world.user(put("u2", None, &[alias("one", "x")]).of("other"));
    }

    fn an_alias_moves_with_a_reason_only(world) {
        world.user(name("u1", "one", "x", None));
        world.user(name("u1", "one", "x", None));
        assert_eq!(world.apply(name("u2", "one", "x", None)), Err(Failure::SubjectTaken));
        assert_eq!(world.apply(name("u1", "one", "z", None)), Err(Failure::LinkExists));
        let before = world.user(get("u1")).0.revision;
        assert_eq!(world.user(name("u2", "one", "x", Some("merged"))).0.ids, [alias("one", "x")]);
        let (loser, _) = world.user(get("u1"));
        assert_eq!((loser.ids.len(), loser.revision), (0, before + 1));
    }

    fn a_reason_also_replaces_the_own_alias(world) {
        world.user(name("u1", "one", "x", None));
        world.user(name("u2", "one", "y", None));
        assert_eq!(world.user(name("u2", "one", "x", Some("typo"))).0.ids, [alias("one", "x")]);
        world.user(name("u3", "one", "y", None));
    }

    fn an_alias_makes_its_user_where_users_are_open(world) {
        assert_eq!(world.apply(name("u1", "one", "x", None).rules(known())), Err(Failure::UserNotFound));
        assert!(world.user(name("u1", "one", "x", None)).1);
        assert!(!world.user(name("u1", "two", "x", None).rules(known())).1);
    }

    fn canonical_ids_have_no_aliases(world) {
        let answer = world.apply(name("u1", "linkbridge", "x", None));
        assert!(matches!(answer, Err(Failure::Invalid(_))), "{answer:?}");
    }

    fn listed_users_have_their_ids(world) {
        for id in ["u3", "u1", "u2"] {
            world.user(put(id, None, &[alias("one", id)]));
        }
        let Ok(Outcome::Users { users, .. }) = world.apply(users()) else { panic!() };
        assert!(users.iter().all(|(u, _)| u.ids == [alias("one", u.user_id.as_str())]));
    }

    fn a_deleted_user_takes_links_and_aliases_along(world) {
        world.user(put("u1", Some("{}"), &[alias("one", "x")]));
        world.link(create("u1", "google", "s1"));
        let kept = world.link(create("u2", "google", "s2"));
        let (gone, _) = world.user(remove("u1"));
        assert_eq!((gone.document.as_deref(), gone.ids), (Some("{}"), vec![alias("one", "x")]));
        assert_eq!(world.apply(get("u1")), Err(Failure::UserNotFound));
        assert_eq!(world.apply(remove("u1")), Err(Failure::UserNotFound));
        assert_eq!(world.apply(find("google", "s1", None)), Err(Failure::LinkNotFound));
        assert_eq!(world.link(find("google", "s2", None)), kept);
        world.user(put("u2", None, &[alias("one", "x")]));
    }

    fn the_revision_outlives_the_user(world) {
        world.user(put("u1", None, &[]));
        world.link(create("u1", "google", "s1"));
        let gone = world.user(remove("u1")).0.revision;
        assert!(world.user(put("u1", None, &[])).0.revision > gone);
    }
}
