//! Reading one row: a value of the file to a [`Row`], or findings.

use std::sync::Arc;

use toml::Spanned;
use toml::de::DeValue;

use super::check;
use super::condition::{Condition, field_ref};
use super::context::Context;
use super::json;
use super::names::{evidence, field, plain};
use super::plan::{Form, Need, Only, Origin, Otherwise, Row};
use crate::finding::{Sink, Table, Text};
use crate::model::{FailureKind, Field, FieldType};

/// What surrounds the value that a row reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// A JSON document.
    Body,
    /// A text: query parameter, capture or header.
    Text,
}

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
        ..Row::plain(Origin {
            source: Arc::clone(sink.source()),
            span: value.span(),
        })
    }
}

/// One row that is written as a table.
pub(super) struct RowReader<'a> {
    pub(super) table: Table<'a>,
    pub(super) site: Site,
    pub(super) context: &'a Context<'a>,
}

impl RowReader<'_> {
    pub(super) fn sink(&self) -> &Sink {
        self.table.sink()
    }

    fn read(self) -> Option<Row> {
        let presence = (self.site == Site::Text).then(|| self.presence()).flatten();
        let form = self.form(presence);
        // A key that a form has no use for is not asked for, and so is told as unknown.
        let has = |keys: &[&str]| keys.iter().any(|key| self.table.has(key));
        let is_value = has(&["is", "join", "carry", "each", "basic"]);
        let is_nested = has(&["one", "list", "dict", "group"]);
        let in_body = self.site == Site::Body;
        let row = Row {
            condition: self.condition("if"),
            only: self.only(),
            need: (is_value || is_nested).then(|| self.need()).flatten(),
            otherwise: (in_body && has(&["is", "carry"]))
                .then(|| self.otherwise())
                .flatten(),
            null: in_body
                && has(&["is", "carry"])
                && self.table.word("null", &["omit", "emit"]) == Some(1),
            raw: self.raw(),
            bad: (is_value || is_nested).then(|| self.bad()).flatten(),
            presence,
            evidence: evidence(&self.table),
            because: self.table.text("because").map(|t| t.value.into_owned()),
            refuses_blank: has(&["is"])
                && self.table.word("blank", &["allow", "refuse"]) == Some(1),
            parameter: has(&["url"]).then(|| self.parameter()).flatten(),
            ..self.plain_row()
        };
        self.table.finish();
        let mut form = form?;
        if let Form::Each { item, .. } = &mut form {
            // Each of the values is read and written as the row says.
            item.bad = row.bad;
            item.only = row.only;
            item.refuses_blank = row.refuses_blank;
        }
        let mut fields = check::form_fields(&form);
        fields.extend(row.parameter.iter().map(|(_, field)| *field));
        Some(Row {
            form,
            fields,
            ..row
        })
    }

    /// `read = { cursor = "page.next" }`: a field of the link, and where in the link it is found again.
    fn parameter(&self) -> Option<(String, Field)> {
        let read = self.table.table("read")?;
        let mut pairs = read.entries().map(|(name, value)| {
            let field = value.get_ref().as_str().and_then(Field::named)?;
            Some((name.value.into_owned(), field))
        });
        let (pair, more) = (pairs.next().flatten(), pairs.next());
        let is_written = |(_, field): &(String, Field)| {
            let url = self.table.text("url");
            url.is_some_and(|url| url.value.contains(&format!("{{{}}}", field.name())))
        };
        let is_text = |(_, field): &(String, Field)| field.kind() == FieldType::Text;
        let pair = pair.filter(is_text).filter(is_written);
        if pair.is_none() || more.is_some() {
            let message =
                "`read` names one parameter of the link, and the text of the link that it holds";
            let hint = "as in `read = { cursor = \"page.next\" }` beside a url with `{page.next}`";
            self.sink().error_hint("LB004", read.span(), message, hint);
        }
        pair
    }

    /// A row of this place that does nothing.
    pub(super) fn plain_row(&self) -> Row {
        Row::plain(Origin {
            source: Arc::clone(self.sink().source()),
            span: self.table.span(),
        })
    }

    pub(super) fn condition(&self, key: &'static str) -> Option<Condition> {
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

    /// `raw = "asked.id"`: a field that only rows look at.
    fn raw(&self) -> Option<Field> {
        if self.site != Site::Text {
            return None;
        }
        let name = self.table.text("raw")?;
        let found = field(&name, self.sink())?.field();
        if matches!(found, Field::AskedKind | Field::AskedId) {
            return Some(found);
        }
        let message = "what a client spells is kept as `asked.kind` or `asked.id`";
        self.sink().error("LB103", name.span, message);
        None
    }

    fn bad(&self) -> Option<FailureKind> {
        let names: Vec<&str> = FailureKind::ALL.iter().map(|k| k.name()).collect();
        let index = self.table.word("bad", &names)?;
        FailureKind::ALL.get(index).copied()
    }
}
