//! What is shown of requests and answers: everything but secrets, each of which is known by the field that it is in.
//! Of what nobody has read, only what is known to be none is shown.

use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

use crate::dialect::Dialect;
use crate::mapping::json::{self, show};
use crate::model::{Field, Record, Value};

/// What stands for a secret.
const HIDDEN: &str = "***";
/// A secret of this length is none by chance: it is hidden within other texts, too.
const TELLING: usize = 8;

/// The secrets of some records.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// The values of fields that are secrets.
    secrets: Vec<String>,
    /// The texts of documents: what they are for nobody knows, so that they are hidden where they are the whole
    /// text of a member.
    texts: Vec<String>,
}

impl Secrets {
    /// The secrets that a record holds, wherever.
    pub(super) fn of(record: &Record) -> Self {
        Self::default().and(record)
    }

    /// These, and those of another record.
    pub(super) fn and(mut self, record: &Record) -> Self {
        self.add(record);
        self
    }

    fn add(&mut self, record: &Record) {
        for (field, value) in record.iter() {
            match value {
                Value::Text(text) if field.is_secret() && !text.is_empty() => {
                    self.secrets.push(text.clone());
                }
                Value::Record(record) => self.add(record),
                Value::List(records) => records.iter().for_each(|record| self.add(record)),
                Value::Json(json) => self.add_texts(json),
                _ => {}
            }
        }
    }

    fn add_texts(&mut self, json: &Json) {
        match json {
            Json::String(text) => self.texts.push(text.clone()),
            Json::Array(items) => items.iter().for_each(|item| self.add_texts(item)),
            Json::Object(members) => members.values().for_each(|value| self.add_texts(value)),
            _ => {}
        }
    }

    /// Whether a text is a secret, or has one in it.
    fn are_in(&self, text: &str) -> bool {
        let is_it = |secret: &String| {
            secret == text || (secret.len() >= TELLING && text.contains(secret.as_str()))
        };
        self.secrets.iter().any(is_it)
    }

    /// A target or a form: whatever stands between its separators.
    pub(super) fn hide_in_target(&self, target: &str) -> String {
        let mut out = String::new();
        for piece in target.split_inclusive(['/', '?', '&']) {
            let text = piece.trim_end_matches(['/', '?', '&']);
            let end = piece.get(text.len()..).unwrap_or_default();
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (text, None),
            };
            let is_in = |text: &str| self.is_spelled_in(text);
            // A secret may have the sign in it that is between a name and its value.
            let is_whole = is_in(text) && !value.is_some_and(is_in);
            out.push_str(if is_whole || is_in(name) {
                HIDDEN
            } else {
                name
            });
            if let (Some(value), false) = (value, is_whole) {
                out.push('=');
                out.push_str(if is_in(value) { HIDDEN } else { value });
            }
            out.push_str(end);
        }
        out
    }

    /// Whether a secret is in a text that may be percent-encoded.
    fn is_spelled_in(&self, text: &str) -> bool {
        let spaced = text.replace('+', " ");
        let mut spellings = [text, spaced.as_str()].into_iter();
        spellings.any(|text| self.are_in(&percent_decode_str(text).decode_utf8_lossy()))
    }

    /// A body: JSON, else a form.
    pub(super) fn hide_in_body(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        match serde_json::from_str::<Json>(&text) {
            Ok(mut json) => {
                self.hide(&mut json);
                json.to_string()
            }
            Err(_) => self.hide_in_target(&text),
        }
    }

    fn hide(&self, json: &mut Json) {
        match json {
            Json::String(text) if self.are_in(text) || self.texts.contains(text) => {
                HIDDEN.clone_into(text);
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.hide(item)),
            Json::Object(members) => members.values_mut().for_each(|value| self.hide(value)),
            _ => {}
        }
    }
}

/// A path that no op has read: the words that are in paths of the dialect are known, and whatever else is there may
/// be a secret.
pub(super) fn known_path(dialect: &Dialect, path: &str) -> String {
    let routes = dialect.routes();
    let words = routes.iter().flat_map(|route| route.path.iter().flatten());
    let words: HashSet<&str> = words.map(String::as_str).collect();
    let shown = path.split('/').map(|segment| match segment {
        "" => "",
        word if words.contains(word) => word,
        _ => HIDDEN,
    });
    shown.collect::<Vec<_>>().join("/")
}

