//! Writing: rows of a plan over a record, into JSON, texts and headers.

mod says;
mod spell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value as Json};

pub(super) use self::says::untellable;
use self::spell::{is_default, joined, spell_json, spell_text};
use super::basic;
use super::read::split;
use super::text::encode;
use crate::mapping::codec::Codec;
use crate::mapping::condition::Scene;
use crate::mapping::plan::{FieldRef, Form, Only, Otherwise, Part, Row, Tree};
use crate::model::{Field, FieldType, Record, Value};

/// Writes one part of an exchange.
pub(super) struct Writer<'a> {
    pub(super) scene: Scene<'a>,
    /// The front's public URL.
    pub(super) origin: &'a str,
    /// Whether zeros, empty texts, `false` and empty lists are left out.
    pub(super) omits_defaults: bool,
}

impl Writer<'_> {
    /// Writes a document into `root`.
    pub(super) fn tree(&self, tree: &Tree, record: &Record, root: &mut Json) {
        for (path, row) in tree.rows.iter().filter(|(_, row)| self.writes(row, record)) {
            if let Form::One { shape, field } = &row.form {
                // A shape spreads into its node, beside what other rows have put there.
                if let Some(inner) = field.map_or(Some(record), |field| record.record(field)) {
                    self.spread(shape, inner, path.node(root));
                }
            } else if let Some(json) = self.json(row, record) {
                // What stands for the whole is no member that could be left out.
                let is_member = !path.steps().is_empty();
                if !(is_member && self.omits_defaults && is_default(&json)) {
                    path.put(root, json);
                }
            }
        }
    }

    fn writes(&self, row: &Row, record: &Record) -> bool {
        row.only != Some(Only::Parse)
            && row
                .condition
                .as_ref()
                .is_none_or(|c| c.holds(record, &self.scene))
    }

    fn json(&self, row: &Row, record: &Record) -> Option<Json> {
        let written = self.form(row, record);
        written.or_else(|| row.null.then_some(Json::Null))
    }

    fn form(&self, row: &Row, record: &Record) -> Option<Json> {
        match &row.form {
            Form::Field {
                field,
                codec,
                words,
            } => {
                let value = self
                    .look(*field, record)
                    .and_then(|v| spell_json(v, codec, words.as_deref()));
                value.or_else(|| self.otherwise(row, codec, record))
            }
            Form::Const(json) => Some(json.clone()),
            Form::Carry { member, .. } => match record.value(Field::Document) {
                Some(Value::Json(document)) => {
                    document.get(member).filter(|v| !v.is_null()).cloned()
                }
                _ => None,
            }
            .or_else(|| self.otherwise(row, &Codec::Plain(FieldType::Json), record)),
            Form::Each {
                field,
                item,
                filter,
                sorted,
            } => {
                let chosen = self.chosen(*field, filter.as_ref(), record)?;
                let mut values: Vec<Json> = chosen.filter_map(|r| self.json(item, r)).collect();
                if *sorted {
                    values.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                }
                Some(Json::Array(values))
            }
            Form::Join(parts) => self.join(row, parts, record).map(Json::String),
            Form::Url(parts) => self.parts(parts, record, true).map(Json::String),
            Form::One { shape, field } => field
                .map_or(Some(record), |field| record.record(field))
                .map(|inner| self.object(shape, inner)),
            Form::List {
                field,
                item,
                filter,
                ..
            } => {
                // A record that this vendor cannot be told is left out; a list never fails for it.
                let chosen = self.chosen(*field, filter.as_ref(), record)?;
                let told = chosen.filter(|record| untellable(item, record).is_none());
                Some(Json::Array(
                    told.map(|record| self.object(item, record)).collect(),
                ))
            }
            Form::Dict {
                field, key, item, ..
            } => {
                let members = record.list(*field)?.iter();
                let members =
                    members.filter_map(|r| Some((r.text(*key)?.to_owned(), self.object(item, r))));
                Some(Json::Object(members.collect()))
            }
            Form::Group {
                field,
                by,
                item,
                filter,
            } => {
                let mut groups = Map::new();
                for record in self.chosen(*field, filter.as_ref(), record)? {
                    let key = record.text(*by).unwrap_or_default();
                    let group = groups.entry(key).or_insert_with(|| Json::Array(Vec::new()));
                    if let Json::Array(items) = group {
                        items.push(self.object(item, record));
                    }
                }
                Some(Json::Object(groups))
            }
            Form::First(rows) => {
                let mut rows = rows.iter().filter(|row| self.writes(row, record));
                rows.find_map(|row| self.json(row, record))
            }
            Form::Basic { .. } | Form::Presence => None,
        }
    }

    fn object(&self, shape: &Tree, record: &Record) -> Json {
        let mut node = Json::Null;
        self.spread(shape, record, &mut node);
        node
    }

    /// Writes a shape into its node, which is an object even when no row of the shape writes.
    fn spread(&self, shape: &Tree, record: &Record, node: &mut Json) {
        self.tree(shape, record, node);
        if node.is_null() {
            *node = Json::Object(Map::new());
        }
    }

    fn chosen<'r>(
        &'r self,
        field: Field,
        filter: Option<&'r crate::mapping::condition::Condition>,
        record: &'r Record,
    ) -> Option<impl Iterator<Item = &'r Record>> {
        let records = record.list(field)?;
        Some(
            records
                .iter()
                .filter(move |r| filter.is_none_or(|c| c.holds(r, &self.scene))),
        )
    }

    fn look<'r>(&'r self, field: FieldRef, record: &'r Record) -> Option<&'r Value> {
        match field {
            FieldRef::Here(field) => record.value(field),
            FieldRef::Request(field) => self.scene.request.value(field),
        }
    }

    fn otherwise(&self, row: &Row, codec: &Codec, record: &Record) -> Option<Json> {
        match row.otherwise.as_ref()? {
            Otherwise::Field(field) => self.look(*field, record).and_then(|v| codec.write_json(v)),
            Otherwise::Literal(json) => Some(json.clone()),
        }
    }

    /// A joined text; `None` also if it would not be split into the same fields again.
    fn join(&self, row: &Row, parts: &[Part], record: &Record) -> Option<String> {
        let text = self.parts(parts, record, false)?;
        let is_same = |(field, value): (Field, String)| record.text(field) == Some(value.as_str());
        let splits = || split(parts, &text).is_some_and(|all| all.into_iter().all(is_same));
        (row.only == Some(Only::Emit) || splits()).then_some(text)
    }

    /// A joined text; `None` if a field of it is absent.
    fn parts(&self, parts: &[Part], record: &Record, escape: bool) -> Option<String> {
        let mut out = String::new();
        for part in parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Origin => out.push_str(self.origin),
                Part::Document { member, base64 } => {
                    let Some(Value::Json(document)) = record.value(Field::Document) else {
                        return None;
                    };
                    let text = document.get(member)?.as_str()?;
                    if *base64 {
                        URL_SAFE_NO_PAD.encode_string(text, &mut out);
                    } else {
                        out.push_str(&encode(text));
                    }
                }
                Part::Field(field) => {
                    let text =
                        Codec::Plain(FieldType::Text).write_text(self.look(*field, record)?)?;
                    if escape {
                        out.push_str(&encode(&text));
                    } else {
                        out.push_str(&text);
                    }
                }
            }
        }
        Some(out)
    }

    /// A row as a text: query parameter, capture or header.
    pub(super) fn text(&self, row: &Row, record: &Record) -> Option<String> {
        if !self.writes(row, record) {
            return None;
        }
        match &row.form {
            Form::Field {
                field,
                codec,
                words,
            } => {
                let value = self.look(*field, record)?;
                spell_text(value, codec, words.as_deref())
            }
            Form::Const(json) => match json {
                Json::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            },
            Form::Join(parts) => self.join(row, parts, record),
            Form::Each {
                field,
                item,
                filter,
                sorted,
            } => {
                let chosen = self.chosen(*field, filter.as_ref(), record)?;
                let texts = chosen.map(|r| self.text(item, r));
                joined(texts.collect::<Option<_>>()?, *sorted)
            }
            Form::Url(parts) => self.parts(parts, record, true),
            Form::Basic { user, secret } => {
                Some(basic::write(record.text(*user)?, record.text(*secret)?))
            }
            _ => None,
        }
    }

    /// Adds header fields. A value that no header can carry is left out.
    pub(super) fn headers(
        &self,
        rows: &[(HeaderName, Row)],
        record: &Record,
        headers: &mut HeaderMap,
    ) {
        for (name, row) in rows {
            if let Some(Ok(value)) = self.text(row, record).map(HeaderValue::try_from) {
                headers.insert(name.clone(), value);
            }
        }
    }
}

/// JSON as it is sent.
pub(super) fn bytes(json: &Json) -> Vec<u8> {
    // The keys of a `Value` are texts, which is all that could go wrong.
    serde_json::to_vec(json).unwrap_or_default()
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "words_tests.rs"]
mod words_tests;
