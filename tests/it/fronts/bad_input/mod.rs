//! Bad input in every front: each condition of the table in `tests/fronts/bad_input.toml` is answered with the status
//! and in the words of the front's vendor. Nothing is a fault of ours, nothing ends a connection that need not
//! end, and the server goes on.

mod attempts;
mod shape;
mod wire;

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use linkbridge::model::Failure;
use serde_json::Value;
use toml::Table;

use super::super::exchanges::compare::{Expected, House, compare};
use super::super::exchanges::house;
use super::super::support::client::Answer;
use super::super::support::config::Profile;
use super::super::support::conflict;
use super::super::support::fixtures::{B, K, Q};
use super::super::support::native;
use super::super::support::server::Server;
use super::clients::{CLIENTS, Client, client, table, text};
use super::facts::Fact;
use super::template::{Request, Values};
use attempts::{Attempt, Requests, profile, profile_of_rates};
use wire::{Goes, Wire, exchange};

static FILE: LazyLock<Table> = LazyLock::new(|| table("bad_input.toml").unwrap());

/// Conditions that need a server of their own.
const OF_SERVERS: [&str; 5] = [
    "rate_limited",
    "overloaded",
    "conflict",
    "outcome_unknown",
    "internal",
];

/// The requests of a front that no client has.
pub(super) struct Front {
    envelope: Value,
    unknown_route: String,
    wrong_method: String,
    allow: String,
    path: String,
}

fn part<'t>(table: &'t Table, name: &str) -> &'t Table {
    let part = table.get(name).and_then(toml::Value::as_table);
    part.unwrap_or_else(|| panic!("bad_input.toml has no {name}"))
}

fn front(dialect: &str) -> Front {
    let table = part(part(&FILE, "front"), dialect);
    let text = |name| text(table, name).unwrap();
    Front {
        envelope: serde_json::from_str(&text("envelope")).unwrap(),
        unknown_route: text("unknown_route"),
        wrong_method: text("wrong_method"),
        allow: text("allow"),
        path: text("path"),
    }
}

/// What a front says of a condition: a status and, unless it says nothing more, members of the body.
fn says(condition: &str, dialect: &str) -> Option<(u16, Option<Value>)> {
    let said = part(part(&FILE, "condition"), condition).get(dialect)?;
    let said = said.as_str().unwrap();
    let (status, body) = match said.split_once(' ') {
        Some((status, body)) => (status, Some(serde_json::from_str(body).unwrap())),
        None => (said, None),
    };
    Some((status.parse().unwrap(), body))
}

/// What is found wrong with the answers of one front.
pub(super) struct Judge {
    client: &'static Client,
    front: Front,
    house: House,
    asked: usize,
    wrong: Vec<String>,
}

impl Judge {
    pub(super) fn new(dialect: &str) -> Self {
        let client = client(dialect);
        let house = match client.house.is_empty() {
            true => house(&client.vendor).1,
            false => House {
                json: client.house.clone(),
                empty: Vec::new(),
            },
        };
        Self {
            client,
            front: front(dialect),
            house,
            asked: 0,
            wrong: Vec::new(),
        }
    }

