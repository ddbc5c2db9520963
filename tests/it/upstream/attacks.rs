//! Nothing that a client of one tenant asks for reaches another one's users at the IdP, although the credential
//! of linkbridge would: `tests/upstream/attacks.toml` has the attempts. Each is answered as if what it is after
//! did not exist.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::two_tenants::{KINDS, Kind, World};
use crate::fronts::clients::{CLIENTS, client};
use crate::fronts::template::Request;
use crate::stubs::paths::Paths;
use crate::support::client::Answer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    attack: Vec<Attack>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    name: String,
    /// The front's dialect.
    dialect: String,
    /// What is asked before, by the same client.
    #[serde(default)]
    before: Vec<String>,
    request: String,
    /// The upstreams at which the answer is another one than for what does not exist, and its status.
    #[serde(default)]
    told: BTreeMap<String, u16>,
    /// Why.
    because: Option<String>,
    /// Why the IdP may be asked about the user's id within the own tenant.
    asked: Option<String>,
    /// Why nobody could tell by this request that the things are there, not even whose they are.
    blind: Option<String>,
}

fn attacks() -> Vec<Attack> {
    let path = format!("{}/tests/upstream/attacks.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let file: File = toml::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"));
    file.attack
}

fn has_front(attack: &Attack) -> bool {
    CLIENTS
        .iter()
        .any(|client| client.dialect == attack.dialect)
}

fn parsed(text: &str) -> Request {
    Request::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Headers that differ from answer to answer. The length is that of a body that is compared.
const OF_THE_ANSWER: [&str; 4] = [
    "date",
    "content-length",
    "correlation-id",
    "flip-request-id",
];

/// Members that are made of what they name.
const MADE: [&str; 2] = ["link_id", "href"];

/// An answer without what always differs.
type Plain = (u16, Vec<(String, String)>, String);

/// Takes away what always differs, and has the same word for each of the names that were asked with.
fn plain(answer: &Answer, names: &[(&'static str, String)]) -> Plain {
    let same = |text: &str| {
        let mut names: Vec<_> = names.iter().collect();
        names.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        let mut text = names.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(value.as_str(), &format!("<{name}>"))
        });
        for header in &OF_THE_ANSWER[2..] {
            if let Some(id) = answer.header(header) {
                text = text.replace(id, "<request>");
            }
        }
        text
    };
    let told = answer.headers.iter();
    let told = told.filter(|(name, _)| !OF_THE_ANSWER.contains(&name.as_str()));
    let mut headers: Vec<_> = told
        .map(|(name, value)| (name.clone(), same(value)))
        .collect();
    headers.sort();
    let body = match answer.json() {
        Ok(json) => lasting(json).to_string(),
        Err(_) => answer.text(),
    };
    (answer.status, headers, same(&body))
}

/// A document without instants and ids that are made of other ids.
fn lasting(json: Value) -> Value {
    match json {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => "<instant>".into(),
        Value::Array(items) => items.into_iter().map(lasting).collect(),
        Value::Object(members) => {
            let kept = members.into_iter();
            let kept = kept.filter(|(name, _)| !MADE.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name, lasting(value))).collect())
        }
        other => other,
    }
}

/// What the body of a request says of users: everything but accounts.
fn holders(request: &crate::stubs::Request) -> Value {
    fn without_accounts(json: Value) -> Value {
        match json {
            Value::Array(items) => items.into_iter().map(without_accounts).collect(),
            Value::Object(members) => {
                let kept = members.into_iter();
                let kept = kept.filter(|(name, _)| !ACCOUNTS.contains(&name.as_str()));
                Value::Object(kept.map(|(n, v)| (n, without_accounts(v))).collect())
            }
            other => other,
        }
    }
    request.json().map(without_accounts).unwrap_or_default()
}

/// What vendors call the account of a link, and its name.
const ACCOUNTS: [&str; 5] = ["externalId", "userId", "userName", "subject", "value"];

/// The attempts on one kind of IdP.
struct Tries {
    kind: Kind,
    /// One in which nothing has happened yet that matters.
    world: Option<World>,
    /// What the server said of the last attempt.
    log: String,
    wrong: Vec<String>,
}

