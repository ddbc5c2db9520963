//! Records: the neutral trees of canonical fields between a dialect and the typed model.

use zeroize::Zeroize;

use super::{Field, FieldType};

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number; instants are milliseconds.
    Int(i64),
    /// True or false.
    Bool(bool),
    /// A JSON document.
    Json(serde_json::Value),
    /// A nested record.
    Record(Record),
    /// Nested records, in order.
    List(Vec<Record>),
}

impl Value {
    /// Whether a field of type `kind` may hold this value.
    #[must_use]
    pub fn fits(&self, kind: FieldType) -> bool {
        matches!(
            (self, kind),
            (Value::Text(_), FieldType::Text)
                | (Value::Int(_), FieldType::Int | FieldType::Instant)
                | (Value::Bool(_), FieldType::Bool)
                | (Value::Json(_), FieldType::Json)
                | (Value::Record(_), FieldType::Record)
                | (Value::List(_), FieldType::List)
        )
    }
}

/// A few fields with their values, in the order in which they were first set.
///
/// Records are small (a link has ten fields), so a list is searched faster than a map.
#[derive(Clone, Default)]
pub struct Record(Vec<(Field, Value)>);

/// The memory of secrets is wiped.
impl Drop for Record {
    fn drop(&mut self) {
        for (field, value) in &mut self.0 {
            if let (true, Value::Text(text)) = (field.is_secret(), value) {
                text.zeroize();
            }
        }
    }
}

/// Secrets are named, and not shown.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut list = f.debug_map();
        for (field, value) in &self.0 {
            if field.is_secret() {
                list.entry(field, &format_args!("***"));
            } else {
                list.entry(field, value);
            }
        }
        list.finish()
    }
}

impl Record {
    /// A record without fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A record with room for `capacity` fields.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Sets a field, replacing what it held.
    pub fn set(&mut self, field: Field, value: Value) {
        match self.0.iter_mut().find(|(f, _)| *f == field) {
            Some(slot) => slot.1 = value,
            None => self.0.push((field, value)),
        }
    }

    /// Sets a text field.
    pub fn set_text(&mut self, field: Field, text: impl Into<String>) {
        self.set(field, Value::Text(text.into()));
    }

    /// Sets a text field if there is a text.
    pub fn set_text_opt(&mut self, field: Field, text: Option<impl Into<String>>) {
        if let Some(text) = text {
            self.set_text(field, text);
        }
    }

    /// This record with a text field set; for building records in one expression.
    #[must_use]
    pub fn with(mut self, field: Field, value: Value) -> Self {
        self.set(field, value);
        self
    }

    /// Removes a field and answers what it held.
    pub fn take(&mut self, field: Field) -> Option<Value> {
        let index = self.0.iter().position(|(f, _)| *f == field)?;
        Some(self.0.remove(index).1)
    }

    /// The value of a field.
    #[must_use]
    pub fn value(&self, field: Field) -> Option<&Value> {
        self.0.iter().find(|(f, _)| *f == field).map(|(_, v)| v)
    }

    /// Whether the field is set.
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        self.value(field).is_some()
    }

    /// The text of a field.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&str> {
        match self.value(field) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The number of a field.
    #[must_use]
    pub fn int(&self, field: Field) -> Option<i64> {
        match self.value(field) {
            Some(Value::Int(n)) => Some(*n),
            _ => None,
        }
    }

    /// The truth of a field.
    #[must_use]
    pub fn bool(&self, field: Field) -> Option<bool> {
        match self.value(field) {
            Some(Value::Bool(b)) => Some(*b),
            _ => None,
        }
    }

    /// The nested record of a field.
    #[must_use]
    pub fn record(&self, field: Field) -> Option<&Record> {
        match self.value(field) {
            Some(Value::Record(record)) => Some(record),
            _ => None,
        }
    }

    /// The nested records of a field.
    #[must_use]
    pub fn list(&self, field: Field) -> Option<&[Record]> {
        match self.value(field) {
            Some(Value::List(list)) => Some(list),
            _ => None,
        }
    }

    /// The fields that are set, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &Value)> {
        self.0.iter().map(|(f, v)| (*f, v))
    }

    /// Mutable access to the fields that are set.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Field, &mut Value)> {
        self.0.iter_mut().map(|(f, v)| (*f, v))
    }

    /// How many fields are set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no field is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Records are equal when they hold the same fields with the same values, in whatever order.
impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(f, v)| other.value(f) == Some(v))
    }
}

impl FromIterator<(Field, Value)> for Record {
    fn from_iter<I: IntoIterator<Item = (Field, Value)>>(fields: I) -> Self {
        let mut record = Record::new();
        for (field, value) in fields {
            record.set(field, value);
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_names_secrets_and_does_not_show_them() {
        let mut record = Record::new();
        for field in Field::ALL.iter().filter(|field| field.is_secret()) {
            record.set_text(*field, "canary");
        }
        record.set_text(Field::ClientId, "billing");
        let outer = Record::new().with(Field::Link, Value::Record(record));
        let shown = format!("{outer:?}");
        assert!(
            shown.contains("ClientSecret") && shown.contains("billing"),
            "{shown}"
        );
        assert!(!shown.contains("canary"), "{shown}");
    }
}
