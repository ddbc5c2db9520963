//! Codecs: how a wire value of one vendor reads as a canonical value, and back.
//!
//! Each codec has an inverse. Reading may accept more than writing produces (upper-case UUIDs, short
//! UUIDs); what it accepts then reads as the value that it writes.

mod spelling;

use serde_json::Value as Json;

use super::plan::CarryKind;
use crate::model::{FieldType, Value, Why};
use spelling::{
    bounded, capped, hyphenated, is_32_bit, java_uuid, most, read_number, sanitized, whole,
};

/// A named codec.
#[derive(Clone, Debug, PartialEq)]
pub enum Codec {
    /// The plain form of a field type: a JSON string, number, boolean or document.
    Plain(FieldType),
    /// Text with a length in characters.
    Text {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
    },
    /// A hyphenated UUID of 36 characters in any case; written in lower case. Empty text is absent.
    Uuid,
    /// As [`Codec::Uuid`], and what `java.util.UUID.fromString` reads besides: groups shorter than
    /// usual (`1-2-3-4-5`), and a plain whole number for the low 64 bits.
    JavaUuid,
    /// An instant as whole milliseconds since the epoch; also read from decimal text.
    EpochMs,
    /// An instant as RFC 3339 text; written in UTC with milliseconds.
    Rfc3339,
    /// A whole number within bounds.
    Int {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
        /// Whether a greater number is read as the most.
        cap: bool,
    },
    /// A whole number as protobuf's JSON has it: read as a number or a text, also `1e1` and `1.0`; zero is
    /// absent.
    Proto {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
        /// Whether it is written as a text, as 64-bit numbers are.
        text: bool,
    },
    /// Several words in one text: joined by commas outside, by blanks inside.
    Words,
    /// Text in which every character but letters, digits and some others is read as `_`.
    Sanitized {
        /// The others.
        keep: String,
        /// How many characters are read at most; the rest is cut off.
        max: usize,
    },
    /// The changes of a JSON Patch (RFC 6902) that add, replace or remove, below some members only.
    JsonPatch {
        /// The members of the document that may be changed, and what they may be.
        allow: Vec<(String, CarryKind, Vec<String>)>,
    },
}

/// The names that a mapping may use, in the order of the reference.
pub const NAMES: &[&str] = &[
    "string",
    "uuid",
    "java_uuid",
    "epoch_ms",
    "rfc3339",
    "int",
    "proto_int32",
    "proto_int64",
    "words",
    "sanitized",
    "json_patch",
];

/// What reading comes to: a value, nothing (an empty text where that means absent), or a reason.
pub type Read = Result<Option<Value>, Why>;

impl Codec {
    /// The type of the fields that the codec serves.
    #[must_use]
    pub fn kind(&self) -> FieldType {
        match self {
            Codec::Plain(kind) => *kind,
            Codec::Text { .. } | Codec::Uuid | Codec::JavaUuid => FieldType::Text,
            Codec::Words | Codec::Sanitized { .. } => FieldType::Text,
            Codec::EpochMs | Codec::Rfc3339 => FieldType::Instant,
            Codec::Int { .. } | Codec::Proto { .. } => FieldType::Int,
            Codec::JsonPatch { .. } => FieldType::Json,
        }
    }

    /// Reads a JSON value.
    ///
    /// # Errors
    /// Why the value is refused.
    pub fn read_json(&self, json: &Json) -> Read {
        match (self, json) {
            (Codec::Plain(FieldType::Json), json) => Ok(Some(Value::Json(json.clone()))),
            (Codec::Plain(FieldType::Bool), Json::Bool(truth)) => Ok(Some(Value::Bool(*truth))),
            (
                Codec::Plain(FieldType::Int | FieldType::Instant) | Codec::EpochMs,
                Json::Number(n),
            ) => n
                .as_i64()
                .map(|n| Some(Value::Int(n)))
                .ok_or(Why::WrongType),
            (Codec::Int { min, max, cap }, Json::Number(n)) => n
                .as_i64()
                .or_else(|| most(&n.to_string(), *cap))
                .ok_or(Why::WrongType)
                .and_then(|n| bounded(capped(n, *max, *cap), *min, *max)),
            (Codec::Proto { .. }, Json::Number(n)) => self.read_text(&n.to_string()),
            (Codec::EpochMs, Json::String(text)) => read_number(text),
            (
                Codec::Plain(FieldType::Text)
                | Codec::Text { .. }
                | Codec::Uuid
                | Codec::JavaUuid
                | Codec::Proto { .. }
                | Codec::Words
                | Codec::Sanitized { .. }
                | Codec::Rfc3339,
                Json::String(text),
            ) => self.read_text(text),
            _ => Err(Why::WrongType),
        }
    }

