//! Writing: rows of a plan over a record, into JSON, texts and headers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value as Json};

use super::read::{is_there, split};
use super::text::encode;
use crate::mapping::codec::Codec;
use crate::mapping::condition::Scene;
use crate::mapping::plan::{FieldRef, Form, Only, Otherwise, Part, Row, Tree, Words};
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
            Form::Presence => None,
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
            _ => None,
        }
    }

    /// Whether a document says all that the row binds and the record has, and all that a reader needs: no item
    /// is left out of a list.
    pub(super) fn says(&self, row: &Row, record: &Record) -> bool {
        let all = |field, filter: Option<&_>, is_said: &dyn Fn(&Record) -> bool| {
            self.chosen(field, filter, record)
                .is_none_or(|mut chosen| chosen.all(is_said))
        };
        if !self.writes(row, record) {
            return true;
        }
        if row.need.is_some() && self.json(row, record).is_none() {
            return false;
        }
        match &row.form {
            Form::One { shape, field } => field
                .map_or(Some(record), |field| record.record(field))
                .is_none_or(|inner| self.says_tree(shape, inner)),
            Form::List {
                field,
                item,
                filter,
                ..
            }
            | Form::Group {
                field,
                item,
                filter,
                ..
            } => all(*field, filter.as_ref(), &|r| self.says_tree(item, r)),
            Form::Dict { field, item, .. } => all(*field, None, &|r| self.says_tree(item, r)),
            Form::Each {
                field,
                item,
                filter,
                ..
            } => all(*field, filter.as_ref(), &|r| self.json(item, r).is_some()),
            Form::Field { .. } | Form::Join(_) => {
                !is_there(row, record) || is_free(row) || self.json(row, record).is_some()
            }
            _ => true,
        }
    }

    /// Whether a document says all that its rows bind and the record has.
    pub(super) fn says_tree(&self, tree: &Tree, record: &Record) -> bool {
        tree.rows.iter().all(|(_, row)| self.says(row, record))
    }

    /// Whether a query says what the row binds, if the record has it.
    pub(super) fn says_text(&self, row: &Row, record: &Record) -> bool {
        let is_asked = self.writes(row, record) && !row.fields.is_empty() && is_there(row, record);
        !is_asked || is_free(row) || self.text(row, record).is_some()
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

/// Whether what the row cannot spell is as good as not there: a zero of protobuf, and a word that says what
/// else is to be told.
fn is_free(row: &Row) -> bool {
    matches!(
        row.form,
        Form::Field {
            codec: Codec::Words | Codec::Proto { .. },
            ..
        }
    )
}

/// The field of `record` that the rows need and cannot spell: an id that is none to this vendor.
pub(super) fn untellable(tree: &Tree, record: &Record) -> Option<Field> {
    tree.rows.iter().find_map(|(_, row)| match &row.form {
        Form::Field {
            field: FieldRef::Here(field),
            codec,
            ..
        } => {
            let spoiled = |value| row.need.is_some() && !codec.can_write(value);
            record.value(*field).is_some_and(spoiled).then_some(*field)
        }
        Form::One { shape, field } => {
            let inner = field.map_or(Some(record), |field| record.record(field))?;
            untellable(shape, inner)
        }
        _ => None,
    })
}

/// JSON as it is sent.
pub(super) fn bytes(json: &Json) -> Vec<u8> {
    // The keys of a `Value` are texts, which is all that could go wrong.
    serde_json::to_vec(json).unwrap_or_default()
}

/// Several texts as one; `None` if it would not be split into the same texts again.
fn joined(mut texts: Vec<String>, sorted: bool) -> Option<String> {
    if sorted {
        texts.sort();
    }
    let is_one = |text: &String| !text.is_empty() && !text.contains(',');
    (!texts.is_empty() && texts.iter().all(is_one)).then(|| texts.join(","))
}

fn spell_json(value: &Value, codec: &Codec, words: Option<&Words>) -> Option<Json> {
    match (value, words) {
        (Value::Text(_), Some(_)) => spell_text(value, codec, words).map(Json::String),
        _ => codec.write_json(value),
    }
}

fn spell_text(value: &Value, codec: &Codec, words: Option<&Words>) -> Option<String> {
    match (value, words) {
        (Value::Text(all), Some(words)) if *codec == Codec::Words => {
            let spelled = all.split(' ').filter_map(|word| spell(word, words));
            let spelled = spelled.collect::<Vec<_>>().join(",");
            // Of words that the vendor has none for, there is nothing to say.
            (!spelled.is_empty()).then_some(spelled)
        }
        (Value::Text(word), Some(words)) => spell(word, words).map(str::to_owned),
        _ => codec.write_text(value),
    }
}

/// What some vendors leave out: what a reader assumes where there is nothing. `null` is written where a row
/// asks for it.
fn is_default(json: &Json) -> bool {
    match json {
        Json::Bool(false) => true,
        Json::Number(n) => n.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Null | Json::Bool(true) | Json::Object(_) => false,
    }
}

fn spell<'w>(word: &str, words: &'w Words) -> Option<&'w str> {
    words
        .write
        .get(word)
        .or(words.write_else.as_ref())
        .map(String::as_str)
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "words_tests.rs"]
mod words_tests;
