//! Several operations in one call.

use linkbridge::backend::{Answer, Atomicity};
use linkbridge::model::{Action, Failure, Operation, OperationKind, Outcome};

use super::world::*;

/// A link is made, listed, deleted, and not listed.
fn there_and_gone() -> Vec<Operation> {
    vec![
        create("u1", "google", "s1"),
        list("u1"),
        delete("u1", "google", "s1"),
        list("u1"),
    ]
}

/// How many links each answer tells that tells links.
fn totals(answers: &[Answer]) -> Vec<u64> {
    let total = |answer: &Answer| match answer {
        Ok(Outcome::Links { total, .. }) => Some(*total),
        _ => None,
    };
    answers.iter().filter_map(total).collect()
}

facts! {
    fn together_means_all_or_none(world) {
        world.link(create("u9", "google", "s2"));
        let batch = vec![put("u1", None, &[]), create("u1", "google", "s1"), create("u1", "google", "s2")];
        let answers = world.apply_all(batch, Atomicity::Together);
        assert_eq!(answers, vec![Err(Failure::SubjectTaken); 3]);
        assert_eq!(world.apply(get("u1")), Err(Failure::UserNotFound));
        assert_eq!(world.apply(find("google", "s1", None)), Err(Failure::LinkNotFound));
        let revision = world.link(create("u1", "google", "s1")).revision;
        assert_eq!(revision, 1, "what was undone did not count");
    }

    fn each_for_itself_keeps_what_succeeds(world) {
        world.link(create("u9", "google", "s2"));
        let batch = vec![create("u1", "google", "s1"), create("u1", "google", "s2"), create("u1", "google", "s3")];
        let answers = world.apply_all(batch, Atomicity::Each);
        assert!(answers[0].is_ok() && answers[2].is_ok());
        assert_eq!(answers[1], Err(Failure::SubjectTaken));
        assert_eq!(world.links(list("u1")).1, 2);
    }

    fn an_operation_sees_what_came_before_it_in_its_batch(world) {
        assert_eq!(totals(&world.apply_all(there_and_gone(), Atomicity::Each)), [1, 1, 0]);
    }

    fn an_operation_sees_what_it_stands_together_with(world) {
        assert_eq!(totals(&world.apply_all(there_and_gone(), Atomicity::Together)), [1, 1, 0]);
    }

    fn an_empty_batch_has_no_answers(world) {
        assert!(world.apply_all(vec![], Atomicity::Together).is_empty());
    }

    fn reads_can_stand_together(world) {
        let answers = world.apply_all(vec![list("u1"), get("u1")], Atomicity::Together);
        assert_eq!(answers, vec![Err(Failure::UserNotFound); 2]);
        assert!(world.apply_all(vec![list("u1"), get("u1")], Atomicity::Each)[0].is_ok());
    }

    fn providers_are_not_the_stores(world) {
        let get = operation(Action::ProviderGet { provider_id: None, domain: None });
        assert_eq!(world.apply(get), Err(Failure::Unsupported { operation: OperationKind::ProviderGet }));
    }

    fn the_status_is_ready(world) {
        assert_eq!(world.apply(operation(Action::Status)), Ok(Outcome::Status { ready: true }));
        assert!(world.store.ready());
    }
}
