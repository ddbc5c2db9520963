//! Reading: rows of a plan over wire values, into a record and a list of problems.

use serde_json::Value as Json;

use super::at::At;
use super::text::{self, Param};
use crate::mapping::codec::{Codec, Read};
use crate::mapping::path::Found;
use crate::mapping::plan::{CarryKind, FieldRef, Form, Need, Only, Op, Part, Row, Tree, Words};
use crate::model::{FailureKind, Field, Place, Problem, Record, Value, Why};

/// The most problems that are told of one request: a body can have more faults than an answer should
/// have lines.
pub(super) const MAX_PROBLEMS: usize = 100;

/// The most items of a list that are read.
const MAX_ITEMS: usize = 10_000;

/// Reads one part of an exchange.
pub(super) struct Reader<'a> {
    pub(super) place: Place,
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

    /// Puts the problems since `before` in the order of the rows that found them: what is missing is
    /// noted last, and stands where it is looked for. So the same faults are told in the same order,
    /// and a vendor that tells one problem tells that of its first row.
    fn in_order_of_rows(&mut self, before: usize, found_by: Vec<usize>) {
        let mut problems: Vec<_> = self.problems.drain(before..).zip(found_by).collect();
        problems.sort_by_key(|(_, row)| *row);
        self.problems
            .extend(problems.into_iter().map(|(problem, _)| problem));
    }

    /// Something of the wrong type stands above the row's path: one problem, however many rows it hides.
    fn blocked(&mut self, at: &At<'_>) {
        if self.is_full() {
            return;
        }
        let text = at.text();
        let here = |p: &Problem| p.place == self.place && p.at == text;
        if !self.problems.iter().any(here) {
            self.problem(None, at, Why::WrongType, None);
        }
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
            Form::Field { .. } | Form::Const(_) | Form::Presence => {}
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
                    self.each_text(row, *field, item, text, at, record);
                }
                Form::Const(expected) if expected.as_str() != Some(text) => {
                    self.refuse(row, None, at, Why::UnknownValue, None);
                }
                Form::Join(parts) => self.split(row, parts, text, at, record),
                _ => {}
            },
        }
        if let Some(need) = row.need {
            self.needed(row, need, at, record);
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

    /// Reads the items of a list, whatever holds them, and the field that is their key, if they have
    /// one; no more than a number of them. No items = they are held by the wrong type.
    fn records(
        &mut self,
        field: Field,
        shape: &Tree,
        (key, items, max): (Option<Field>, Option<Vec<Item<'_>>>, usize),
        at: &At<'_>,
        record: &mut Record,
    ) {
        let Some(items) = items else {
            self.problem(Some(field), at, Why::WrongType, None);
            return;
        };
        if items.len() > max {
            self.problem(Some(field), at, Why::TooLong, u64::try_from(max).ok());
            return;
        }
        let mut records = Vec::with_capacity(items.len());
        for item in items {
            let mut inner = Record::new();
            let member = at.below(item.member);
            let element = item.index.map(|index| member.element(index));
            self.tree(shape, item.json, &element.unwrap_or(member), &mut inner);
            if let Some(key) = key {
                inner.set_text(key, item.member);
            }
            records.push(inner);
        }
        append(record, field, records);
    }

    /// The members whose names are among the words that there are; others are problems.
    fn known<'j>(
        &mut self,
        members: Option<Vec<Item<'j>>>,
        key: Field,
        words: Option<&[&str]>,
        at: &At<'_>,
    ) -> Option<Vec<Item<'j>>> {
        let Some(words) = words else { return members };
        let mut members = members?;
        members.retain(|item| {
            let is_known = words.contains(&item.member);
            if !is_known {
                self.problem(Some(key), &at.below(item.member), Why::NotAllowed, None);
            }
            is_known
        });
        Some(members)
    }

    /// Reads the values of a text, joined by commas, each of which is a record. They stand in one place:
    /// the first that is wrong is the problem of all.
    fn each_text(
        &mut self,
        row: &Row,
        field: Field,
        item: &Row,
        text: &str,
        at: &At<'_>,
        record: &mut Record,
    ) {
        let values = text.split(',');
        if values.clone().nth(MAX_ITEMS).is_some() {
            return self.too_many(row, field, at);
        }
        let mut records = Vec::new();
        let mut faults = Vec::new();
        for value in values.filter(|value| !value.is_empty() || item.refuses_blank) {
            let mut inner = Record::new();
            let mut reader = Reader {
                place: self.place,
                problems: &mut faults,
                refusal: self.refusal,
            };
            reader.text(item, &Param::Value(value.to_owned()), at, &mut inner);
            if let Some(fault) = faults.pop() {
                return self.problem(fault.field, at, fault.why, fault.max);
            }
            records.push(inner);
        }
        let records = said(records);
        if !records.is_empty() {
            append(record, field, records);
        }
    }

    fn too_many(&mut self, row: &Row, field: Field, at: &At<'_>) {
        let most = u64::try_from(MAX_ITEMS).ok();
        self.refuse(row, Some(field), at, Why::TooLong, most);
    }

    /// Reads the changes of a JSON Patch. A problem says which pointer, or which word, is refused.
    fn patch(
        &mut self,
        field: Field,
        allow: &[(String, CarryKind, Vec<String>)],
        json: &Json,
        record: &mut Record,
    ) {
        let faults = super::patch::faults(json, allow);
        for (at, why) in &faults {
            self.problem(Some(field), &At::path(at), *why, None);
        }
        if faults.is_empty() {
            record.set(field, Value::Json(json.clone()));
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

    /// Notes the members of a body that no row speaks of.
    pub(super) fn unread(&mut self, op: &Op, body: &Json) {
        let room = MAX_PROBLEMS.saturating_sub(self.problems.len());
        self.problems.extend(super::body::unread(op, body, room));
    }

    /// Notes the absence of a needed value, unless something else is already wrong with it.
    fn needed(&mut self, row: &Row, need: Need, at: &At<'_>, record: &Record) {
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

    fn refuse(&mut self, row: &Row, field: Option<Field>, at: &At<'_>, why: Why, max: Option<u64>) {
        match row.bad {
            // The first place that names nothing decides, as if they were looked up one by one.
            Some(kind) => drop(self.refusal.get_or_insert(kind)),
            None => self.problem(field, at, why, max),
        }
    }

    /// Whether no further problem is told; then there is no need to look for any.
    fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    fn problem(&mut self, field: Option<Field>, at: &At<'_>, why: Why, max: Option<u64>) {
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

/// Why a value is none that a member may be.
pub(super) fn carry_fault(kind: CarryKind, allowed: &[String], json: &Json) -> Option<Why> {
    let fits = match kind {
        CarryKind::Any => true,
        CarryKind::Text => json.is_string(),
        CarryKind::Object => json.is_object(),
    };
    let is_known = |text: &str| allowed.iter().any(|word| word == text);
    if !fits {
        Some(Why::WrongType)
    } else if allowed.is_empty() || json.as_str().is_some_and(is_known) {
        None
    } else {
        Some(Why::UnknownValue)
    }
}

/// An empty text is none that is needed.
fn blank_fault(row: &Row, json: &Json) -> Option<Why> {
    (row.need.is_some() && json.as_str() == Some("")).then_some(Why::Blank)
}

/// Keeps a member of the user's document as it stands.
fn carry(member: &str, json: &Json, record: &mut Record) {
    let mut document = match record.take(Field::Document) {
        Some(Value::Json(Json::Object(members))) => members,
        _ => serde_json::Map::new(),
    };
    document.insert(member.to_owned(), json.clone());
    record.set(Field::Document, Value::Json(Json::Object(document)));
}

/// The records that say something: `null` among single values does not, nor what its codec takes for
/// nothing.
fn said(mut records: Vec<Record>) -> Vec<Record> {
    records.retain(|record| !record.is_empty());
    records
}

/// Whether a record has what a row binds.
pub(super) fn is_there(row: &Row, record: &Record) -> bool {
    match (&row.form, record.value(Field::Document)) {
        (Form::Carry { member, .. }, Some(Value::Json(document))) => document.get(member).is_some(),
        _ => row.fields.iter().all(|field| record.has(*field)),
    }
}

/// One item of a list, with the member and the index that it stands at.
struct Item<'j> {
    json: &'j Json,
    member: &'j str,
    index: Option<usize>,
}

/// The items of an array.
fn items(json: &Json) -> Option<Vec<Item<'_>>> {
    let item = |(index, json)| Item {
        json,
        member: "",
        index: Some(index),
    };
    Some(json.as_array()?.iter().enumerate().map(item).collect())
}

/// The members of an object.
fn members(json: &Json) -> Option<Vec<Item<'_>>> {
    let item = |(name, json)| -> Item<'_> {
        let name: &String = name;
        Item {
            json,
            member: name,
            index: None,
        }
    };
    Some(json.as_object()?.iter().map(item).collect())
}

