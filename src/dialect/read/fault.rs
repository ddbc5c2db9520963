//! What is wrong with what was read: which problems are told, of which place, and in which order.

use serde_json::Value as Json;

use super::{Reader, is_there};
use crate::dialect::at::At;
use crate::dialect::strict;
use crate::mapping::codec::Codec;
use crate::mapping::plan::{Form, Need, Op, Row};
use crate::model::{Field, Problem, Record, Why};

/// The most problems that are told of one request: a body can have more faults than an answer should
/// have lines.
pub(in crate::dialect) const MAX_PROBLEMS: usize = 100;

impl Reader<'_> {
    /// Puts the problems since `before` in the order of the rows that found them: what is missing is
    /// noted last, and stands where it is looked for. So the same faults are told in the same order,
    /// and a vendor that tells one problem tells that of its first row.
    pub(super) fn in_order_of_rows(&mut self, before: usize, found_by: Vec<usize>) {
        let mut problems: Vec<_> = self.problems.drain(before..).zip(found_by).collect();
        problems.sort_by_key(|(_, row)| *row);
        self.problems
            .extend(problems.into_iter().map(|(problem, _)| problem));
    }

    /// Something of the wrong type stands above the row's path: one problem, however many rows it hides.
    pub(super) fn blocked(&mut self, at: &At<'_>) {
        if self.is_full() {
            return;
        }
        let text = at.text();
        let here = |p: &Problem| p.place == self.place && p.at == text;
        if !self.problems.iter().any(here) {
            self.problem(None, at, Why::WrongType, None);
        }
    }

    /// Notes the members of a body that no row speaks of.
    pub(in crate::dialect) fn unread(&mut self, op: &Op, body: &Json) {
        let room = MAX_PROBLEMS.saturating_sub(self.problems.len());
        self.problems.extend(strict::unread(op, body, room));
    }

    /// Notes the absence of a needed value, unless something else is already wrong with it.
    pub(super) fn needed(&mut self, row: &Row, need: Need, at: &At<'_>, record: &Record) {
        if is_there(row, record) || self.refusal.is_some() || self.is_full() {
            return;
        }
        let text = at.text();
        // A faulty value is one problem, wherever of several places it stood, and hides what is below.
        let explained = |p: &Problem| {
            let here = p.place == self.place && (p.at == text || is_above(&p.at, &text));
            let elsewhere = row.contested && p.field.is_some_and(|f| row.fields.contains(&f));
            here || elsewhere
        };
        if !self.problems.iter().any(explained) {
            let why = match need {
                Need::Missing => Why::Missing,
                Need::Blank => Why::Blank,
            };
            self.refuse(row, row.fields.first().copied(), at, why, None);
        }
    }

    pub(super) fn refuse(
        &mut self,
        row: &Row,
        field: Option<Field>,
        at: &At<'_>,
        why: Why,
        max: Option<u64>,
    ) {
        match row.bad {
            // The first place that names nothing decides, as if they were looked up one by one.
            Some(kind) => drop(self.refusal.get_or_insert(kind)),
            None => self.problem(field, at, why, max),
        }
    }

    /// Whether no further problem is told; then there is no need to look for any.
    pub(super) fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    pub(super) fn problem(
        &mut self,
        field: Option<Field>,
        at: &At<'_>,
        why: Why,
        max: Option<u64>,
    ) {
        if !self.is_full() {
            self.problems.push(Problem {
                place: self.place,
                at: at.text(),
                field,
                why,
                max,
            });
        }
    }
}

/// An empty text is none that is needed.
pub(super) fn blank_fault(row: &Row, json: &Json) -> Option<Why> {
    (row.need.is_some() && json.as_str() == Some("")).then_some(Why::Blank)
}

/// Whether a problem at `above` hides what is at `at`; the root of a body is above everything.
pub(super) fn is_above(above: &str, at: &str) -> bool {
    above.is_empty()
        || at
            .strip_prefix(above)
            .is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// The bound that a value was over.
pub(super) fn bound(row: &Row, why: Why) -> Option<u64> {
    match (&row.form, why) {
        (
            Form::Field {
                codec: Codec::Text { max, .. },
                ..
            },
            Why::TooLong,
        ) => u64::try_from(*max).ok(),
        (
            Form::Field {
                codec: Codec::Int { max, .. } | Codec::Proto { max, .. },
                ..
            },
            Why::TooLong,
        ) => u64::try_from(*max).ok(),
        _ => None,
    }
}
