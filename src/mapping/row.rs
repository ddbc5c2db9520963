//! Reading one row: a value of the file to a [`Row`], or findings.

use std::sync::Arc;

use toml::Spanned;
use toml::de::DeValue;

use super::check;
use super::codec::{self, Codec};
use super::condition::{Condition, field_ref};
use super::context::Context;
use super::json;
use super::plan::{Evidence, FieldRef, Form, Need, Only, Origin, Otherwise, Part, Row, Words};
use super::words;
use crate::finding::{Sink, Table, Text, suggest};
use crate::model::{FailureKind, Field, FieldType};

/// What surrounds the value that a row reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// A JSON document.
    Body,
    /// A text: query parameter, capture or header.
    Text,
}

/// The keys that say which form a row has; exactly one of them stands in a row.
const FORMS: &[&str] = &["is", "const", "join", "url", "one", "list", "dict", "group"];

/// Reads a row. Findings go to the table's sink; `None` means that some were found.
pub(super) fn row(
    value: &Spanned<DeValue<'_>>,
    site: Site,
    context: &Context<'_>,
    sink: &Sink,
) -> Option<Row> {
    match value.get_ref() {
        DeValue::String(name) => {
            let text = Text {
                value: name.as_ref().into(),
                span: value.span(),
            };
            let field = field(&text, sink)?;
            let form = Form::Field {
                field,
                codec: plain(field.field(), &text, sink)?,
                words: None,
            };
            Some(bare(form, value, sink))
        }
        DeValue::Table(table) => RowReader {
            table: Table::new(table, value.span(), sink),
            site,
            context,
        }
        .read(),
        DeValue::Array(items) if site == Site::Body => {
            let rows: Vec<Row> = items
                .iter()
                .filter_map(|item| row(item, site, context, sink))
                .collect();
            (rows.len() == items.len()).then(|| bare(Form::First(rows), value, sink))
        }
        other => {
            let message = format!(
                "a row is a field's name, a table or a list of alternatives, not {}",
                other.type_str()
            );
            sink.error("LB111", value.span(), message);
            None
        }
    }
}

fn bare(form: Form, value: &Spanned<DeValue<'_>>, sink: &Sink) -> Row {
    Row {
        fields: check::form_fields(&form),
        form,
        condition: None,
        only: None,
        need: None,
        otherwise: None,
        bad: None,
        presence: None,
        contested: false,
        evidence: None,
        because: None,
        origin: Origin {
            source: Arc::clone(sink.source()),
            span: value.span(),
        },
    }
}

/// A reference to a canonical field.
pub(super) fn field(name: &Text<'_>, sink: &Sink) -> Option<FieldRef> {
    let found = field_ref(&name.value);
    if found.is_none() {
        let names: Vec<&str> = Field::ALL.iter().map(|f| f.name()).collect();
        let hint = match crate::finding::nearest(&name.value, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "mappings/README.md lists the fields".to_owned(),
        };
        sink.error_hint(
            "LB102",
            name.span.clone(),
            format!("`{}` is no canonical field", name.value),
            hint,
        );
    }
    found
}

/// The codec of a field for which the row names none.
fn plain(field: Field, name: &Text<'_>, sink: &Sink) -> Option<Codec> {
    match field.kind() {
        FieldType::Instant => {
            let message = format!(
                "`{}` is an instant, and nothing says how it is spelled",
                field.name()
            );
            sink.error_hint(
                "LB103",
                name.span.clone(),
                message,
                "add codec = \"epoch_ms\" or \"rfc3339\"",
            );
            None
        }
        FieldType::Record | FieldType::List => {
            let message = format!(
                "`{}` holds records, and a row with a shape is needed",
                field.name()
            );
            sink.error_hint(
                "LB103",
                name.span.clone(),
                message,
                "use `one`, `list`, `dict` or `group`",
            );
            None
        }
        kind => Some(Codec::Plain(kind)),
    }
}

/// One row that is written as a table.
struct RowReader<'a> {
    table: Table<'a>,
    site: Site,
    context: &'a Context<'a>,
}

