//! Pending links.

use linkbridge::model::operation::{OnRepeat, Rules};
use linkbridge::model::{
    Action, Failure, How, Instant, LinkLimit, Operation, Outcome, PendingLink,
};

use super::world::*;

const LATER: Instant = Instant(NOW.0 + 3_600_000);

fn seen(world: &World, operation: Operation) -> (PendingLink, Option<u64>, Option<LinkLimit>) {
    match world.apply(operation) {
        Ok(Outcome::Pending {
            pending,
            link_count,
            limit,
        }) => (pending, link_count, limit),
        other => panic!("no pending link: {other:?}"),
    }
}

facts! {
    fn a_pending_link_is_seen_as_it_was_made(world) {
        let (made, count, limit) = seen(world, pending("id-1", "google", "s1", LATER));
        assert_eq!((count, limit), (None, None));
        assert_eq!(made.token.as_ref().map(|t| t.expose()), Some("pending-token"));
        assert_eq!((made.email.as_deref(), made.username.as_deref()), (Some("a@example.com"), None));
        assert_eq!((made.client.as_str(), made.expires_at), ("tests", LATER));
        assert_eq!(seen(world, look("id-1", None)).0, made);
    }

    fn a_look_counts_the_links_of_the_user_and_tells_the_limit(world) {
        world.link(create("u1", "google", "s8"));
        world.link(create("u1", "github", "s9"));
        seen(world, pending("id-1", "google", "s1", LATER));
        let limited = Rules { per_user_provider: Some(3), ..Rules::default() };
        let (_, count, limit) = seen(world, look("id-1", Some("u1")).rules(limited));
        assert_eq!((count, limit), (Some(1), Some(LinkLimit { max: 3 })));
        assert_eq!(seen(world, look("id-1", Some("u2"))).1, Some(0));
        assert_eq!(world.apply(look("id-1", Some("u2")).rules(known())), Err(Failure::UserNotFound));
    }

    fn a_completed_link_is_what_was_pending(world) {
        seen(world, pending("id-1", "google", "s1", LATER));
        let (link, how) = world.link_and_how(complete("id-1", "u1").at(Instant(NOW.0 + 7)));
        assert_eq!((how, link.user_id.as_str(), link.subject.as_str()), (How::Created, "u1", "s1"));
        assert_eq!(link.token.as_ref().map(|t| t.expose()), Some("pending-token"));
        assert_eq!(link.display_name.as_deref(), Some("Shown"));
        world.assert_told_at(link.created_at, Instant(NOW.0 + 7));
        assert_eq!(world.link(find("google", "s1", None)), link);
    }

    fn a_pending_link_is_taken_once(world) {
        seen(world, pending("id-1", "google", "s1", LATER));
        world.link(complete("id-1", "u1"));
        assert_eq!(world.apply(complete("id-1", "u1")), Err(Failure::PendingNotFound));
        assert_eq!(world.apply(complete("id-1", "u2")), Err(Failure::PendingNotFound));
        assert_eq!(world.apply(look("id-1", None)), Err(Failure::PendingNotFound));
    }

    fn a_refused_completion_leaves_the_pending_link(world) {
        world.link(create("u9", "google", "s1"));
        seen(world, pending("id-1", "google", "s1", LATER));
        assert_eq!(world.apply(complete("id-1", "u1")), Err(Failure::SubjectTaken));
        assert_eq!(world.apply(complete("id-1", "u9")), Err(Failure::LinkExists));
        assert_eq!(world.apply(complete("id-1", "u1").rules(known())), Err(Failure::UserNotFound));
        world.links(delete("u9", "google", "s1"));
        let limited = Rules { per_user_provider: Some(0), ..Rules::default() };
        assert_eq!(world.apply(complete("id-1", "u1").rules(limited)), Err(Failure::LimitExceeded { max: 0 }));
        world.link(complete("id-1", "u1"));
    }

    fn a_completion_that_finds_its_link_takes_the_pending_one(world) {
        let made = world.link(create_with_token("u1", "google", "s1", "old-token"));
        seen(world, pending("id-1", "google", "s1", LATER));
        let same = Rules { on_repeat: OnRepeat::Same, ..Rules::default() };
        let later = Instant(NOW.0 + 7);
        let (link, how) = world.link_and_how(complete("id-1", "u1").rules(same).at(later));
        assert_eq!((how, link.link_id, link.created_at), (How::Existed, made.link_id, Some(NOW)));
        assert_eq!(link.token.as_ref().map(|t| t.expose()), Some("pending-token"));
        assert_eq!((link.updated_at, link.revision), (Some(later), made.revision + 1));
        assert_eq!(world.link(find("google", "s1", None)), link);
        assert_eq!(world.apply(look("id-1", None)), Err(Failure::PendingNotFound));
    }

    fn a_found_link_keeps_what_the_pending_one_does_not_bring(world) {
        world.link(create_with_token("u1", "google", "s1", "old-token"));
        let mut renamed = pending("id-1", "google", "s1", LATER);
        if let Action::PendingCreate { display_name, token, .. } = &mut renamed.action {
            (*display_name, *token) = (Some("New".to_owned()), None);
        }
        seen(world, renamed);
        let same = Rules { on_repeat: OnRepeat::Same, ..Rules::default() };
        let (answered, _) = world.link_and_how(complete("id-1", "u1").rules(same));
        let link = world.link(find("google", "s1", None));
        assert_eq!(link.display_name.as_deref(), Some("New"));
        assert_eq!(link.token.as_ref().map(|t| t.expose()), Some("old-token"));
        assert_eq!(answered, link);
    }

    fn a_pending_link_that_brings_nothing_changes_no_link(world) {
        let made = world.link(create_with_token("u1", "google", "s1", "old-token"));
        let mut bare = pending("id-1", "google", "s1", LATER);
        if let Action::PendingCreate { display_name, token, .. } = &mut bare.action {
            (*display_name, *token) = (None, None);
        }
        seen(world, bare);
        let same = Rules { on_repeat: OnRepeat::Same, ..Rules::default() };
        let answer = world.link_and_how(complete("id-1", "u1").rules(same).at(Instant(NOW.0 + 7)));
        assert_eq!(answer, (made.clone(), How::Existed));
        assert_eq!(world.link(find("google", "s1", None)), made);
        assert_eq!(world.apply(look("id-1", None)), Err(Failure::PendingNotFound));
    }

    fn a_pending_link_ends_at_its_instant(world) {
        seen(world, pending("id-1", "google", "s1", LATER));
        seen(world, look("id-1", None).at(Instant(LATER.0 - 1)));
        assert_eq!(world.apply(look("id-1", None).at(LATER)), Err(Failure::PendingNotFound));
        assert_eq!(world.apply(complete("id-1", "u1").at(LATER)), Err(Failure::PendingNotFound));
        assert_eq!(world.links(list("u1")).1, 0);
    }

    fn another_tenant_does_not_see_a_pending_link(world) {
        seen(world, pending("id-1", "google", "s1", LATER));
        assert_eq!(world.apply(look("id-1", None).of("other")), Err(Failure::PendingNotFound));
        assert_eq!(world.apply(complete("id-1", "u1").of("other")), Err(Failure::PendingNotFound));
        world.link(complete("id-1", "u1"));
    }

    fn two_pending_links_cannot_have_one_id(world) {
        seen(world, pending("id-1", "google", "s1", LATER));
        assert_eq!(world.apply(pending("id-1", "google", "s2", LATER)), Err(Failure::Conflict));
        assert_eq!(seen(world, look("id-1", None)).0.subject.as_str(), "s1");
    }
}
