//! Every way that a front has to make a link and to remove one, with the records that it leaves.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use linkbridge::backend::embedded::Settings;
use linkbridge::backend::embedded::audit::Log;
use linkbridge::mapping::builtin;
use sha2::{Digest as _, Sha256};
use toml::Table;

use super::{records, shown};
use crate::fronts::clients::{CLIENTS, client};
use crate::fronts::facts::{Fact, new_subject};
use crate::fronts::speaker::Speaker;
use crate::support::client::Client;
use crate::support::config::Profile;
use crate::support::fixtures::{Q, TENANTS, USERS};
use crate::support::native::put_fixture;
use crate::support::server::Server;

/// A dialect, `create` or `delete`, and the name of a way.
type Way = (String, &'static str, String);

/// What the table says.
fn table() -> HashMap<Way, Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/audit/fronts.toml");
    let table: Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let ways = table["way"].as_array().unwrap().iter();
    let ways = ways.map(|way| {
        let text = |name: &str| Some(way.get(name)?.as_str().unwrap().to_owned());
        let (does, of) = match text("create") {
            Some(of) => ("create", of),
            None => ("delete", text("delete").unwrap()),
        };
        let records = way["records"].as_array().unwrap().iter();
        let records = records.map(|record| record.as_str().unwrap().to_owned());
        ((text("dialect").unwrap(), does, of), records.collect())
    });
    ways.collect()
}

/// SHA-256 over the parts of a built-in mapping that is one file, as docs/operations.md says.
fn digest(text: &str) -> String {
    let mut hash = Sha256::new();
    for part in ["", text] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// What was found so far.
struct Found {
    data: PathBuf,
    last: i64,
    table: HashMap<Way, Vec<String>>,
    wrong: Vec<String>,
}

impl Found {
    /// The records since the last look.
    fn news(&mut self) -> Vec<serde_json::Value> {
        let found = records(&self.data, self.last);
        let last = found.last().and_then(|line| line["seq"].as_i64());
        self.last = last.unwrap_or(self.last);
        found
    }

    /// Compares them with the table.
    fn check(&mut self, way: (&str, &'static str, &str), fact: &Fact) {
        let found = self.news();
        let told: Vec<String> = found.iter().map(shown).collect();
        let key = (way.0.to_owned(), way.1, way.2.to_owned());
        let want = self.table.remove(&key).unwrap_or_default();
        if told != want {
            self.wrong
                .push(format!("{key:?}: {told:#?}, not {want:#?}"));
        }
        let odd = found.last().and_then(|line| odd(line, way.0, fact));
        self.wrong.extend(odd.map(|odd| format!("{key:?}: {odd}")));
    }
}

#[test]
fn every_write_through_every_front_leaves_the_records_of_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_in(dir.path(), &Profile::default()).unwrap();
    let mut http = Client::new(server.addr);
    for user in &USERS {
        let document = serde_json::json!({});
        put_fixture(&mut http, TENANTS[0].key, user.key, Some(&document)).unwrap();
    }
    let mut found = Found {
        data: dir.path().join("data"),
        last: 0,
        table: table(),
        wrong: Vec::new(),
    };
    assert!(!found.news().is_empty());
    let mut subjects = Vec::new();
    let mut native = Speaker::new(client("linkbridge"), server.addr, Q);
    // A front that only removes: what it removes comes through another one.
    let mut maker = Speaker::new(client("fusionauth"), server.addr, Q);
    for of in CLIENTS.iter() {
        let mut speaker = Speaker::new(of, server.addr, Q);
        for round in 0..of.creates.len().max(of.deletes.len()) {
            let mut fact = Fact::new("A", "P", &new_subject());
            subjects.push(fact.subject.clone());
            match of.creates.get(round).or(of.creates.first()) {
                Some(create) => {
                    fact = speaker.must_create(create, &fact);
                    match round < of.creates.len() {
                        true => found.check((&of.dialect, "create", &create.way), &fact),
                        false => drop(found.news()),
                    }
                }
                None => {
                    fact = maker.must_create(&maker.client.creates[0], &fact);
                    found.news();
                }
            }
            fact.link = native.link_id(&fact);
            let delete = of.deletes.get(round).or(of.deletes.first()).unwrap();
            let answer = speaker.delete(delete, &fact);
            assert!(answer.status < 300, "{}: {}", of.dialect, answer.text());
            match round < of.deletes.len() {
                true => found.check((&of.dialect, "delete", &delete.way), &fact),
                false => drop(found.news()),
            }
        }
    }
    assert!(found.wrong.is_empty(), "{}", found.wrong.join("\n"));
    let unknown: Vec<_> = found.table.keys().collect();
    assert!(unknown.is_empty(), "nobody has these ways: {unknown:?}");
    let log = Log::open(&Settings::new(&found.data)).unwrap();
    let verdict = log.verify(None).unwrap();
    assert!(verdict.is_whole(), "{:?}", verdict.findings);
    // Nothing that was sent stands in the audit in clear.
    let all = records(&found.data, 0);
    let all: String = all.iter().map(ToString::to_string).collect();
    let secrets = subjects.iter().map(String::as_str);
    for secret in secrets.chain(["opaque-1", "Rosa", Q]) {
        assert!(!all.contains(secret), "{secret}");
    }
}

/// What is wrong with who and how of a record.
fn odd(line: &serde_json::Value, dialect: &str, fact: &Fact) -> Option<String> {
    let text = |name: &str| line[name].as_str().unwrap_or_default();
    let mapping = builtin::SOURCES.iter().find(|(name, _)| *name == dialect);
    let mapping = mapping.map(|(_, text)| digest(text));
    let is_one_file = mapping.as_deref() == Some(text("mapping"));
    let includes = text("mapping").len() == 64;
    let key = Sha256::digest(Q.as_bytes());
    let key: String = key.iter().take(4).map(|b| format!("{b:02x}")).collect();
    let told = [
        ("source", text("source") == "127.0.0.1"),
        ("front", text("front") == dialect),
        ("credential", text("credential") == format!("key:{key}")),
        ("mapping", is_one_file || includes),
        ("request_id", text("request_id").len() == 36),
        ("tenant", text("tenant") == TENANTS[0].key),
        ("user", text("user_id") == fact.user.key),
        ("client", !text("client").is_empty()),
        ("key_id", text("key_id").len() == 16),
    ];
    let odd = told.iter().filter(|(_, is_right)| !is_right);
    let odd: Vec<&str> = odd.map(|(name, _)| *name).collect();
    (!odd.is_empty()).then(|| format!("{odd:?} of {line}"))
}
