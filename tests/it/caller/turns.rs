//! Not more calls at once than allowed; who waits for too long is told so.

use std::time::{Duration, Instant};

use linkbridge::backend::upstream::exchange::{Effect, Exchange, Unanswered};
use linkbridge::model::Failure;

use super::{World, endpoint, request};
use crate::support::fault::{Act, Fault};

#[test]
fn calls_wait_for_their_turn_for_a_while() {
    let slow = Act::AnswersAfter(Duration::from_millis(200), 200, b"{}".to_vec());
    let server = Fault::start(vec![slow]);
    let mut endpoint = endpoint(&server.url);
    endpoint.max_in_flight = 2;
    let send = |queue: u64| {
        endpoint.queue = Duration::from_millis(queue);
        let world = World::new(&endpoint);
        let began = Instant::now();
        let request = request(Effect::Writes);
        let answers = world.runtime.block_on(async {
            let call = || world.caller.exchange(&request, Effect::Writes);
            let (a, b, c, d) = tokio::join!(call(), call(), call(), call());
            [a, b, c, d].map(|answer| answer.map(|answer| answer.status))
        });
        (answers, began.elapsed())
    };
    let mut send = send;
    let before = server.seen().len();
    let (answers, _) = send(20);
    let is_overload = |answer: &&Result<u16, Unanswered>| {
        matches!(answer, Err(Unanswered::NotSent(Failure::Overloaded { .. })))
    };
    assert_eq!(answers.iter().filter(is_overload).count(), 2, "{answers:?}");
    assert_eq!(
        answers.iter().filter(|answer| **answer == Ok(200)).count(),
        2
    );
    assert_eq!(server.seen().len(), before + 2);
    let (answers, took) = send(1000);
    assert!(
        answers.iter().all(|answer| *answer == Ok(200)),
        "{answers:?}"
    );
    assert!(
        took >= Duration::from_millis(390),
        "two after two: {took:?}"
    );
}

#[test]
fn a_turn_comes_back_from_a_caller_that_goes_away() {
    let server = Fault::start(vec![Act::SaysAndStalls(Vec::new()), Act::ok("{}")]);
    let mut endpoint = endpoint(&server.url);
    endpoint.max_in_flight = 1;
    let world = World::new(&endpoint);
    let request = request(Effect::Reads);
    world.runtime.block_on(async {
        let call = world.caller.exchange(&request, Effect::Reads);
        let given_up = tokio::time::timeout(Duration::from_millis(100), call).await;
        assert!(given_up.is_err());
    });
    assert_eq!(super::status(&world.read()), Some(200));
}
