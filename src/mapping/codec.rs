//! Codecs: how a wire value of one vendor reads as a canonical value, and back.
//!
//! Each codec has an inverse. Reading may accept more than writing produces (upper-case UUIDs, short
//! UUIDs); what it accepts then reads as the value that it writes.

use serde_json::Value as Json;

use super::plan::CarryKind;
use crate::model::{FieldType, Value, Why};

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

/// A number in a text; an empty text is absent.
fn read_number(text: &str) -> Read {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(|n| Some(Value::Int(n)))
        .map_err(|_| Why::Malformed)
}

/// What stands for a number that is larger than any, where that is read as the most.
fn most(text: &str, cap: bool) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (cap && is_number).then_some(i64::MAX)
}

fn capped(number: i64, max: i64, cap: bool) -> i64 {
    if cap { number.min(max) } else { number }
}

/// A whole number in decimal or exponent form, as protobuf's JSON reads it: what JSON takes for a number.
fn whole(text: &str) -> Option<i64> {
    let is_bare = text.trim().len() == text.len();
    let number: serde_json::Number = serde_json::from_str(text).ok().filter(|_| is_bare)?;
    if let Some(number) = number.as_i64() {
        return Some(number);
    }
    // Below 2^53 a float is exact; a client that sends more writes the digits.
    let number = number.as_f64()?;
    let is_exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    is_exact
        .then(|| format!("{number:.0}").parse().ok())
        .flatten()
}

