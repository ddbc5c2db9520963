//! Where keys come from: rotation, outage, storms of unknown keys, and sources that misbehave.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use linkbridge::model::Failure;

use super::idp::{Does, Idp};
use super::sign::{By, KEYS};
use super::world::{World, all_keys, at_url, good, jwks, settings, varied, who};

fn world(idp: &Idp) -> World {
    World::of(vec![settings(at_url(&idp.url("/jwks.json")))])
}

fn is_overloaded(world: &World, token: &str) -> bool {
    matches!(world.identify(token), Err(Failure::Overloaded { .. }))
}

fn unknown_kid(n: usize) -> String {
    varied(
        &[("kid", &format!(r#""new-{n}""#))],
        &[("exp", "1900000000")],
        &By::Rs256,
    )
}

/// A good token that outlives every test.
fn lasting() -> String {
    varied(&[], &[("exp", "1900000000")], &By::Rs256)
}

#[test]
fn keys_are_loaded_once_and_kept() {
    let idp = Idp::start(Does::AnswersAfter(
        Duration::from_millis(50),
        jwks(&all_keys()),
    ));
    let world = world(&idp);
    let tokens = vec![good(); 20];
    for found in world.identify_all(&tokens) {
        assert_eq!(who(found).as_deref(), Ok("svc-billing"));
    }
    assert_eq!(idp.asked(), 1);
    let request = &idp.requests()[0];
    assert!(
        request.starts_with("GET /jwks.json HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(!request.contains(&good()), "a token is nobody's business");
}

#[test]
fn keys_are_loaded_anew_ahead_of_their_time() {
    let idp = Idp::start(Does::say(jwks(&all_keys())));
    let mut world = world(&idp);
    let mut asked_after = |passed| {
        world.passed = passed;
        assert!(world.identify(&lasting()).is_ok());
        world.settle();
        idp.asked()
    };
    assert_eq!([0, 470].map(&mut asked_after), [1, 1]);
    // From here on while the old ones still serve, and not again before four fifths of the new time.
    assert_eq!([490, 500, 900].map(&mut asked_after), [2, 2, 2]);
    // Nobody has come for long: whoever comes now waits for new ones.
    assert_eq!([5000, 5001].map(&mut asked_after), [3, 3]);
}

#[test]
fn a_rotated_key_is_found_and_a_withdrawn_one_is_gone_in_time() {
    let old = KEYS.rsa_jwk(&KEYS.rsa, r#","kid":"rsa-1""#);
    let new = KEYS.rsa_jwk(&KEYS.rsa, r#","kid":"new-1""#);
    let idp = Idp::start(Does::say(jwks(&[old])));
    let mut world = world(&idp);
    assert!(world.identify(&lasting()).is_ok());
    idp.now_does(Does::say(jwks(&[new])));
    world.passed = 31;
    // The unknown key is looked for, and found; the old one went with that.
    assert!(world.identify(&unknown_kid(1)).is_ok());
    assert_eq!(
        who(world.identify(&lasting())),
        Err(Failure::Unauthenticated)
    );
    assert_eq!(idp.asked(), 2);
}

#[test]
fn a_storm_of_unknown_keys_asks_at_most_every_30_seconds() {
    let idp = Idp::start(Does::say(jwks(&all_keys())));
    let mut world = world(&idp);
    for (passed, asked) in [(0, 1), (1, 1), (29, 1), (30, 2), (31, 2), (59, 2), (60, 3)] {
        world.passed = passed;
        let tokens: Vec<String> = (0..50).map(unknown_kid).collect();
        for found in world.identify_all(&tokens) {
            assert_eq!(who(found), Err(Failure::Unauthenticated));
        }
        assert_eq!(idp.asked(), asked, "after {passed} seconds");
        assert!(world.identify(&lasting()).is_ok());
    }
    // Tokens that are bad without their keys ask for none.
    world.passed = 300;
    let expired = varied(&[("kid", r#""new""#)], &[("exp", "1")], &By::Rs256);
    assert!(world.identify(&expired).is_err());
    assert_eq!(idp.asked(), 3);
}

#[test]
fn an_outage_fails_no_valid_token_while_its_keys_are_kept() {
    let idp = Idp::start(Does::say(jwks(&all_keys())));
    let mut world = world(&idp);
    assert!(world.identify(&lasting()).is_ok());
    let faults = [
        Does::Closes,
        Does::Answers(500, String::new(), jwks(&[])),
        Does::Hangs,
        Does::say("<html>"),
        Does::say(r#"{"error":"x"}"#),
        Does::say(r#"{"keys":{}}"#),
        Does::say(format!(r#"{{"keys":[],"keys":[{}]}}"#, all_keys()[0])),
        Does::Trickles,
        Does::Floods,
        Does::Answers(302, "location: /other\r\n".to_owned(), String::new()),
        Does::Answers(200, "content-encoding: gzip\r\n".to_owned(), jwks(&[])),
    ];
    for (n, fault) in faults.into_iter().enumerate() {
        let (told, asked) = (format!("{fault:?}"), idp.asked());
        idp.now_does(fault);
        world.passed = 700 * (u64::try_from(n).unwrap() + 1);
        assert!(world.identify(&lasting()).is_ok(), "{told}");
        assert_eq!(idp.asked(), asked + 1, "{told}");
        // Within the next 30 seconds nobody waits for it again.
        world.passed += 29;
        assert!(world.identify(&lasting()).is_ok(), "{told}");
        assert_eq!(idp.asked(), asked + 1, "{told}");
    }
    idp.now_does(Does::Closes);
    world.passed = 24 * 3600 - 1;
    assert!(world.identify(&lasting()).is_ok());
    world.passed = 24 * 3600 + 60;
    assert!(is_overloaded(&world, &lasting()));
    idp.now_does(Does::say(jwks(&all_keys())));
    world.passed += 60;
    assert!(world.identify(&lasting()).is_ok());
}

#[test]
fn without_any_keys_nobody_is_called_a_stranger() {
    let idp = Idp::start(Does::Closes);
    let mut world = world(&idp);
    assert!(is_overloaded(&world, &lasting()));
    assert!(is_overloaded(&world, &varied(&[], &[], &By::OtherRsa)));
    assert_eq!(idp.asked(), 1);
    idp.now_does(Does::say(jwks(&all_keys())));
    world.passed = 4;
    assert!(is_overloaded(&world, &lasting()));
    world.passed = 5;
    assert!(world.identify(&lasting()).is_ok());
    assert_eq!(idp.asked(), 2);
}

#[test]
fn an_empty_set_is_an_answer() {
    let idp = Idp::start(Does::say(jwks(&all_keys())));
    let mut world = world(&idp);
    assert!(world.identify(&lasting()).is_ok());
    idp.now_does(Does::say(jwks(&[])));
    world.passed = 601;
    assert_eq!(
        who(world.identify(&lasting())),
        Err(Failure::Unauthenticated)
    );
}

#[test]
fn who_may_not_make_us_call_makes_us_call_nobody() {
    let idp = Idp::start(Does::say(jwks(&all_keys())));
    let world = world(&idp);
    let limited = || Failure::RateLimited {
        retry_after: Duration::from_secs(1),
    };
    let n_asked = AtomicUsize::new(0);
    let gate = || {
        n_asked.fetch_add(1, Ordering::SeqCst);
        Err(limited())
    };
    assert_eq!(
        who(world.identify_at(&good(), "linkbridge", &gate)),
        Err(limited())
    );
    assert_eq!((idp.asked(), n_asked.load(Ordering::SeqCst)), (0, 1));
    assert!(world.identify(&good()).is_ok());
    // Keys that are there serve everybody.
    assert!(world.identify_at(&good(), "linkbridge", &gate).is_ok());
    assert_eq!(idp.asked(), 1);
}

#[test]
fn a_redirect_leads_nowhere() {
    let trap = Idp::start(Does::say(jwks(&all_keys())));
    let to = format!("location: {}\r\n", trap.url("/jwks.json"));
    for status in [301, 302, 303, 307, 308] {
        let idp = Idp::start(Does::Answers(status, to.clone(), String::new()));
        assert!(is_overloaded(&world(&idp), &good()), "{status}");
        assert_eq!(idp.asked(), 1);
    }
    assert_eq!(trap.asked(), 0);
}

#[test]
fn a_file_is_read_again_when_it_has_changed() {
    let (mut world, path) = World::with_keys(&jwks(&all_keys()[1..]));
    assert_eq!(
        who(world.identify(&lasting())),
        Err(Failure::Unauthenticated)
    );
    std::fs::write(&path, jwks(&all_keys())).unwrap();
    world.passed = 29;
    assert_eq!(
        who(world.identify(&lasting())),
        Err(Failure::Unauthenticated)
    );
    world.passed = 30;
    assert!(world.identify(&lasting()).is_ok());
    // A file that has gone, or is half written, takes nothing away.
    std::fs::write(&path, "{").unwrap();
    world.passed = 61;
    assert!(world.identify(&lasting()).is_ok());
    std::fs::remove_file(&path).unwrap();
    world.passed = 92;
    assert!(world.identify(&lasting()).is_ok());
}
