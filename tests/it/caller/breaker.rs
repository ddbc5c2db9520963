//! An IdP that is away is left alone, and found again by one probe at a time.

use std::time::Duration;

use linkbridge::backend::upstream::exchange::{Effect, Exchange, Unanswered};
use linkbridge::model::Failure;

use super::{World, endpoint, request, status};
use crate::support::fault::{Act, Fault};

fn world(url: &str) -> World {
    let mut endpoint = endpoint(url);
    endpoint.retry_percent = 0;
    endpoint.breaker_failures = 3;
    endpoint.breaker_open = Duration::from_millis(300);
    World::new(&endpoint)
}

fn pause(world: &World, millis: u64) {
    world.pause(Duration::from_millis(millis));
}

#[test]
fn who_fails_in_a_row_is_left_alone_until_a_probe_succeeds() {
    for act in [
        Act::json(500, "{}"),
        Act::json(503, "{}"),
        Act::SaysAndCloses(Vec::new()),
    ] {
        let server = Fault::start(vec![act.clone()]);
        let world = world(&server.url);
        for _ in 0..3 {
            assert!(world.caller.ready());
            let _ = world.write();
        }
        assert!(!world.caller.ready(), "{act:?}");
        for _ in 0..5 {
            assert_eq!(
                world.write().map(drop),
                Err(Unanswered::NotSent(Failure::UpstreamDown))
            );
        }
        assert_eq!(server.seen().len(), 3);
        // A probe that fails: the next one has to wait again.
        pause(&world, 350);
        let _ = world.write();
        let _ = world.write();
        assert_eq!(server.seen().len(), 4);
        server.now_does(vec![Act::ok("{}")]);
        pause(&world, 350);
        assert!(world.caller.ready(), "or nobody would ever send a probe");
        assert_eq!(status(&world.write()), Some(200));
        assert_eq!(status(&world.read()), Some(200));
        let counts = world.caller.counts();
        assert_eq!((counts.calls, counts.failures, counts.opens), (12, 4, 1));
    }
}

#[test]
fn one_probe_at_a_time() {
    let server = Fault::start(vec![Act::json(503, "{}")]);
    let world = world(&server.url);
    for _ in 0..3 {
        let _ = world.read();
    }
    server.now_does(vec![Act::AnswersAfter(
        Duration::from_millis(100),
        200,
        b"{}".to_vec(),
    )]);
    pause(&world, 350);
    let request = request(Effect::Reads);
    let answers = world.runtime.block_on(async {
        let call = || world.caller.exchange(&request, Effect::Reads);
        let (a, b, c) = tokio::join!(call(), call(), call());
        [a, b, c].map(|answer| answer.map(|answer| answer.status))
    });
    let down = Err(Unanswered::NotSent(Failure::UpstreamDown));
    assert_eq!(answers, [Ok(200), down.clone(), down]);
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn a_probe_whose_caller_goes_away_does_not_shut_others_out() {
    let server = Fault::start(vec![Act::json(503, "{}")]);
    let world = world(&server.url);
    for _ in 0..3 {
        let _ = world.read();
    }
    server.now_does(vec![Act::SaysAndStalls(Vec::new()), Act::ok("{}")]);
    pause(&world, 350);
    let request = request(Effect::Reads);
    world.runtime.block_on(async {
        let call = world.caller.exchange(&request, Effect::Reads);
        assert!(
            tokio::time::timeout(Duration::from_millis(50), call)
                .await
                .is_err()
        );
    });
    assert_eq!(status(&world.read()), Some(200));
}

#[test]
fn refusals_of_what_was_asked_are_no_failures() {
    let statuses = [400, 401, 403, 404, 409, 422, 429, 501].map(|status| Act::json(status, "{}"));
    let server = Fault::start(statuses.to_vec());
    let world = world(&server.url);
    for _ in 0..8 {
        assert!(world.write().is_ok());
    }
    assert!(world.caller.ready());
    assert_eq!(world.caller.counts().failures, 0);
}

#[test]
fn who_cannot_be_connected_to_is_left_alone_too() {
    let (url, _socket) = crate::support::fault::refusing();
    let world = world(&url);
    for _ in 0..3 {
        assert!(world.read().is_err());
    }
    assert!(!world.caller.ready());
}
