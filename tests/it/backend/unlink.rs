//! Deletes under the rule about the last link, and among a user's links.

use linkbridge::model::operation::{LastFactor, OnMissingDelete, Rules};
use linkbridge::model::{Action, Failure, Field, LinkId, Operation, Place, Problem, Target, Why};

use super::world::*;

const KEEP: Rules = Rules {
    last_factor: LastFactor::Keep,
    ..PLAIN
};
const SAME: Rules = Rules {
    on_missing_delete: OnMissingDelete::Same,
    ..PLAIN
};

fn by_id(who: &str, at: &str, account: &str) -> Operation {
    let link_id = LinkId::of(
        &tenant("acme"),
        &user(who),
        &provider(at),
        &subject(account),
    );
    operation(Action::LinkDelete(Target::Id {
        link_id,
        user_id: None,
    }))
}

fn at_provider(who: &str, at: &str, all: bool) -> Operation {
    operation(Action::LinkDelete(Target::AtProvider {
        user_id: user(who),
        provider_id: provider(at),
        all,
    }))
}

fn no_account() -> Failure {
    Failure::Invalid(vec![Problem {
        place: Place::Query,
        at: String::new(),
        field: Some(Field::Subject),
        why: Why::Missing,
        max: None,
    }])
}

facts! {
    fn the_last_link_of_a_user_is_kept(world) {
        world.link(create("u1", "google", "s1"));
        world.link(create("u2", "github", "s2"));
        world.link(create("u1", "google", "s1").of("other"));
        let ways = [
            delete("u1", "google", "s1"),
            by_id("u1", "google", "s1"),
            at_provider("u1", "google", false),
            at_provider("u1", "google", true),
            among("u1", &["google"], Some(("google", "s1"))),
        ];
        for way in &ways {
            assert_eq!(world.apply(way.clone().rules(KEEP)), Err(Failure::LastFactor), "{way:?}");
        }
        for way in ways {
            let other = world.link(create("u1", "github", "s1"));
            assert_eq!(world.links(way.rules(KEEP)).1, 1);
            assert_eq!(world.links(list("u1")).0, [other]);
            world.link(create("u1", "google", "s1"));
            world.links(delete("u1", "github", "s1"));
        }
        assert_eq!(world.links(delete("u1", "google", "s1")).1, 1, "without the rule");
    }

    fn all_links_at_a_provider_are_not_all_links(world) {
        world.link(create("u1", "google", "s1"));
        world.link(create("u1", "google", "s2"));
        assert_eq!(world.apply(at_provider("u1", "google", true).rules(KEEP)), Err(Failure::LastFactor));
        assert_eq!(world.links(list("u1")).1, 2);
        world.link(create("u1", "github", "s3"));
        assert_eq!(world.links(at_provider("u1", "google", true).rules(KEEP)).1, 2);
    }

    fn a_link_that_is_not_there_is_missing_before_the_last_one_is_kept(world) {
        world.link(create("u1", "google", "s1"));
        let ways = [
            delete("u1", "google", "s2"),
            by_id("u1", "google", "s2"),
            at_provider("u1", "github", true),
        ];
        for way in ways {
            assert_eq!(world.apply(way.clone().rules(KEEP)), Err(Failure::LinkNotFound));
            let rules = Rules { last_factor: LastFactor::Keep, ..SAME };
            assert_eq!(world.links(way.rules(rules)).1, 0);
        }
        world.link(create("u1", "google", "s2"));
        let several = world.apply(at_provider("u1", "google", false).rules(KEEP));
        assert!(matches!(several, Err(Failure::Invalid(_))), "{several:?}");
    }

    fn a_removed_user_has_no_last_link_to_keep(world) {
        world.user(put("u1", None, &[]));
        world.link(create("u1", "google", "s1"));
        world.user(remove("u1").rules(KEEP));
        assert_eq!(world.apply(find("google", "s1", None)), Err(Failure::LinkNotFound));
    }

    fn one_of_several_links_goes(world) {
        for (at, account) in [("google", "s1"), ("google", "s2"), ("github", "s1")] {
            world.link(create("u1", at, account));
        }
        let (gone, total) = world.links(among("u1", &["google", "gitlab"], Some(("google", "s1"))));
        assert_eq!((gone[0].subject.as_str(), gone[0].provider_id.as_str(), total), ("s1", "google", 1));
        assert_eq!(world.links(list("u1")).1, 2);
    }

    /// Each step makes right what the one before it complained about.
    fn what_is_wrong_with_a_delete_among_links_is_told_in_one_order(world) {
        let unnamed = || among("u1", &["google", "gitlab"], None);
        let named = |at: &str, account: &str| among("u1", &["google", "gitlab"], Some((at, account)));
        for delete in [unnamed(), named("google", "s1")] {
            assert_eq!(world.apply(delete.rules(KEEP)), Err(Failure::UserNotFound));
        }
        world.link(create("u1", "github", "s1"));
        for delete in [unnamed(), named("google", "s1"), named("github", "s1")] {
            assert_eq!(world.apply(delete.rules(KEEP)), Err(Failure::NothingLinked));
        }
        world.links(delete("u1", "github", "s1"));
        world.link(create("u1", "google", "s1"));
        for delete in [unnamed(), named("google", "s1"), named("google", "nope")] {
            assert_eq!(world.apply(delete.rules(KEEP)), Err(Failure::LastFactor));
        }
        world.link(create("u1", "github", "s1"));
        assert_eq!(world.apply(unnamed().rules(KEEP)), Err(no_account()));
        // A link at a provider that is not among these is none of them.
        for delete in [named("google", "nope"), named("gitlab", "s1"), named("github", "s1")] {
            assert_eq!(world.apply(delete.rules(KEEP)), Err(Failure::LinkNotFound));
        }
        assert_eq!(world.links(named("google", "s1").rules(KEEP)).1, 1);
    }

    fn a_missing_link_among_others_can_be_no_failure(world) {
        let gone = |at: &str| among("u1", &["google"], Some((at, "nope"))).rules(SAME);
        assert_eq!(world.apply(gone("google")), Err(Failure::UserNotFound));
        world.link(create("u1", "github", "s1"));
        assert_eq!(world.links(gone("google")), (vec![], 0));
        world.link(create("u1", "google", "s1"));
        assert_eq!(world.links(gone("google")), (vec![], 0));
        assert_eq!(world.apply(among("u1", &["google"], None).rules(SAME)), Err(no_account()));
        assert_eq!(world.links(list("u1")).1, 2);
    }

    fn only_a_user_of_the_directory_is_there_where_users_are_known(world) {
        let rules = known();
        let delete = || among("u1", &["google"], Some(("google", "s1")));
        world.link(create("u1", "google", "s1"));
        assert_eq!(world.apply(delete().rules(rules)), Err(Failure::UserNotFound));
        world.user(put("u1", None, &[]));
        assert_eq!(world.apply(among("u1", &["github"], None).rules(rules)), Err(Failure::NothingLinked));
        assert_eq!(world.apply(delete().of("other")), Err(Failure::UserNotFound));
        assert_eq!(world.links(delete().rules(rules)).1, 1);
    }
}
