//! Reading texts: words of a vendor as canonical ones, and texts that several fields are joined in.

use crate::mapping::codec::{Codec, Read};
use crate::mapping::plan::{FieldRef, Form, Part, Row, Words};
use crate::model::{Field, Value, Why};

/// What was read, unless it is an empty text and the row refuses that.
pub(super) fn unless_blank(row: &Row, text: Option<&str>, read: Read) -> Read {
    match text {
        Some("") if row.refuses_blank => Err(Why::Blank),
        _ => read,
    }
}

pub(super) fn translate(
    value: Option<Value>,
    codec: &Codec,
    words: Option<&Words>,
) -> Result<Option<Value>, Why> {
    match (value, words) {
        (Some(Value::Text(text)), Some(words)) if *codec == Codec::Words => several(&text, words),
        (Some(Value::Text(text)), Some(words)) => match words.read.get(&text) {
            Some(word) => Ok(Some(Value::Text(word.clone()))),
            None => Err(Why::UnknownValue),
        },
        (value, _) => Ok(value),
    }
}

/// Several words, joined by commas, as canonical ones with blanks between them.
pub(super) fn several(text: &str, words: &Words) -> Result<Option<Value>, Why> {
    let mut found: Vec<&str> = Vec::new();
    for word in text.split(',').map(str::trim) {
        match words.read.get(word) {
            Some(word) if !found.contains(&word.as_str()) => found.push(word),
            Some(_) => {}
            None if words.drops_unknown => {}
            None => return Err(Why::UnknownValue),
        }
    }
    Ok((!found.is_empty()).then(|| Value::Text(found.join(" "))))
}

/// Of several words, the first that is not known: the one that an answer repeats.
pub(super) fn unknown_word<'t>(row: &Row, text: &'t str) -> Option<&'t str> {
    let Form::Field {
        codec: Codec::Words,
        words: Some(words),
        ..
    } = &row.form
    else {
        return None;
    };
    let mut all = text.split(',').map(str::trim);
    all.find(|word| !words.read.contains_key(*word))
}

/// Splits a text at the literals of a join: each field is the shortest match but the last.
pub(in crate::dialect) fn split(parts: &[Part], text: &str) -> Option<Vec<(Field, String)>> {
    let mut values = Vec::new();
    let mut rest = text;
    let mut pending: Option<Field> = None;
    for part in parts {
        match part {
            Part::Literal(literal) => match pending.take() {
                Some(field) => {
                    let (value, after) = rest.split_once(literal.as_str())?;
                    values.push((field, value.to_owned()));
                    rest = after;
                }
                None => rest = rest.strip_prefix(literal.as_str())?,
            },
            Part::Field(FieldRef::Here(field)) => pending = Some(*field),
            Part::Field(FieldRef::Request(_)) | Part::Origin | Part::Document { .. } => {}
        }
    }
    match pending {
        Some(field) => values.push((field, rest.to_owned())),
        None if !rest.is_empty() => return None,
        None => {}
    }
    values
        .iter()
        .all(|(_, value)| !value.is_empty())
        .then_some(values)
}