impl Tries {
    /// Asks for what the other tenant has, or for what nobody has.
    fn ask(&mut self, attack: &Attack, theirs: bool) -> Plain {
        let kind = self.kind;
        let mut wrong = |what: String| {
            let what = format!(
                "{} of {} over {}: {what}",
                attack.name,
                attack.dialect,
                kind.dialect()
            );
            self.wrong.push(what);
        };
        let mut world = self.world.take().unwrap_or_else(|| World::start(kind));
        let vendor = &client(&attack.dialect).vendor;
        let before = world.theirs();
        let values = world.values(vendor, theirs);
        for request in &attack.before {
            world.ask(&attack.dialect, &parsed(request), &values);
        }
        let answer = world.ask(&attack.dialect, &parsed(&attack.request), &values);
        let after = world.theirs();
        if before != after {
            wrong(format!("it has an effect:\n  {before}\n  {after}"));
        }
        for request in world.take_log() {
            // An account is data, whatever it looks like: what matters is where it stands.
            let path = Paths::Cleaned.segments(&request);
            let headers = &request.headers;
            let said = format!(
                "/{} {:?} {headers:?} {:?}",
                path.join("/"),
                request.query,
                holders(&request)
            );
            let mut names = world
                .names_of_theirs(kind, attack.asked.is_some())
                .into_iter();
            if let Some(name) = names.find(|name| said.contains(name)) {
                wrong(format!("the IdP is asked about {name}: {}", request.line()));
            }
        }
        self.log = world.server.log();
        if self.log.contains("panicked") {
            wrong("it panics".to_owned());
        }
        let names = match theirs {
            true => world.theirs_values(vendor),
            false => world.nobodys_values(vendor),
        };
        // What was made would be there for the next one.
        let is_read = attack.request.trim().starts_with("GET ");
        if attack.before.is_empty() && before == after && (is_read || answer.status >= 400) {
            self.world = Some(world);
        }
        plain(&answer, &names)
    }

    fn try_one(&mut self, attack: &Attack) {
        let [theirs, nobodys] = [true, false].map(|theirs| self.ask(attack, theirs));
        let what = match attack.told.get(self.kind.dialect()) {
            Some(status) if theirs.0 != *status || theirs == nobodys => format!("not {status}"),
            None if theirs != nobodys => "it is told".to_owned(),
            _ if theirs.0 >= 500 && theirs.0 != 503 => format!("it fails: {}", self.log),
            _ => return,
        };
        self.wrong.push(format!(
            "{} of {} over {}: {what}\n  there: {theirs:?}\n  not there: {nobodys:?}",
            attack.name,
            attack.dialect,
            self.kind.dialect(),
        ));
    }
}

fn try_all(kind: Kind) {
    if !CLIENTS
        .iter()
        .any(|client| client.dialect == kind.dialect())
    {
        eprintln!("attacks: there is no dialect {}", kind.dialect());
        return;
    }
    let mut tries = Tries {
        kind,
        world: None,
        log: String::new(),
        wrong: Vec::new(),
    };
    let mut tried = 0;
    let has_front = |attack: &Attack| {
        CLIENTS
            .iter()
            .any(|client| client.dialect == attack.dialect)
    };
    for attack in attacks().iter().filter(|attack| has_front(attack)) {
        tries.try_one(attack);
        tried += 1;
    }
    let wrong = tries.wrong;
    assert!(tried >= 25, "only {tried} attacks");
    assert!(
        wrong.is_empty(),
        "{} of {tried}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    eprintln!("attacks over {}: {tried} without effect", kind.dialect());
}

#[test]
fn nothing_reaches_another_organisation() {
    try_all(Kind::Zitadel);
}

#[test]
fn nothing_reaches_another_environment() {
    try_all(Kind::PingOne);
}

#[test]
fn nothing_reaches_another_realm() {
    try_all(Kind::Keycloak);
}

#[test]
fn nothing_reaches_another_tenants_identities() {
    try_all(Kind::Ory);
}

/// Whoever the things belong to can tell by the same request whether they are there: else it would ask for nothing.
#[test]
fn the_attacks_would_work_for_the_owner() {
    let mut wrong = Vec::new();
    let mut kept = None;
    let seeing = |attack: &Attack| attack.blind.is_none() && has_front(attack);
    for attack in attacks().into_iter().filter(seeing) {
        let vendor = &client(&attack.dialect).vendor;
        let mut world = kept.take().unwrap_or_else(|| World::start(Kind::PingOne));
        let mut ask = |theirs: bool| {
            let names = match theirs {
                true => world.theirs_values(vendor),
                false => world.nobodys_values(vendor),
            };
            let mut values = world.owners_values(vendor);
            for (name, value) in names.iter().filter(|(name, _)| *name != "their_tenant") {
                values.set(name, value);
            }
            let answer = world.ask(&attack.dialect, &parsed(&attack.request), &values);
            plain(&answer, &names)
        };
        let nothing = ask(false);
        let there = ask(true);
        if there == nothing {
            wrong.push(format!("{} of {}: {there:?}", attack.name, attack.dialect));
        }
        let is_read = attack.request.trim().starts_with("GET ");
        kept = Some(world).filter(|_| is_read);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_differs_says_why() {
    for attack in attacks() {
        assert_eq!(
            attack.told.is_empty(),
            attack.because.is_none(),
            "{}",
            attack.name
        );
        let known = |name: &String| KINDS.iter().any(|kind| kind.dialect() == name);
        assert!(attack.told.keys().all(known), "{}", attack.name);
    }
}
