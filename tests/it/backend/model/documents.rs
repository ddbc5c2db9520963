//! The model's documents: what each change makes of them.

use linkbridge::model::{
    Attribute, DocumentChange, Failure, Field, Operation, PatchStep, Place, Problem, UserId, Why,
};
use serde_json::{Value, json};

use super::{Model, key};

fn problem(field: Field, why: Why) -> Failure {
    Failure::Invalid(vec![Problem {
        place: Place::Body,
        at: String::new(),
        field: Some(field),
        why,
        max: None,
    }])
}

fn parsed(document: Option<&String>) -> Value {
    let value: Value = document.map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
    if value.is_null() { json!({}) } else { value }
}

impl Model {
    fn document(&self, op: &Operation, user: &UserId) -> Value {
        let user = self.users.get(&key(op, user));
        parsed(user.and_then(|u| u.document.as_ref()))
    }

    /// The document that a change makes.
    pub(super) fn changed(
        &self,
        op: &Operation,
        user: &UserId,
        change: &DocumentChange,
    ) -> Result<String, Failure> {
        let mut document = self.document(op, user);
        match change {
            DocumentChange::Whole(text) => {
                let parsed = serde_json::from_str::<Value>(text);
                parsed.map_err(|_| problem(Field::Document, Why::Malformed))?;
                return Ok(text.clone());
            }
            DocumentChange::Members { of, set } => {
                let Value::Object(members) = &mut document else {
                    return Err(problem(Field::Document, Why::WrongType));
                };
                members.retain(|name, _| !of.contains(name) || set.contains_key(name));
                for (name, value) in set {
                    members.insert(name.clone(), value.clone());
                }
            }
            DocumentChange::Patch(steps) => {
                for step in steps {
                    patch(&mut document, step)
                        .ok_or_else(|| problem(Field::Patch, Why::Unresolved))?;
                }
            }
        }
        Ok(document.to_string())
    }

    /// Attributes along with a link.
    pub(super) fn write(
        &mut self,
        op: &Operation,
        user: &UserId,
        attributes: &[Attribute],
    ) -> Result<(), Failure> {
        let mut document = self.document(op, user);
        let mut is_written = false;
        for attribute in attributes {
            let mut at = &mut document;
            for name in &attribute.path {
                if at.is_null() {
                    *at = json!({});
                }
                if !at.is_object() {
                    return Err(problem(Field::Attribute, Why::Unresolved));
                }
                at = &mut at[name];
            }
            if !attribute.only_if_empty || at.is_null() || *at == json!("") {
                *at = attribute.value.clone();
                is_written = true;
            }
        }
        if is_written {
            self.enlist(op, user).document = Some(document.to_string());
        }
        Ok(())
    }
}

/// Makes the objects that are missing on the way to a value.
fn make_way(document: &mut Value, parent: &str) {
    let ends = parent.match_indices('/').map(|(at, _)| at).skip(1);
    for end in ends.chain([parent.len()]) {
        let Some((above, name)) = parent[..end].rsplit_once('/') else {
            continue;
        };
        let name = name.replace("~1", "/").replace("~0", "~");
        if let Some(Value::Object(members)) = document.pointer_mut(above) {
            let member = members.entry(name).or_insert(Value::Null);
            if member.is_null() {
                *member = json!({});
            }
        }
    }
}

/// One step; nothing if it leads nowhere. Navigation is that of `serde_json`, by pointers.
fn patch(document: &mut Value, step: &PatchStep) -> Option<()> {
    let (parent, last) = step.pointer.rsplit_once('/')?;
    let last = last.replace("~1", "/").replace("~0", "~");
    if step.value.is_some() {
        make_way(document, parent);
    }
    match (document.pointer_mut(parent)?, &step.value) {
        (Value::Object(members), Some(value)) => {
            members.insert(last, value.clone());
        }
        (Value::Object(members), None) => {
            members.contains_key(&last).then_some(())?;
            members.retain(|name, _| *name != last);
        }
        (Value::Array(elements), value) => {
            let end = elements.len();
            let at = if last == "-" { end } else { last.parse().ok()? };
            match value {
                Some(value) if at == end => elements.push(value.clone()),
                Some(value) if step.inserts && at < end => elements.insert(at, value.clone()),
                Some(value) => *elements.get_mut(at)? = value.clone(),
                None if at < end => drop(elements.remove(at)),
                None => return None,
            }
        }
        _ => return None,
    }
    Some(())
}
