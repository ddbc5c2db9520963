//! The rules about where else an account must be free, and about how many links a user may have.

use linkbridge::model::operation::{OnRepeat, Rules, SubjectCase, UniqueScope};
use linkbridge::model::{Failure, How, Instant, NewLink, Operation};

use super::world::*;

const FOLD: Rules = Rules {
    subject_case: SubjectCase::Fold,
    ..PLAIN
};
const INSTANCE: Rules = Rules {
    unique_scope: UniqueScope::Instance,
    ..PLAIN
};
const BOTH: Rules = Rules {
    subject_case: SubjectCase::Fold,
    ..INSTANCE
};

fn same(rules: Rules) -> Rules {
    Rules {
        on_repeat: OnRepeat::Same,
        ..rules
    }
}

fn at_most(per_user: u32) -> Rules {
    Rules {
        per_user: Some(per_user),
        ..PLAIN
    }
}

/// The same link in three ways: made alone, along with its user, and from a pending one.
fn three_ways(world: &World, who: &str, at: &str, account: &str, rules: Rules) -> [Operation; 3] {
    let id = format!("{who}-{at}-{account}-{rules:?}");
    assert!(
        world
            .apply(pending(&id, at, account, Instant(i64::MAX)))
            .is_ok()
    );
    let along = Put {
        links: &[NewLink {
            limit: rules.per_user_provider,
            ..new_link(at, account)
        }],
        ..Put::default()
    };
    [
        create(who, at, account),
        along.user(who),
        complete(&id, who),
    ]
    .map(|op| op.rules(rules))
}

fn assert_refused(world: &World, ways: [Operation; 3], failure: &Failure) {
    for operation in ways {
        assert_eq!(
            world.apply(operation.clone()),
            Err(failure.clone()),
            "{operation:?}"
        );
    }
}