/// The items of the arrays that are members of an object.
fn groups(json: &Json) -> Option<Vec<Item<'_>>> {
    let mut all = Vec::new();
    for Item { json, member, .. } in members(json)? {
        all.extend(items(json)?.into_iter().map(|item| Item { member, ..item }));
    }
    Some(all)
}

/// Whether a problem at `above` hides what is at `at`; the root of a body is above everything.
fn is_above(above: &str, at: &str) -> bool {
    above.is_empty()
        || at
            .strip_prefix(above)
            .is_some_and(|rest| rest.starts_with(['.', '[']))
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

/// The bound that a value was over.
fn bound(row: &Row, why: Why) -> Option<u64> {
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

fn bound_field(row: &Row) -> Option<Field> {
    match &row.form {
        Form::Field {
            field: FieldRef::Here(field),
            ..
        } => Some(*field),
        _ => None,
    }
}

/// Several rows may fill one list (a vendor's field errors and its general errors).
fn append(record: &mut Record, field: Field, records: Vec<Record>) {
    let mut all = match record.take(field) {
        Some(Value::List(earlier)) => earlier,
        _ => Vec::new(),
    };
    all.extend(records);
    record.set(field, Value::List(all));
}

/// What was read, unless it is an empty text and the row refuses that.
fn unless_blank(row: &Row, text: Option<&str>, read: Read) -> Read {
    match text {
        Some("") if row.refuses_blank => Err(Why::Blank),
        _ => read,
    }
}

fn translate(
    value: Option<Value>,
    codec: &Codec,
    words: Option<&Words>,
) -> Result<Option<Value>, Why> {
    match (value, words) {
        (Some(Value::Text(text)), Some(words)) if *codec == Codec::Words => several(&text, words),
        (Some(Value::Text(text)), Some(words)) => match words.read.get(&text) {
            Some(word) => Ok(Some(Value::Text(word.clone()))),
            None => Err(Why::UnknownValue),
        },
        (value, _) => Ok(value),
    }
}

/// Several words, joined by commas, as canonical ones with blanks between them.
fn several(text: &str, words: &Words) -> Result<Option<Value>, Why> {
    let mut found: Vec<&str> = Vec::new();
    for word in text.split(',').map(str::trim) {
        match words.read.get(word) {
            Some(word) if !found.contains(&word.as_str()) => found.push(word),
            Some(_) => {}
            None if words.drops_unknown => {}
            None => return Err(Why::UnknownValue),
        }
    }
    Ok((!found.is_empty()).then(|| Value::Text(found.join(" "))))
}

/// Of several words, the first that is not known: the one that an answer repeats.
fn unknown_word<'t>(row: &Row, text: &'t str) -> Option<&'t str> {
    let Form::Field {
        codec: Codec::Words,
        words: Some(words),
        ..
    } = &row.form
    else {
        return None;
    };
    let mut all = text.split(',').map(str::trim);
    all.find(|word| !words.read.contains_key(*word))
}

/// Splits a text at the literals of a join: each field is the shortest match but the last.
pub(super) fn split(parts: &[Part], text: &str) -> Option<Vec<(Field, String)>> {
    let mut values = Vec::new();
    let mut rest = text;
    let mut pending: Option<Field> = None;
    for part in parts {
        match part {
            Part::Literal(literal) => match pending.take() {
                Some(field) => {
                    let (value, after) = rest.split_once(literal.as_str())?;
                    values.push((field, value.to_owned()));
                    rest = after;
                }
                None => rest = rest.strip_prefix(literal.as_str())?,
            },
            Part::Field(FieldRef::Here(field)) => pending = Some(*field),
            Part::Field(FieldRef::Request(_)) | Part::Origin | Part::Document { .. } => {}
        }
    }
    match pending {
        Some(field) => values.push((field, rest.to_owned())),
        None if !rest.is_empty() => return None,
        None => {}
    }
    values
        .iter()
        .all(|(_, value)| !value.is_empty())
        .then_some(values)
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "each_tests.rs"]
mod each_tests;