/// Whether a number fits into 32 bits, with or without a sign.
fn is_32_bit(number: i64) -> bool {
    (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(&number)
}

fn sanitized(text: &str, keep: &str, max: usize) -> String {
    let kept = |c: char| c.is_alphanumeric() || keep.contains(c);
    let chars = text.chars().take(max);
    chars.map(|c| if kept(c) { c } else { '_' }).collect()
}

fn bounded(number: i64, min: i64, max: i64) -> Read {
    if number > max {
        Err(Why::TooLong)
    } else if number < min {
        Err(Why::TooShort)
    } else {
        Ok(Some(Value::Int(number)))
    }
}

/// The lower-case form of a UUID in its 36-character form.
fn hyphenated(text: &str) -> Option<String> {
    if text.len() != 36 {
        return None;
    }
    uuid::Uuid::try_parse(text)
        .ok()
        .map(|u| u.hyphenated().to_string())
}

/// What `UUID.fromString` reads: five hexadecimal groups, each taken modulo its width; and a plain
/// whole number as the low half.
fn java_uuid(text: &str) -> Option<String> {
    if let Ok(number) = text.parse::<i64>() {
        let low = u64::from_ne_bytes(number.to_ne_bytes());
        return Some(uuid::Uuid::from_u64_pair(0, low).hyphenated().to_string());
    }
    let groups: Vec<u64> = text
        .split('-')
        .map(|g| u64::from_str_radix(g, 16).ok())
        .collect::<Option<_>>()?;
    let [a, b, c, d, e] = groups.as_slice() else {
        return None;
    };
    if text.contains('+') || text.len() > 36 {
        return None;
    }
    let high = (a & 0xffff_ffff) << 32 | (b & 0xffff) << 16 | (c & 0xffff);
    let low = (d & 0xffff) << 48 | (e & 0xffff_ffff_ffff);
    Some(
        uuid::Uuid::from_u64_pair(high, low)
            .hyphenated()
            .to_string(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const UUID: &str = "206a5101-bf29-487c-af8f-7485ca48d6d5";

    fn text(t: &str) -> Read {
        Ok(Some(Value::Text(t.to_owned())))
    }

    #[test]
    fn uuids_read_in_any_case_and_write_in_lower_case() {
        assert_eq!(Codec::Uuid.read_text(&UUID.to_uppercase()), text(UUID));
        assert_eq!(Codec::Uuid.read_text("1-2-3-4-5"), Err(Why::Malformed));
        assert_eq!(
            Codec::Uuid.read_text(&UUID.replace('-', "")),
            Err(Why::Malformed)
        );
        assert_eq!(Codec::Uuid.read_json(&json!(7)), Err(Why::WrongType));
        let written = |text: &str| Codec::Uuid.write_json(&Value::Text(text.to_owned()));
        assert_eq!(written(&UUID.to_uppercase()), Some(json!(UUID)));
        assert_eq!(written("bob"), None);
    }

    /// The expected values are those of `java.util.UUID.fromString`, as its documentation computes them.
    #[test]
    fn java_uuids_read_short_groups_and_whole_numbers() {
        assert_eq!(
            Codec::JavaUuid.read_text("1-2-3-4-5"),
            text("00000001-0002-0003-0004-000000000005")
        );
        assert_eq!(
            Codec::JavaUuid.read_text("7"),
            text("00000000-0000-0000-0000-000000000007")
        );
        assert_eq!(Codec::JavaUuid.read_text("undefined"), Err(Why::Malformed));
        assert_eq!(Codec::JavaUuid.read_text("1-2-3-4"), Err(Why::Malformed));
        assert_eq!(Codec::JavaUuid.read_text("1--3-4-5"), Err(Why::Malformed));
    }

    #[test]
    fn instants_read_and_write_in_both_forms() {
        let value = Value::Int(1_714_557_600_123);
        assert_eq!(
            Codec::Rfc3339.write_json(&value),
            Some(json!("2024-05-01T10:00:00.123Z"))
        );
        assert_eq!(
            Codec::Rfc3339.read_text("2024-05-01T12:00:00.123+02:00"),
            Ok(Some(value.clone()))
        );
        assert_eq!(
            Codec::EpochMs.write_json(&value),
            Some(json!(1_714_557_600_123_i64))
        );
        assert_eq!(
            Codec::EpochMs.read_json(&json!("1714557600123")),
            Ok(Some(value))
        );
        assert_eq!(Codec::EpochMs.read_json(&json!("")), Ok(None));
        assert_eq!(Codec::EpochMs.read_json(&json!(1.5)), Err(Why::WrongType));
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        let codec = Codec::Text { min: 0, max: 3 };
        assert_eq!(codec.read_text("äöü"), text("äöü"));
        assert_eq!(codec.read_text("äöüx"), Err(Why::TooLong));
    }

    #[test]
    fn numbers_have_bounds() {
        let codec = Codec::Int {
            min: 1,
            max: 500,
            cap: false,
        };
        assert_eq!(codec.read_json(&json!(500)), Ok(Some(Value::Int(500))));
        assert_eq!(codec.read_json(&json!(0)), Err(Why::TooShort));
        assert_eq!(codec.read_text("501"), Err(Why::TooLong));
        assert_eq!(codec.read_text("5x"), Err(Why::Malformed));
    }

    #[test]
    fn numbers_of_protobuf_are_numbers_or_texts_and_zero_is_absent() {
        let codec = |text| Codec::Proto {
            min: 0,
            max: 1000,
            text,
        };
        for ten in [
            json!(10),
            json!("10"),
            json!(1e1),
            json!("1e1"),
            json!(10.0),
        ] {
            assert_eq!(
                codec(true).read_json(&ten),
                Ok(Some(Value::Int(10))),
                "{ten}"
            );
        }
        for zero in [json!(0), json!("0"), json!(0.0)] {
            assert_eq!(codec(false).read_json(&zero), Ok(None), "{zero}");
        }
        for odd in [
            json!(1.5),
            json!("x"),
            json!(""),
            json!("+1"),
            json!("0x1"),
            json!("inf"),
        ] {
            assert_eq!(codec(false).read_json(&odd), Err(Why::Malformed), "{odd}");
        }
        assert_eq!(codec(false).read_json(&json!(-1)), Err(Why::TooShort));
        assert_eq!(codec(false).read_json(&json!(1001)), Err(Why::TooLong));
        assert_eq!(codec(false).read_json(&json!(true)), Err(Why::WrongType));
        assert_eq!(codec(true).write_json(&Value::Int(7)), Some(json!("7")));
        assert_eq!(codec(false).write_json(&Value::Int(7)), Some(json!(7)));
        let above_32_bits = json!(4_294_967_296_i64);
        assert_eq!(codec(false).read_json(&above_32_bits), Err(Why::Malformed));
        assert_eq!(codec(true).read_json(&above_32_bits), Err(Why::TooLong));
        for text in [true, false] {
            assert_eq!(codec(text).write_json(&Value::Int(0)), None);
            assert_eq!(codec(text).write_text(&Value::Int(0)), None);
        }
    }

    #[test]
    fn what_may_not_stand_in_a_text_is_read_as_an_underscore() {
        let codec = Codec::Sanitized {
            keep: "._-".into(),
            max: 8,
        };
        assert_eq!(codec.read_text("mig 7/ä.b-c"), text("mig_7_ä."));
    }

    #[test]
    fn a_number_over_the_most_can_be_read_as_the_most() {
        let codec = Codec::Int {
            min: 1,
            max: 500,
            cap: true,
        };
        assert_eq!(codec.read_text("1000"), Ok(Some(Value::Int(500))));
        assert_eq!(codec.read_text("0"), Err(Why::TooShort));
    }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod edge_tests;
