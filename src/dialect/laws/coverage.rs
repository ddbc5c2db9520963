//! What no example exercises: ops, error rows and fields.

use super::finding;
use crate::finding::{Finding, Severity};
use crate::mapping::check;
use crate::mapping::plan::{FieldRef, Form, Op, Plan, Tree};
use crate::model::{Field, Record, Value};

/// Reports ops and error rows without an example (LB403) and fields that no example has (LB404).
pub(super) fn report(plan: &Plan, strict: bool, findings: &mut Vec<Finding>) {
    let severity = if strict {
        Severity::Error
    } else {
        Severity::Warning
    };
    for op in plan.ops.iter().filter(|op| op.examples.is_empty()) {
        findings.push(finding(
            "LB403",
            severity,
            &op.origin,
            format!("the op `{}` has no example", op.name),
        ));
    }
    for row in plan.errors.iter().filter(|row| row.examples.is_empty()) {
        findings.push(finding(
            "LB403",
            severity,
            &row.origin,
            "this error row has no example".to_owned(),
        ));
    }
    let mut answered = Vec::new();
    for example in plan.ops.iter().flat_map(|op| &op.examples) {
        example
            .result
            .iter()
            .for_each(|record| exercised(record, &mut answered));
    }
    for op in &plan.ops {
        let requested = requested(op);
        for field in bound(op)
            .into_iter()
            .filter(|field| !requested.contains(field))
        {
            let message = format!(
                "no example of `{}` has the field `{}` in its request",
                op.name,
                field.name()
            );
            findings.push(finding("LB404", severity, &op.origin, message));
        }
        let mut fields = Vec::new();
        nested(&op.answer.tree, &mut fields);
        for field in fields.into_iter().filter(|field| !answered.contains(field)) {
            let message = format!(
                "no example has the field `{}` in a result, and `{}` answers it",
                field.name(),
                op.name
            );
            findings.push(finding("LB404", severity, &op.origin, message));
        }
    }
}

/// The fields that the rows of the request bind.
fn bound(op: &Op) -> Vec<Field> {
    // A parameter that must be absent is never read.
    let rows = check::request_rows(op).filter(|row| row.presence != Some(false));
    let mut fields: Vec<Field> = rows.flat_map(|row| row.fields.iter().copied()).collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

/// The fields that some example of the op has: read, or refused.
fn requested(op: &Op) -> Vec<Field> {
    let mut fields = Vec::new();
    for example in &op.examples {
        example
            .params
            .iter()
            .for_each(|record| exercised(record, &mut fields));
        for problem in example.problems.iter().flatten() {
            fields.extend(problem.text(Field::FieldName).and_then(Field::named));
        }
    }
    fields
}

/// Every field of a record, nested ones too.
fn exercised(record: &Record, fields: &mut Vec<Field>) {
    for (field, value) in record.iter() {
        fields.push(field);
        match value {
            Value::Record(inner) => exercised(inner, fields),
            Value::List(items) => items.iter().for_each(|inner| exercised(inner, fields)),
            _ => {}
        }
    }
}

/// The fields of a document's rows, those of its shapes too.
fn nested(tree: &Tree, fields: &mut Vec<Field>) {
    for (_, row) in &tree.rows {
        match &row.form {
            Form::Field {
                field: FieldRef::Here(field),
                ..
            } => fields.push(*field),
            Form::One { shape, .. } => nested(shape, fields),
            Form::List { item, .. } | Form::Dict { item, .. } | Form::Group { item, .. } => {
                nested(item, fields)
            }
            Form::Each { item, .. } => fields.extend(&item.fields),
            Form::Carry { .. } => fields.push(Field::Document),
            _ => {}
        }
    }
}
