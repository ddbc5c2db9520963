//! Opaque tokens: whoever has issued them is asked, and the answer is remembered for a short time only.

use std::time::Duration;

use linkbridge::edge::issuer::{ClaimNames, Endpoint, Proof, Settings};
use linkbridge::edge::scope::{Scope, Scopes};
use linkbridge::model::{Failure, Secret};
use linkbridge::outbound::Url;

use super::idp::{Does, Idp};
use super::sign::By;
use super::world::{self, ISSUER, World, good, object, varied, who};

/// The members of a good answer.
const ACTIVE: &[(&str, &str)] = &[
    ("active", "true"),
    ("client_id", r#""svc-billing""#),
    ("scope", r#""links.read""#),
    ("exp", "1800000300"),
];

fn says(changed: &[(&str, &str)]) -> Does {
    Does::say(object(ACTIVE, changed))
}

fn opaque(idp: &Idp) -> Settings {
    let proof = Proof::Introspection(Endpoint {
        url: Url::parse(&idp.url("/introspect")).unwrap(),
        client_id: "link bridge".to_owned(),
        client_secret: Secret::new("p:a%s+s é"),
    });
    Settings {
        name: "opaque".to_owned(),
        issuer: ISSUER.to_owned(),
        audience: Vec::new(),
        proof,
        fronts: None,
        claims: ClaimNames {
            client: "client_id".to_owned(),
            tenant: None,
            scopes: "scope".to_owned(),
        },
        tenant_ids: None,
        scopes: None,
    }
}

fn asks(idp: &Idp) -> World {
    World::of(vec![opaque(idp)])
}

fn is_overloaded(world: &World, token: &str) -> bool {
    matches!(world.identify(token), Err(Failure::Overloaded { .. }))
}

#[test]
fn a_question_is_what_rfc_7662_says() {
    let idp = Idp::start(says(&[]));
    let world = asks(&idp);
    let identity = world.identify("ory_at_a.b+c/d=~&x").unwrap();
    assert_eq!(identity.client, "svc-billing");
    let only: Scopes = [Scope::LinksRead].into_iter().collect();
    assert_eq!(identity.scopes, Some(only));
    let request = &idp.requests()[0];
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /introspect HTTP/1.1\r\n"), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains("content-type: application/x-www-form-urlencoded"));
    assert_eq!(
        body,
        "token=ory_at_a.b%2Bc%2Fd%3D%7E%26x&token_type_hint=access_token"
    );
    // `link%20bridge:p%3Aa%25s%2Bs%20%C3%A9` in base64, made by coreutils.
    let basic = "authorization: basic bGluayUyMGJyaWRnZTpwJTNBYSUyNXMlMkJzJTIwJUMzJUE5";
    assert!(head.contains(&basic.to_ascii_lowercase()), "{head}");
}

#[test]
fn a_good_answer_holds_for_a_minute_and_not_beyond_the_token() {
    let idp = Idp::start(says(&[]));
    let mut world = asks(&idp);
    for found in world.identify_all(&vec!["token".to_owned(); 20]) {
        assert_eq!(who(found).as_deref(), Ok("svc-billing"));
    }
    assert_eq!(idp.asked(), 1, "one question at a time");
    world.passed = 59;
    assert!(world.identify("token").is_ok());
    assert_eq!(idp.asked(), 1);
    // Revoked: seen after a minute at the latest.
    idp.now_does(says(&[("active", "false")]));
    world.passed = 60;
    assert_eq!(who(world.identify("token")), Err(Failure::Unauthenticated));
    assert_eq!(idp.asked(), 2);

    let idp = Idp::start(says(&[("exp", "1800000005")]));
    let mut world = asks(&idp);
    for (passed, is_good, asked) in [(0, true, 1), (4, true, 1), (5, false, 2)] {
        world.passed = passed;
        assert_eq!(world.identify("token").is_ok(), is_good, "{passed}");
        assert_eq!(idp.asked(), asked, "{passed}");
    }
}

#[test]
fn a_bad_answer_holds_for_ten_seconds() {
    let idp = Idp::start(says(&[("active", "false")]));
    let mut world = asks(&idp);
    for (passed, asked) in [(0, 1), (9, 1), (10, 2), (19, 2)] {
        world.passed = passed;
        assert_eq!(who(world.identify("token")), Err(Failure::Unauthenticated));
        assert_eq!(idp.asked(), asked, "{passed}");
    }
    idp.now_does(says(&[]));
    world.passed = 20;
    assert!(world.identify("token").is_ok());
}

#[test]
fn an_answer_must_say_that_the_token_is_good() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("not active", &[("active", "false")]),
        ("active as a text", &[("active", r#""true""#)]),
        ("active as a number", &[("active", "1")]),
        ("active null", &[("active", "null")]),
        ("active missing", &[("active", "")]),
        ("expired", &[("exp", "1800000000")]),
        ("exp as a text", &[("exp", r#""1800000300""#)]),
        ("not yet", &[("nbf", "1800000061")]),
        (
            "of another issuer",
            &[("iss", r#""https://evil.example.com/""#)],
        ),
        ("issuer null", &[("iss", "null")]),
        ("no client", &[("client_id", "")]),
        ("client number", &[("client_id", "1")]),
        ("scope number", &[("scope", "1")]),
    ];
    for (name, changed) in cases {
        let idp = Idp::start(says(changed));
        assert_eq!(
            who(asks(&idp).identify("token")),
            Err(Failure::Unauthenticated),
            "{name}"
        );
    }
    let goods: &[&[(&str, &str)]] = &[
        &[("exp", "")],
        &[("iss", r#""https://login.example.com/""#)],
        &[("scope", "")],
        &[("aud", r#""anybody""#), ("username", r#""ann""#)],
    ];
    for changed in goods {
        let idp = Idp::start(says(changed));
        assert!(asks(&idp).identify("token").is_ok(), "{changed:?}");
    }
}

#[test]
fn an_audience_that_is_configured_is_asked_for() {
    for (aud, is_good) in [
        ("", false),
        (r#""other""#, false),
        (r#""us""#, true),
        (r#"["other","us"]"#, true),
    ] {
        let idp = Idp::start(says(&[("aud", aud)]));
        let mut settings = opaque(&idp);
        settings.audience = vec!["us".to_owned()];
        let world = World::of(vec![settings]);
        assert_eq!(world.identify("token").is_ok(), is_good, "{aud}");
    }
}

#[test]
fn an_issuer_that_does_not_answer_makes_nobody_a_stranger() {
    let active = object(ACTIVE, &[]);
    let faults = [
        Does::Closes,
        Does::Hangs,
        Does::Trickles,
        Does::Floods,
        Does::Answers(401, String::new(), active.clone()),
        Does::Answers(500, String::new(), active.clone()),
        Does::Answers(302, "location: /other\r\n".to_owned(), active.clone()),
        Does::say("true"),
        Does::say(active.replacen("true", r#"false,"active":true"#, 1)),
    ];
    for fault in faults {
        let told = format!("{fault:?}");
        let idp = Idp::start(fault);
        let mut world = asks(&idp);
        assert!(is_overloaded(&world, "token"), "{told}");
        assert!(is_overloaded(&world, "token"), "{told}");
        assert_eq!(idp.asked(), 1, "{told}");
        idp.now_does(says(&[]));
        world.passed = 1;
        assert!(world.identify("token").is_ok(), "{told}");
    }
}

#[test]
fn what_can_be_no_token_of_others_is_sent_to_nobody() {
    let idp = Idp::start(says(&[]));
    let world = asks(&idp);
    let own = varied(&[("typ", r#""linkbridge+jwt""#)], &[], &By::EdDsa);
    let long = "a".repeat(8193);
    let key = linkbridge::edge::keys::EXAMPLE_KEY;
    for text in ["", " ", "a b", "a\tb", "é", &long, key, &own] {
        assert_eq!(
            who(world.identify(text)),
            Err(Failure::Unauthenticated),
            "{text}"
        );
    }
    let limited = Failure::RateLimited {
        retry_after: Duration::from_secs(1),
    };
    let gate = || Err(limited.clone());
    let found = world.identify_at("token", "linkbridge", &gate);
    assert_eq!(who(found), Err(limited.clone()));
    assert_eq!(idp.asked(), 0);
    // A token in the form of a JWT may be asked about as well.
    assert!(world.identify(&good()).is_ok());
    assert_eq!(idp.asked(), 1);
}

#[test]
fn a_token_of_an_issuer_that_signs_is_asked_about_nowhere() {
    let idp = Idp::start(says(&[]));
    let signer = Idp::start(Does::say(world::jwks(&world::all_keys())));
    let corp = world::settings(world::at_url(&signer.url("/jwks.json")));
    let world = World::of(vec![opaque(&idp), corp]);
    let forged = varied(&[], &[], &By::OtherRsa);
    assert_eq!(who(world.identify(&forged)), Err(Failure::Unauthenticated));
    let at_no_front = world.identify_at(&good(), "ory", &|| Ok(()));
    assert_eq!(who(at_no_front), Err(Failure::Unauthenticated));
    assert_eq!(world.identify(&good()).unwrap().issuer.name, "corp");
    assert_eq!(idp.asked(), 0);
}

#[test]
fn several_issuers_are_asked_in_turn() {
    let (first, second) = (
        Idp::start(says(&[("active", "false")])),
        Idp::start(says(&[])),
    );
    let world = World::of(vec![opaque(&first), opaque(&second)]);
    assert!(world.identify("token").is_ok());
    first.now_does(Does::Closes);
    assert!(world.identify("other").is_ok());
    second.now_does(says(&[("active", "false")]));
    // It may be the first one's: nobody knows.
    assert!(is_overloaded(&world, "third"));
    assert_eq!((first.asked(), second.asked()), (3, 3));
}

#[test]
fn questions_are_limited() {
    let idp = Idp::start(Does::AnswersAfter(
        Duration::from_millis(250),
        object(ACTIVE, &[]),
    ));
    let world = asks(&idp);
    let tokens: Vec<String> = (0..100).map(|n| format!("token-{n}")).collect();
    let found = world.identify_all(&tokens);
    let n_good = found.iter().filter(|found| found.is_ok()).count();
    assert_eq!((n_good, idp.asked()), (32, 32));
    let others = found.iter().filter(|found| found.is_err());
    for other in others {
        assert!(
            matches!(other, Err(Failure::Overloaded { .. })),
            "{other:?}"
        );
    }
}

#[test]
fn an_issuer_that_is_away_is_tried_once_a_second() {
    let idp = Idp::start(Does::Closes);
    let mut world = asks(&idp);
    for n in 0..50 {
        assert!(is_overloaded(&world, &format!("token-{n}")));
    }
    assert_eq!(idp.asked(), 5);
    world.passed = 1;
    for n in 0..50 {
        assert!(is_overloaded(&world, &format!("token-{n}")));
    }
    assert_eq!(idp.asked(), 6);
    idp.now_does(says(&[]));
    world.passed = 3;
    assert!(world.identify("token-1").is_ok() && world.identify("token-2").is_ok());
    // A token that the issuer chokes on is no outage.
    idp.now_does(Does::Answers(500, String::new(), String::new()));
    for n in 0..20 {
        assert!(is_overloaded(&world, &format!("bad-{n}")));
    }
    idp.now_does(says(&[]));
    assert!(world.identify("token-3").is_ok());
}