facts! {
    fn a_user_has_so_many_links_wherever_they_are(world) {
        world.link(create("u1", "google", "s1").rules(at_most(2)));
        world.link(create("u1", "github", "s1").rules(at_most(2)));
        let ways = three_ways(world, "u1", "gitlab", "s1", at_most(2));
        assert_refused(world, ways, &Failure::UserAlreadyLinked);
        world.link(create("u2", "gitlab", "s1").rules(at_most(2)));
        world.link(create("u1", "gitlab", "s1").rules(at_most(2)).of("other"));
        world.links(delete("u1", "google", "s1"));
        world.link(create("u1", "google", "s9").rules(at_most(2)));
    }

    fn a_user_without_room_may_repeat_what_there_is(world) {
        world.link(create("u1", "google", "s1").rules(at_most(1)));
        assert_eq!(world.link_and_how(create("u1", "google", "s1").rules(same(at_most(1)))).1, How::Existed);
        assert_eq!(world.apply(create("u1", "google", "s1").rules(at_most(1))), Err(Failure::LinkExists));
    }

    fn a_folded_account_has_one_holder(world) {
        world.link(create("u1", "google", "Straße-Ä"));
        assert_refused(world, three_ways(world, "u2", "google", "STRAßE-ä", FOLD), &Failure::SubjectTaken);
        assert_refused(world, three_ways(world, "u1", "google", "STRAßE-ä", FOLD), &Failure::LinkExists);
        assert_refused(world, three_ways(world, "u1", "google", "straße-ä", same(FOLD)), &Failure::LinkExists);
        // Lower case is no more than that: it neither writes ß out nor composes letters.
        world.link(create("u2", "google", "STRASSE-ä").rules(FOLD));
        world.link(create("u2", "google", "straße-a\u{308}").rules(FOLD));
        // Another provider and another tenant are others.
        world.link(create("u2", "github", "straße-ä").rules(FOLD));
        world.link(create("u2", "google", "straße-ä").rules(FOLD).of("other"));
        // Without the rule the link can be made, for it is another account.
        world.link(create("u2", "google", "straße-ä"));
    }

    fn a_fold_is_found_from_either_side(world) {
        for (n, (first, second)) in [("Ext-1", "ext-1"), ("ext-2", "Ext-2"), ("eXt-3", "Ext-3")].into_iter().enumerate() {
            world.link(create(&format!("u{n}"), "google", first).rules(FOLD));
            assert_eq!(world.apply(create("u9", "google", second).rules(FOLD)), Err(Failure::SubjectTaken), "{second}");
        }
    }

    fn looking_up_and_deleting_stay_exact(world) {
        world.link(create("u1", "google", "Ext-1").rules(FOLD));
        assert_eq!(world.apply(find("google", "ext-1", None).rules(FOLD)), Err(Failure::LinkNotFound));
        assert_eq!(world.apply(delete("u1", "google", "ext-1").rules(FOLD)), Err(Failure::LinkNotFound));
        assert_eq!(world.links(delete("u1", "google", "Ext-1").rules(FOLD)).1, 1);
        world.link(create("u2", "google", "ext-1").rules(FOLD));
    }

    fn an_account_has_one_holder_in_all_tenants(world) {
        world.link(create("u1", "google", "s1").of("other"));
        assert_refused(world, three_ways(world, "u1", "google", "s1", INSTANCE), &Failure::SubjectTaken);
        assert_refused(world, three_ways(world, "u1", "google", "s1", same(INSTANCE)), &Failure::SubjectTaken);
        world.link(create("u1", "github", "s1").rules(INSTANCE));
        world.link(create("u1", "google", "S1").rules(INSTANCE));
        world.links(delete("u1", "google", "s1").of("other"));
        world.link(create("u1", "google", "s1").rules(INSTANCE));
    }

    fn a_folded_account_has_one_holder_in_all_tenants(world) {
        world.link(create("u1", "google", "Ext-1").of("other"));
        assert_refused(world, three_ways(world, "u1", "google", "eXT-1", BOTH), &Failure::SubjectTaken);
        world.link(create("u1", "google", "eXT-1").rules(INSTANCE));
        world.link(create("u2", "google", "ext-1").rules(FOLD).of("third"));
        assert_eq!(world.apply(create("u2", "google", "EXT-1").rules(BOTH)), Err(Failure::SubjectTaken));
    }

    fn the_same_link_is_repeated_whoever_else_holds_the_account(world) {
        let made = world.link(create("u1", "google", "Ext-1"));
        world.link(create("u2", "google", "ext-1"));
        world.link(create("u3", "google", "Ext-1").of("other"));
        for rules in [FOLD, INSTANCE, BOTH] {
            assert_eq!(world.link_and_how(create("u1", "google", "Ext-1").rules(same(rules))), (made.clone(), How::Existed));
            assert_eq!(world.apply(create("u1", "google", "Ext-1").rules(rules)), Err(Failure::LinkExists));
        }
        // Somebody else's claim is told before one's own, whichever is found first.
        world.link(create("u1", "google", "ext-2"));
        world.link(create("u2", "google", "Ext-2"));
        assert_eq!(world.apply(create("u1", "google", "EXT-2").rules(FOLD)), Err(Failure::SubjectTaken));
        assert_eq!(world.apply(create("u1", "google", "EXT-1").rules(FOLD)), Err(Failure::SubjectTaken));
    }

    fn what_is_wrong_with_a_create_is_told_in_one_order(world) {
        let strict = Rules { known_users: true, per_user_provider: Some(0), per_user: Some(0), ..BOTH };
        world.link(create("u9", "google", "s1"));
        world.link(create("u1", "google", "s2"));
        world.link(create("u9", "google", "Ext-1"));
        world.link(create("u9", "google", "s4").of("other"));
        let refusal = |account: &str, rules: Rules| world.apply(create("u1", "google", account).rules(rules));
        assert_eq!(refusal("s1", strict), Err(Failure::UserNotFound));
        world.user(put("u1", None, &[]));
        assert_eq!(refusal("s1", strict), Err(Failure::SubjectTaken));
        assert_eq!(refusal("s2", strict), Err(Failure::LinkExists));
        assert_eq!(refusal("ext-1", strict), Err(Failure::SubjectTaken));
        assert_eq!(refusal("S4", strict), Err(Failure::SubjectTaken));
        assert_eq!(refusal("S2", strict), Err(Failure::LinkExists));
        assert_eq!(refusal("s3", strict), Err(Failure::UserAlreadyLinked));
        assert_eq!(refusal("s3", Rules { per_user: None, ..strict }), Err(Failure::LimitExceeded { max: 0 }));
        world.link(create("u1", "google", "s3").rules(Rules { per_user: Some(9), per_user_provider: Some(9), ..strict }));
    }

    fn the_limit_of_a_link_along_with_its_user_is_its_own(world) {
        let limited = |limit| [NewLink { limit, ..new_link("google", "s2") }];
        let rules = Rules { per_user_provider: Some(1), ..PLAIN };
        world.link(create("u1", "google", "s1"));
        let one = Put { links: &limited(Some(1)), ..Put::default() }.user("u1");
        assert_eq!(world.apply(one), Err(Failure::LimitExceeded { max: 1 }));
        let open = Put { links: &limited(None), ..Put::default() }.user("u1").rules(rules);
        assert_eq!(world.user_and_links(open).1.len(), 2);
    }

    fn a_refused_link_leaves_its_pending_one_and_its_user_as_they_were(world) {
        world.link(create("u9", "google", "Ext-1"));
        let [_, put, complete] = three_ways(world, "u1", "google", "ext-1", FOLD);
        assert_eq!(world.apply(complete.clone()), Err(Failure::SubjectTaken));
        assert_eq!(world.apply(put), Err(Failure::SubjectTaken));
        assert_eq!(world.apply(get("u1")), Err(Failure::UserNotFound));
        world.links(delete("u9", "google", "Ext-1"));
        assert_eq!(world.link(complete).revision, 1);
    }
}
