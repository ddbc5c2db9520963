//! What happens to a user's document. Pure: JSON text in, JSON text out, or a reason to refuse.
//!
//! A document that is changed in part is an object; one that is absent or null counts as an empty one.
//! Where a change goes through members that are absent or null, they become objects.

use serde_json::{Map, Value};

use super::patch::{self, DEPTH};
use super::task::{Step, Stop};
use crate::model::link::MAX_DOCUMENT_BYTES;
use crate::model::{Attribute, DocumentChange, Failure, Field, Place, Problem, Why};

/// A document that can be kept.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) text: String,
    /// Its member `username`, by which users are found.
    pub(super) username: Option<String>,
    /// Its member `external_id`, by which users are found.
    pub(super) external_id: Option<String>,
}

impl Document {
    /// Accepts a text that is JSON, is not too long, and can be read back.
    pub(super) fn new(text: String) -> Step<Self> {
        if text.len() > MAX_DOCUMENT_BYTES {
            return Err(refused(
                Field::Document,
                Why::TooLong,
                Some(MAX_DOCUMENT_BYTES as u64),
            ));
        }
        let value: Value = serde_json::from_str(&text)
            .map_err(|_| refused(Field::Document, Why::Malformed, None))?;
        Ok(Self {
            text,
            username: member(&value, "username"),
            external_id: member(&value, "external_id"),
        })
    }
}

fn member(document: &Value, name: &str) -> Option<String> {
    document.get(name)?.as_str().map(str::to_owned)
}

/// The member `username` of a document as a row has it.
pub(super) fn username_in(text: &str) -> Option<String> {
    member(&serde_json::from_str(text).ok()?, "username")
}

/// The member `external_id` of a document as a row has it.
pub(super) fn external_id_in(text: &str) -> Option<String> {
    member(&serde_json::from_str(text).ok()?, "external_id")
}

/// The document that a change makes of the one that is there.
pub(super) fn changed(old: Option<&str>, change: &DocumentChange) -> Step<Document> {
    match change {
        DocumentChange::Whole(text) => Document::new(text.clone()),
        DocumentChange::Members { of, set } => {
            let mut document = read(old)?;
            let members = document
                .as_object_mut()
                .ok_or_else(|| refused(Field::Document, Why::WrongType, None))?;
            for name in of.iter().filter(|name| !set.contains_key(*name)) {
                // The other members keep their order.
                members.shift_remove(name);
            }
            members.extend(set.clone());
            Document::new(document.to_string())
        }
        DocumentChange::Patch(steps) => {
            let mut document = read(old)?;
            patch::apply(&mut document, steps).map_err(|why| refused(Field::Patch, why, None))?;
            Document::new(document.to_string())
        }
    }
}

/// The document with these attributes written; `None` if nothing changes.
///
/// An attribute whose path leads through something that is no object is a problem of the field
/// `attribute`: it is the name that leads nowhere, whatever the value is.
pub(super) fn with_attributes(
    old: Option<&str>,
    attributes: &[Attribute],
) -> Step<Option<Document>> {
    let mut document = read(old)?;
    let mut is_changed = false;
    for attribute in attributes {
        is_changed |=
            write(&mut document, attribute).map_err(|why| refused(Field::Attribute, why, None))?;
    }
    if !is_changed {
        return Ok(None);
    }
    Document::new(document.to_string()).map(Some)
}

/// Writes one attribute and answers whether it did.
fn write(document: &mut Value, attribute: &Attribute) -> Result<bool, Why> {
    let (last, way) = attribute.path.split_last().ok_or(Why::Blank)?;
    if way.len() >= DEPTH {
        return Err(Why::TooLong);
    }
    let mut members = members(document)?;
    for name in way {
        members = self::members(members.entry(name.clone()).or_insert(Value::Null))?;
    }
    let is_empty = match members.get(last) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    };
    if attribute.only_if_empty && !is_empty {
        return Ok(false);
    }
    members.insert(last.clone(), attribute.value.clone());
    Ok(true)
}

/// The members of an object; null becomes one.
fn members(value: &mut Value) -> Result<&mut Map<String, Value>, Why> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().ok_or(Why::Unresolved)
}

/// The document that is there.
fn read(old: Option<&str>) -> Step<Value> {
    let document = match old {
        Some(text) => {
            serde_json::from_str(text).map_err(|_| Stop::Damaged("a user's document is no JSON"))?
        }
        None => Value::Null,
    };
    Ok(match document {
        Value::Null => Value::Object(Map::new()),
        document => document,
    })
}

/// A problem of the field; where in the request it is, the dialect knows.
fn refused(field: Field, why: Why, max: Option<u64>) -> Stop {
    Failure::Invalid(vec![Problem {
        place: Place::Body,
        at: String::new(),
        field: Some(field),
        why,
        max,
    }])
    .into()
}
