//! The cells of the fault matrix, and what is expected of each.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{Does, Trap, does};
use crate::fronts::clients::{Said, client};
use crate::fronts::facts::Fact;
use crate::fronts::speaker::Speaker;
use crate::fronts::template::{Request, Values};
use crate::stubs::golden::unlike;
use crate::support::client::Answer;
use crate::support::fault::Act;
use crate::upstream::table;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    /// What each front says.
    front: BTreeMap<String, BTreeMap<String, String>>,
    /// By upstream and operation: what is asked of it.
    plan: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(rename = "look-ups")]
    look_ups: BTreeMap<String, LookUps>,
    fault: BTreeMap<String, Row>,
    /// By upstream: faults in its own words.
    own: BTreeMap<String, BTreeMap<String, Row>>,
    /// Ways on which there is no IdP, and what a client is told.
    pub(super) way: BTreeMap<String, String>,
    #[serde(default)]
    except: Vec<Except>,
}

/// What is done about a write whose answer was lost.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LookUps {
    create: usize,
    delete: usize,
    /// Whether they tell what was done.
    finds: bool,
}

/// What a fault is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    read: Option<String>,
    sent: Option<usize>,
    write: Option<String>,
    #[serde(default)]
    told: bool,
    retry_after: Option<u64>,
    #[serde(default)]
    slow: bool,
    /// What is answered, where no fault of the name is known.
    status: Option<u16>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    body: String,
}

/// What is otherwise for one IdP, and why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Except {
    fault: Vec<String>,
    upstream: Vec<String>,
    /// The operations; all if there are none.
    #[serde(default)]
    op: Vec<String>,
    /// A letter of the plan; which of the requests, if only one of them.
    at: Vec<String>,
    /// What comes of it: an outcome, or `told`.
    comes: String,
    /// How often the IdP is asked, in all.
    asked: Option<usize>,
    because: String,
}

pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/upstream/faults.toml");
    let text = std::fs::read_to_string(path).unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
});

impl Table {
    /// What is wrong with an answer of a front to an outcome.
    pub(super) fn wrong(&self, front: &str, outcome: &str, answer: &Answer) -> Option<String> {
        let said = self.front.get(front).and_then(|row| row.get(outcome));
        let Some(said) = said else {
            return table::TABLE.wrong(front, outcome, answer);
        };
        let (status, body) = said.split_once(' ').unwrap();
        let wanted = serde_json::from_str(body).unwrap_or_else(|e| panic!("{e} in {body}"));
        let found = match answer.status.to_string() == status {
            false => Some(format!("not {status}")),
            true => answer
                .json()
                .map_or_else(Some, |json| unlike(&wanted, &json, "")),
        };
        found.map(|found| format!("{outcome}: {found}"))
    }
}

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Create,
    Put,
    Pending,
    List,
    Find,
    Get,
    Delete,
}

/// A request of a client, ready to be sent.
pub(super) struct Ask {
    pub(super) request: &'static Request,
    pub(super) values: Values,
    says: &'static Said,
    tells: bool,
}

impl Op {
    pub(super) fn name(self) -> &'static str {
        match self {
            Op::Create => "create",
            Op::Put => "put",
            Op::Pending => "pending",
            Op::List => "list",
            Op::Find => "find",
            Op::Get => "get",
            Op::Delete => "delete",
        }
    }

    /// Whether there is a link before.
    pub(super) fn needs_link(self) -> bool {
        !matches!(self, Op::Create | Op::Put | Op::Pending)
    }

    /// The request of a front's client that does it.
    pub(super) fn ask(self, speaker: &mut Speaker, fact: &mut Fact) -> Ask {
        static READ: Said = Said {
            status: 200,
            body: None,
        };
        let client = speaker.client;
        match self {
            Op::Create | Op::Put | Op::Pending => {
                let mut all = client.creates.iter();
                let create = all.find(|create| create.pending == (self == Op::Pending));
                let create = create.unwrap();
                *fact = fact.clone().kept_by(&create.keeps);
                Ask {
                    request: &create.request,
                    values: speaker.prepared(create, fact),
                    says: &create.says,
                    tells: false,
                }
            }
            Op::List | Op::Find | Op::Get => {
                let mut all = client.reads.iter();
                let read = all.find(|read| read.way == self.name()).unwrap();
                Ask {
                    request: &read.request,
                    values: speaker.values(fact),
                    says: &READ,
                    tells: client.dialect != "keycloak" || self != Op::Find,
                }
            }
            Op::Delete => Ask {
                request: &client.deletes[0].request,
                values: speaker.values(fact),
                says: &client.deletes[0].says,
                tells: false,
            },
        }
    }
}

