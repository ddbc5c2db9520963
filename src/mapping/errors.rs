//! Reading `[[error]]` tables, and which of them words a failure.

use std::collections::HashMap;
use std::sync::Arc;

use super::context::Context;
use super::example;
use super::names::{evidence, failure_kind};
use super::op::{Defaults, finish_rows, header_rows, media_types, operation, status_if};
use super::path::Query;
use super::plan::{ErrorRow, Origin, Tree};
use super::tree;
use crate::finding::{Noted, Sink, Table};
use crate::model::{FailureKind, OperationKind};

/// Reads one `[[error]]`.
pub(super) fn read(
    table: Table<'_>,
    context: &Context<'_>,
    defaults: &Defaults,
) -> Option<ErrorRow> {
    let sink = table.sink();
    if !table.has("kind") {
        sink.error("LB003", table.span(), "`kind` is missing");
    }
    let names = table.texts("kind").unwrap_or_default();
    let star = names.iter().any(|name| name.value == "*");
    let kinds: Option<Vec<_>> = if star {
        Some(Vec::new())
    } else {
        names.iter().map(|name| failure_kind(name, sink)).collect()
    };
    let on: Option<Vec<_>> = table
        .texts("on")
        .unwrap_or_default()
        .iter()
        .map(|text| operation(text, sink))
        .collect();
    let status = table.int_in("status", 400..=599);
    if !table.has("status") {
        sink.error("LB003", table.span(), "`status` is missing");
    }
    let status_if = status_if(&table, 400..600, context);
    let headers = header_rows(table.table("headers").as_ref(), context);
    let matches = table.text("match").map(|text| {
        Query::parse(&text.value).map_err(|fault| {
            sink.error("LB100", text.span, format!("not a query: {fault:?}"));
            Noted
        })
    });
    let body = body(&table, context);
    let produces = media_types(&table, "produces");
    let row = ErrorRow {
        is_included: false,
        kinds: kinds?,
        on: on?,
        status: u16::try_from(status?).ok()?,
        status_if: status_if?,
        tree: body?,
        headers: headers?,
        matches: matches.transpose().ok()?,
        produces: produces.unwrap_or_else(|| defaults.produces.clone()),
        examples: example::read_all(&table),
        evidence: evidence(&table),
        because: table.text("because").map(|t| t.value.into_owned()),
        origin: Origin {
            source: Arc::clone(sink.source()),
            span: table.span(),
        },
    };
    table.finish();
    Some(row)
}

/// `body = "empty"` or the rows of `[error.body]`.
fn body(table: &Table<'_>, context: &Context<'_>) -> Option<Tree> {
    let value = table.value("body");
    if value.is_none_or(|v| v.get_ref().as_str() == Some("empty")) {
        return Some(Tree::default());
    }
    let rows = table.table("body")?;
    let tree = tree::read(&rows, context);
    finish_rows(rows);
    tree
}

/// Chooses the row that words each failure for each operation, and for none.
///
/// The first row that names the kind and the operation; else the first that names the kind for all;
/// else the same for its parents; else `*`, for faults of the client.
pub(super) fn wording(
    errors: &[ErrorRow],
    operations: &[OperationKind],
    sink: &Sink,
) -> HashMap<(FailureKind, Option<OperationKind>), usize> {
    let mut table = HashMap::new();
    let places: Vec<_> = operations.iter().copied().map(Some).chain([None]).collect();
    for kind in FailureKind::ALL.iter().copied() {
        let mut missing = Vec::new();
        for place in &places {
            match choose(errors, kind, *place) {
                Some(index) => drop(table.insert((kind, *place), index)),
                None => missing.push(place.map_or("requests without an op", OperationKind::name)),
            }
        }
        if !missing.is_empty() {
            let message = format!(
                "the failure `{}` has no answer for {}",
                kind.name(),
                missing.join(", ")
            );
            let hint = format!("add an [[error]] with kind = \"{}\"", kind.name());
            sink.error_hint("LB301", 0..0, message, hint);
        }
    }
    report_unreachable(errors, &table, sink);
    table
}

fn choose(errors: &[ErrorRow], kind: FailureKind, place: Option<OperationKind>) -> Option<usize> {
    let named = std::iter::successors(Some(kind), |k| k.parent())
        .find_map(|kind| find(errors, place, |row| row.kinds.contains(&kind)));
    let star = || {
        kind.covered_by_star()
            .then(|| find(errors, place, |row| row.kinds.is_empty()))
            .flatten()
    };
    named.or_else(star)
}

fn find(
    errors: &[ErrorRow],
    place: Option<OperationKind>,
    fits: impl Fn(&ErrorRow) -> bool,
) -> Option<usize> {
    let for_op = errors
        .iter()
        .position(|row| fits(row) && place.is_some_and(|p| row.on.contains(&p)));
    for_op.or_else(|| errors.iter().position(|row| fits(row) && row.on.is_empty()))
}

/// A row that words nothing is a mistake, or dead; but of another file's rows each file uses some.
fn report_unreachable(
    errors: &[ErrorRow],
    table: &HashMap<(FailureKind, Option<OperationKind>), usize>,
    sink: &Sink,
) {
    for (index, row) in errors.iter().enumerate() {
        let used = table.values().any(|i| *i == index);
        // A row with a `match` may exist only to read what a vendor says in other words.
        // What is included may be worded otherwise here.
        if !used && row.matches.is_none() && !row.is_included {
            let hint = "an earlier row words the same failures";
            sink.warning(
                "LB302",
                row.origin.span.clone(),
                "nothing is ever worded by this row",
                Some(hint.to_owned()),
            );
        }
    }
}