/// A record as JSON, without its secrets. Of documents, only their form is shown.
pub(super) fn shown(record: &Record) -> Json {
    show(&without_texts(record), json::Secrets::Hidden)
}

fn without_texts(record: &Record) -> Record {
    let fields = record.iter().map(|(field, value)| {
        let value = match value {
            Value::Json(json) => Value::Json(without_leaves(json, field == Field::Patch)),
            Value::Record(record) => Value::Record(without_texts(record)),
            Value::List(records) => Value::List(records.iter().map(without_texts).collect()),
            value => value.clone(),
        };
        (field, value)
    });
    fields.collect()
}

/// JSON with its members and without its texts and numbers. A patch keeps the words that say what it does where.
fn without_leaves(json: &Json, is_patch: bool) -> Json {
    match json {
        Json::String(_) | Json::Number(_) => Json::String(HIDDEN.to_owned()),
        Json::Array(items) => {
            let items = items.iter().map(|item| without_leaves(item, is_patch));
            Json::Array(items.collect())
        }
        Json::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let is_word = is_patch && matches!(name.as_str(), "op" | "path" | "from");
                let value = match is_word && value.is_string() {
                    true => value.clone(),
                    false => without_leaves(value, false),
                };
                (name.clone(), value)
            });
            Json::Object(members.collect())
        }
        Json::Bool(_) | Json::Null => json.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Field;

    #[test]
    fn a_secret_is_hidden_in_every_place_and_spelling() {
        let mut nested = Record::new();
        nested.set_text(Field::Token, "s3/cr+t a");
        let mut record = Record::new().with(Field::Links, Value::List(vec![nested]));
        record.set_text(Field::PendingId, "pend");
        record.set_text(Field::Subject, "not-secret");
        let secrets = Secrets::of(&record);
        for (target, hidden) in [
            ("/pending/pend?a=not-secret", "/pending/***?a=not-secret"),
            ("/x?token=s3%2Fcr%2Bt%20a&b=1", "/x?token=***&b=1"),
            ("token=s3%2fcr%2Bt+a", "token=***"),
            ("/pender/", "/pender/"),
            ("/pend=?a=pend", "/***=?a=***"),
        ] {
            assert_eq!(secrets.hide_in_target(target), hidden);
        }
        let body = r#"{"a":[{"token":"s3/cr+t a"}],"b":"not-secret"}"#;
        let shown = r#"{"a":[{"token":"***"}],"b":"not-secret"}"#;
        assert_eq!(secrets.hide_in_body(body.as_bytes()), shown);
        assert_eq!(secrets.hide_in_body(b"a=pend&b=c"), "a=***&b=c");
        assert_eq!(secrets.hide_in_body(b""), "");
    }
    #[test]
    fn a_secret_that_is_long_is_hidden_within_other_texts() {
        let token = Value::Text("s3cret==".to_owned());
        let secrets = Secrets::of(&Record::new().with(Field::Token, token));
        for (target, hidden) in [
            ("/pending/s3cret==", "/pending/***"),
            ("a=s3cret==&b=1", "a=***&b=1"),
            ("a=x%20eq%20%22s3cret%3D%3D%22", "a=***"),
        ] {
            assert_eq!(secrets.hide_in_target(target), hidden);
        }
        assert_eq!(secrets.hide_in_body(br#"["no s3cret=="]"#), r#"["***"]"#);
    }

    #[test]
    fn of_documents_the_form_is_shown() {
        let patch = serde_json::json!([{"op": "add", "path": "/a", "value": {"path": "x", "n": 1, "b": true}}]);
        let document = serde_json::json!({"a": ["x"], "path": "y"});
        let record = Record::new()
            .with(Field::Patch, Value::Json(patch))
            .with(Field::Document, Value::Json(document));
        let expected = r#"{"patch":[{"op":"add","path":"/a","value":{"path":"***","n":"***","b":true}}],"document":{"a":["***"],"path":"***"}}"#;
        let expected: Json = serde_json::from_str(expected).unwrap();
        assert_eq!(shown(&record), expected);
    }

    #[test]
    fn a_path_that_nobody_reads_has_the_words_of_the_dialect_only() {
        let loaded = crate::mapping::builtin::load_builtin("linkbridge").unwrap();
        let dialect = Dialect::new(loaded.plan.unwrap());
        let path = known_path(&dialect, "/linkbridge/v1/pending-links/s3cret/x/");
        assert_eq!(path, "/linkbridge/v1/pending-links/***/***/");
    }
}
