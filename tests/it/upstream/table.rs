//! The hand-written table `tests/upstream/matrix.toml`: what each front says where something cannot be done, and
//! what each IdP cannot do.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::super::stubs::golden::unlike;
use super::super::support::client::Answer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// Fronts: what each says of each outcome.
    pub(crate) front: BTreeMap<String, BTreeMap<String, String>>,
    /// What each front says of the links of a user who is not there: `list`, `delete`.
    pub(crate) nobody: BTreeMap<String, BTreeMap<String, String>>,
    /// What each front says where a link is the last way to log in.
    pub(crate) last: BTreeMap<String, BTreeMap<String, String>>,
    /// Fronts whose vendor's own rules make another outcome of an attempt, over whatever IdP.
    pub(crate) rule: BTreeMap<String, BTreeMap<String, String>>,
    /// IdPs, by dialect.
    pub(crate) upstream: BTreeMap<String, Upstream>,
}

/// What an IdP is apart from all others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upstream {
    /// A link that nobody has named is told with the account as its name.
    #[serde(default)]
    pub(crate) names_by_account: bool,
    /// It tells when a link was used last, from its making on.
    #[serde(default)]
    pub(crate) tells_last_login: bool,
    /// Accounts may have slashes.
    #[serde(default = "yes")]
    pub(crate) slashes: bool,
    /// What an answer lacks or has besides, because this IdP does not tell it, or does: a part of the difference.
    #[serde(default)]
    pub(crate) differs: BTreeMap<String, String>,
    /// What becomes of attempts that most IdPs let succeed, or let fail: each with another outcome.
    #[serde(default)]
    pub(crate) outcome: BTreeMap<String, String>,
    /// Why, for each of the above.
    pub(crate) because: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

pub(crate) static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/upstream/matrix.toml");
    let text = std::fs::read_to_string(path).unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
});

impl Table {
    /// What becomes of an attempt: the front's own rule comes first, then what the IdP cannot do.
    pub(crate) fn outcome(
        &self,
        front: &str,
        upstream: &str,
        attempt: &str,
        usual: &str,
    ) -> String {
        let own = self.rule.get(front).and_then(|rules| rules.get(attempt));
        let theirs = || self.upstream.get(upstream)?.outcome.get(attempt);
        own.or_else(theirs).map_or(usual, String::as_str).to_owned()
    }

    /// What is wrong with an answer of a front to an outcome.
    pub(crate) fn wrong(&self, front: &str, outcome: &str, answer: &Answer) -> Option<String> {
        differs(&self.front, (front, outcome), answer)
    }

    /// What is wrong with an answer of a front about the links of nobody.
    pub(crate) fn wrong_of_nobody(
        &self,
        front: &str,
        what: &str,
        answer: &Answer,
    ) -> Option<String> {
        differs(&self.nobody, (front, what), answer)
    }

    /// What is wrong with an answer of a front about the last way to log in.
    pub(crate) fn wrong_of_last(&self, front: &str, answer: &Answer) -> Option<String> {
        differs(&self.last, (front, "delete"), answer)
    }
}

fn differs(
    rows: &BTreeMap<String, BTreeMap<String, String>>,
    (front, outcome): (&str, &str),
    answer: &Answer,
) -> Option<String> {
    let said = rows.get(front).and_then(|row| row.get(outcome));
    let given = format!("{} {}", answer.status, answer.text());
    let Some(said) = said else {
        panic!("{front} has no words for {outcome}: {given}");
    };
    let (status, body) = said.split_once(' ').unwrap_or((said, ""));
    let found = match (answer.status.to_string() == status, body) {
        (false, _) => Some(format!("not {status}")),
        (true, "") => (!answer.body.is_empty()).then(|| "a body".to_owned()),
        (true, body) => {
            let wanted: Value =
                serde_json::from_str(body).unwrap_or_else(|e| panic!("{e} in {body}"));
            let told = answer.json();
            told.map_or_else(Some, |told| unlike(&wanted, &told, ""))
        }
    };
    found.map(|found| format!("{outcome}: {found}: {given}"))
}

#[test]
fn every_front_has_words_for_the_same_outcomes_and_every_limit_a_reason() {
    let mut rows = TABLE.front.iter();
    let (_, first) = rows.next().unwrap();
    for (front, row) in rows {
        let names = |row: &BTreeMap<String, String>| row.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(row), names(first), "{front}");
    }
    for (dialect, upstream) in &TABLE.upstream {
        let mut told: Vec<&str> = upstream.outcome.keys().map(String::as_str).collect();
        told.extend(upstream.differs.keys().map(String::as_str));
        if upstream.names_by_account {
            told.push("names_by_account");
        }
        if upstream.tells_last_login {
            told.push("tells_last_login");
        }
        if !upstream.slashes {
            told.push("slashes");
        }
        told.sort_unstable();
        let reasons: Vec<&str> = upstream.because.keys().map(String::as_str).collect();
        assert_eq!(told, reasons, "{dialect}");
        for outcome in upstream.outcome.values() {
            let is_known = outcome == "created" || first.contains_key(outcome);
            assert!(is_known, "{dialect}: {outcome}");
        }
    }
}
