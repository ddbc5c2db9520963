//! Failures that one dialect tells apart, and the other words alike.
//!
//! Each failure is written by both error tables; what a client could tell it by is the status and the body
//! without our sentences. Nothing of the tables' rows is looked at, so conditions and alternatives count
//! as they are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::super::{Dialect, OpId, Settings, failure, op_id};
use super::{Group, Item};
use crate::model::{Failure, FailureKind, Field, OperationKind, Place, Problem, Record, Why};

/// What a client can tell a failure by.
type Wording = (u16, String);

/// Meanings, in parts that one dialect tells apart: the status of each part, and what it holds.
type Parts = Vec<(u16, Vec<String>)>;

/// The failures that `from` tells apart and `to` does not, with the operations where that is so.
pub(super) fn merged(from: &Dialect, to: &Dialect) -> Vec<Item> {
    let common = common(from, to);
    let mut found: BTreeMap<(u16, Parts), Vec<&str>> = BTreeMap::new();
    for operation in &common {
        let (here, there) = (wordings(from, *operation), wordings(to, *operation));
        let mut alike: BTreeMap<&Wording, Vec<&String>> = BTreeMap::new();
        for (meaning, wording) in &there {
            alike.entry(wording).or_default().push(meaning);
        }
        for ((status, _), meanings) in alike {
            let mut parts: BTreeMap<&Wording, Vec<String>> = BTreeMap::new();
            for meaning in meanings {
                if let Some(wording) = here.get(meaning) {
                    parts.entry(wording).or_default().push(meaning.clone());
                }
            }
            if parts.len() > 1 {
                let parts = parts.into_iter().map(|((s, _), m)| (*s, m)).collect();
                let name = operation.map_or("requests without an op", OperationKind::name);
                found.entry((*status, parts)).or_default().push(name);
            }
        }
    }
    let items = found.into_iter().map(|((status, parts), operations)| {
        let everywhere = operations.len() == common.len();
        let place = if everywhere {
            String::new()
        } else {
            format!(" ({})", operations.join(", "))
        };
        let why = format!("{} answers all of them {status}, alike{place}", to.name());
        Item::new(Group::Failures, shown(&parts), why)
    });
    items.collect()
}

fn shown(parts: &Parts) -> String {
    let part =
        |(status, meanings): &(u16, Vec<String>)| format!("{} ({status})", meanings.join(", "));
    parts.iter().map(part).collect::<Vec<_>>().join(" / ")
}

/// The operations that both have; requests without an op if there are none.
fn common(from: &Dialect, to: &Dialect) -> Vec<Option<OperationKind>> {
    let of = |dialect: &Dialect| -> BTreeSet<OperationKind> {
        let does = dialect.plan().ops.iter().map(|op| op.does);
        does.filter(|kind| !kind.is_about_tokens()).collect()
    };
    let both: Vec<_> = of(from).intersection(&of(to)).copied().map(Some).collect();
    if both.is_empty() { vec![None] } else { both }
}

/// How every failure is worded for an operation.
fn wordings(dialect: &Dialect, operation: Option<OperationKind>) -> BTreeMap<String, Wording> {
    let ops = &dialect.plan().ops;
    let index = operation.and_then(|kind| ops.iter().position(|op| op.does == kind));
    let op = index.map(op_id);
    let all = FailureKind::ALL.iter().copied();
    let others = all
        .filter(|kind| *kind != FailureKind::Invalid)
        .map(|kind| {
            let failure = failure::from_record(kind, &Record::new());
            (kind.name().to_owned(), failure)
        });
    let problems = Why::ALL.iter().copied().map(|why| {
        let failure = Failure::Invalid(vec![problem(dialect, op, why)]);
        (format!("invalid: {}", why.name()), failure)
    });
    others
        .chain(problems)
        .map(|(meaning, failure)| (meaning, wording(dialect, &failure, op)))
        .collect()
}

/// A problem of the account, where the op has it, else of the body.
fn problem(dialect: &Dialect, op: Option<OpId>, why: Why) -> Problem {
    let unplaced = Failure::Invalid(vec![Problem {
        place: Place::Body,
        at: String::new(),
        field: Some(Field::Subject),
        why,
        max: None,
    }]);
    let placed = match op {
        Some(op) => dialect.place(op, unplaced),
        None => unplaced,
    };
    match placed {
        Failure::Invalid(problems) => problems.into_iter().next(),
        _ => None,
    }
    .unwrap_or(Problem {
        place: Place::Body,
        at: Field::Subject.name().to_owned(),
        field: None,
        why,
        max: None,
    })
}

fn wording(dialect: &Dialect, failure: &Failure, op: Option<OpId>) -> Wording {
    let nothing = Record::new();
    let response = dialect.encode_failure(failure, op, &nothing, &Settings::default());
    let mut body = serde_json::from_slice(&response.body).unwrap_or(Json::Null);
    let mut sentences = vec![failure.message()];
    if let Failure::Invalid(problems) = failure {
        sentences.extend(problems.iter().map(Problem::message));
    }
    forget(&mut body, &sentences);
    (response.status, body.to_string())
}

/// Takes our own sentences out of a document: they are for people, and no client may tell by them.
fn forget(json: &mut Json, sentences: &[String]) {
    match json {
        Json::String(text) => {
            for sentence in sentences {
                *text = text.replace(sentence, "");
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| forget(item, sentences)),
        Json::Object(members) => members
            .values_mut()
            .for_each(|value| forget(value, sentences)),
        _ => {}
    }
}
