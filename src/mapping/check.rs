//! What can only be said of a whole plan: ops that no request can tell apart, operations that cannot
//! be sent, parameters that no row binds.

use super::plan::{Auth, FieldRef, Form, Only, Op, Part, Plan, Row, Tree};
use super::route;
use crate::finding::Sink;
use crate::model::{Field, OperationKind};

/// Checks a plan; findings go to `sink`. `whole` = every op of the file was read.
pub(super) fn plan(plan: &Plan, sink: &Sink, whole: bool) {
    overlaps(plan, sink);
    names(plan, sink);
    for op in &plan.ops {
        needs(plan, op, sink);
        parameters(plan, op, sink);
        answer(op, sink);
        if route::is_ambiguous(op) {
            let message = "two paths of this op are for the same requests";
            sink.error("LB004", op.origin.span.clone(), message);
        }
    }
    if whole {
        emitted(plan, sink);
    }
}

/// An answer has one body, and one of status 204 has none.
fn answer(op: &Op, sink: &Sink) {
    let answer = &op.answer;
    if op.does.is_about_tokens() && op.auth == Auth::Required {
        let message = "who asks for a token, or where there is one, has none yet";
        let hint = "add auth = \"none\"";
        sink.error_hint("LB004", op.origin.span.clone(), message, hint);
    }
    if op.lifetime.is_some() != (op.does == OperationKind::TokenIssue) {
        let message = "an op that does \"token.issue\", and no other, has a `lifetime`: the seconds that a token lives";
        sink.error("LB003", op.origin.span.clone(), message);
    }
    let (has_rows, has_text) = (!answer.tree.rows.is_empty(), answer.text.is_some());
    let special = answer.status_if.iter().map(|(status, _)| status);
    let mut statuses = answer.statuses.iter().chain(special);
    if (has_rows || has_text) && statuses.any(|status| *status == 204) {
        let message = "an answer of status 204 has no body";
        sink.error("LB004", op.origin.span.clone(), message);
    }
    if has_rows && has_text {
        let message = "a body is a `text` or has rows, and this one is both";
        sink.error("LB004", op.origin.span.clone(), message);
    }
}

/// Two ops of one method and path must be provably disjoint.
fn overlaps(plan: &Plan, sink: &Sink) {
    for (index, a) in plan.ops.iter().enumerate() {
        for b in plan.ops.iter().skip(index + 1) {
            if route::collide(a, b) && !route::disjoint(a, b) {
                let message = format!("a request could mean both `{}` and `{}`", a.name, b.name);
                let hint = "tell them apart by a query parameter (present/absent) or a body member (when has/lacks)";
                sink.error_hint("LB201", b.origin.span.clone(), message, hint);
            }
        }
    }
}

fn names(plan: &Plan, sink: &Sink) {
    for (index, op) in plan.ops.iter().enumerate() {
        if plan
            .ops
            .iter()
            .take(index)
            .any(|other| other.name == op.name)
        {
            sink.error(
                "LB206",
                op.origin.span.clone(),
                format!("two ops are named `{}`", op.name),
            );
        }
    }
}

/// Each field of a request has one place, and every row of it reads the request itself.
fn parameters(plan: &Plan, op: &Op, sink: &Sink) {
    let headers = plan.headers.iter().map(|(_, row)| row);
    let rows = || request_rows(op).chain(headers.clone());
    let mut bound: Vec<Field> = Vec::new();
    // Members of the document are many, and of one field.
    let carries = |row: &Row| matches!(row.form, Form::Carry { .. });
    for row in rows().filter(|row| row.only.is_none() && !carries(row)) {
        for field in &row.fields {
            if bound.contains(field) {
                let message = format!(
                    "`{}` is bound twice in the request of `{}`",
                    field.name(),
                    op.name
                );
                let hint = "a reader could not tell which to trust; an older name of it says only = \"parse\"";
                sink.error_hint("LB207", row.origin.span.clone(), message, hint);
            }
            bound.push(*field);
        }
    }
    for row in rows() {
        if let Form::Field {
            field: FieldRef::Request(field),
            ..
        } = &row.form
        {
            let message = format!("`req.{}` has no meaning in a request", field.name());
            sink.error("LB103", row.origin.span.clone(), message);
        }
    }
    let named = op.captures.iter().chain(&op.query).map(|(_, row)| row);
    let misplaced = named
        .chain(headers)
        .find(|row| matches!(row.form, Form::Basic { .. }));
    if let Some(row) = misplaced {
        let message = "`basic` stands in a header of one op, in [op.headers]";
        sink.error("LB103", row.origin.span.clone(), message);
    }
    for (name, row) in &op.captures {
        if row.only.is_some() {
            let message =
                format!("the path cannot be written without {{{name}}}, so its row has no `only`");
            sink.error("LB205", row.origin.span.clone(), message);
        }
    }
}

/// Every operation that the file has must have a form to send.
fn emitted(plan: &Plan, sink: &Sink) {
    for (index, op) in plan.ops.iter().enumerate() {
        let first = plan
            .ops
            .iter()
            .take(index)
            .all(|other| other.does != op.does);
        let sent = plan
            .ops
            .iter()
            .any(|other| other.does == op.does && other.emit);
        if first && !sent {
            let message = format!("no op sends `{}`", op.does.name());
            sink.error_hint(
                "LB202",
                op.origin.span.clone(),
                message,
                "add `emit = true` to the form to send",
            );
        }
    }
}

