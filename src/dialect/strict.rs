//! Strict ops: the members of a body that no row speaks of.

use serde_json::Value as Json;

use super::at::At;
use super::body::whole;
use crate::mapping::path::Step;
use crate::mapping::plan::{Form, Op, Row, Tree};
use crate::model::{Problem, Why};

/// The members of a body that no row of the op speaks of, as problems; no more than `most`. What a
/// condition looks at is spoken of.
pub(super) fn unread(op: &Op, body: &Json, most: usize) -> Vec<Problem> {
    let conditions = op.has.iter().chain(&op.lacks);
    let conditions = conditions.map(|path| (path.steps(), None));
    let rows: Vec<Below<'_>> = rows_of(&op.request).chain(conditions).collect();
    let mut search = Search {
        most,
        problems: Vec::new(),
    };
    search.look(&rows, body, &At::path(""));
    search.problems
}

/// What is left of a row's path below a node, and the row; a path of a condition has none.
type Below<'t> = (&'t [Step], Option<&'t Row>);

fn rows_of(tree: &Tree) -> impl Iterator<Item = Below<'_>> {
    let rows = tree.rows.iter();
    rows.map(|(path, row)| (path.steps(), Some(row)))
}

/// What rows say of the value at which they stand.
#[derive(Default)]
struct Inside<'t> {
    /// It is taken whole.
    is_whole: bool,
    /// Rows of members and elements.
    below: Vec<Below<'t>>,
    /// Rows of each element.
    items: Option<Vec<Below<'t>>>,
    /// Rows of each member.
    values: Option<Vec<Below<'t>>>,
    /// The only members that there are; each other one is a problem already.
    keys: Option<&'t [&'static str]>,
    /// Rows of each element of each member.
    groups: Option<Vec<Below<'t>>>,
}

impl<'t> Inside<'t> {
    fn new(rows: &[Below<'t>]) -> Self {
        // Where only a condition looks, it looks at the whole.
        let is_condition = |(steps, row): &Below<'_>| steps.is_empty() && row.is_none();
        let mut inside = Self {
            is_whole: !rows.is_empty() && rows.iter().all(is_condition),
            ..Self::default()
        };
        rows.iter().for_each(|below| inside.add(*below));
        inside
    }

    fn add(&mut self, (steps, row): Below<'t>) {
        match row {
            _ if !steps.is_empty() => self.below.push((steps, row)),
            Some(row) => self.form(row),
            None => {}
        }
    }

    fn form(&mut self, row: &'t Row) {
        let add = |rows: &mut Option<Vec<Below<'t>>>, tree: &'t Tree| {
            rows.get_or_insert_default().extend(rows_of(tree));
        };
        match &row.form {
            Form::One { shape, .. } => rows_of(shape).for_each(|below| self.add(below)),
            Form::First(rows) => rows.iter().for_each(|row| self.form(row)),
            Form::List { item, .. } => add(&mut self.items, item),
            Form::Dict { item, keys, .. } => {
                self.keys = keys.as_deref();
                add(&mut self.values, item);
            }
            Form::Group { item, .. } => add(&mut self.groups, item),
            _ => self.is_whole = true,
        }
    }

    /// Whether it may be an object, or else an array: where rows look for one of them and not for the other,
    /// the other one is a problem already.
    fn may_be(&self, object: bool) -> bool {
        let has = |key: bool| {
            let is_such = |step: &Step| matches!(step, Step::Key(_)) == key;
            let mut firsts = self.below.iter().filter_map(|(steps, _)| steps.first());
            firsts.any(is_such)
        };
        let wants_object = self.values.is_some() || self.groups.is_some() || has(true);
        let wants_array = self.items.is_some() || has(false);
        wants_object == wants_array || wants_object == object
    }

    /// The rows of a member; `None` if nothing speaks of it.
    fn member(&self, name: &str) -> Option<Vec<Below<'t>>> {
        let is_named = |step: &Step| matches!(step, Step::Key(key) if key == name);
        with(under(&self.below, is_named), self.values.as_deref())
    }

    fn element(&self, index: usize) -> Option<Vec<Below<'t>>> {
        let is_here = |step: &Step| *step == Step::Index(index);
        with(under(&self.below, is_here), self.items.as_deref())
    }
}

/// The rows of one place and those of every place like it; `None` if there are neither.
fn with<'t>(mut here: Vec<Below<'t>>, every: Option<&[Below<'t>]>) -> Option<Vec<Below<'t>>> {
    here.extend(every.into_iter().flatten());
    (!here.is_empty() || every.is_some()).then_some(here)
}

/// The rows below one step.
fn under<'t>(rows: &[Below<'t>], fits: impl Fn(&Step) -> bool) -> Vec<Below<'t>> {
    let below = rows.iter().filter_map(|(steps, row)| {
        let (first, rest) = steps.split_first()?;
        fits(first).then_some((rest, *row))
    });
    below.collect()
}

/// Looking for what nothing speaks of.
struct Search {
    most: usize,
    problems: Vec<Problem>,
}

impl Search {
    fn look(&mut self, rows: &[Below<'_>], json: &Json, at: &At<'_>) {
        let inside = Inside::new(rows);
        if inside.is_whole {
            return;
        }
        let is_told = |name: &str| inside.keys.is_some_and(|keys| !keys.contains(&name));
        match json {
            Json::Object(members) if inside.may_be(true) => {
                for (name, value) in members.iter().filter(|(name, _)| !is_told(name)) {
                    let at = at.below(name);
                    match &inside.groups {
                        Some(rows) => self.elements(value, &at, |_| Some(rows.clone())),
                        None => self.below(inside.member(name), value, &at),
                    }
                }
            }
            Json::Array(_) if inside.may_be(false) => {
                self.elements(json, at, |index| inside.element(index));
            }
            // A value of the wrong type is a problem of its own.
            _ => {}
        }
    }

    fn elements<'t>(
        &mut self,
        json: &Json,
        at: &At<'_>,
        rows: impl Fn(usize) -> Option<Vec<Below<'t>>>,
    ) {
        for (index, value) in json.as_array().into_iter().flatten().enumerate() {
            self.below(rows(index), value, &at.element(index));
        }
    }

    fn below(&mut self, rows: Option<Vec<Below<'_>>>, value: &Json, at: &At<'_>) {
        if self.problems.len() >= self.most {
            return;
        }
        match rows {
            Some(rows) => self.look(&rows, value, at),
            None => self.problems.push(Problem {
                at: at.text(),
                ..whole(Why::NotAllowed)
            }),
        }
    }
}

#[cfg(test)]
#[path = "strict_tests.rs"]
mod tests;
