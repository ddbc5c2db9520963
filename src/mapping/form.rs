//! Reading the form of a row: how a value of the wire becomes fields, and back.

use std::sync::Arc;

use toml::de::DeValue;

use super::check;
use super::codec::{self, Codec};
use super::json;
use super::plan::{CarryKind, FieldRef, Form, Part, Row, Words};
use super::row::{RowReader, Site, field, plain};
use super::words;
use crate::finding::{Table, Text};
use crate::model::{Field, FieldType};

/// The keys that say which form a row has. Exactly one of them stands in a row, but `each`, which says
/// that there are several of what another key says.
pub(super) const FORMS: &[&str] = &[
    "is", "const", "join", "url", "carry", "one", "list", "dict", "group", "each",
];

impl RowReader<'_> {
    pub(super) fn form(&self, presence: Option<bool>) -> Option<Form> {
        let given: Vec<&str> = FORMS
            .iter()
            .copied()
            .filter(|key| self.table.has(key))
            .collect();
        match given.as_slice() {
            [] if presence.is_some() => Some(Form::Presence),
            ["is" | "join", "each"] => self.each_form(),
            ["carry"] if self.site == Site::Body => self.carry_form(),
            ["is"] => self.field_form(),
            ["const"] => self
                .table
                .value("const")
                .and_then(|v| json::from_toml(v, self.sink()))
                .map(Form::Const),
            ["join"] => self.join_form(),
            ["url"] if self.site == Site::Body => self.parts("url").map(Form::Url),
            ["url"] => self.parts("url").map(Form::Url),
            ["one" | "list" | "dict" | "group"] if self.site == Site::Body => self.nested_form(),
            _ => {
                // The forms are known keys, however many of them stand here.
                for form in FORMS {
                    let _known = self.table.value(form);
                }
                let place = if self.site == Site::Body {
                    "a body"
                } else {
                    "a text"
                };
                let message = if given.len() > 1 {
                    format!(
                        "a row has one form, and this one has {}",
                        given.join(" and ")
                    )
                } else {
                    format!("this is no form of a row in {place}")
                };
                self.sink().error_hint(
                    "LB111",
                    self.table.span(),
                    message,
                    format!("the forms are: {}", FORMS.join(", ")),
                );
                None
            }
        }
    }

    fn field_form(&self) -> Option<Form> {
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

    fn texts(&self, key: &'static str) -> Vec<String> {
        let texts = self.table.texts(key).unwrap_or_default();
        texts.into_iter().map(|t| t.value.into_owned()).collect()
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

    fn join_form(&self) -> Option<Form> {
        let parts = self.parts("join")?;
        let adjacent = parts
            .windows(2)
            .any(|pair| matches!(pair, [Part::Field(_), Part::Field(_)]));
        let foreign =
            |part: &Part| matches!(part, Part::Origin | Part::Field(FieldRef::Request(_)));
        let twice = |part: &Part| {
            matches!(part, Part::Field(_)) && parts.iter().filter(|p| *p == part).count() > 1
        };
        // What is only written need not be split again.
        let is_read = self
            .table
            .text("only")
            .is_none_or(|only| only.value != "emit");
        if is_read && (adjacent || parts.iter().any(|part| foreign(part) || twice(part))) {
            let message = "a join cannot be split again: two fields touch, one stands twice, or it holds {origin} or {req.…}";
            self.sink().error_hint(
                "LB105",
                self.table.value_span("join"),
                message,
                "put a separator between the fields",
            );
            return None;
        }
        Some(Form::Join(parts))
    }

    /// A text with `{field}` in it.
    fn parts(&self, key: &'static str) -> Option<Vec<Part>> {
        let text = self.table.need_text(key)?;
        let mut parts = Vec::new();
        let mut rest = text.value.as_ref();
        while let Some((literal, after)) = rest.split_once('{') {
            let Some((name, tail)) = after.split_once('}') else {
                self.sink().error("LB111", text.span, "`{` without `}`");
                return None;
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            let (base64, plain) = match name.strip_prefix("base64url:") {
                Some(name) => (true, name),
                None => (false, name),
            };
            if name == "origin" {
                parts.push(Part::Origin);
            } else if let Some(member) = plain.strip_prefix("document.").filter(|_| key == "url") {
                parts.push(Part::Document {
                    member: member.to_owned(),
                    base64,
                });
            } else {
                let name = Text {
                    value: name.into(),
                    span: text.span.clone(),
                };
                parts.push(Part::Field(field(&name, self.sink())?));
            }
            rest = tail;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Some(parts)
    }

    fn nested_form(&self) -> Option<Form> {
        if let Some(name) = self.table.text("one") {
            let shape = self.context.shape(&name, self.sink());
            let field = match self.table.text("as") {
                Some(field) => Some(self.record_field(&field, FieldType::Record)?),
                None => None,
            };
            return Some(Form::One {
                shape: shape?,
                field,
            });
        }
        let item = self.table.need_text("item")?;
        let item = self.context.shape(&item, self.sink())?;
        if let Some(name) = self.table.text("list") {
            let filter = self.condition("where");
            let max = self.table.int_in("max", 1..=10_000);
            return Some(Form::List {
                field: self.record_field(&name, FieldType::List)?,
                item,
                filter,
                max: max.and_then(|n| usize::try_from(n).ok()),
            });
        }
        if let Some(name) = self.table.text("dict") {
            let key = self.table.need_text("key")?;
            let field = self.record_field(&name, FieldType::List)?;
            let key = self.record_field(&key, FieldType::Text)?;
            return Some(Form::Dict {
                field,
                key,
                keys: words::vocabulary(key),
                item,
            });
        }
        let filter = self.condition("where");
        let name = self.table.need_text("group")?;
        let by = self.table.need_text("by")?;
        let field = self.record_field(&name, FieldType::List)?;
        Some(Form::Group {
            field,
            by: self.record_field(&by, FieldType::Text)?,
            item,
            filter,
        })
    }

    /// `each` beside `is` or `join`: a list of single values, each of which says something of a record.
    fn each_form(&self) -> Option<Form> {
        let name = self.table.need_text("each")?;
        let field = self.record_field(&name, FieldType::List)?;
        let form = if self.table.has("join") {
            self.join_form()?
        } else {
            self.field_form()?
        };
        let item = Row {
            fields: check::form_fields(&form),
            form,
            ..self.plain_row()
        };
        Some(Form::Each {
            field,
            item: Box::new(item),
            filter: self.condition("where"),
            sorted: self.table.bool("sorted") == Some(true),
        })
    }

    fn carry_form(&self) -> Option<Form> {
        let member = self.table.need_text("carry")?;
        let kind = match self.table.word("type", &["any", "text", "object"]) {
            Some(1) => CarryKind::Text,
            Some(2) => CarryKind::Object,
            _ => CarryKind::Any,
        };
        Some(Form::Carry {
            member: member.value.into_owned(),
            kind,
            allowed: self.texts("allowed"),
        })
    }

    fn record_field(&self, name: &Text<'_>, kind: FieldType) -> Option<Field> {
        let reference = field(name, self.sink())?;
        let field = reference.field();
        if matches!(reference, FieldRef::Request(_)) {
            let message =
                "`req.` has no meaning here: nested records are those of the record at hand";
            self.sink().error("LB103", name.span.clone(), message);
            return None;
        }
        if field.kind() == kind {
            return Some(field);
        }
        let message = format!(
            "`{}` is {:?}, and {kind:?} is needed here",
            field.name(),
            field.kind()
        );
        self.sink().error("LB103", name.span.clone(), message);
        None
    }
}

/// Whether a text is one word.
fn is_one(word: &str) -> bool {
    !word.is_empty() && !word.contains(char::is_whitespace)
}
