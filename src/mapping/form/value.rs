//! How a single value is spelled: its codec with the codec's own keys, and its table of words.

use std::sync::Arc;

use toml::de::DeValue;

use crate::finding::{Table, Text};
use crate::mapping::codec::{self, Codec};
use crate::mapping::names::{field, plain};
use crate::mapping::plan::{CarryKind, Form, Words};
use crate::mapping::row::RowReader;
use crate::mapping::words;
use crate::model::Field;

impl RowReader<'_> {
    pub(super) fn field_form(&self) -> Option<Form> {
        let name = self.table.need_text("is")?;
        let field = field(&name, self.sink())?;
        let codec = self.codec(field.field(), &name)?;
        let words = self.words(field.field())?;
        if codec == Codec::Words && !self.can_be_split(words.as_deref()) {
            return None;
        }
        Some(Form::Field {
            field,
            codec,
            words,
        })
    }

    /// Whether several of these words can be told from each other: outside there are commas between
    /// them, inside blanks.
    fn can_be_split(&self, words: Option<&Words>) -> bool {
        let Some(words) = words else {
            let message = "`enum` is missing: the words that there are";
            self.sink().error("LB003", self.table.span(), message);
            return false;
        };
        let is_bad = |(vendors, canonical): &(&String, &String)| {
            let is_trimmed = vendors.trim() == vendors.as_str();
            vendors.is_empty() || vendors.contains(',') || !is_trimmed || !is_one(canonical)
        };
        let faulty = words.read.iter().filter(is_bad).min();
        if let Some((vendors, canonical)) = faulty {
            let message =
                format!("`{vendors}` for `{canonical}` could not be told from other words");
            let hint = "a word has no comma, and a canonical word no blank";
            let span = self.table.value_span("enum");
            self.sink().error_hint("LB004", span, message, hint);
        }
        faulty.is_none()
    }

    fn codec(&self, field: Field, name: &Text<'_>) -> Option<Codec> {
        let Some(index) = self.table.word("codec", codec::NAMES) else {
            return if self.table.has("codec") {
                None
            } else {
                plain(field, name, self.sink())
            };
        };
        let codec = self.sized(codec::NAMES.get(index).copied().unwrap_or_default());
        let is_empty = match codec {
            Codec::Text { min, max } => min > max,
            Codec::Int { min, max, .. } | Codec::Proto { min, max, .. } => min > max,
            _ => false,
        };
        if is_empty {
            let message = "`min` is above `max`, so no value fits";
            self.sink()
                .error("LB004", self.table.value_span("min"), message);
            return None;
        }
        if codec.kind() == field.kind() {
            return Some(codec);
        }
        let message = format!(
            "this codec does not fit `{}`, which is {:?}",
            field.name(),
            field.kind()
        );
        self.sink()
            .error("LB103", self.table.value_span("codec"), message);
        None
    }

    /// The codec of this name with its own keys.
    fn sized(&self, name: &str) -> Codec {
        let number = |key, default: i64| self.table.int(key).unwrap_or(default);
        let size = |key, default: usize| {
            let given = self.table.int(key);
            given.map_or(default, |n| usize::try_from(n).unwrap_or(0))
        };
        match name {
            "string" => Codec::Text {
                min: size("min", 0),
                max: size("max", usize::MAX),
            },
            "uuid" => Codec::Uuid,
            "java_uuid" => Codec::JavaUuid,
            "epoch_ms" => Codec::EpochMs,
            "rfc3339" => Codec::Rfc3339,
            "words" => Codec::Words,
            "proto_int32" | "proto_int64" => Codec::Proto {
                min: number("min", 0),
                max: number("max", i64::MAX),
                text: name == "proto_int64",
            },
            "sanitized" => Codec::Sanitized {
                keep: self
                    .table
                    .text("keep")
                    .map(|t| t.value.into_owned())
                    .unwrap_or_default(),
                max: size("max", usize::MAX),
            },
            "json_patch" => Codec::JsonPatch {
                allow: self.members("allow"),
            },
            _ => Codec::Int {
                min: number("min", i64::MIN),
                max: number("max", i64::MAX),
                cap: self.table.bool("cap") == Some(true),
            },
        }
    }

    /// `{ state = ["a", "b"], traits = "object", note = "any" }`: members, and what each may be.
    fn members(&self, key: &'static str) -> Vec<(String, CarryKind, Vec<String>)> {
        let Some(table) = self.table.table(key) else {
            let message = "`allow` is a table: which members may be changed, and what they may be";
            self.sink().error("LB003", self.table.span(), message);
            return Vec::new();
        };
        let member = |(name, value): (Text<'_>, &toml::Spanned<DeValue<'_>>)| {
            let name = name.value.into_owned();
            match value.get_ref() {
                DeValue::String(kind) => match kind.as_ref() {
                    "any" => Some((name, CarryKind::Any, Vec::new())),
                    "text" => Some((name, CarryKind::Text, Vec::new())),
                    "object" => Some((name, CarryKind::Object, Vec::new())),
                    _ => None,
                },
                DeValue::Array(words) => {
                    let words = words
                        .iter()
                        .map(|word| Some(word.get_ref().as_str()?.to_owned()));
                    Some((name, CarryKind::Text, words.collect::<Option<_>>()?))
                }
                _ => None,
            }
        };
        let mut members = Vec::new();
        for (name, value) in table.entries() {
            match member((name, value)) {
                Some(known) => members.push(known),
                None => {
                    let message =
                        "a member may be \"any\", \"text\", \"object\" or a list of texts";
                    self.sink().error("LB004", value.span(), message);
                }
            }
        }
        members
    }

    /// `None` if the table is wrong; `Some(None)` if there is none.
    #[allow(
        clippy::option_option,
        reason = "a wrong table and no table are two different things"
    )]
    fn words(&self, field: Field) -> Option<Option<Arc<Words>>> {
        let Some(value) = self.table.value("enum") else {
            return Some(None);
        };
        let write_else = self.table.text("write_else");
        let other = self.table.word("other", &["refuse", "drop"]);
        let read_also = self.table.table("read_also");
        if value.get_ref().as_str() == Some("kinds") {
            let kinds = self.context.kinds.clone();
            if kinds.is_none() {
                self.sink().error(
                    "LB005",
                    value.span(),
                    "there is no table [kinds] in this file",
                );
            }
            return words::with_else(kinds?, write_else.as_ref()).map(Some);
        }
        let DeValue::Table(table) = value.get_ref() else {
            self.sink().error(
                "LB004",
                value.span(),
                "`enum` is a table `{ vendor = \"canonical\" }`, or \"kinds\"",
            );
            return None;
        };
        let entries = Table::new(table, value.span(), self.sink());
        let mut words = words::read(&entries, read_also.as_ref(), field)?;
        words.drops_unknown = other == Some(1);
        words::with_else(Arc::new(words), write_else.as_ref()).map(Some)
    }
}

/// Whether a text is one word.
fn is_one(word: &str) -> bool {
    !word.is_empty() && !word.contains(char::is_whitespace)
}
