//! A record outside of the database: a JSON object or a row of CSV, and back.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use super::record::{VALUES, Value, digest};
use super::{Head, hex, unhex};

/// The names of what a record says, in the order in which it is hashed.
pub const NAMES: [&str; VALUES] = [
    "seq",
    "version",
    "at",
    "phase",
    "action",
    "client",
    "source",
    "credential",
    "front",
    "mapping",
    "request_id",
    "tenant",
    "user_id",
    "provider_id",
    "link_id",
    "subject",
    "key_id",
    "vendor",
    "vendor_id",
    "reason",
    "before",
    "after",
    "upstream",
    "upstream_request_id",
    "intent",
    "outcome",
];

const NUMBERS: &[&str] = &["seq", "version", "at", "intent"];
const BYTES: &[&str] = &["mapping", "link_id", "subject", "key_id"];
const OBJECTS: &[&str] = &["before", "after"];

/// A record as it stands.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    pub(super) values: [Value<'a>; VALUES],
    pub(super) previous: [u8; 32],
    pub(super) hash: [u8; 32],
}

impl<'a> Line<'a> {
    pub(super) fn value(&self, name: &str) -> Value<'a> {
        let place = NAMES.iter().position(|known| *known == name);
        let value = place.and_then(|place| self.values.get(place));
        value.copied().unwrap_or(Value::Null)
    }

    /// Its number.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.value("seq").int().unwrap_or(0)
    }

    /// Its instant, in milliseconds since the epoch.
    #[must_use]
    pub fn at(&self) -> i64 {
        self.value("at").int().unwrap_or(0)
    }

    /// The record before it, as it says.
    #[must_use]
    pub fn start(&self) -> Head {
        Head {
            seq: self.seq() - 1,
            hash: self.previous,
        }
    }

    /// One of its texts.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name).text()
    }

    /// What stands for its account, and the key that it was made with.
    #[must_use]
    pub fn subject(&self) -> Option<(&'a [u8], &'a [u8])> {
        Some((self.value("subject").blob()?, self.value("key_id").blob()?))
    }

    /// Whether it has the hash of what it says and of what comes before it.
    pub(super) fn is_sound(&self) -> bool {
        digest(&self.previous, &self.values) == self.hash
    }

    /// It as a JSON object on one line. What it does not say is left out.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = String::with_capacity(768);
        text.push('{');
        for (name, value) in NAMES.iter().zip(&self.values) {
            let told = match value {
                Value::Null => continue,
                Value::Int(n) => n.to_string(),
                Value::Text(text) if OBJECTS.contains(name) && is_object(text) => {
                    (*text).to_owned()
                }
                Value::Text(text) => Json::from(*text).to_string(),
                Value::Blob(bytes) => format!("\"{}\"", spelled(name, bytes)),
            };
            let _ = write!(text, "\"{name}\":{told},");
        }
        let (previous, hash) = (hex(&self.previous), hex(&self.hash));
        let _ = write!(text, "\"previous\":\"{previous}\",\"hash\":\"{hash}\"}}");
        text
    }

    /// It as a row of CSV, in the order of [`NAMES`], then `previous` and `hash`. A text that a spreadsheet would
    /// take for a formula has an apostrophe in front.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = String::with_capacity(512);
        for (name, value) in NAMES.iter().zip(&self.values) {
            match value {
                Value::Null => {}
                Value::Int(n) => {
                    let _ = write!(text, "{n}");
                }
                Value::Text(told) => cell(&mut text, told),
                Value::Blob(bytes) => text.push_str(&spelled(name, bytes)),
            }
            text.push(',');
        }
        let _ = write!(text, "{},{}", hex(&self.previous), hex(&self.hash));
        text
    }
}

/// Whether a text is what we write for an object: then it reads as one and is the same again.
fn is_object(text: &str) -> bool {
    let read: Option<Map<String, Json>> = serde_json::from_str(text).ok();
    let again = read.map(|object| Json::Object(object).to_string());
    again.is_some_and(|again| again == text)
}