/// Which fronts do what, and whether with every fault; else with some. Together they do everything with each.
pub(super) const OPS: &[(&str, Op, bool)] = &[
    ("fusionauth", Op::Create, true),
    ("fusionauth", Op::Pending, false),
    ("fusionauth", Op::List, false),
    ("fusionauth", Op::Find, false),
    ("fusionauth", Op::Delete, true),
    ("ory", Op::Put, false),
    ("ory", Op::List, false),
    ("ory", Op::Find, true),
    ("ory", Op::Delete, false),
    ("zitadel-v2", Op::Create, false),
    ("zitadel-v2", Op::List, true),
    ("zitadel-v2", Op::Delete, false),
    ("pingone", Op::Create, false),
    ("pingone", Op::Get, false),
    ("flip", Op::Create, false),
    ("flip", Op::List, false),
    ("keycloak", Op::Create, false),
    ("keycloak", Op::Find, false),
];

/// The faults that every operation meets, one of each kind.
const SOME: [&str; 11] = [
    "close before the head",
    "reset in the head",
    "truncated body",
    "two answers",
    "302",
    "429 with a time",
    "503 with a long time",
    "invalid JSON",
    "401",
    "500",
    "504",
];

/// A fault at one request of an operation of a front over an IdP.
pub(super) struct Cell {
    pub(super) upstream: &'static str,
    pub(super) front: &'static str,
    pub(super) op: Op,
    fault: &'static str,
    row: Row,
    /// Which of the requests, and what it is.
    at: usize,
    kind: char,
    /// How many there are.
    n_plan: usize,
    /// Whether the IdP does what it is asked before.
    is_done: bool,
}

impl fmt::Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = if self.is_done { ", done" } else { "" };
        write!(
            out,
            "{} at {}{}{done} of {} by {} over {}",
            self.fault,
            self.kind,
            self.at,
            self.op.name(),
            self.front,
            self.upstream
        )
    }
}

/// What an IdP is asked.
pub(super) fn plan(upstream: &str, front: &str, op: Op) -> &'static str {
    let plans = &TABLE.plan[upstream];
    let own = plans.get(&format!("{front} {}", op.name()));
    own.unwrap_or_else(|| &plans[op.name()])
}

/// Every cell over an IdP, mixed, so that faults of one kind do not come at once.
/// `whole`: every operation meets every fault.
pub(super) fn all(upstream: &'static str, whole: bool) -> Vec<Cell> {
    let mut cells = Vec::new();
    for &(front, op, every) in OPS {
        let plan = plan(upstream, front, op);
        let own = TABLE.own[upstream].iter();
        for (fault, row) in TABLE.fault.iter().chain(own) {
            let is_some = SOME.contains(&fault.as_str());
            let is_quick = !row.slow || front == "fusionauth";
            let is_met = whole || is_some || (every && is_quick);
            if !is_met {
                continue;
            }
            for (at, kind) in plan.chars().enumerate() {
                let is_write = matches!(kind, 'w' | 'u');
                let ways: &[bool] = match (is_write, row.told, row.write.as_deref()) {
                    (_, true, _) => &[true],
                    (true, _, Some("lost")) => &[false, true],
                    _ => &[false],
                };
                for &is_done in ways {
                    cells.push(Cell {
                        upstream,
                        front,
                        op,
                        fault,
                        row: row.clone(),
                        at,
                        kind,
                        n_plan: plan.len(),
                        is_done,
                    });
                }
            }
        }
    }
    let step = 1009;
    let n = cells.len();
    assert!(n % step != 0);
    let mut mixed: Vec<_> = cells.into_iter().enumerate().collect();
    mixed.sort_by_key(|(i, _)| i * step % n);
    mixed.into_iter().map(|(_, cell)| cell).collect()
}

impl Cell {
    /// The fault on the way: a read meets it as long as it is repeated, a write once.
    pub(super) fn trap(&self) -> Option<Trap> {
        Some(Trap {
            at: self.at,
            lasts: !self.is_write() && !self.row.told,
            is_done: self.is_done,
            does: match self.row.status {
                Some(status) => Does::Act(self.answers(status)),
                None => does(self.fault),
            },
        })
    }

    fn answers(&self, status: u16) -> Act {
        let json = "Content-Type: application/json".to_owned();
        let fields = self.row.fields.iter().chain([&json]);
        let fields: String = fields.map(|field| format!("{field}\r\n")).collect();
        Act::Answers(status, fields, self.row.body.clone().into_bytes())
    }

    fn is_write(&self) -> bool {
        matches!(self.kind, 'w' | 'u')
    }

