//! Making, finding and deleting links.

use linkbridge::model::operation::{OnMissingDelete, OnRepeat, Rules};
use linkbridge::model::{Action, Failure, Field, How, Instant, LinkId, Place, Target, Why};

use super::world::*;

fn delete_at(who: &str, at: &str, all: bool) -> linkbridge::model::Operation {
    operation(Action::LinkDelete(Target::AtProvider {
        user_id: user(who),
        provider_id: provider(at),
        all,
    }))
}

fn by_id(link_id: LinkId, guard: Option<&str>) -> linkbridge::model::Operation {
    operation(Action::LinkGet {
        link_id,
        user_id: guard.map(user),
    })
}

fn same() -> Rules {
    Rules {
        on_repeat: OnRepeat::Same,
        on_missing_delete: OnMissingDelete::Same,
        ..Rules::default()
    }
}

facts! {
    fn a_made_link_is_found_as_it_was_made(world) {
        let (made, how) = world.link_and_how(create_with_token("u1", "google", "s1", "opaque-1"));
        assert_eq!(how, How::Created);
        assert_eq!(made.link_id, LinkId::of(&tenant("acme"), &user("u1"), &provider("google"), &subject("s1")));
        world.assert_told_at(made.created_at, NOW);
        world.assert_told_at(made.updated_at, NOW);
        assert_eq!(made.last_login_at, None);
        assert_eq!(made.token.as_ref().map(|t| t.expose()), Some("opaque-1"));
        assert_eq!(made.display_name.as_deref(), Some("Shown"));
        assert_eq!(world.link_and_how(find("google", "s1", None)), (made.clone(), How::Found));
        assert_eq!(world.link_and_how(by_id(made.link_id, None)), (made.clone(), How::Found));
        assert_eq!(world.links(list("u1")), (vec![made], 1));
    }

    fn a_repeated_create_is_refused_or_answered_as_the_rule_says(world) {
        let made = world.link(create("u1", "google", "s1"));
        assert_eq!(world.apply(create("u1", "google", "s1")), Err(Failure::LinkExists));
        let again = create_with_token("u1", "google", "s1", "other").at(Instant(NOW.0 + 5)).rules(same());
        assert_eq!(world.link_and_how(again), (made.clone(), How::Existed));
        assert_eq!(world.link(find("google", "s1", None)), made);
    }

    fn an_account_of_another_user_is_taken_whatever_the_rule(world) {
        world.link(create("u1", "google", "s1"));
        assert_eq!(world.apply(create("u2", "google", "s1")), Err(Failure::SubjectTaken));
        assert_eq!(world.apply(create("u2", "google", "s1").rules(same())), Err(Failure::SubjectTaken));
        assert_eq!(world.links(list("u2")), (vec![], 0));
    }

    fn subjects_are_compared_byte_for_byte(world) {
        world.link(create("u1", "google", "Straße"));
        world.link(create("u2", "google", "STRASSE"));
        world.link(create("u3", "google", "straße"));
        world.link(create("u4", "google", "a\u{301}"));
        world.link(create("u5", "google", "\u{e1}"));
        assert_eq!(world.link(find("google", "straße", None)).user_id, user("u3"));
    }

    fn a_limit_counts_the_links_of_one_user_at_one_provider(world) {
        let limited = |operation: linkbridge::model::Operation| {
            operation.rules(Rules { per_user_provider: Some(2), ..Rules::default() })
        };
        world.link(limited(create("u1", "google", "s1")));
        world.link(limited(create("u1", "google", "s2")));
        assert_eq!(world.apply(limited(create("u1", "google", "s3"))), Err(Failure::LimitExceeded { max: 2 }));
        world.link(limited(create("u1", "github", "s3")));
        world.link(limited(create("u2", "google", "s3")));
    }

    fn a_limit_does_not_concern_a_link_that_the_user_already_holds(world) {
        let one = Rules { per_user_provider: Some(1), ..same() };
        world.link(create("u1", "google", "s1").rules(one));
        assert_eq!(world.link_and_how(create("u1", "google", "s1").rules(one)).1, How::Existed);
        let strict = Rules { on_repeat: OnRepeat::Error, ..one };
        assert_eq!(world.apply(create("u1", "google", "s1").rules(strict)), Err(Failure::LinkExists));
    }

    fn refusals_come_in_the_order_user_account_limit(world) {
        let strict = Rules { known_users: true, per_user_provider: Some(0), ..Rules::default() };
        world.link(create("u1", "google", "s1"));
        assert_eq!(world.apply(create("u2", "google", "s1").rules(strict)), Err(Failure::UserNotFound));
        world.user(put("u2", None, &[]));
        assert_eq!(world.apply(create("u2", "google", "s1").rules(strict)), Err(Failure::SubjectTaken));
        assert_eq!(world.apply(create("u2", "google", "s2").rules(strict)), Err(Failure::LimitExceeded { max: 0 }));
    }

    fn a_guard_that_does_not_hold_the_link_finds_nothing(world) {
        let made = world.link(create("u1", "google", "s1"));
        for guarded in [find("google", "s1", Some("u2")), by_id(made.link_id, Some("u2"))] {
            assert_eq!(world.apply(guarded), Err(Failure::LinkNotFound));
        }
        assert_eq!(world.link(find("google", "s1", Some("u1"))), made);
        assert_eq!(world.link(by_id(made.link_id, Some("u1"))), made);
        assert_eq!(world.apply(find("google", "s2", None)), Err(Failure::LinkNotFound));
    }

    fn a_guard_that_is_not_in_the_directory_finds_nothing(world) {
        let made = world.link(create("u1", "google", "s1"));
        assert_eq!(world.apply(find("google", "s1", Some("u1")).rules(known())), Err(Failure::LinkNotFound));
        assert_eq!(world.apply(by_id(made.link_id, Some("u1")).rules(known())), Err(Failure::LinkNotFound));
        world.user(put("u1", None, &[]));
        assert_eq!(world.link(find("google", "s1", Some("u1")).rules(known())), made);
    }

    fn another_tenant_sees_and_touches_nothing(world) {
        let made = world.link(create("u1", "google", "s1"));
        let id = Target::Id { link_id: made.link_id, user_id: None };
        let foreign = [
            find("google", "s1", None),
            by_id(made.link_id, None),
            delete("u1", "google", "s1"),
            delete_at("u1", "google", true),
            operation(Action::LinkDelete(id)),
        ];
        for operation in foreign {
            assert_eq!(world.apply(operation.of("other")), Err(Failure::LinkNotFound));
        }
        assert_eq!(world.links(list("u1").of("other")), (vec![], 0));
        let theirs = world.link(create("u9", "google", "s1").of("other"));
        assert_eq!(theirs.tenant, tenant("other"));
        assert_eq!(world.link(find("google", "s1", None)), made);
    }

    fn a_delete_answers_what_it_removed_with_a_new_revision(world) {
        let made = world.link(create("u1", "google", "s1"));
        let (removed, total) = world.links(delete("u1", "google", "s1"));
        assert_eq!((removed.len(), total), (1, 1));
        assert_eq!((removed[0].link_id, removed[0].revision), (made.link_id, made.revision + 1));
        assert_eq!(world.apply(find("google", "s1", None)), Err(Failure::LinkNotFound));
        assert_eq!(world.link(create("u1", "google", "s1")).revision, made.revision + 2);
    }

    fn a_delete_by_id_heeds_its_guard(world) {
        let made = world.link(create("u1", "google", "s1"));
        let by = |guard: Option<&str>| {
            operation(Action::LinkDelete(Target::Id { link_id: made.link_id, user_id: guard.map(user) }))
        };
        assert_eq!(world.apply(by(Some("u2"))), Err(Failure::LinkNotFound));
        assert_eq!(world.links(by(Some("u1"))).1, 1);
        assert_eq!(world.apply(by(None)), Err(Failure::LinkNotFound));
    }

    fn a_delete_of_nothing_is_refused_or_empty_as_the_rule_says(world) {
        world.link(create("u1", "google", "s1"));
        for nothing in [delete("u1", "google", "s2"), delete("u2", "google", "s1"), delete_at("u1", "github", true)] {
            assert_eq!(world.apply(nothing.clone()), Err(Failure::LinkNotFound));
            assert_eq!(world.links(nothing.rules(same())), (vec![], 0));
        }
        assert_eq!(world.links(list("u1")).1, 1);
    }

    fn a_delete_that_fits_several_links_must_say_so(world) {
        world.link(create("u1", "google", "s1"));
        assert_eq!(world.links(delete_at("u1", "google", false)).1, 1);
        world.link(create("u1", "google", "s1"));
        world.link(create("u1", "google", "s2"));
        world.link(create("u1", "github", "s2"));
        let Err(Failure::Invalid(problems)) = world.apply(delete_at("u1", "google", false)) else { panic!() };
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!((problem.place, problem.field, problem.why), (Place::Query, Some(Field::Many), Why::Missing));
        assert_eq!(world.links(list("u1")).1, 3);
        assert_eq!(world.links(delete_at("u1", "google", true)).1, 2);
        assert_eq!(world.links(list("u1")).1, 1);
    }

    fn every_write_that_concerns_a_user_has_a_revision_of_its_own(world) {
        let first = world.link(create("u1", "google", "s1")).revision;
        assert_eq!(world.link(create("u1", "google", "s2")).revision, first + 1);
        assert_eq!(world.user(put("u1", None, &[])).0.revision, first + 2);
        assert_eq!(world.links(delete("u1", "google", "s1")).0[0].revision, first + 3);
        assert_eq!(world.apply(create("u1", "google", "s2")), Err(Failure::LinkExists));
        assert_eq!(world.link(create("u1", "google", "s3")).revision, first + 4);
        assert_eq!(world.link(create("u2", "google", "s9")).revision, first, "users count apart");
    }
}
