//! JSON lines: one object a line, read member by member.

use std::fmt;
use std::io::BufRead;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value as Json;

use super::input::{self, Bytes, Fault, MAX_RECORD, Record, Records};
use super::known::{Draft, Known};
use crate::backend::embedded::import::{Position, Row};
use crate::finding::suggest;

/// The members that a line may have.
const MEMBERS: [&str; 4] = ["user_id", "tenant", "ids", "document"];

/// JSON lines of users.
pub(super) struct Lines {
    bytes: Bytes,
    raw: Vec<u8>,
    position: Position,
}

impl Lines {
    /// The lines from `position` on, which is where `bytes` start.
    pub(super) fn new(bytes: Bytes, position: Position) -> Self {
        Self {
            bytes,
            raw: Vec::new(),
            position,
        }
    }

    /// Reads a line, and answers its length; only what may be long enough is kept.
    fn line(&mut self) -> std::io::Result<usize> {
        self.raw.clear();
        let mut size = 0;
        loop {
            let chunk = self.bytes.fill_buf()?;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let read = end.map_or(chunk.len(), |end| end + 1);
            input::keep(&mut self.raw, chunk.get(..read).unwrap_or_default());
            self.bytes.consume(read);
            size += read;
            self.position.offset += read as u64;
            // The last line may lack its end.
            self.position.lines += u64::from(end.is_some() || (read == 0 && size > 0));
            if end.is_some() || read == 0 {
                let end = self
                    .raw
                    .iter()
                    .rev()
                    .take_while(|b| matches!(**b, b'\r' | b'\n'));
                let length = self.raw.len().saturating_sub(end.count());
                self.raw.truncate(length);
                return Ok(size);
            }
        }
    }
}

impl Records for Lines {
    fn next(&mut self, known: &Known) -> std::io::Result<Option<Record<'_>>> {
        loop {
            let line = self.position.lines + 1;
            let size = self.line()?;
            if size == 0 {
                return Ok(None);
            }
            if self.raw.iter().all(u8::is_ascii_whitespace) && size <= MAX_RECORD {
                continue;
            }
            let row = if size > MAX_RECORD {
                Err(Fault::Refused(format!("is longer than {MAX_RECORD} bytes")))
            } else {
                row(&self.raw, known)
            };
            let raw = &self.raw;
            return Ok(Some(Record { line, raw, row }));
        }
    }

    fn position(&self) -> Position {
        self.position
    }
}

/// The row that a line means.
fn row(line: &[u8], known: &Known) -> Result<Row, Fault> {
    let text = std::str::from_utf8(line).map_err(|_| Fault::Refused("is not UTF-8".to_owned()))?;
    let object: Object = serde_json::from_str(text).map_err(|e| Fault::Refused(told(&e)))?;
    let mut unknown: Vec<String> = object
        .unknown
        .iter()
        .map(|name| format!("`{name}` is no member: {}", suggest(name, &MEMBERS)))
        .collect();
    let mut ids = Vec::with_capacity(object.ids.0.len());
    for (name, id) in &object.ids.0 {
        match known.vendor(name, &[]) {
            Ok(vendor) => ids.push((vendor, id.as_str())),
            Err(hint) => unknown.push(format!("`{name}` is no vendor: {hint}")),
        }
    }
    if !unknown.is_empty() {
        return Err(Fault::Unknown(unknown.join("; ")));
    }
    let draft = Draft {
        user_id: object.user_id.as_deref(),
        tenant: object.tenant.as_deref(),
        ids,
        document: object.document.map(|json| json.to_string()),
    };
    known.row(draft).map_err(Fault::Refused)
}

/// What the parser says, with the column; the line is always its first.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    format!("{what}, at column {}", error.column())
}

/// A line. `null` is as good as nothing, as in the native API.
#[derive(Default)]
struct Object {
    user_id: Option<String>,
    tenant: Option<String>,
    ids: Ids,
    document: Option<Json>,
    unknown: Vec<String>,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut object = Object::default();
                let mut seen: Vec<String> = Vec::with_capacity(MEMBERS.len());
                while let Some(name) = map.next_key::<String>()? {
                    if seen.contains(&name) {
                        return Err(twice(&name));
                    }
                    match name.as_str() {
                        "user_id" => object.user_id = map.next_value()?,
                        "tenant" => object.tenant = map.next_value()?,
                        "ids" => object.ids = map.next_value::<Option<Ids>>()?.unwrap_or_default(),
                        "document" => object.document = map.next_value()?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            object.unknown.push(name.clone());
                        }
                    }
                    seen.push(name);
                }
                Ok(object)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// Ids by vendor.
#[derive(Default)]
struct Ids(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Ids;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with an id for each vendor")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ids, A::Error> {
                let mut ids: Vec<(String, String)> = Vec::new();
                while let Some((name, id)) = map.next_entry::<String, String>()? {
                    if ids.iter().any(|(other, _)| *other == name) {
                        return Err(twice(&name));
                    }
                    ids.push((name, id));
                }
                Ok(Ids(ids))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

fn twice<E: Error>(name: &str) -> E {
    E::custom(format_args!("the member `{name}` stands there twice"))
}

#[cfg(test)]
#[path = "jsonl_tests.rs"]
mod tests;
