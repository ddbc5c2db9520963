//! Bad input in every front: each condition of the table in `tests/fronts/bad_input.toml` is answered with the status
//! and in the words of the front's vendor. Nothing is a fault of ours, nothing ends a connection that need not
//! end, and the server goes on.

mod attempts;
mod bodies;
mod judge;
mod shape;
mod wire;

use std::time::Duration;

use linkbridge::model::Failure;

use super::super::support::config::Profile;
use super::super::support::conflict;
use super::super::support::fixtures::{B, K, Q};
use super::super::support::native;
use super::super::support::server::Server;
use super::clients::{CLIENTS, client};
use super::facts::Fact;
use super::template::Request;
use attempts::Attempt;
pub(super) use judge::Judge;
use judge::{conditions, dialects, front, says};
use wire::{Goes, Wire, exchange};

/// Conditions that need a server of their own.
const OF_SERVERS: [&str; 5] = [
    "rate_limited",
    "overloaded",
    "conflict",
    "outcome_unknown",
    "internal",
];

/// The server that most conditions are asked of.
fn profile() -> Profile {
    Profile {
        two_tenants: true,
        ..Profile::default()
    }
}

/// Every condition that an ordinary server can be brought into.
fn ordinary(judge: &mut Judge) {
    let mut server = Server::start(&profile()).unwrap();
    let mut client = super::settle(server.addr, true);
    let taken = serde_json::json!({ "user_id": B, "provider_id": "acme-oidc", "subject": "taken" });
    native::create_link(&mut client, "acme", &taken).unwrap();
    for condition in conditions() {
        let is_said = says(condition, &judge.client.dialect).is_some();
        if OF_SERVERS.contains(&condition) || !is_said {
            continue;
        }
        for attempt in judge.requests(Q).attempts(condition) {
            judge.try_one(server.addr, condition, &attempt);
        }
    }
    assert!(server.lives(), "{}", server.log());
    let log = server.log();
    let panics = log.lines().filter(|line| line.contains("panicked"));
    judge.wrong.extend(panics.map(str::to_owned));
}

/// A client that asks too often.
fn too_often(judge: &mut Judge) {
    let profile = Profile {
        rate: Some(1),
        ..Profile::default()
    };
    let server = Server::start(&profile).unwrap();
    super::settle(server.addr, false);
    let wire = judge.requests(K).base(&Fact::new("A", "P", "often"));
    let first = exchange(server.addr, &wire).unwrap().0;
    assert!(first.status < 300, "{} {}", first.status, first.text());
    let read = Wire {
        body: None,
        ..wire.clone()
    };
    let attempts = [
        ("without a body", read, Some(Goes::On)),
        ("with a body", wire, None),
    ];
    for (what, wire, goes) in attempts {
        let what = what.to_owned();
        judge.try_one(server.addr, "rate_limited", &Attempt { what, wire, goes });
    }
}

/// A backend that answers every operation with this failure.
fn refused(judge: &mut Judge, condition: &str, failure: Failure) {
    if says(condition, &judge.client.dialect).is_none() {
        return;
    }
    let server = conflict::start_with(&Profile::default(), failure).unwrap();
    let attempt = Attempt {
        what: "a request".to_owned(),
        wire: judge.requests(K).base(&Fact::new("A", "P", "refused")),
        goes: Some(Goes::On),
    };
    judge.try_one(server.addr, condition, &attempt);
}

fn hold(dialect: &str) {
    let mut judge = Judge::new(dialect);
    ordinary(&mut judge);
    too_often(&mut judge);
    let retry_after = Duration::from_secs(1);
    refused(&mut judge, "conflict", Failure::Conflict);
    refused(
        &mut judge,
        "overloaded",
        Failure::Overloaded { retry_after },
    );
    refused(&mut judge, "outcome_unknown", Failure::OutcomeUnknown);
    let incident = "7f".to_owned();
    refused(&mut judge, "internal", Failure::Internal { incident });
    judge.finish();
}

#[test]
fn linkbridge_refuses_in_its_own_words() {
    hold("linkbridge");
}

#[test]
fn fusionauth_refuses_in_its_own_words() {
    hold("fusionauth");
}

