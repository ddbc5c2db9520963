//! What a front says of each condition, and what is wrong with its answers.

use std::net::SocketAddr;
use std::sync::LazyLock;

use serde_json::Value;
use toml::Table;

use super::super::super::exchanges::compare::{Expected, House, compare};
use super::super::super::exchanges::house;
use super::super::super::support::client::Answer;
use super::super::clients::{Client, client, table, text};
use super::super::template::Values;
use super::attempts::{Attempt, Requests};
use super::shape;
use super::wire::exchange;

static FILE: LazyLock<Table> = LazyLock::new(|| table("bad_input.toml").unwrap());

/// The requests of a front that no client has.
pub(super) struct Front {
    envelope: Value,
    pub(super) unknown_route: String,
    pub(super) wrong_method: String,
    allow: String,
    /// Has an id in its path.
    pub(super) path: String,
}

/// The conditions of the table.
pub(super) fn conditions() -> Vec<&'static str> {
    let all = part(&FILE, "condition").keys();
    all.map(String::as_str).collect()
}

/// The dialects that a condition has a word for.
pub(super) fn dialects(condition: &str) -> Vec<&'static str> {
    let all = part(part(&FILE, "condition"), condition).keys();
    all.map(String::as_str).collect()
}

fn part<'t>(table: &'t Table, name: &str) -> &'t Table {
    let part = table.get(name).and_then(toml::Value::as_table);
    part.unwrap_or_else(|| panic!("bad_input.toml has no {name}"))
}

pub(super) fn front(dialect: &str) -> Front {
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
pub(super) fn says(condition: &str, dialect: &str) -> Option<(u16, Option<Value>)> {
    let said = part(part(&FILE, "condition"), condition).get(dialect)?;
    let said = said.as_str().unwrap();
    let (status, body) = match said.split_once(' ') {
        Some((status, body)) => (status, Some(serde_json::from_str(body).unwrap())),
        None => (said, None),
    };
    Some((status.parse().unwrap(), body))
}

/// What is found wrong with the answers of one front.
pub(in crate::fronts) struct Judge {
    pub(super) client: &'static Client,
    front: Front,
    house: House,
    asked: usize,
    pub(super) wrong: Vec<String>,
}

impl Judge {
    pub(in crate::fronts) fn new(dialect: &str) -> Self {
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

    /// The requests that it judges the answers to.
    pub(super) fn requests(&self, key: &'static str) -> Requests<'_> {
        Requests {
            front: &self.front,
            client: self.client,
            key,
        }
    }

    /// Sends an attempt at a condition, and notes what is wrong with the answer.
    pub(super) fn try_one(&mut self, addr: SocketAddr, condition: &str, attempt: &Attempt) {
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
    pub(in crate::fronts) fn misshapen(&self, answer: &Answer) -> Vec<String> {
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

    /// Fails if anything was wrong.
    pub(super) fn finish(self) {
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
