//! Connections that are kept, and that end when nobody looks.

use std::collections::HashSet;
use std::time::Duration;

use linkbridge::backend::upstream::exchange::{Effect, Exchange, Unanswered};
use linkbridge::model::{Failure, OwnedRequest};

use super::{World, endpoint, request, status};
use crate::support::fault::{Act, Fault, Seen};

#[test]
fn connections_are_used_again() {
    let server = Fault::start(vec![Act::ok("{}")]);
    let world = World::at(&server.url);
    for _ in 0..5 {
        assert_eq!(status(&world.write()), Some(200));
    }
    let on_the_first = |seen: &Seen| seen.connection == 0;
    assert_eq!(
        server
            .seen()
            .iter()
            .filter(|seen| on_the_first(seen))
            .count(),
        5
    );
}

/// The connection ends while it is idle: the write goes over another, whether the end was noticed or not.
#[test]
fn a_write_goes_over_another_connection_if_the_kept_one_has_ended() {
    let server = Fault::start(vec![
        Act::AnswersAndCloses(200, b"{}".to_vec()),
        Act::ok("{}"),
    ]);
    let world = World::at(&server.url);
    assert_eq!(status(&world.write()), Some(200));
    world.pause(Duration::from_millis(100));
    assert_eq!(status(&world.write()), Some(200));
    assert_eq!((server.seen().len(), server.connections()), (2, 2));
}

/// The connection ends when the second request has been read: a write is lost, a read is sent again.
#[test]
fn a_request_that_was_seen_on_a_kept_connection_is_sent_again_only_if_it_reads() {
    let script = vec![Act::ok("{}"), Act::SaysAndCloses(Vec::new()), Act::ok("{}")];
    let server = Fault::start(script.clone());
    let world = World::at(&server.url);
    assert_eq!(status(&world.write()), Some(200));
    assert_eq!(
        world.write().map(drop),
        Err(Unanswered::Lost(Failure::UpstreamDown))
    );
    assert_eq!(server.seen().len(), 2);
    let server = Fault::start(script);
    let world = World::at(&server.url);
    assert_eq!(status(&world.read()), Some(200));
    assert_eq!(status(&world.read()), Some(200));
    assert_eq!(server.seen().len(), 3);
}

/// A server that closes after every answer without a word, raced by writes: none is ever seen twice, none that
/// was said not to be sent was seen, and every answered one was.
#[test]
fn no_write_is_seen_twice_however_connections_end() {
    let server = Fault::start(vec![Act::AnswersAndCloses(200, b"{}".to_vec())]);
    let world = World::at(&server.url);
    let (mut answered, mut unsent, mut lost) = (HashSet::new(), HashSet::new(), 0);
    for n in 0..400 {
        let body = format!("{{\"n\":{n}}}");
        let request = OwnedRequest {
            body: body.clone().into_bytes(),
            ..request(Effect::Writes)
        };
        let answer = world.caller.exchange(&request, Effect::Writes);
        match world.runtime.block_on(answer) {
            Ok(answer) => {
                assert_eq!(answer.status, 200);
                answered.insert(body);
            }
            Err(Unanswered::NotSent(_)) => {
                unsent.insert(body);
            }
            Err(Unanswered::Lost(_)) => lost += 1,
        }
        if n % 3 == 0 {
            world.pause(Duration::from_micros(n * 7 % 500));
        }
    }
    let mut seen = HashSet::new();
    for request in server.seen() {
        let body = String::from_utf8(request.body).unwrap();
        assert!(seen.insert(body.clone()), "{body} was seen twice");
    }
    assert!(answered.is_subset(&seen) && seen.is_disjoint(&unsent));
    assert!(
        answered.len() > 100,
        "{} answered, {lost} lost",
        answered.len()
    );
}

/// What is left on a connection behind an answer is never taken for the next answer.
#[test]
fn a_second_answer_answers_nothing() {
    for act in ["two answers", "a longer body than said"] {
        let (_, act) = crate::support::fault::named()
            .into_iter()
            .find(|(name, _)| *name == act)
            .unwrap();
        for pause in [0, 50] {
            let server = Fault::start(vec![act.clone(), Act::ok("{\"good\":1}")]);
            let world = World::at(&server.url);
            assert_eq!(world.read().unwrap().body, b"{}");
            world.pause(Duration::from_millis(pause));
            assert_eq!(world.read().unwrap().body, b"{\"good\":1}", "{act:?}");
        }
    }
}

#[test]
fn a_connection_that_is_idle_for_too_long_is_not_used_again() {
    let server = Fault::start(vec![Act::ok("{}")]);
    let mut endpoint = endpoint(&server.url);
    assert_eq!(
        endpoint.http.timeouts.idle,
        Duration::from_secs(4),
        "less than Node's 5 seconds"
    );
    endpoint.http.timeouts.idle = Duration::from_millis(100);
    let world = World::new(&endpoint);
    assert!(world.read().is_ok());
    world.pause(Duration::from_millis(250));
    assert!(world.read().is_ok());
    assert_eq!(server.connections(), 2);
}

/// Two runtimes have connections of their own: the end of one takes none from the other.
#[test]
fn a_worker_that_ends_takes_no_call_of_another_with_it() {
    let server = Fault::start(vec![
        Act::ok("{}"),
        Act::AnswersAfter(Duration::from_millis(300), 200, b"{}".to_vec()),
    ]);
    let world = World::at(&server.url);
    let other = World::at(&server.url).runtime;
    let send = || async {
        let request = request(Effect::Writes);
        world.caller.exchange(&request, Effect::Writes).await
    };
    assert!(other.block_on(send()).is_ok());
    std::thread::scope(|scope| {
        let call = scope.spawn(|| world.write());
        std::thread::sleep(Duration::from_millis(100));
        drop(other);
        assert_eq!(status(&call.join().unwrap()), Some(200));
    });
    assert_eq!(server.connections(), 2);
}