#[test]
fn flip_refuses_in_its_own_words() {
    hold("flip");
}

#[test]
fn flip_v3_refuses_in_its_own_words() {
    hold("flip-v3");
}

#[test]
fn keycloak_refuses_in_its_own_words() {
    hold("keycloak");
}

#[test]
fn ory_refuses_in_its_own_words() {
    hold("ory");
}

#[test]
fn pingone_refuses_in_its_own_words() {
    hold("pingone");
}

#[test]
fn zitadel_v2_refuses_in_its_own_words() {
    hold("zitadel-v2");
}

#[test]
fn zitadel_v3alpha_refuses_in_its_own_words() {
    hold("zitadel-v3alpha");
}

#[test]
fn zitadel_management_v1_refuses_in_its_own_words() {
    hold("zitadel-management-v1");
}

/// A target over the limit is refused before any front is looked for: as RFC 9457 has it, and the connection ends.
#[test]
fn a_target_that_is_too_long_is_nobodys() {
    let server = Server::start(&profile()).unwrap();
    for client in CLIENTS.iter() {
        let front = front(&client.dialect);
        let mut values = Fact::new("A", "P", "s").values(&client.vendor);
        values.set("key", Q);
        values.set("id", "x".repeat(9000));
        let request = Request::parse(&front.path).unwrap();
        let wire = request.fill(&client.headers, &values).unwrap().into();
        let (answer, goes) = exchange(server.addr, &wire).unwrap();
        assert_eq!(
            (answer.status, goes),
            (414, Goes::Ends),
            "{}",
            client.dialect
        );
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        let json = answer.json().unwrap();
        assert_eq!(json["status"], 414);
        assert!(json["title"].is_string() && json["type"].is_string());
    }
}

/// What is wrong with a head comes before any front, too.
#[test]
fn a_head_that_is_wrong_is_nobodys() {
    let server = Server::start(&profile()).unwrap();
    for client in CLIENTS.iter() {
        let judge = Judge::new(&client.dialect);
        let good = judge.requests(Q).base(&Fact::new("A", "P", "head"));
        let changed = |change: &dyn Fn(&mut Wire)| {
            let mut wire = good.clone();
            change(&mut wire);
            wire
        };
        let header = |name: &str, value: &str| {
            let more = (name.to_owned(), value.to_owned());
            changed(&|wire| wire.headers.push(more.clone()))
        };
        for (what, wire, status) in [
            ("a second Host", header("Host", "other.example"), 400),
            ("an expectation", header("Expect", "a miracle"), 417),
            (
                "a coding",
                header("Transfer-Encoding", "gzip, chunked"),
                501,
            ),
            ("a long field", header("X-Long", &"x".repeat(9000)), 431),
            (
                "a verb",
                changed(&|wire| wire.method = "FROB".to_owned()),
                501,
            ),
            (
                "another host",
                changed(&|wire| wire.target = format!("http://other.example{}", wire.target)),
                421,
            ),
        ] {
            // Both a length and a coding are another fault.
            let wire = match what {
                "a coding" => Wire { body: None, ..wire },
                _ => wire,
            };
            let (answer, goes) = exchange(server.addr, &wire).unwrap();
            let what = format!("{}, {what}: {}", client.dialect, answer.text());
            assert_eq!((answer.status, goes), (status, Goes::Ends), "{what}");
            assert_eq!(
                answer.header("content-type"),
                Some("application/problem+json"),
                "{what}"
            );
        }
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// The table has every front in every row, but for what one cannot be asked.
#[test]
fn the_table_has_no_holes() {
    for condition in conditions() {
        for client in CLIENTS.iter() {
            let is_said = says(condition, &client.dialect).is_some();
            // What only a request that makes a link can have wrong.
            let of_creates = [
                "bad_account",
                "unknown_provider",
                "taken",
                "outcome_unknown",
            ];
            let is_asked = !client.creates.is_empty() || !of_creates.contains(&condition);
            let is_asked = is_asked && (client.list().is_some() || condition != "odd_accept");
            assert_eq!(is_said, is_asked, "{} and {condition}", client.dialect);
        }
        for dialect in dialects(condition) {
            client(dialect);
        }
    }
}
