//! Reading: rows of a plan over wire values, into a record and a list of problems.

mod document;
mod fault;
mod list;
mod word;

use serde_json::Value as Json;

use super::at::At;
use super::basic;
use super::text::{self, Param};
use crate::mapping::codec::Codec;
use crate::mapping::path::Found;
use crate::mapping::plan::{FieldRef, Form, Only, Part, Row, Tree};
use crate::model::{FailureKind, Field, Place, Problem, Record, Value, Why};
use document::carry;
pub(super) use document::carry_fault;
pub(super) use fault::MAX_PROBLEMS;
use fault::{blank_fault, bound};
use list::{MAX_ITEMS, append, groups, items, members, said};
pub(super) use word::split;
use word::{translate, unknown_word, unless_blank};

/// Reads one part of an exchange.
pub(super) struct Reader<'a> {
    pub(super) place: Place,
    /// Whether it is of an answer, where what is not known is none of our business.
    pub(super) answers: bool,
    pub(super) problems: &'a mut Vec<Problem>,
    /// The failure that a row names for a value that cannot be read.
    pub(super) refusal: &'a mut Option<FailureKind>,
}

impl Reader<'_> {
    /// Reads a document. `prefix` is where it stands in the whole body.
    pub(super) fn tree(&mut self, tree: &Tree, root: &Json, prefix: &At<'_>, record: &mut Record) {
        let mut positions: Vec<(Field, Vec<usize>)> = Vec::new();
        let (before, mut found_by) = (self.problems.len(), Vec::new());
        for (index, (path, row)) in tree.rows.iter().enumerate() {
            if row.only == Some(Only::Emit) {
                continue;
            }
            match path.find(root) {
                Found::Absent => {}
                Found::Blocked(depth) => self.blocked(&prefix.below(&path.dotted_prefix(depth))),
                Found::Value(json) => {
                    if row.contested && !wins(row, path.position(root), &mut positions) {
                        continue;
                    }
                    self.json(row, json, &prefix.below(path.dotted()), record);
                }
            }
            found_by.resize(self.problems.len() - before, index);
        }
        for (index, (path, row)) in tree.rows.iter().enumerate() {
            if let Some(need) = row.need {
                self.needed(row, need, &prefix.below(path.dotted()), record);
                found_by.resize(self.problems.len() - before, index);
            }
        }
        self.in_order_of_rows(before, found_by);
    }

    fn json(&mut self, row: &Row, json: &Json, at: &At<'_>, record: &mut Record) {
        match &row.form {
            Form::Field {
                field: FieldRef::Here(field),
                codec,
                words,
            } => {
                if let Codec::JsonPatch { allow } = codec {
                    return self.patch(*field, allow, json, record);
                }
                let read = codec
                    .read_json(json)
                    .and_then(|value| translate(value, codec, words.as_deref()));
                let read = unless_blank(row, json.as_str(), read);
                self.set(row, *field, read, at, record);
            }
            Form::Carry {
                member,
                kind,
                allowed,
            } => match carry_fault(*kind, allowed, json).or_else(|| blank_fault(row, json)) {
                Some(why) => self.refuse(row, Some(Field::Document), at, why, None),
                None => carry(member, json, record),
            },
            Form::Each { field, item, .. } => match json.as_array() {
                Some(values) if values.len() > MAX_ITEMS => self.too_many(row, *field, at),
                Some(values) => {
                    let mut records = Vec::with_capacity(values.len());
                    for (index, value) in values.iter().enumerate() {
                        let mut inner = Record::new();
                        if !value.is_null() {
                            self.json(item, value, &at.element(index), &mut inner);
                        }
                        records.push(inner);
                    }
                    append(record, *field, said(records));
                }
                None => self.refuse(row, Some(*field), at, Why::WrongType, None),
            },
            Form::Const(expected) if json != expected => {
                self.refuse(row, None, at, Why::UnknownValue, None)
            }
            Form::Join(parts) => match json.as_str() {
                Some(text) => self.split(row, parts, text, at, record),
                None => self.refuse(row, None, at, Why::WrongType, None),
            },
            Form::One { shape, field } => self.one(shape, *field, json, at, record),
            Form::List {
                field, item, max, ..
            } => {
                let max = max.unwrap_or(MAX_ITEMS);
                self.records(*field, item, (None, items(json), max), at, record);
            }
            Form::Dict {
                field,
                key,
                keys,
                item,
            } => {
                let known = self.known(members(json), *key, keys.as_deref(), at);
                self.records(*field, item, (Some(*key), known, MAX_ITEMS), at, record);
            }
            Form::Group {
                field, by, item, ..
            } => {
                let groups = (Some(*by), groups(json), MAX_ITEMS);
                self.records(*field, item, groups, at, record);
            }
            Form::First(rows) => self.first(rows, json, at, record),
            Form::Url(_) => {
                if let (Some((name, field)), Some(link)) = (&row.parameter, json.as_str()) {
                    record.set_text_opt(*field, text::parameter(link, name));
                }
            }
            Form::Field { .. } | Form::Const(_) | Form::Basic { .. } | Form::Presence => {}
        }
    }

    /// Reads a text: a parameter, a capture, a header.
    pub(super) fn text(&mut self, row: &Row, param: &Param, at: &At<'_>, record: &mut Record) {
        if row.only == Some(Only::Emit) {
            return;
        }
        if let (Some(field), Param::Value(text)) = (row.raw, param) {
            record.set_text(field, unknown_word(row, text).unwrap_or(text));
        }
        match param {
            Param::Absent => {}
            Param::Unreadable | Param::Repeated => {
                self.refuse(row, bound_field(row), at, Why::Malformed, None)
            }
            Param::Value(text) => match &row.form {
                Form::Field {
                    field: FieldRef::Here(field),
                    codec,
                    words,
                } => {
                    let read = codec
                        .read_text(text)
                        .and_then(|value| translate(value, codec, words.as_deref()));
                    let read = unless_blank(row, Some(text), read);
                    self.set(row, *field, read, at, record);
                }
                Form::Each { field, item, .. } => {
                    self.each_text(row, (*field, item), text, at, record);
                }
                Form::Const(expected) if expected.as_str() != Some(text) => {
                    self.refuse(row, None, at, Why::UnknownValue, None);
                }
                Form::Join(parts) => self.split(row, parts, text, at, record),
                Form::Basic { user, secret } => match basic::read(text) {
                    Some(Ok((name, password))) => {
                        record.set_text(*user, name);
                        record.set_text(*secret, password);
                    }
                    Some(Err(why)) => self.refuse(row, Some(*user), at, why, None),
                    None => {}
                },
                _ => {}
            },
        }
        if let Some(need) = row.need {
            self.needed(row, need, at, record);
        }
    }

    /// The credential of a header wins over what the rest of the request says. Another name there would be
    /// another client.
    pub(super) fn prevails(
        &mut self,
        header: &str,
        [user, secret]: [(Field, Value); 2],
        record: &mut Record,
    ) {
        if record.value(user.0) != Some(&user.1) {
            self.problem(Some(user.0), &At::path(header), Why::NotAllowed, None);
        }
        for (field, value) in [user, secret] {
            record.set(field, value);
        }
    }

    fn set(
        &mut self,
        row: &Row,
        field: Field,
        read: Result<Option<Value>, Why>,
        at: &At<'_>,
        record: &mut Record,
    ) {
        match read {
            Ok(Some(Value::Text(text))) if text.is_empty() && row.need.is_some() => {
                self.refuse(row, Some(field), at, Why::Blank, None);
            }
            Ok(Some(value)) => record.set(field, value),
            Ok(None) => {}
            Err(why) => self.refuse(row, Some(field), at, why, bound(row, why)),
        }
    }

    fn split(&mut self, row: &Row, parts: &[Part], text: &str, at: &At<'_>, record: &mut Record) {
        match split(parts, text) {
            Some(values) => {
                for (field, value) in values {
                    record.set_text(field, value);
                }
            }
            None => self.refuse(row, bound_field(row), at, Why::Malformed, None),
        }
    }

    fn one(
        &mut self,
        shape: &Tree,
        field: Option<Field>,
        json: &Json,
        at: &At<'_>,
        record: &mut Record,
    ) {
        match field {
            None => self.tree(shape, json, at, record),
            Some(field) => {
                let mut inner = Record::new();
                self.tree(shape, json, at, &mut inner);
                record.set(field, Value::Record(inner));
            }
        }
    }

    /// The first alternative that reads without a problem. What its condition says must then be so.
    /// Where all are only written, nothing is read.
    fn first(&mut self, rows: &[Row], json: &Json, at: &At<'_>, record: &mut Record) {
        let is_read = |row: &&Row| row.only != Some(Only::Emit);
        for row in rows.iter().filter(is_read) {
            let (mut problems, mut refusal) = (Vec::new(), None);
            let mut trial = record.clone();
            let mut reader = Reader {
                place: self.place,
                answers: self.answers,
                problems: &mut problems,
                refusal: &mut refusal,
            };
            reader.json(row, json, at, &mut trial);
            if problems.is_empty() && refusal.is_none() {
                for (field, word) in row.condition.iter().flat_map(|c| c.words()) {
                    trial.set(field, word);
                }
                *record = trial;
                return;
            }
        }
        if rows.iter().any(|row| is_read(&row)) {
            self.problem(None, at, Why::UnknownValue, None);
        }
    }
}

/// Of two members that set one field, the later one in the document wins.
fn wins(row: &Row, position: Vec<usize>, positions: &mut Vec<(Field, Vec<usize>)>) -> bool {
    let Some(field) = bound_field(row) else {
        return true;
    };
    match positions.iter_mut().find(|(f, _)| *f == field) {
        Some((_, earlier)) if *earlier > position => false,
        Some((_, earlier)) => {
            *earlier = position;
            true
        }
        None => {
            positions.push((field, position));
            true
        }
    }
}

/// Whether a record has what a row binds.
pub(super) fn is_there(row: &Row, record: &Record) -> bool {
    match (&row.form, record.value(Field::Document)) {
        (Form::Carry { member, .. }, Some(Value::Json(document))) => document.get(member).is_some(),
        _ => row.fields.iter().all(|field| record.has(*field)),
    }
}

fn bound_field(row: &Row) -> Option<Field> {
    match &row.form {
        Form::Field {
            field: FieldRef::Here(field),
            ..
        } => Some(*field),
        _ => None,
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "each_tests.rs"]
mod each_tests;
