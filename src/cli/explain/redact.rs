//! What is shown of requests and answers: everything but secrets, each of which is known by the field that it is in.

use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

use crate::model::{Record, Value};

/// What stands for a secret.
const HIDDEN: &str = "***";

/// The secrets of some records.
#[derive(Debug, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// The secrets that a record holds, wherever.
    pub(super) fn of(record: &Record) -> Self {
        let mut secrets = Self::default();
        secrets.add(record);
        secrets
    }

    fn add(&mut self, record: &Record) {
        for (field, value) in record.iter() {
            match value {
                Value::Text(text) if field.is_secret() => self.0.push(text.clone()),
                Value::Record(record) => self.add(record),
                Value::List(records) => records.iter().for_each(|record| self.add(record)),
                _ => {}
            }
        }
    }

    fn has(&self, text: &str) -> bool {
        self.0.iter().any(|secret| secret == text)
    }

    /// A target or a form: whatever stands between its separators.
    pub(super) fn hide_in_target(&self, target: &str) -> String {
        let mut out = String::new();
        for piece in target.split_inclusive(['/', '?', '&', '=']) {
            let text = piece.trim_end_matches(['/', '?', '&', '=']);
            let end = piece.get(text.len()..).unwrap_or_default();
            let spaced = text.replace('+', " ");
            let decoded =
                [text, spaced.as_str()].map(|t| percent_decode_str(t).decode_utf8_lossy());
            let is_secret = !text.is_empty() && decoded.iter().any(|text| self.has(text));
            out.push_str(if is_secret { HIDDEN } else { text });
            out.push_str(end);
        }
        out
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
            Json::String(text) if self.has(text) => HIDDEN.clone_into(text),
            Json::Array(items) => items.iter_mut().for_each(|item| self.hide(item)),
            Json::Object(members) => members.values_mut().for_each(|value| self.hide(value)),
            _ => {}
        }
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
        ] {
            assert_eq!(secrets.hide_in_target(target), hidden);
        }
        let body = r#"{"a":[{"token":"s3/cr+t a"}],"b":"not-secret"}"#;
        let shown = r#"{"a":[{"token":"***"}],"b":"not-secret"}"#;
        assert_eq!(secrets.hide_in_body(body.as_bytes()), shown);
        assert_eq!(secrets.hide_in_body(b"a=pend&b=c"), "a=***&b=c");
        assert_eq!(secrets.hide_in_body(b""), "");
    }
}
