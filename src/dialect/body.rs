//! Bodies of requests: from bytes (JSON or a form) to JSON under a vendor's habits, and the members that nothing reads.

use serde_json::{Map, Value as Json};

use super::at::At;
use super::{Candidates, form, text};
use crate::mapping::path::Step;
use crate::mapping::plan::{Form, Op, Plan, Row, Tree};
use crate::model::{Failure, Place, Problem, Request, Why};

/// The deepest nesting of a body that is read.
const MAX_DEPTH: usize = 64;

/// The media type that stands for all, and for none.
const ANY_MEDIA: &str = "*/*";

/// The body of a request, if one of the ops looks at it.
///
/// # Errors
/// `UnsupportedMedia`, or `Invalid` for what is neither JSON nor a form.
pub(super) fn parse(
    candidates: &Candidates<'_>,
    request: &Request<'_>,
    plan: &Plan,
) -> Result<Json, Failure> {
    let reads = |op: &Op| !(op.request.rows.is_empty() && op.has.is_empty() && op.lacks.is_empty());
    if request.body.is_empty() || !candidates.ops().any(|(_, op)| reads(op)) {
        return Ok(Json::Object(Map::new()));
    }
    let given = text::media_type(request.headers);
    let consumed = |wanted: &str| {
        let mut all = candidates.ops().flat_map(|(_, op)| &op.consumes);
        let same = |media: &str| match plan.exact_media {
            true => media == wanted,
            false => media.eq_ignore_ascii_case(wanted),
        };
        all.any(|media| same(media) || media == ANY_MEDIA)
    };
    if !consumed(given.as_deref().unwrap_or_default()) {
        return Err(Failure::UnsupportedMedia { given });
    }
    let mut consumed = candidates.ops().flat_map(|(_, op)| &op.consumes);
    let takes_forms = consumed.any(|media| form::is_form(media));
    // Where any media type is taken for JSON, this one is, too: `curl` names it of itself.
    if takes_forms && given.as_deref().is_some_and(form::is_form) {
        // The names of a form are what they are, whatever the habits of the vendor's JSON.
        return form::read(request.body)
            .map_err(|problem| Failure::Invalid(vec![problem.unwrap_or(whole(Why::Malformed))]));
    }
    json(request.body, plan)
}

/// JSON, read under a vendor's habits.
///
/// # Errors
/// `Invalid` for what is not JSON.
pub(super) fn json(text: &[u8], plan: &Plan) -> Result<Json, Failure> {
    let malformed = || Failure::Invalid(vec![whole(Why::Malformed)]);
    if depth(text) > MAX_DEPTH {
        return Err(malformed());
    }
    let parsed = match plan.json.refuses_duplicates {
        true => crate::json::strict(text),
        false => serde_json::from_slice(text),
    };
    let json = parsed.map_err(|_| malformed())?;
    match plan.json.snake_too {
        true => camel(json).ok_or_else(malformed),
        false => Ok(json),
    }
}

/// How deep the brackets of a JSON text nest. Texts are skipped; what is not JSON gives some number.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A problem of the body as a whole.
pub(super) fn whole(why: Why) -> Problem {
    Problem {
        place: Place::Body,
        at: String::new(),
        field: None,
        why,
        max: None,
    }
}

/// The value with `some_name` called `someName`; `None` if an object then has two members of one name.
fn camel(json: Json) -> Option<Json> {
    match json {
        Json::Object(members) => {
            let mut renamed = Map::with_capacity(members.len());
            for (name, value) in members {
                if renamed.insert(camel_name(&name), camel(value)?).is_some() {
                    return None;
                }
            }
            Some(Json::Object(renamed))
        }
        Json::Array(items) => items
            .into_iter()
            .map(camel)
            .collect::<Option<_>>()
            .map(Json::Array),
        other => Some(other),
    }
}

pub(super) fn camel_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut is_raised = false;
    for c in name.chars() {
        match c {
            '_' => is_raised = true,
            c if is_raised => {
                out.push(c.to_ascii_uppercase());
                is_raised = false;
            }
            c => out.push(c),
        }
    }
    out
}

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
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn snake_case_is_read_as_camel_case_at_any_depth() {
        let got = camel(json!({"idp_link":{"idp_id":"1","userId":"2"},"x":[{"a_b_c":1}]}));
        let want = json!({"idpLink":{"idpId":"1","userId":"2"},"x":[{"aBC":1}]});
        assert_eq!(got, Some(want));
        assert_eq!(camel(json!({"idp_id":"1","idpId":"1"})), None);
    }
}

#[cfg(test)]
#[path = "habits_tests.rs"]
mod habits_tests;

#[cfg(test)]
#[path = "strict_tests.rs"]
mod strict_tests;
