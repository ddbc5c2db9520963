//! Constants of a mapping, TOML to JSON; and records in examples, JSON to [`Record`].

use serde_json::{Map, Value as Json};
use toml::Spanned;
use toml::de::DeValue;

use crate::finding::Sink;
use crate::model::{Field, FieldType, Record, Value};

/// A TOML value as JSON. Dates and floats that JSON cannot hold are findings.
pub(super) fn from_toml(value: &Spanned<DeValue<'_>>, sink: &Sink) -> Option<Json> {
    match value.get_ref() {
        DeValue::String(text) => Some(Json::String(text.clone().into_owned())),
        DeValue::Boolean(truth) => Some(Json::Bool(*truth)),
        DeValue::Integer(n) => {
            let number = i64::from_str_radix(n.as_str(), n.radix()).map(Json::from);
            number.map_err(|_| too_large(value, sink)).ok()
        }
        DeValue::Float(n) => {
            let number = n
                .as_str()
                .parse()
                .ok()
                .and_then(serde_json::Number::from_f64);
            number
                .map(Json::Number)
                .ok_or_else(|| too_large(value, sink))
                .ok()
        }
        DeValue::Array(items) => items
            .iter()
            .map(|item| from_toml(item, sink))
            .collect::<Option<_>>()
            .map(Json::Array),
        DeValue::Table(table) => {
            let members = table
                .iter()
                .map(|(k, v)| Some((k.get_ref().clone().into_owned(), from_toml(v, sink)?)));
            members.collect::<Option<Map<_, _>>>().map(Json::Object)
        }
        DeValue::Datetime(_) => {
            sink.error("LB004", value.span(), "JSON has no dates: write a string");
            None
        }
    }
}

fn too_large(value: &Spanned<DeValue<'_>>, sink: &Sink) {
    sink.error("LB004", value.span(), "JSON cannot hold this number");
}

/// A record of an example: an object whose keys are canonical fields.
///
/// # Errors
/// A sentence that names the member that is wrong.
pub fn record(json: &Json) -> Result<Record, String> {
    let members = json.as_object().ok_or("a record is a JSON object")?;
    members
        .iter()
        .map(|(name, value)| {
            let field =
                Field::named(name).ok_or_else(|| format!("`{name}` is no canonical field"))?;
            let value = field_value(field, value).map_err(|e| format!("{name}: {e}"))?;
            Ok((field, value))
        })
        .collect()
}

fn field_value(field: Field, json: &Json) -> Result<Value, String> {
    match (field.kind(), json) {
        (FieldType::Text, Json::String(text)) => Ok(Value::Text(text.clone())),
        (FieldType::Int | FieldType::Instant, Json::Number(n)) if n.is_i64() => {
            Ok(Value::Int(n.as_i64().unwrap_or_default()))
        }
        (FieldType::Bool, Json::Bool(truth)) => Ok(Value::Bool(*truth)),
        (FieldType::Json, json) => Ok(Value::Json(json.clone())),
        (FieldType::Record, json) => record(json).map(Value::Record),
        (FieldType::List, Json::Array(items)) => items
            .iter()
            .map(record)
            .collect::<Result<_, _>>()
            .map(Value::List),
        (kind, _) => Err(format!("{kind:?} is wanted")),
    }
}

/// A record as JSON, for `explain` and for differences in findings.
#[must_use]
pub fn show(record: &Record, secrets: Secrets) -> Json {
    let members = record.iter().map(|(field, value)| {
        let json = match value {
            Value::Text(_) if field.is_secret() && secrets == Secrets::Hidden => {
                Json::String("***".to_owned())
            }
            Value::Text(text) => Json::String(text.clone()),
            Value::Int(n) => Json::from(*n),
            Value::Bool(truth) => Json::Bool(*truth),
            Value::Json(json) => json.clone(),
            Value::Record(record) => show(record, secrets),
            Value::List(records) => Json::Array(records.iter().map(|r| show(r, secrets)).collect()),
        };
        (field.name().to_owned(), json)
    });
    Json::Object(members.collect())
}

/// Whether secrets are shown: only those of examples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// Replaced by a placeholder.
    Hidden,
    /// As they are.
    Shown,
}
