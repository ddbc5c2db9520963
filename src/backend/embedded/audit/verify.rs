//! Going over a chain: whether every record is the one that was written, in its place, and none is missing.

use std::collections::BTreeMap;

use super::line::Line;
use super::record::{TAKEN_OVER, phase};
use super::{Head, unhex};

/// The most findings that are told one by one.
const FINDINGS: usize = 20;

/// A head that was noted earlier, elsewhere.
pub type Anchor = Head;

/// A request to an IdP of which it is not written down, or not known, what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIntent {
    /// The number of its record.
    pub seq: i64,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// What was to be done.
    pub action: String,
    /// Where.
    pub upstream: String,
    /// On whose behalf.
    pub client: String,
    /// Through which front.
    pub front: String,
    /// In which tenant.
    pub tenant: String,
    /// Of which user.
    pub user_id: String,
}

/// What came of going over a chain.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// How many records there are.
    pub records: u64,
    /// The number of the first one.
    pub first: Option<i64>,
    /// The last one.
    pub head: Head,
    /// Up to which one records are gone because of their age.
    pub pruned: Option<Head>,
    /// How many were taken over from a linkbridge that had no chain.
    pub taken_over: u64,
    /// Requests to IdPs without an outcome.
    pub open: Vec<OpenIntent>,
    /// Requests to IdPs whose outcome is `unknown`, and of which no operator has said what became of them.
    pub unknown: Vec<OpenIntent>,
    /// What is wrong, the first ones of it.
    pub findings: Vec<String>,
    /// How much is wrong.
    pub wrong: u64,
}

impl Verdict {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.wrong == 0
    }
}

/// Goes over a chain, record by record.
pub struct Verifier {
    /// The record before the next one.
    last: Head,
    anchor: Option<Anchor>,
    met_anchor: bool,
    open: BTreeMap<i64, OpenIntent>,
    unknown: BTreeMap<i64, OpenIntent>,
    verdict: Verdict,
}

impl Verifier {
    /// Begins after `pruned`, or at the first record there ever was. `anchor` must be in the chain.
    #[must_use]
    pub fn new(pruned: Option<Head>, anchor: Option<Anchor>) -> Self {
        let start = pruned.unwrap_or(Head::START);
        Self {
            last: start,
            anchor,
            met_anchor: anchor.is_none_or(|anchor| anchor == start || anchor == Head::START),
            open: BTreeMap::new(),
            unknown: BTreeMap::new(),
            verdict: Verdict {
                records: 0,
                first: None,
                head: start,
                pruned,
                taken_over: 0,
                open: Vec::new(),
                unknown: Vec::new(),
                findings: Vec::new(),
                wrong: 0,
            },
        }
    }

    /// The record before the next one.
    pub(super) fn last(&self) -> Head {
        self.last
    }

    /// Goes on after records that went away because of their age while this was under way.
    pub(super) fn skip_to(&mut self, pruned: Head) {
        self.last = pruned;
        // An intent goes only after its outcome is there, which may have gone unseen with it.
        self.open.retain(|seq, _| *seq > pruned.seq);
        self.unknown.retain(|seq, _| *seq > pruned.seq);
        self.verdict.pruned = Some(pruned);
    }

    /// Notes something that is wrong.
    pub fn find(&mut self, text: String) {
        self.verdict.wrong += 1;
        if self.verdict.findings.len() < FINDINGS {
            self.verdict.findings.push(text);
        }
    }

    /// The next record. What it says comes before it is not believed, where that is known.
    pub fn next(&mut self, line: &Line<'_>) {
        let seq = line.seq();
        self.verdict.records += 1;
        self.verdict.first.get_or_insert(seq);
        if seq <= self.last.seq {
            self.find(format!("record {seq} comes after record {}", self.last.seq));
        } else if seq != self.last.seq + 1 {
            let from = self.last.seq + 1;
            let missing = match seq - 1 {
                to if to == from => format!("record {from} is missing"),
                to => format!("records {from} to {to} are missing"),
            };
            self.find(missing);
        }
        // After a gap there is only the record's own word for what came before it.
        let here = match seq == self.last.seq + 1 {
            true => Line {
                previous: self.last.hash,
                ..*line
            },
            false => *line,
        };
        if !here.is_sound() {
            self.find(format!(
                "record {seq} does not have the hash of what it says and of what comes before it"
            ));
        }
        self.note(line);
        self.last = Head {
            seq,
            hash: line.hash,
        };
        if let Some(anchor) = self.anchor
            && anchor.seq == seq
        {
            self.met_anchor = true;
            if anchor.hash != line.hash {
                self.find(format!(
                    "record {seq} is not the one that was noted: it has another hash"
                ));
            }
        }
    }

