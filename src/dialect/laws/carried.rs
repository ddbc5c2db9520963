//! What of a record an answer can tell: the laws hold for as much as is carried.

use serde_json::Value as Json;

use crate::mapping::condition::{Clause, Condition, Operand, Scene};
use crate::mapping::plan::{FieldRef, Form, Only, Op, Otherwise, PageStyle, Part, Row, Tree};
use crate::model::{Field, Record, Value};

/// The record without what some vendors leave out: a reader cannot tell it from what is not there.
pub(super) fn without_defaults(record: &Record) -> Record {
    let kept = record.iter().filter(|(_, value)| match value {
        Value::Text(text) => !text.is_empty(),
        Value::Int(number) => *number != 0,
        Value::Bool(truth) => *truth,
        Value::List(records) => !records.is_empty(),
        Value::Json(_) | Value::Record(_) => true,
    });
    let inner = |(field, value): (Field, &Value)| match value {
        Value::Record(record) => (field, Value::Record(without_defaults(record))),
        Value::List(records) => {
            let records = records.iter().map(without_defaults).collect();
            (field, Value::List(records))
        }
        other => (field, other.clone()),
    };
    kept.map(inner).collect()
}

/// What an answer carries of a record: the fields that its rows bind, completed by their `else`.
pub(super) fn carried(op: &Op, record: &Record, params: &Record) -> Record {
    let answer = &op.answer;
    let mut out = Record::new();
    let style = op.page.as_ref().map(|page| &page.style);
    if let Some(PageStyle::LinkHeader { .. }) = style {
        out.set_text_opt(Field::PageNext, record.text(Field::PageNext));
    }
    let words = answer.status_if.iter().flat_map(|(_, c)| c.words());
    for (field, word) in words {
        if record.value(field) == Some(&word) {
            out.set(field, word);
        }
    }
    let carried = Carried { params };
    carried.tree(&answer.tree, record, &mut out);
    out
}

/// Collects what is carried.
struct Carried<'a> {
    params: &'a Record,
}

impl Carried<'_> {
    /// Whether the request of the answer lets the row be written.
    fn is_written(&self, row: &Row) -> bool {
        let asks =
            |clause: &&Clause| matches!(clause.operand, Operand::Field(FieldRef::Request(_)));
        let clauses = row.condition.iter().flat_map(|c| &c.0).filter(asks);
        let scene = Scene {
            request: self.params,
            option: &|_| None,
            body: true,
        };
        Condition(clauses.cloned().collect()).holds(&Record::new(), &scene)
    }

    fn tree(&self, rows: &Tree, record: &Record, out: &mut Record) {
        for (_, row) in &rows.rows {
            if row.only.is_none() && self.is_written(row) {
                self.keep(row, record, out);
            }
        }
    }

    /// Copies what one row carries.
    fn keep(&self, row: &Row, record: &Record, out: &mut Record) {
        let copy = |field: Field, out: &mut Record| {
            if let Some(value) = record.value(field) {
                out.set(field, value.clone());
            }
        };
        if let Some((_, field)) = row.parameter {
            copy(field, out);
        }
        match &row.form {
            Form::Field {
                field: FieldRef::Here(field),
                ..
            } => {
                copy(*field, out);
                if !record.has(*field)
                    && let Some(Otherwise::Field(FieldRef::Here(other))) = row.otherwise
                    && let Some(value) = record.value(other)
                {
                    out.set(*field, value.clone());
                }
            }
            Form::Join(parts) => parts.iter().for_each(|part| {
                if let Part::Field(FieldRef::Here(field)) = part {
                    copy(*field, out);
                }
            }),
            Form::One { shape, field: None } => self.tree(shape, record, out),
            Form::One {
                shape,
                field: Some(field),
            } => {
                if let Some(inner) = record.record(*field) {
                    out.set(*field, Value::Record(self.nested(shape, inner, None)));
                }
            }
            Form::List { field, item, .. } => self.list(*field, item, None, record, out),
            Form::Dict {
                field, key, item, ..
            } => self.list(*field, item, Some(*key), record, out),
            Form::Group {
                field, by, item, ..
            } => self.list(*field, item, Some(*by), record, out),
            Form::Each { field, item, .. } => {
                if let Some(records) = record.list(*field) {
                    let kept = records.iter().map(|record| {
                        let mut out = Record::new();
                        self.keep(item, record, &mut out);
                        out
                    });
                    out.set(*field, Value::List(kept.collect()));
                }
            }
            Form::Carry { member, .. } => {
                if let Some(value) = carried_member(row, member, record) {
                    carry(member, &value, out);
                }
            }
            Form::First(rows) => rows
                .iter()
                .filter(|r| r.only != Some(Only::Emit) && self.is_written(r))
                .for_each(|r| {
                    self.keep(r, record, out);
                    for (field, _) in r.condition.iter().flat_map(|c| c.words()) {
                        copy(field, out);
                    }
                }),
            // It stands in headers, which no law fills by chance.
            Form::Basic { .. } => {}
            Form::Field { .. } | Form::Const(_) | Form::Url(_) | Form::Presence => {}
        }
    }

    fn nested(&self, shape: &Tree, record: &Record, key: Option<Field>) -> Record {
        let mut out = Record::new();
        if let Some((key, text)) = key.and_then(|key| Some((key, record.text(key)?))) {
            out.set_text(key, text);
        }
        self.tree(shape, record, &mut out);
        out
    }

    fn list(
        &self,
        field: Field,
        item: &Tree,
        key: Option<Field>,
        record: &Record,
        out: &mut Record,
    ) {
        if let Some(records) = record.list(field) {
            out.set(
                field,
                Value::List(records.iter().map(|r| self.nested(item, r, key)).collect()),
            );
        }
    }
}

/// The member that an answer carries: that of the document, or what is written in its place.
fn carried_member(row: &Row, member: &str, record: &Record) -> Option<Json> {
    let document = match record.value(Field::Document) {
        Some(Value::Json(document)) => document.get(member).filter(|value| !value.is_null()),
        _ => None,
    };
    let otherwise = || match row.otherwise.as_ref()? {
        Otherwise::Field(FieldRef::Here(field)) => record.text(*field).map(Json::from),
        Otherwise::Field(FieldRef::Request(_)) => None,
        Otherwise::Literal(json) => Some(json.clone()),
    };
    document.cloned().or_else(otherwise)
}

/// Sets a member of the document of a record.
fn carry(member: &str, value: &Json, out: &mut Record) {
    let mut members = match out.take(Field::Document) {
        Some(Value::Json(Json::Object(members))) => members,
        _ => serde_json::Map::new(),
    };
    members.insert(member.to_owned(), value.clone());
    out.set(Field::Document, Value::Json(Json::Object(members)));
}