/// Links go by their id as everywhere else.
fn spelled(name: &str, bytes: &[u8]) -> String {
    match (name, <[u8; 16]>::try_from(bytes)) {
        ("link_id", Ok(id)) => uuid::Uuid::from_bytes(id).to_string(),
        _ => hex(bytes),
    }
}

/// What a formula begins with, to one spreadsheet or another.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A text between quotes, where it needs them, and guarded from being a formula.
fn cell(into: &mut String, text: &str) {
    let guard = if text.starts_with(FORMULA) { "'" } else { "" };
    if !text.contains([',', '"', '\n', '\r', '\t']) {
        into.push_str(guard);
        into.push_str(text);
        return;
    }
    into.push('"');
    into.push_str(guard);
    into.push_str(&text.replace('"', "\"\""));
    into.push('"');
}

/// Reads a line of JSON that [`Line::to_json`] wrote, and hands it on; `None` if it is none, to the letter.
pub fn parse<T>(text: &str, then: impl FnOnce(&Line<'_>) -> T) -> Option<T> {
    let object: Map<String, Json> = serde_json::from_str(text).ok()?;
    let known =
        |name: &String| NAMES.contains(&name.as_str()) || name == "previous" || name == "hash";
    if !object.keys().all(known) {
        return None;
    }
    let own: Vec<Option<Own>> = NAMES
        .iter()
        .map(|name| match object.get(*name) {
            None => Some(Own::Nothing),
            Some(value) => own(name, value),
        })
        .collect();
    let mut values = [Value::Null; VALUES];
    for (value, own) in values.iter_mut().zip(&own) {
        *value = match own.as_ref()? {
            Own::Nothing => Value::Null,
            Own::Number(n) => Value::Int(*n),
            Own::Text(text) => Value::Text(text),
            Own::Bytes(bytes) => Value::Blob(bytes),
        };
    }
    let hash = |name: &str| unhex(object.get(name)?.as_str()?)?.try_into().ok();
    let line = Line {
        values,
        previous: hash("previous")?,
        hash: hash("hash")?,
    };
    // A member that stands there twice, say: other readers may take the other one.
    (line.to_json() == text.trim_end()).then(|| then(&line))
}

enum Own {
    Nothing,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

fn own(name: &str, value: &Json) -> Option<Own> {
    Some(match value {
        Json::Number(n) if NUMBERS.contains(&name) => Own::Number(n.as_i64()?),
        Json::Object(_) if OBJECTS.contains(&name) => Own::Text(value.to_string()),
        Json::String(text) if name == "link_id" => Own::Bytes(unhex(&text.replace('-', ""))?),
        Json::String(text) if BYTES.contains(&name) => Own::Bytes(unhex(text)?),
        Json::String(text) if !NUMBERS.contains(&name) => Own::Text(text.clone()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Record;
    use super::*;

    #[test]
    fn a_cell_is_no_formula() {
        for (user, cell) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@sum", "'@sum"),
            ("\tx", "\"'\tx\""),
            ("\rx", "\"'\rx\""),
            ("=a,\"b\"", "\"'=a,\"\"b\"\"\""),
            ("a=1", "a=1"),
            ("'x", "'x"),
            ("a,b", "\"a,b\""),
            ("", ""),
        ] {
            let record = Record {
                at: -1,
                phase: "done",
                tenant: Some("acme"),
                user_id: Some(user),
                ..Record::default()
            };
            let line = Line {
                values: record.values(1),
                previous: [0; 32],
                hash: [0; 32],
            };
            let csv = line.to_csv();
            // A number is none, though it has a sign.
            assert!(csv.starts_with("1,1,-1,done,"), "{csv}");
            assert!(csv.contains(&format!(",acme,{cell},,")), "{user:?}: {csv}");
            // What reads JSON has the text as it is.
            let same = parse(&line.to_json(), |read| read.text("user_id") == Some(user));
            assert_eq!(same, Some(true), "{user:?}");
        }
    }
}
