//! Which fields the rows of a plan speak of. What none of them asks for need not be made.

use std::collections::HashSet;

use crate::mapping::check;
use crate::mapping::condition::{Condition, Operand};
use crate::mapping::plan::{Form, Only, Otherwise, Part, Plan, Row, Tree};
use crate::model::Field;

/// Every field that some row of the plan binds, writes, looks up or tests.
pub(super) fn of(plan: &Plan) -> HashSet<Field> {
    let mut used = Used::default();
    used.condition(plan.query.absent_values_if.as_ref());
    used.named(&plan.headers);
    used.named(&plan.response_headers);
    for op in &plan.ops {
        used.named(&op.captures);
        used.named(&op.query);
        used.named(&op.headers);
        used.tree(&op.request);
        used.tree(&op.answer.tree);
        used.named(&op.answer.headers);
        let statuses = op.answer.status_if.iter();
        statuses.for_each(|(_, condition)| used.condition(Some(condition)));
        used.produced(&op.answer.produces);
    }
    for row in &plan.errors {
        used.tree(&row.tree);
        used.named(&row.headers);
        used.produced(&row.produces);
    }
    used.0
}

/// What the requests that a dialect sends say of tenants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tenants {
    /// Some request cannot be written without one.
    pub needed: bool,
    /// Some request can name one.
    pub said: bool,
}

/// What the requests of a plan say of tenants; those for tokens are none that a backend sends.
pub(super) fn tenants(plan: &Plan) -> Tenants {
    let says = |row: &Row| {
        let is_sent = row.only != Some(Only::Parse) && row.presence != Some(false);
        is_sent && row.fields.contains(&Field::Tenant)
    };
    let sent = plan.ops.iter();
    let sent = sent.filter(|op| op.emit && !op.does.is_about_tokens());
    let mut tenants = Tenants::default();
    for op in sent {
        let in_path = op.captures.iter().any(|(_, row)| says(row));
        let headers = plan.headers.iter().map(|(_, row)| row);
        let mut rows = check::request_rows(op).chain(headers);
        tenants.said |= rows.any(says);
        let mut rows = check::request_rows(op);
        tenants.needed |= in_path || rows.any(|row| row.need.is_some() && says(row));
    }
    tenants
}

#[derive(Default)]
struct Used(HashSet<Field>);

impl Used {
    fn tree(&mut self, tree: &Tree) {
        tree.rows.iter().for_each(|(_, row)| self.row(row));
    }

    /// Of several media types, the header `Accept` decides.
    fn produced(&mut self, media: &[String]) {
        if media.len() > 1 {
            self.0.insert(Field::Accept);
        }
    }

    fn named<N>(&mut self, rows: &[(N, Row)]) {
        rows.iter().for_each(|(_, row)| self.row(row));
    }

    fn row(&mut self, row: &Row) {
        self.0.extend(&row.fields);
        self.condition(row.condition.as_ref());
        if let Some(Otherwise::Field(field)) = row.otherwise {
            self.0.insert(field.field());
        }
        self.form(&row.form);
    }

    fn form(&mut self, form: &Form) {
        match form {
            Form::Field { field, .. } => drop(self.0.insert(field.field())),
            Form::Join(parts) | Form::Url(parts) => {
                let fields = parts.iter().filter_map(|part| match part {
                    Part::Field(field) => Some(field.field()),
                    Part::Document { .. } => Some(Field::Document),
                    Part::Literal(_) | Part::Origin => None,
                });
                self.0.extend(fields);
            }
            Form::One { shape, field } => {
                self.0.extend(field);
                self.tree(shape);
            }
            Form::List {
                field,
                item,
                filter,
                ..
            } => {
                self.0.insert(*field);
                self.condition(filter.as_ref());
                self.tree(item);
            }
            Form::Each {
                field,
                item,
                filter,
                ..
            } => {
                self.0.insert(*field);
                self.condition(filter.as_ref());
                self.row(item);
            }
            Form::Carry { .. } => drop(self.0.insert(Field::Document)),
            Form::Dict {
                field, key, item, ..
            } => {
                self.0.extend([*field, *key]);
                self.tree(item);
            }
            Form::Group {
                field,
                by,
                item,
                filter,
            } => {
                self.0.extend([*field, *by]);
                self.condition(filter.as_ref());
                self.tree(item);
            }
            Form::First(rows) => rows.iter().for_each(|row| self.row(row)),
            Form::Basic { user, secret } => self.0.extend([*user, *secret]),
            Form::Const(_) | Form::Presence => {}
        }
    }

    fn condition(&mut self, condition: Option<&Condition>) {
        for clause in condition.iter().flat_map(|condition| &condition.0) {
            if let Operand::Field(field) = &clause.operand {
                self.0.insert(field.field());
            }
        }
    }
}

#[cfg(test)]
#[path = "uses_tests.rs"]
mod tests;