impl RowReader<'_> {
    fn sink(&self) -> &Sink {
        self.table.sink()
    }

    fn read(self) -> Option<Row> {
        let presence = (self.site == Site::Text).then(|| self.presence()).flatten();
        let form = self.form(presence);
        let origin = Origin {
            source: Arc::clone(self.sink().source()),
            span: self.table.span(),
        };
        // A key that a form has no use for is not asked for, and so is told as unknown.
        let has_value = self.table.has("is") || self.table.has("join");
        let is_nested = FORMS.iter().skip(4).any(|form| self.table.has(form));
        let row = Row {
            form: Form::Presence,
            fields: Vec::new(),
            condition: self.condition("if"),
            only: self.only(),
            need: (has_value || is_nested).then(|| self.need()).flatten(),
            otherwise: self.table.has("is").then(|| self.otherwise()).flatten(),
            bad: has_value.then(|| self.bad()).flatten(),
            presence,
            contested: false,
            evidence: evidence(&self.table),
            because: self.table.text("because").map(|t| t.value.into_owned()),
            origin,
        };
        self.table.finish();
        let form = form?;
        let fields = check::form_fields(&form);
        Some(Row {
            form,
            fields,
            ..row
        })
    }

    fn form(&self, presence: Option<bool>) -> Option<Form> {
        let given: Vec<&str> = FORMS
            .iter()
            .copied()
            .filter(|key| self.table.has(key))
            .collect();
        let join_with_name = given == ["is", "join"];
        match given.as_slice() {
            [] if presence.is_some() => Some(Form::Presence),
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
                let message = if join_with_name || given.len() > 1 {
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
        let words = self.words(field.field());
        Some(Form::Field {
            field,
            codec,
            words: words?,
        })
    }

    fn codec(&self, field: Field, name: &Text<'_>) -> Option<Codec> {
        let Some(index) = self.table.word("codec", codec::NAMES) else {
            return if self.table.has("codec") {
                None
            } else {
                plain(field, name, self.sink())
            };
        };
        let size = |key, default: usize| {
            let given = if key == "min" {
                self.table.int("min")
            } else {
                self.table.int("max")
            };
            given.map_or(default, |n| usize::try_from(n).unwrap_or(0))
        };
        let codec = match codec::NAMES.get(index).copied() {
            Some("string") => Codec::Text {
                min: size("min", 0),
                max: size("max", usize::MAX),
            },
            Some("uuid") => Codec::Uuid,
            Some("java_uuid") => Codec::JavaUuid,
            Some("epoch_ms") => Codec::EpochMs,
            Some("rfc3339") => Codec::Rfc3339,
            _ => Codec::Int {
                min: self.table.int("min").unwrap_or(i64::MIN),
                max: self.table.int("max").unwrap_or(i64::MAX),
            },
        };
        let is_empty = match codec {
            Codec::Text { min, max } => min > max,
            Codec::Int { min, max } => min > max,
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
        let words = words::read(&entries, read_also.as_ref(), field)?;
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
        if adjacent || parts.iter().any(|part| foreign(part) || twice(part)) {
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
            if name == "origin" {
                parts.push(Part::Origin);
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
            return Some(Form::List {
                field: self.record_field(&name, FieldType::List)?,
                item,
                filter,
            });
        }
        if let Some(name) = self.table.text("dict") {
            let key = self.table.need_text("key")?;
            let field = self.record_field(&name, FieldType::List)?;
            return Some(Form::Dict {
                field,
                key: self.record_field(&key, FieldType::Text)?,
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

    fn condition(&self, key: &'static str) -> Option<Condition> {
        // A condition that is wrong is noted, and an error keeps the plan from being used.
        self.context.condition(&self.table, key).ok().flatten()
    }

    fn presence(&self) -> Option<bool> {
        let present = self.table.bool("present");
        let absent = self.table.bool("absent");
        match (present, absent) {
            (Some(true), None) => Some(true),
            (None, Some(true)) => Some(false),
            (None, None) => None,
            _ => {
                self.sink().error(
                    "LB004",
                    self.table.span(),
                    "write `present = true` or `absent = true`",
                );
                None
            }
        }
    }

    fn only(&self) -> Option<Only> {
        let index = self.table.word("only", &["parse", "emit"])?;
        if !self.table.has("because") {
            let hint = "add because = \"…\": why does the other direction not hold?";
            self.sink().error_hint(
                "LB107",
                self.table.key_span("only"),
                "`only` without `because`",
                hint,
            );
        }
        Some(if index == 0 { Only::Parse } else { Only::Emit })
    }

    fn need(&self) -> Option<Need> {
        let value = self.table.value("need")?;
        match (value.get_ref().as_bool(), value.get_ref().as_str()) {
            (Some(true), _) => Some(Need::Missing),
            (_, Some("blank")) => Some(Need::Blank),
            _ => {
                self.sink()
                    .error("LB004", value.span(), "`need` is true or \"blank\"");
                None
            }
        }
    }

    fn otherwise(&self) -> Option<Otherwise> {
        let value = self.table.value("else")?;
        match value.get_ref().as_str().and_then(field_ref) {
            Some(field) => Some(Otherwise::Field(field)),
            None => json::from_toml(value, self.sink()).map(Otherwise::Literal),
        }
    }

    fn bad(&self) -> Option<FailureKind> {
        let names: Vec<&str> = FailureKind::ALL.iter().map(|k| k.name()).collect();
        let index = self.table.word("bad", &names)?;
        FailureKind::ALL.get(index).copied()
    }
}

/// The `evidence` of a row, op or error.
pub(super) fn evidence(table: &Table<'_>) -> Option<Evidence> {
    let index = table.word("evidence", Evidence::WORDS)?;
    Evidence::ALL.get(index).copied()
}

/// A failure's name.
pub(super) fn failure_kind(text: &Text<'_>, sink: &Sink) -> Option<FailureKind> {
    named(text, sink, "failure", FailureKind::ALL, |kind| kind.name())
}

/// The one of a closed list that a text names.
pub(super) fn named<T: Copy>(
    text: &Text<'_>,
    sink: &Sink,
    what: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Option<T> {
    let found = all.iter().copied().find(|one| name(*one) == text.value);
    if found.is_none() {
        let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
        let message = format!("`{}` is no {what}", text.value);
        let hint = suggest(&text.value, &names);
        sink.error_hint("LB004", text.span.clone(), message, hint);
    }
    found
}