    fn except(&self) -> Option<&'static Except> {
        let (kind, at) = (self.kind.to_string(), format!("{}{}", self.kind, self.at));
        TABLE.except.iter().find(|except| {
            except
                .upstream
                .iter()
                .any(|upstream| upstream == self.upstream)
                && except.fault.iter().any(|fault| fault == self.fault)
                && (except.op.is_empty() || except.op.iter().any(|op| op == self.op.name()))
                && (except.at.contains(&kind) || except.at.contains(&at))
        })
    }

    fn look_ups(&self) -> usize {
        let look_ups = TABLE.look_ups[self.upstream];
        match self.op {
            Op::Delete => look_ups.delete,
            _ => look_ups.create,
        }
    }

    fn is_lost(&self) -> bool {
        self.is_write() && self.row.write.as_deref() == Some("lost")
    }

    /// Whether a write whose answer was lost is known to be done.
    fn is_found(&self) -> bool {
        self.kind == 'w' && self.is_done && TABLE.look_ups[self.upstream].finds
    }

    /// What comes of it: `told`, or an outcome that the table has words for.
    fn outcome(&self) -> &str {
        if let Some(except) = self.except() {
            return &except.comes;
        }
        if self.row.told || (self.is_lost() && self.is_found()) {
            return "told";
        }
        match self.kind {
            'a' => "unknown",
            _ if self.is_lost() => "unknown",
            'r' | 'b' => self.row.read.as_deref().unwrap(),
            _ => self.row.write.as_deref().unwrap(),
        }
    }

    /// What is wrong with the answer.
    pub(super) fn answered(&self, ask: &Ask, fact: &Fact, answer: &Answer) -> Option<String> {
        match self.outcome() {
            "told" => {
                let is_told = !ask.tells || answer.text().contains(&fact.subject);
                let is_said = answer.status == ask.says.status && is_told;
                (!is_said).then(|| format!("not {}, told", ask.says.status))
            }
            // It is not there, as the front says it: nothing but that.
            "absent" => {
                let is_said = matches!(answer.status, 200 | 204 | 400 | 404 | 409)
                    && !answer.text().contains(&format!("\"{}\"", fact.subject));
                (!is_said).then(|| "not absent".to_owned())
            }
            outcome => {
                let wrong = TABLE.wrong(self.front, outcome, answer);
                let wanted = self.row.retry_after.map(|seconds| seconds.to_string());
                let given = answer.header("retry-after").map(str::to_owned);
                let is_due = matches!(outcome, "limited" | "overloaded");
                wrong.or((is_due && given != wanted).then(|| format!("Retry-After: {given:?}")))
            }
        }
    }

    /// How often the IdP is asked.
    pub(super) fn asked(&self) -> RangeInclusive<usize> {
        if let Some(asked) = self.except().and_then(|except| except.asked) {
            return asked..=asked;
        }
        let undone = usize::from(self.is_undone());
        let n = match self.outcome() {
            "told" if self.is_lost() => self.n_plan + self.look_ups(),
            "told" => self.n_plan,
            _ if self.kind == 'w' && self.is_lost() => self.at + 1 + self.look_ups() + undone,
            _ if self.is_write() => self.at + 1 + undone,
            _ => self.at + self.row.sent.unwrap_or(1) + undone,
        };
        n..=n
    }

    /// Whether another write was done before, which is taken back.
    fn is_undone(&self) -> bool {
        let plan = plan(self.upstream, self.front, self.op);
        plan.contains('u') && matches!(self.kind, 'b' | 'w')
    }

    /// How many links of the account the IdP has then.
    pub(super) fn keeps(&self) -> usize {
        let is_done = match self.kind {
            'w' => self.is_done,
            'a' => true,
            _ => self.row.told,
        };
        match (self.op, is_done) {
            (Op::Create | Op::Put | Op::Pending, done) => usize::from(done),
            (Op::Delete, done) => usize::from(!done),
            _ => 1,
        }
    }
}

#[test]
fn every_fault_has_a_row_and_every_front_its_words() {
    let named: Vec<_> = crate::support::fault::named();
    assert!(named.len() >= 30);
    for (name, _) in &named {
        assert!(TABLE.fault.contains_key(*name), "{name}");
    }
    assert_eq!(named.len(), TABLE.fault.len());
    let words = [
        "down",
        "limited",
        "overloaded",
        "refused",
        "timeout",
        "unknown",
    ];
    for (front, row) in &TABLE.front {
        let _ = client(front);
        for word in words {
            assert!(row.contains_key(word), "{front}: {word}");
        }
    }
    for except in &TABLE.except {
        assert!(!except.because.is_empty());
    }
}