    /// Reads a text: a query parameter, a path segment, a header.
    ///
    /// # Errors
    /// Why the value is refused.
    pub fn read_text(&self, text: &str) -> Read {
        match self {
            Codec::Plain(FieldType::Text) => Ok(Some(Value::Text(text.to_owned()))),
            Codec::Text { min, max } => match text.chars().count() {
                n if n > *max => Err(Why::TooLong),
                n if n < *min => Err(Why::TooShort),
                _ => Ok(Some(Value::Text(text.to_owned()))),
            },
            Codec::Uuid | Codec::JavaUuid if text.is_empty() => Ok(None),
            Codec::Uuid => hyphenated(text)
                .map(|t| Some(Value::Text(t)))
                .ok_or(Why::Malformed),
            Codec::JavaUuid => hyphenated(text)
                .or_else(|| java_uuid(text))
                .map(|t| Some(Value::Text(t)))
                .ok_or(Why::Malformed),
            Codec::Plain(FieldType::Int | FieldType::Instant) | Codec::EpochMs => read_number(text),
            Codec::Int { min, max, cap } => {
                let number = text.parse().ok().or_else(|| most(text, *cap));
                let number = number.ok_or(Why::Malformed)?;
                bounded(capped(number, *max, *cap), *min, *max)
            }
            Codec::Proto {
                min,
                max,
                text: long,
            } => match whole(text) {
                Some(0) => Ok(None),
                // What does not fit into the type is no number of it, whatever the bounds are.
                Some(number) if *long || is_32_bit(number) => bounded(number, *min, *max),
                _ => Err(Why::Malformed),
            },
            Codec::Words if text.is_empty() => Ok(None),
            Codec::Words => Ok(Some(Value::Text(text.to_owned()))),
            Codec::Sanitized { keep, max } => Ok(Some(Value::Text(sanitized(text, keep, *max)))),
            Codec::JsonPatch { .. } => Err(Why::WrongType),
            Codec::Rfc3339 => {
                let instant: jiff::Timestamp = text.parse().map_err(|_| Why::Malformed)?;
                Ok(Some(Value::Int(instant.as_millisecond())))
            }
            Codec::Plain(FieldType::Bool) => match text {
                "true" => Ok(Some(Value::Bool(true))),
                "false" => Ok(Some(Value::Bool(false))),
                _ => Err(Why::Malformed),
            },
            Codec::Plain(FieldType::Json | FieldType::Record | FieldType::List) => {
                Err(Why::WrongType)
            }
        }
    }

    /// Writes a value as JSON; `None` for a value that is none of this codec's, or as good as absent.
    #[must_use]
    pub fn write_json(&self, value: &Value) -> Option<Json> {
        match (self, value) {
            (Codec::Proto { .. }, Value::Int(0)) => None,
            (Codec::Rfc3339, Value::Int(_)) | (Codec::Uuid | Codec::JavaUuid, Value::Text(_)) => {
                self.write_text(value).map(Json::String)
            }
            (Codec::Proto { text: true, .. }, Value::Int(n)) => Some(Json::String(n.to_string())),
            (_, Value::Text(text)) => Some(Json::String(text.clone())),
            (_, Value::Int(n)) => Some(Json::from(*n)),
            (_, Value::Bool(truth)) => Some(Json::Bool(*truth)),
            (_, Value::Json(json)) => Some(json.clone()),
            (_, Value::Record(_) | Value::List(_)) => None,
        }
    }

    /// Whether a text can be written: what is no UUID cannot be written as one.
    #[must_use]
    pub fn can_write(&self, value: &Value) -> bool {
        match (self, value) {
            (Codec::Uuid | Codec::JavaUuid, Value::Text(text)) => {
                text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
            }
            _ => true,
        }
    }

    /// Writes a value as text; `None` for a value that has no text form.
    #[must_use]
    pub fn write_text(&self, value: &Value) -> Option<String> {
        match (self, value) {
            (Codec::Proto { .. }, Value::Int(0)) => None,
            (Codec::Rfc3339, Value::Int(n)) => jiff::Timestamp::from_millisecond(*n)
                .ok()
                .map(|t| format!("{t:.3}")),
            // What is no UUID is nothing that this vendor could be told.
            (Codec::Uuid | Codec::JavaUuid, Value::Text(text)) => hyphenated(text),
            (_, Value::Text(text)) => Some(text.clone()),
            (_, Value::Int(n)) => Some(n.to_string()),
            (_, Value::Bool(truth)) => Some(truth.to_string()),
            (_, Value::Json(_) | Value::Record(_) | Value::List(_)) => None,
        }
    }
}

#[cfg(test)]
#[path = "codec_plain_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "codec_tests.rs"]
mod edge_tests;
