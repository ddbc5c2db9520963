//! Whom a vendor's id means.

use linkbridge::model::{Failure, UserId};

use super::world::*;

fn meant(world: &World, at: &str, id: &str) -> Result<UserId, Failure> {
    world.store.user_of(&tenant("acme"), &vendor(at), id)
}

const UPPER: &str = "61C4D7E2-0A5B-4F0E-9C1D-8E2F3A4B5C6D";
const LOWER: &str = "61c4d7e2-0a5b-4f0e-9c1d-8e2f3a4b5c6d";

fn id_at(world: &World, at: &str, who: &str) -> Result<Option<String>, Failure> {
    world
        .store
        .vendor_id_of(&tenant("acme"), &vendor(at), &user(who))
}

facts! {
    fn an_alias_decides(world) {
        world.user(name("u1", "one", "x", None));
        assert_eq!(meant(world, "one", "x"), Ok(user("u1")));
        assert_eq!(id_at(world, "one", "u1"), Ok(Some("x".to_owned())));
        assert_eq!(world.store.user_of(&tenant("other"), &vendor("one"), "x"), Ok(user("x")));
    }

    fn an_id_without_an_alias_stands_for_itself(world) {
        assert_eq!(meant(world, "one", "u1"), Ok(user("u1")));
        assert_eq!(id_at(world, "one", "u1"), Ok(Some("u1".to_owned())));
    }

    fn a_user_with_another_id_is_not_meant_by_the_canonical_one(world) {
        world.user(name("u1", "one", "x", None));
        assert_eq!(meant(world, "one", "u1"), Err(Failure::UserNotFound));
        assert_eq!(meant(world, "two", "u1"), Ok(user("u1")));
    }

    fn an_alias_does_not_take_the_canonical_id_of_a_known_user(world) {
        let link = world.link(create("victim", "google", "s1"));
        world.user(put("listed", None, &[]));
        for taken in ["victim", "listed"] {
            assert_eq!(world.apply(name("mallory", "one", taken, None)), Err(Failure::SubjectTaken));
            assert_eq!(world.apply(put("mallory", None, &[alias("one", taken)])), Err(Failure::SubjectTaken));
            assert_eq!(meant(world, "one", taken), Ok(user(taken)));
            assert_eq!(id_at(world, "one", taken), Ok(Some(taken.to_owned())));
        }
        assert_eq!(world.apply(get("mallory")), Err(Failure::UserNotFound));
        world.user(name("victim", "one", "victim", None));
        world.user(name("mallory", "one", "victim", None).of("other"));
        assert_eq!(world.link(find("google", "s1", Some("victim"))), link);
    }

    fn a_reason_takes_the_canonical_id_and_leaves_its_owner_without_one(world) {
        let link = world.link(create("owner", "google", "s1"));
        world.user(name("heir", "one", "owner", Some("merged")));
        assert_eq!(meant(world, "one", "owner"), Ok(user("heir")));
        assert_eq!(id_at(world, "one", "owner"), Ok(None));
        assert_eq!(id_at(world, "two", "owner"), Ok(Some("owner".to_owned())));
        assert_eq!(id_at(world, "linkbridge", "owner"), Ok(Some("owner".to_owned())));
        assert_eq!(world.link(find("google", "s1", Some("owner"))), link);
        world.user(name("owner", "one", "o2", None));
        assert_eq!(id_at(world, "one", "owner"), Ok(Some("o2".to_owned())));
    }

    fn the_canonical_id_of_a_user_with_another_id_is_free(world) {
        world.link(create("u1", "google", "s1"));
        world.user(name("u1", "one", "x", None));
        assert_eq!(world.user(name("u2", "one", "u1", None)).0.ids, [alias("one", "u1")]);
        assert_eq!((id_at(world, "one", "u1"), id_at(world, "one", "u2")), (Ok(Some("x".into())), Ok(Some("u1".into()))));
        // Without the alias the user does not fall back to an id that means somebody else.
        world.user(name("u3", "one", "x", Some("merged")));
        assert_eq!(id_at(world, "one", "u1"), Ok(None));
    }

    fn a_user_who_comes_after_the_alias_has_no_id_at_its_vendor(world) {
        world.user(name("first", "one", "late", None));
        world.link(create("late", "google", "s1"));
        world.user(put("late", None, &[]));
        assert_eq!(meant(world, "one", "late"), Ok(user("first")));
        assert_eq!(id_at(world, "one", "late"), Ok(None));
        assert_eq!(id_at(world, "one", "first"), Ok(Some("late".to_owned())));
        world.user(remove("first"));
        assert_eq!(id_at(world, "one", "late"), Ok(Some("late".to_owned())));
    }

    fn a_uuid_is_one_user_in_any_case(world) {
        let link = world.link(create(UPPER, "google", "s1"));
        assert_eq!(link.user_id.as_str(), LOWER);
        assert_eq!(world.links(list(LOWER)).0, [link]);
        assert_eq!((meant(world, "one", UPPER), meant(world, "one", LOWER)), (Ok(user(LOWER)), Ok(user(LOWER))));
        assert_eq!(world.apply(name("mallory", "one", UPPER, None)), Err(Failure::SubjectTaken));
    }

    fn a_uuid_is_one_alias_in_any_case(world) {
        assert_eq!(world.user(name("u1", "one", UPPER, None)).0.ids, [alias("one", LOWER)]);
        assert_eq!((meant(world, "one", UPPER), meant(world, "one", LOWER)), (Ok(user("u1")), Ok(user("u1"))));
        assert_eq!(world.apply(name("u2", "one", LOWER, None)), Err(Failure::SubjectTaken));
        assert_eq!(world.user(put("u1", None, &[alias("one", LOWER)])).0.ids.len(), 1);
        world.user(name("u2", "one", UPPER, Some("merged")));
        assert_eq!(meant(world, "one", LOWER), Ok(user("u2")));
        // Other texts are different in another case.
        world.user(name("u3", "one", "X", None));
        assert_eq!(meant(world, "one", "x"), Ok(user("x")));
    }

    fn a_text_that_is_no_id_means_nobody(world) {
        for text in ["", " x", "x\0"] {
            assert_eq!(meant(world, "one", text), Err(Failure::UserNotFound));
        }
    }

    fn a_tenant_knows_a_user_by_alias_directory_or_link(world) {
        let knowing = |id: &str| {
            let found = world.store.tenants_of(&vendor("one"), id).unwrap();
            found.iter().map(|t| t.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert!(knowing("u1").is_empty());
        world.link(create("u1", "google", "s1").of("links"));
        world.user(put("u1", None, &[]).of("directory"));
        world.user(name("u9", "one", "u1", None).of("alias"));
        world.user(name("u1", "one", "x", None).of("elsewhere"));
        assert_eq!(knowing("u1"), ["alias", "directory", "links"]);
        assert_eq!(knowing("x"), ["elsewhere"]);
        world.links(delete("u1", "google", "s1").of("links"));
        assert_eq!(knowing("u1"), ["alias", "directory"]);
        world.user(remove("u1").of("directory"));
        assert_eq!(knowing("u1"), ["alias"]);
        world.user(remove("u9").of("alias"));
        world.user(remove("u1").of("elsewhere"));
        assert!(knowing("u1").is_empty() && knowing("x").is_empty());
        world.user(put("u1", None, &[]).of("directory"));
        assert_eq!(knowing("u1"), ["directory"]);
    }
}
