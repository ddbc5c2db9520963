//! Names in mapping files: the field, the failure or another one of a closed list that a text names.

use super::codec::Codec;
use super::condition::field_ref;
use super::plan::{Evidence, FieldRef};
use crate::finding::{Sink, Table, Text, suggest};
use crate::model::{FailureKind, Field, FieldType};

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
pub(super) fn plain(field: Field, name: &Text<'_>, sink: &Sink) -> Option<Codec> {
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
