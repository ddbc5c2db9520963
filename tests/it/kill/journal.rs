//! What the writers were told, and what the server must therefore hold.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;

use super::super::support::client::Client;
use super::super::support::fixtures::{LINK, P};

/// What is known about a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// An acknowledged write linked it.
    Held,
    /// An acknowledged delete took it away.
    Gone,
    /// A write was sent and not answered: either is right, but nothing between.
    Unknown,
}

/// One subject: each belongs to one writer and one user, so that its history is a sequence.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The only user whom it was ever linked to.
    pub(crate) user: String,
    /// The display name that it was linked with.
    pub(crate) display_name: String,
    /// The token that it was linked with.
    pub(crate) token: Option<String>,
    /// What is known.
    pub(crate) state: State,
}

/// Every subject that was ever written.
pub(crate) type Journal = BTreeMap<String, Entry>;

/// What a comparison of the journal with the server found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Acknowledged links that are not there.
    pub(crate) lost: Vec<String>,
    /// Acknowledged deletes that are undone.
    pub(crate) back: Vec<String>,
    /// Subjects that are there more than once.
    pub(crate) twice: Vec<String>,
    /// Anything else: half a link, a link nobody made, an answer that is none.
    pub(crate) odd: Vec<String>,
    /// Unanswered writes that turned out to have happened, and not to have.
    pub(crate) settled: (usize, usize),
}

impl Verdict {
    /// Whether nothing is wrong.
    pub(crate) fn clean(&self) -> bool {
        self.lost.is_empty() && self.back.is_empty() && self.twice.is_empty() && self.odd.is_empty()
    }
}

/// Reads every user's links, compares them with the journal, and settles what was unknown.
pub(crate) fn verify(client: &mut Client, users: &[String], journal: &mut Journal) -> Verdict {
    let mut verdict = Verdict::default();
    let mut seen: BTreeMap<String, Value> = BTreeMap::new();
    for user in users {
        match list(client, user) {
            Err(error) => verdict.odd.push(error),
            Ok(links) => {
                for link in links {
                    let subject = link["identityProviderUserId"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned();
                    if seen.insert(subject.clone(), link).is_some() {
                        verdict.twice.push(subject);
                    }
                }
            }
        }
    }
    if !verdict.odd.is_empty() {
        return verdict;
    }
    for (subject, link) in &seen {
        match journal.get(subject) {
            None => verdict
                .odd
                .push(format!("{subject} was never written: {link}")),
            Some(entry) => verdict.odd.extend(differs(subject, entry, link)),
        }
    }
    for (subject, entry) in journal.iter_mut() {
        let there = seen.contains_key(subject);
        match (&entry.state, there) {
            (State::Held, false) => verdict.lost.push(subject.clone()),
            (State::Gone, true) => verdict.back.push(subject.clone()),
            (State::Unknown, true) => verdict.settled.0 += 1,
            (State::Unknown, false) => verdict.settled.1 += 1,
            _ => {}
        }
        entry.state = if there { State::Held } else { State::Gone };
    }
    verdict
}

/// Looks subjects up one by one, through the other index; every difference is told.
pub(crate) fn look_up<'a>(
    addr: SocketAddr,
    subjects: impl Iterator<Item = (&'a String, &'a Entry)>,
) -> Vec<String> {
    let mut client = Client::new(addr);
    let mut odd = Vec::new();
    for (index, (subject, entry)) in subjects.enumerate() {
        // A server may limit the requests of one connection; that is another test's matter.
        if index % 1000 == 999 {
            client = Client::new(addr);
        }
        let target = format!("{LINK}?identityProviderId={P}&identityProviderUserId={subject}");
        let answer = match client.bare("GET", &target) {
            Ok(answer) => answer,
            Err(lost) => {
                odd.push(format!("{subject}: {lost}"));
                continue;
            }
        };
        match (&entry.state, answer.status) {
            (State::Held, 200) => match answer.json() {
                Ok(json) => odd.extend(differs(subject, entry, &json["identityProviderLink"])),
                Err(error) => odd.push(format!("{subject}: {error}")),
            },
            (State::Gone, 404) => {}
            (state, status) => odd.push(format!(
                "{subject} is {state:?}, but its look-up answers {status}"
            )),
        }
    }
    odd
}

fn list(client: &mut Client, user: &str) -> Result<Vec<Value>, String> {
    let answer = client
        .bare("GET", &format!("{LINK}?userId={user}"))
        .map_err(|lost| format!("{user}: {lost}"))?;
    let json = if answer.status == 200 {
        answer.json()?
    } else {
        Value::Null
    };
    let links = json["identityProviderLinks"].as_array().cloned();
    links.ok_or_else(|| format!("{user}: {} {}", answer.status, answer.text()))
}

/// Whether a link is not exactly the one that was written.
fn differs(subject: &str, entry: &Entry, link: &Value) -> Option<String> {
    let right = link["identityProviderUserId"] == *subject
        && link["userId"] == *entry.user
        && link["displayName"] == *entry.display_name
        && link["token"].as_str() == entry.token.as_deref()
        && link["insertInstant"].is_i64();
    (!right).then(|| format!("{subject} was written as {entry:?}, but is {link}"))
}
