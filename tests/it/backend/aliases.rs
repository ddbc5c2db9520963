//! Whom a vendor's id means.

use linkbridge::model::{Failure, UserId};

use super::world::*;

fn meant(world: &World, at: &str, id: &str) -> Result<UserId, Failure> {
    world.store.user_of(&tenant("acme"), &vendor(at), id)
}

facts! {
    fn an_alias_decides(world) {
        world.user(name("u1", "one", "x", None));
        assert_eq!(meant(world, "one", "x"), Ok(user("u1")));
        assert_eq!(world.store.vendor_id_of(&tenant("acme"), &vendor("one"), &user("u1")), Ok("x".to_owned()));
        assert_eq!(world.store.user_of(&tenant("other"), &vendor("one"), "x"), Ok(user("x")));
    }

    fn an_id_without_an_alias_stands_for_itself(world) {
        assert_eq!(meant(world, "one", "u1"), Ok(user("u1")));
        assert_eq!(world.store.vendor_id_of(&tenant("acme"), &vendor("one"), &user("u1")), Ok("u1".to_owned()));
    }

    fn a_user_with_another_id_is_not_meant_by_the_canonical_one(world) {
        world.user(name("u1", "one", "x", None));
        assert_eq!(meant(world, "one", "u1"), Err(Failure::UserNotFound));
        assert_eq!(meant(world, "two", "u1"), Ok(user("u1")));
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
    }
}
