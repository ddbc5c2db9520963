//! Translation tables: a vendor's words for canonical ones, checked to be reversible.

use std::sync::Arc;

use super::plan::Words;
use crate::finding::{Table, Text, nearest};
use crate::model::{FailureKind, Field, Place, ProviderKind, Why};

/// The closed list of a field's canonical words, if it has one.
#[must_use]
pub fn vocabulary(field: Field) -> Option<Vec<&'static str>> {
    match field {
        Field::ProviderKind => Some(ProviderKind::ALL.iter().map(|k| k.name()).collect()),
        Field::Why => Some(Why::ALL.iter().map(|w| w.name()).collect()),
        Field::Kind => Some(FailureKind::ALL.iter().map(|k| k.name()).collect()),
        Field::Place => Some(
            [Place::Body, Place::Query, Place::Path, Place::Header]
                .iter()
                .map(|p| p.name())
                .collect(),
        ),
        Field::Many => Some(vec!["refuse", "all"]),
        Field::Outcome => Some(vec![
            "created", "existed", "found", "ready", "unready", "refused",
        ]),
        Field::Protocol => Some(vec!["oidc", "saml"]),
        Field::AttributeUpdate => Some(vec!["always", "if_empty"]),
        Field::Credential => Some(vec!["absent", "odd", "given"]),
        _ => None,
    }
}

/// Reads `{ vendor = "canonical" }`; `None` if something is wrong with it.
pub(super) fn read(
    entries: &Table<'_>,
    read_also: Option<&Table<'_>>,
    field: Field,
) -> Option<Words> {
    let mut words = Words::default();
    let mut sound = true;
    for (vendor, value) in entries.entries() {
        let Some(canonical) = canonical(entries, value, field) else {
            sound = false;
            continue;
        };
        words
            .read
            .insert(vendor.value.clone().into_owned(), canonical.to_owned());
        if let Some(other) = words
            .write
            .insert(canonical.to_owned(), vendor.value.clone().into_owned())
        {
            let message = format!(
                "both `{other}` and `{}` mean `{canonical}`, so it cannot be written",
                vendor.value
            );
            entries.sink().error_hint(
                "LB104",
                vendor.span,
                message,
                "move one of them to `read_also`",
            );
            sound = false;
        }
    }
    for (vendor, value) in read_also.iter().flat_map(|table| table.entries()) {
        match canonical(entries, value, field) {
            Some(canonical) => drop(
                words
                    .read
                    .insert(vendor.value.into_owned(), canonical.to_owned()),
            ),
            None => sound = false,
        }
    }
    sound.then_some(words)
}

fn canonical<'v>(
    entries: &Table<'_>,
    value: &'v toml::Spanned<toml::de::DeValue<'_>>,
    field: Field,
) -> Option<&'v str> {
    let Some(word) = value.get_ref().as_str() else {
        entries
            .sink()
            .error("LB004", value.span(), "a canonical word is a string");
        return None;
    };
    match vocabulary(field) {
        Some(known) if !known.contains(&word) => {
            let hint = match nearest(word, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are: {}", known.join(", ")),
            };
            let message = format!("`{word}` is no canonical word of `{}`", field.name());
            entries
                .sink()
                .error_hint("LB108", value.span(), message, hint);
            None
        }
        _ => Some(word),
    }
}

/// The table with a word for what the vendor has no word for.
pub(super) fn with_else(words: Arc<Words>, write_else: Option<&Text<'_>>) -> Option<Arc<Words>> {
    let Some(fallback) = write_else else {
        return Some(words);
    };
    Some(Arc::new(Words {
        read: words.read.clone(),
        write: words.write.clone(),
        drops_unknown: words.drops_unknown,
        write_else: Some(fallback.value.clone().into_owned()),
    }))
}

/// The canonical words of `field` that the table cannot write.
pub(super) fn unwritable(words: &Words, field: Field) -> Vec<&'static str> {
    if words.write_else.is_some() {
        return Vec::new();
    }
    let known = vocabulary(field).unwrap_or_default();
    known
        .into_iter()
        .filter(|word| !words.write.contains_key(*word))
        .collect()
}
