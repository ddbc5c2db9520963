//! Faults of HTTP/2: what the peer says that it has not looked at is sent again, everything else as over HTTP/1.1.

use linkbridge::backend::upstream::exchange::{Effect, Unanswered};
use linkbridge::model::Failure;
use linkbridge::outbound::Protocols;

use super::{World, endpoint, status};
use crate::support::fault::http2::{Act2, Fault2, INTERNAL_ERROR, REFUSED_STREAM};

fn world(url: &str) -> World {
    let mut endpoint = endpoint(url);
    endpoint.http.protocols = Protocols::Http2;
    World::new(&endpoint)
}

#[test]
fn calls_share_a_connection() {
    let server = Fault2::start(vec![Act2::Answers]);
    let world = world(&server.url);
    for _ in 0..3 {
        assert_eq!(status(&world.read()), Some(200));
        assert_eq!(status(&world.write()), Some(200));
    }
    assert_eq!((server.streams(), server.connections()), (6, 1));
}

/// Fault, how often a read and a write are sent while it lasts.
#[test]
fn every_fault_comes_to_what_it_should() {
    let down = Err(Unanswered::Lost(Failure::UpstreamDown));
    let unsent = Err(Unanswered::NotSent(Failure::UpstreamDown));
    let refused = Err(Unanswered::Lost(Failure::UpstreamRefused));
    let late = Err(Unanswered::Lost(Failure::UpstreamTimeout));
    for (act, reads, writes, comes) in [
        (Act2::Resets(INTERNAL_ERROR), 3, 1, &down),
        (Act2::Resets(REFUSED_STREAM), 3, 3, &unsent),
        (Act2::AnswersHalfAndResets(INTERNAL_ERROR), 1, 1, &refused),
        (Act2::GoesAway(0, true), 3, 1, &down),
        (Act2::GoesAway(0, false), 3, 3, &unsent),
        (Act2::GoesAway(INTERNAL_ERROR, true), 3, 1, &down),
        (Act2::Closes, 3, 1, &down),
        (Act2::Stalls, 1, 1, &late),
        (Act2::Dies, 1, 1, &late),
    ] {
        for (effect, times) in [(Effect::Reads, reads), (Effect::Writes, writes)] {
            let server = Fault2::start(vec![act]);
            let answer = world(&server.url).send(effect).map(drop);
            assert_eq!(
                (&answer, server.streams()),
                (comes, times),
                "{act:?}, {effect:?}"
            );
        }
    }
}

#[test]
fn a_write_that_was_not_looked_at_is_sent_again() {
    for act in [Act2::Resets(REFUSED_STREAM), Act2::GoesAway(0, false)] {
        let server = Fault2::start(vec![act, Act2::Answers]);
        assert_eq!(status(&world(&server.url).write()), Some(200), "{act:?}");
        assert_eq!(server.streams(), 2);
    }
}