/// The parameters without which an operation means nothing: one of these sets.
#[must_use]
pub fn needed(kind: OperationKind) -> &'static [&'static [Field]] {
    use Field as F;
    use OperationKind as K;
    match kind {
        K::LinkCreate => &[&[F::UserId, F::ProviderId, F::Subject]],
        K::LinkGet => &[&[F::LinkId]],
        K::LinkFind | K::PendingCreate => &[&[F::ProviderId, F::Subject]],
        K::LinkList | K::UserPut | K::UserUpdate | K::UserDelete => &[&[F::UserId]],
        K::UserGet => &[&[F::UserId], &[F::ExternalId]],
        K::LinkDelete => &[
            &[F::LinkId],
            &[F::UserId, F::ProviderId],
            &[F::UserId, F::Protocol],
        ],
        K::PendingGet => &[&[F::PendingId]],
        K::PendingComplete => &[&[F::PendingId, F::UserId]],
        K::ProviderGet => &[&[F::ProviderId], &[F::Domain]],
        K::UserAlias => &[&[F::UserId, F::Vendor, F::VendorId]],
        K::TokenIssue => &[&[F::GrantType]],
        K::UserCreate | K::ProviderList | K::UserList | K::Status | K::TokenDescribe => &[&[]],
    }
}

fn needs(plan: &Plan, op: &Op, sink: &Sink) {
    let headers = plan.headers.iter().map(|(_, row)| row);
    let bound: Vec<Field> = request_rows(op)
        .chain(headers)
        .flat_map(|row| row.fields.iter().copied())
        .collect();
    let sets = needed(op.does);
    if sets.iter().any(|set| set.iter().all(|f| bound.contains(f))) {
        return;
    }
    let missing: Vec<&str> = sets
        .iter()
        .flat_map(|set| set.iter())
        .filter(|f| !bound.contains(f))
        .map(|f| f.name())
        .collect();
    let message = format!(
        "`{}` needs {}, and no row of this op binds it",
        op.does.name(),
        missing.join(" or ")
    );
    sink.error("LB203", op.origin.span.clone(), message);
}

/// The fields of the record at hand that a form binds.
pub(super) fn form_fields(form: &Form) -> Vec<Field> {
    match form {
        Form::Field {
            field: FieldRef::Here(field),
            ..
        } => vec![*field],
        Form::Join(parts) => parts.iter().filter_map(part_field).collect(),
        Form::One {
            field: Some(field), ..
        }
        | Form::List { field, .. }
        | Form::Dict { field, .. }
        | Form::Group { field, .. }
        | Form::Each { field, .. } => vec![*field],
        Form::Carry { .. } => vec![Field::Document],
        Form::Basic { user, secret } => vec![*user, *secret],
        // A shape without a field of its own speaks of the record at hand.
        Form::One { shape, field: None } => {
            let rows = shape.rows.iter();
            let mut fields: Vec<Field> = rows.flat_map(|(_, row)| row.fields.clone()).collect();
            // Members of the document are many, and of one field.
            let carried = fields.contains(&Field::Document);
            fields.retain(|field| *field != Field::Document);
            fields.extend(carried.then_some(Field::Document));
            fields
        }
        Form::First(rows) => rows.iter().flat_map(|row| row.fields.clone()).collect(),
        Form::Field { .. } | Form::Const(_) | Form::Url(_) | Form::Presence => Vec::new(),
    }
}

/// Whether some row of the document writes the field, in whatever record it stands.
#[must_use]
pub fn tells(tree: &Tree, field: Field) -> bool {
    tree.rows.iter().any(|(_, row)| row_tells(row, field))
}

/// Whether a row binds the field, or one of the records below it does.
#[must_use]
pub fn row_tells(row: &Row, field: Field) -> bool {
    let below = match &row.form {
        Form::Dict { key, .. } if *key == field => true,
        Form::One { shape: inner, .. }
        | Form::List { item: inner, .. }
        | Form::Dict { item: inner, .. }
        | Form::Group { item: inner, .. } => tells(inner, field),
        Form::Each { item, .. } => row_tells(item, field),
        Form::First(rows) => rows.iter().any(|row| row_tells(row, field)),
        _ => false,
    };
    below || row.fields.contains(&field)
}

/// The members of the user's document that the rows carry and that may be put; not those that are only
/// told.
pub(super) fn members(tree: &Tree) -> Vec<String> {
    let mut all = Vec::new();
    for (_, row) in &tree.rows {
        match &row.form {
            Form::Carry { member, .. } if row.only != Some(Only::Emit) => all.push(member.clone()),
            Form::One { shape: inner, .. } | Form::List { item: inner, .. } => {
                all.extend(members(inner));
            }
            _ => {}
        }
    }
    all
}

fn part_field(part: &Part) -> Option<Field> {
    match part {
        Part::Field(FieldRef::Here(field)) => Some(*field),
        _ => None,
    }
}

/// Every row of an op's request: headers of its own, captures, query and body.
pub fn request_rows(op: &Op) -> impl Iterator<Item = &Row> {
    let headers = op.headers.iter().map(|(_, row)| row);
    let texts = op.captures.iter().chain(&op.query).map(|(_, row)| row);
    let body = op.request.rows.iter().map(|(_, row)| row);
    headers.chain(texts).chain(body)
}