    fn requests(&self, key: &'static str) -> Requests<'_> {
        Requests {
            front: &self.front,
            client: self.client,
            key,
        }
    }

    /// Sends an attempt at a condition, and notes what is wrong with the answer.
    fn try_one(&mut self, addr: SocketAddr, condition: &str, attempt: &Attempt) {
        self.asked += 1;
        let found = match exchange(addr, &attempt.wire) {
            Err(error) => vec![error],
            Ok((answer, goes)) => {
                let mut found = self.faults(condition, &answer);
                if attempt.goes.is_some_and(|wanted| wanted != goes) {
                    found.push(format!("the connection {goes:?}"));
                }
                if !found.is_empty() {
                    found.push(format!("{} {}", answer.status, answer.text()));
                }
                found
            }
        };
        let what = format!(
            "{}, {condition} ({:.60})",
            self.client.dialect, attempt.what
        );
        self.wrong
            .extend(found.into_iter().map(|f| format!("{what}: {f}")));
    }

    fn faults(&self, condition: &str, answer: &Answer) -> Vec<String> {
        let (status, body) = says(condition, &self.client.dialect).unwrap();
        let partial = body.map(|body| match body {
            Value::Object(mut members) => {
                members.insert("any:members".to_owned(), Value::from("more"));
                Value::Object(members).to_string()
            }
            other => other.to_string(),
        });
        let mut headers = Vec::new();
        if status >= 400 && partial.is_some() {
            headers.push(("Content-Type".to_owned(), self.client.errors.clone()));
        }
        let expected = Expected {
            status,
            headers,
            body: partial.clone(),
        };
        let mut found = compare(&self.house, &expected, answer).0;
        if status >= 400 && partial.is_some() {
            found.extend(self.misshapen(answer));
        }
        if condition == "wrong_method" && !same_list(answer.header("allow"), &self.front.allow) {
            found.push(format!("Allow is {:?}", answer.header("allow")));
        }
        if matches!(condition, "rate_limited" | "overloaded") {
            let seconds = answer.header("retry-after").map(str::parse::<u32>);
            if !matches!(seconds, Some(Ok(1..))) {
                found.push(format!("Retry-After is {:?}", answer.header("retry-after")));
            }
        }
        found
    }

    /// What is wrong with the form of an error. A vendor that says nothing with some statuses says so in the
    /// headers of its answers without a body.
    pub(super) fn misshapen(&self, answer: &Answer) -> Vec<String> {
        let is_bare =
            matches!(answer.status, 401 | 404 | 405) && self.client.vendor == "fusionauth";
        let kind = answer.header("content-type");
        if is_bare && answer.body.is_empty() && kind.is_none() {
            return Vec::new();
        }
        if kind != Some(self.client.errors.as_str()) {
            return vec![format!("an error of type {kind:?}")];
        }
        let mut values = Values::default();
        values.set("status", answer.status.to_string());
        let envelope = values.fill_json(&self.front.envelope).unwrap().unwrap();
        let json = match answer.json() {
            Ok(json) => json,
            Err(error) => return vec![error],
        };
        let mut found = shape::faults(&envelope, &json);
        if let Some(id) = answer.header("correlation-id")
            && json["id"] != id
        {
            found.push(format!("the error is not of the request {id}"));
        }
        found
    }

    fn finish(self) {
        assert!(
            self.wrong.is_empty(),
            "{} of {}:\n{}",
            self.wrong.len(),
            self.asked,
            self.wrong.join("\n")
        );
        eprintln!(
            "bad input: {} requests at {}",
            self.asked, self.client.dialect
        );
    }
}

fn same_list(given: Option<&str>, wanted: &str) -> bool {
    let sorted = |text: &str| {
        let mut words: Vec<String> = text.split(',').map(|w| w.trim().to_owned()).collect();
        words.sort();
        words
    };
    given.is_some_and(|given| sorted(given) == sorted(wanted))
}

/// Every condition that an ordinary server can be brought into.
fn ordinary(judge: &mut Judge) {
    let mut server = Server::start(&profile()).unwrap();
    let mut client = super::settle(server.addr, true);
    let taken = serde_json::json!({ "user_id": B, "provider_id": "acme-oidc", "subject": "taken" });
    native::create_link(&mut client, "acme", &taken).unwrap();
    for condition in part(&FILE, "condition").keys() {
        let is_said = says(condition, &judge.client.dialect).is_some();
        if OF_SERVERS.contains(&condition.as_str()) || !is_said {
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
    let (profile, key) = profile_of_rates();
    let server = Server::start(&profile).unwrap();
    super::settle(server.addr, false);
    let wire = judge.requests(key).base(&Fact::new("A", "P", "often"));
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
    for condition in part(&FILE, "condition").keys() {
        for client in CLIENTS.iter() {
            let is_said = says(condition, &client.dialect).is_some();
            // What only a request that makes a link can have wrong.
            let of_creates = [
                "bad_account",
                "unknown_provider",
                "taken",
                "outcome_unknown",
            ];
            let is_asked = !client.creates.is_empty() || !of_creates.contains(&condition.as_str());
            let is_asked = is_asked && (client.list().is_some() || condition != "odd_accept");
            assert_eq!(is_said, is_asked, "{} and {condition}", client.dialect);
        }
        let known = part(part(&FILE, "condition"), condition).keys();
        for dialect in known {
            client(dialect);
        }
    }
}
