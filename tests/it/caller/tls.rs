//! Who is called must prove who it is, and may ask the same of us.

use linkbridge::backend::upstream::exchange::{Effect, Unanswered};
use linkbridge::model::Failure;
use linkbridge::outbound::{Identity, Protocols, Roots};

use super::{World, endpoint, status};
use crate::support::fault::tls::{self, Shows};
use crate::support::fault::{Act, Fault};

fn world(server: &Fault, change: impl FnOnce(&mut linkbridge::outbound::Settings)) -> World {
    let mut endpoint = endpoint(&server.url);
    endpoint.http.roots = Roots::Pem(tls::roots());
    change(&mut endpoint.http);
    World::new(&endpoint)
}

#[test]
fn who_cannot_prove_its_name_sees_no_request() {
    for shows in [Shows::Expired, Shows::OtherName, Shows::Untrusted] {
        for effect in [Effect::Reads, Effect::Writes] {
            let server = tls::start(shows, false, vec![Act::ok("{}")]);
            let answer = world(&server, |_| ()).send(effect).map(drop);
            let refused = Err(Unanswered::NotSent(Failure::UpstreamRefused));
            assert_eq!(answer, refused, "{shows:?}");
            assert_eq!((server.seen().len(), server.connections()), (0, 1));
        }
    }
    let server = tls::start(Shows::Good, false, vec![Act::ok("{}")]);
    assert_eq!(status(&world(&server, |_| ()).write()), Some(200));
}

#[test]
fn we_show_a_certificate_to_who_asks_for_one() {
    let (certificate, key) = tls::client();
    let identity = || Some(Identity::parse(&certificate, &key).unwrap());
    for asks in [true, false] {
        let server = tls::start(Shows::Good, asks, vec![Act::ok("{}")]);
        let shown = world(&server, |http| http.identity = identity()).write();
        assert_eq!(status(&shown), Some(200));
    }
    let server = tls::start(Shows::Good, true, vec![Act::ok("{}")]);
    assert!(world(&server, |_| ()).write().is_err());
    assert!(server.seen().is_empty());
    let shown = format!("{:?}", identity());
    assert!(shown.len() < 40, "{shown}");
}

#[test]
fn a_certificate_comes_with_its_key() {
    let (certificate, key) = tls::client();
    let (_, other_key) = tls::client();
    for (chain, key) in [
        (&certificate, &other_key),
        (&Vec::new(), &key),
        (&certificate, &Vec::new()),
        (&certificate, &certificate),
        (&key, &key),
    ] {
        assert!(Identity::parse(chain, key).is_err());
    }
}

#[test]
fn who_must_speak_http2_and_does_not_is_refused() {
    let server = tls::start(Shows::Good, false, vec![Act::ok("{}")]);
    let only_http2 = world(&server, |http| http.protocols = Protocols::Http2);
    let answer = only_http2.write().map(drop);
    assert_eq!(answer, Err(Unanswered::NotSent(Failure::UpstreamRefused)));
    assert!(server.seen().is_empty());
    let only_http1 = world(&server, |http| http.protocols = Protocols::Http1);
    assert_eq!(status(&only_http1.write()), Some(200));
}