    /// What a record means for others.
    fn note(&mut self, line: &Line<'_>) {
        let seq = line.seq();
        match line.value("version").int() {
            Some(TAKEN_OVER) => self.verdict.taken_over += 1,
            Some(1) => {}
            version => self.find(format!("record {seq} has an unknown version: {version:?}")),
        }
        match line.text("phase") {
            Some(phase::INTENT) => {
                let text = |name| line.text(name).unwrap_or_default().to_owned();
                let open = OpenIntent {
                    seq,
                    at: line.at(),
                    action: text("action"),
                    upstream: text("upstream"),
                    client: text("client"),
                    front: text("front"),
                    tenant: text("tenant"),
                    user_id: text("user_id"),
                };
                self.open.insert(seq, open);
            }
            Some(phase::OUTCOME) => {
                let intent = line.value("intent").int().unwrap_or_default();
                match self.open.remove(&intent) {
                    Some(open) if line.text("outcome") == Some("unknown") => {
                        self.unknown.insert(intent, open);
                    }
                    Some(_) => {}
                    None if self.is_gone(intent) => {}
                    None => self.find(format!(
                        "record {seq} tells the outcome of no request: {intent}"
                    )),
                }
            }
            Some(phase::SETTLED) => {
                let intent = line.value("intent").int().unwrap_or_default();
                if self.unknown.remove(&intent).is_none() && !self.is_gone(intent) {
                    self.find(format!(
                        "record {seq} settles what was not unknown: {intent}"
                    ));
                }
            }
            Some(phase::DONE | phase::CHECKPOINT) => {}
            phase => self.find(format!("record {seq} has an unknown phase: {phase:?}")),
        }
    }

    /// Whether a record is from before the first one that is here: an intent may be older than its outcome by just
    /// what was taken away.
    fn is_gone(&self, seq: i64) -> bool {
        seq > 0 && self.verdict.pruned.is_some_and(|pruned| seq <= pruned.seq)
    }

    /// The end of the records. `kept` is the end as it was kept apart from them.
    #[must_use]
    pub fn end(mut self, kept: Option<Head>) -> Verdict {
        if let Some(kept) = kept
            && kept != self.last
        {
            let (last, kept) = (self.last.seq, kept.seq);
            self.find(match last < kept {
                true => {
                    format!("the records end with {last}, and ended with {kept}: some were cut off")
                }
                false => format!(
                    "the records end with {last}, with another end than the one that was kept"
                ),
            });
        }
        if let (Some(anchor), false) = (self.anchor, self.met_anchor) {
            let seq = anchor.seq;
            let is_gone = self.verdict.pruned.is_some_and(|pruned| seq < pruned.seq);
            self.find(match is_gone {
                true => format!("record {seq} is from before the first one that is here, and cannot be compared with what was noted"),
                false => format!("record {seq}, which was noted, is not there"),
            });
        }
        self.verdict.head = self.last;
        self.verdict.open = self.open.into_values().collect();
        self.verdict.unknown = self.unknown.into_values().collect();
        self.verdict
    }
}

/// What a checkpoint says: up to which record others are gone, and the hash that one had.
pub(super) fn checkpoint(after: &str) -> Option<Head> {
    let said: serde_json::Value = serde_json::from_str(after).ok()?;
    Some(Head {
        seq: said.get("through")?.as_i64()?,
        hash: unhex(said.get("hash")?.as_str()?)?.try_into().ok()?,
    })
}
