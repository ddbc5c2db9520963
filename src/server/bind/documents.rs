//! What happens to the document of a user: it is put, changed step by step, or written along with a link.
//!
//! What is kept must be readable again, so that neither its size nor its depth is for a client to choose.

use serde_json::{Map, Value as Json};

use super::{Binder, invalid, problem};
use crate::model::link::MAX_DOCUMENT_BYTES;
use crate::model::{
    Attribute, DocumentChange, Failure, Field, PatchStep, Problem, Record, Value, Why,
};

/// The most of a document that one request may bring, in bytes of JSON.
const MAX_BYTES: usize = MAX_DOCUMENT_BYTES;
/// The most members that lead to a part of a document. What stands there is as deep as a body can be, and
/// both together are as deep as a reader of JSON goes.
const MAX_STEPS: usize = 32;
/// The longest name of an attribute, in bytes.
const MAX_NAME_BYTES: usize = 1024;

impl Binder<'_> {
    /// What the request does to the document of its user, if anything.
    pub(super) fn document(&self) -> Result<Option<DocumentChange>, Failure> {
        if let Some(patch) = json(self.params, Field::Patch) {
            return Ok(Some(DocumentChange::Patch(steps(patch)?)));
        }
        let document = json(self.params, Field::Document);
        if let Some(document) = document {
            check_size(Field::Document, document)?;
        }
        if self.members.is_empty() {
            return Ok(document.map(|json| DocumentChange::Whole(json.to_string())));
        }
        // An op that speaks of some members sets those that it has and takes the others away.
        let set = match document {
            None => Map::new(),
            Some(Json::Object(members)) => members.clone(),
            Some(_) => return Err(invalid(Field::Document, Why::WrongType, None)),
        };
        Ok(Some(DocumentChange::Members {
            of: self.members.to_vec(),
            set,
        }))
    }

    /// The attributes that are written along with a link.
    pub(super) fn attributes(&self) -> Result<Vec<Attribute>, Failure> {
        let (mut attributes, mut problems) = (Vec::new(), Vec::new());
        for record in self.params.list(Field::Attributes).unwrap_or_default() {
            match attribute(record) {
                Ok(attribute) => attributes.push(attribute),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            Ok(attributes)
        } else {
            Err(Failure::Invalid(problems))
        }
    }
}

fn json(record: &Record, field: Field) -> Option<&Json> {
    match record.value(field) {
        Some(Value::Json(json)) => Some(json),
        _ => None,
    }
}

fn check_size(field: Field, json: &Json) -> Result<(), Failure> {
    if json.to_string().len() > MAX_BYTES {
        return Err(invalid(field, Why::TooLong, Some(MAX_BYTES)));
    }
    Ok(())
}

/// The steps of a JSON Patch. The dialect has said which ones its vendor takes.
fn steps(patch: &Json) -> Result<Vec<PatchStep>, Failure> {
    check_size(Field::Patch, patch)?;
    let malformed = || invalid(Field::Patch, Why::Malformed, None);
    let steps = patch.as_array().ok_or_else(malformed)?;
    steps
        .iter()
        .map(|step| {
            let pointer = step.get("path").and_then(Json::as_str);
            let pointer = pointer.filter(|p| p.is_empty() || p.starts_with('/'));
            let pointer = pointer.ok_or_else(malformed)?;
            if pointer.matches('/').count() > MAX_STEPS {
                return Err(invalid(Field::Patch, Why::TooLong, Some(MAX_STEPS)));
            }
            let operation = step.get("op").and_then(Json::as_str);
            let value = match operation {
                Some("add" | "replace") => Some(step.get("value").ok_or_else(malformed)?.clone()),
                Some("remove") => None,
                _ => return Err(malformed()),
            };
            Ok(PatchStep {
                pointer: pointer.to_owned(),
                value,
                inserts: operation == Some("add"),
            })
        })
        .collect()
}

fn attribute(record: &Record) -> Result<Attribute, Problem> {
    let name = record
        .text(Field::Attribute)
        .ok_or_else(|| problem(Field::Attribute, Why::Missing, None))?;
    let path: Vec<String> = name.split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err(problem(Field::Attribute, Why::Malformed, None));
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(problem(
            Field::Attribute,
            Why::TooLong,
            Some(MAX_NAME_BYTES),
        ));
    }
    if path.len() > MAX_STEPS {
        return Err(problem(Field::Attribute, Why::TooLong, Some(MAX_STEPS)));
    }
    let value = json(record, Field::AttributeValue)
        .ok_or_else(|| problem(Field::AttributeValue, Why::Missing, None))?;
    if value.to_string().len() > MAX_BYTES {
        return Err(problem(
            Field::AttributeValue,
            Why::TooLong,
            Some(MAX_BYTES),
        ));
    }
    let only_if_empty = match record.text(Field::AttributeUpdate) {
        None | Some("always") => false,
        Some("if_empty") => true,
        Some(_) => return Err(problem(Field::AttributeUpdate, Why::UnknownValue, None)),
    };
    Ok(Attribute {
        path,
        value: value.clone(),
        only_if_empty,
    })
}
