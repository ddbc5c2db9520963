//! What the request of an op can say: which op is sent for some parameters, and where a field stands in it.

use crate::dialect::Settings;
use crate::dialect::at::At;
use crate::dialect::read::is_there;
use crate::dialect::write::Writer;
use crate::mapping::check;
use crate::mapping::condition::Scene;
use crate::mapping::plan::{Form, Op, Plan, Row, Tree};
use crate::model::{Field, OperationKind, Place, Record};

/// The op to send for `params`: of those that are sent and whose needs are met, the one that says most.
/// What the values are does not count.
pub(in crate::dialect) fn choose<'p>(
    plan: &'p Plan,
    kind: OperationKind,
    params: &Record,
) -> Option<(usize, &'p Op)> {
    best(plan, kind, params, |_| true)
}

/// The op to send for `params`, of those that can spell all the values.
pub(in crate::dialect) fn choose_by_values<'p>(
    plan: &'p Plan,
    kind: OperationKind,
    params: &Record,
    settings: &Settings,
) -> Option<(usize, &'p Op)> {
    best(plan, kind, params, |op| tells(plan, op, params, settings))
}

fn best<'p>(
    plan: &'p Plan,
    kind: OperationKind,
    params: &Record,
    may: impl Fn(&Op) -> bool,
) -> Option<(usize, &'p Op)> {
    let candidates = plan
        .ops
        .iter()
        .enumerate()
        .filter(|(_, op)| op.does == kind && op.emit && can_send(plan, op, params) && may(op));
    candidates.max_by_key(|(index, op)| (said(op, params), std::cmp::Reverse(*index)))
}

/// Whether the op can say the parameters: all that it needs are there, and none would be lost. A
/// narrowing parameter that is not said would ask for more than was meant; only pages are cut later.
pub(in crate::dialect) fn can_send(plan: &Plan, op: &Op, params: &Record) -> bool {
    let is_said = |field: Field| {
        // Pages are cut later; what is known of a request beside its parameters is never sent.
        let paging = matches!(field, Field::PageOffset | Field::PageLimit);
        paging || field.is_beside() || has_room(plan, op, field)
    };
    if !params.iter().all(|(field, _)| is_said(field)) {
        return false;
    }
    let there = |row: &Row| is_there(row, params);
    let met = |row: &Row| match row.presence {
        Some(true) => there(row),
        Some(false) => row.fields.iter().all(|field| !params.has(*field)),
        None => has_needed(row, params),
    };
    op.captures.iter().all(|(_, row)| there(row)) && check::request_rows(op).all(met)
}

/// Whether a row of the op's request, or of every request, has room for a field.
pub(in crate::dialect) fn has_room(plan: &Plan, op: &Op, field: Field) -> bool {
    let headers = plan.headers.iter().map(|(_, row)| row);
    let mut rows = check::request_rows(op).chain(headers);
    rows.any(|row| row.fields.contains(&field))
}

/// Whether a row has what it needs to be written: the field itself, or what is written in its place.
fn has_needed(row: &Row, params: &Record) -> bool {
    match &row.form {
        Form::One { shape, field: None } if row.need.is_some() => {
            shape.rows.iter().all(|(_, row)| has_needed(row, params))
        }
        _ => row.need.is_none() || row.otherwise.is_some() || is_there(row, params),
    }
}

/// Whether every value of the parameters can be spelled where the op says it. An id that is none to this
/// vendor, or a list without one of its items, would ask for something else.
pub(in crate::dialect) fn tells(
    plan: &Plan,
    op: &Op,
    params: &Record,
    settings: &Settings,
) -> bool {
    let option = |name: &str| crate::dialect::option(plan, settings, name);
    let writer = Writer {
        scene: Scene {
            request: params,
            option: &option,
            body: !op.request.rows.is_empty(),
        },
        origin: &settings.origin,
        omits_defaults: plan.json.omits_defaults,
    };
    let is_sent = |row: &Row| row.presence != Some(false);
    let mut query = op.query.iter().map(|(_, row)| row);
    query.all(|row| !is_sent(row) || writer.says_text(row, params))
        && writer.says_tree(&op.request, params)
        && writer.says_whole(&op.request, params)
}

/// How many of the parameters the op says.
fn said(op: &Op, params: &Record) -> usize {
    let says = |field: Field| check::request_rows(op).any(|row| row.fields.contains(&field));
    params.iter().filter(|(field, _)| says(*field)).count()
}

/// Where in the op's request a field stands; a row that is sent before an alias.
pub(in crate::dialect) fn place(plan: &Plan, op: &Op, field: Field) -> Option<(Place, String)> {
    let binds = |row: &Row| row.only.is_none() && row.fields.contains(&field);
    let named = |rows: &[(String, Row)], place: Place| {
        let row = rows.iter().find(|(_, row)| binds(row));
        row.map(|(name, _)| (place, name.clone()))
    };
    let body = || Some((Place::Body, member(&op.request, &At::path(""), field)?));
    let header = || {
        let rows = plan.headers.iter().chain(&op.headers);
        let row = rows.into_iter().find(|(_, row)| binds(row));
        row.map(|(name, _)| (Place::Header, name.as_str().to_owned()))
    };
    // A field of one of several records: which of them it is, is not known here.
    let below = || {
        let mut rows = op.request.rows.iter();
        let (path, _) = rows.find(|(_, row)| check::row_tells(row, field))?;
        Some((Place::Body, path.dotted().to_owned()))
    };
    named(&op.captures, Place::Path)
        .or_else(|| named(&op.query, Place::Query))
        .or_else(body)
        .or_else(header)
        .or_else(below)
}

/// The member of a document that holds a field of the record at hand, also one of a shape that is spread.
fn member(tree: &Tree, prefix: &At<'_>, field: Field) -> Option<String> {
    let binds = |row: &Row| row.only.is_none() && row.fields.contains(&field);
    let (path, row) = tree.rows.iter().find(|(_, row)| binds(row))?;
    let at = prefix.below(path.dotted());
    match &row.form {
        Form::One { shape, field: None } => member(shape, &at, field),
        _ => Some(at.text()),
    }
}
