//! Reading members of the user's document: kept as they stand, or changed by a JSON Patch.

use serde_json::Value as Json;

use super::Reader;
use crate::dialect::at::At;
use crate::dialect::patch;
use crate::mapping::plan::CarryKind;
use crate::model::{Field, Record, Value, Why};

impl Reader<'_> {
    /// Reads the changes of a JSON Patch. A problem says which pointer, or which word, is refused.
    pub(super) fn patch(
        &mut self,
        field: Field,
        allow: &[(String, CarryKind, Vec<String>)],
        json: &Json,
        record: &mut Record,
    ) {
        let faults = patch::faults(json, allow);
        for (at, why) in &faults {
            self.problem(Some(field), &At::path(at), *why, None);
        }
        if faults.is_empty() {
            record.set(field, Value::Json(json.clone()));
        }
    }
}

/// Why a value is none that a member may be.
pub(in crate::dialect) fn carry_fault(
    kind: CarryKind,
    allowed: &[String],
    json: &Json,
) -> Option<Why> {
    let fits = match kind {
        CarryKind::Any => true,
        CarryKind::Text => json.is_string(),
        CarryKind::Object => json.is_object(),
    };
    let is_known = |text: &str| allowed.iter().any(|word| word == text);
    if !fits {
        Some(Why::WrongType)
    } else if allowed.is_empty() || json.as_str().is_some_and(is_known) {
        None
    } else {
        Some(Why::UnknownValue)
    }
}

/// Keeps a member of the user's document as it stands.
pub(super) fn carry(member: &str, json: &Json, record: &mut Record) {
    let mut document = match record.take(Field::Document) {
        Some(Value::Json(Json::Object(members))) => members,
        _ => serde_json::Map::new(),
    };
    document.insert(member.to_owned(), json.clone());
    record.set(Field::Document, Value::Json(Json::Object(document)));
}
