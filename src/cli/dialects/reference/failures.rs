//! The error table of a mapping: which failure is worded by which row, and the rows.

use std::fmt::Write as _;

use super::cells::{self, cells};
use super::markdown::{code, prose, table};
use super::ops::media;
use super::ops::place;
use super::records::Records;
use crate::mapping::plan::{ErrorRow, Plan, Tree};
use crate::model::{FailureKind, OperationKind};

/// The section of failures.
pub(super) fn section(plan: &Plan, records: &Records<'_>) -> String {
    let rows = FailureKind::ALL
        .iter()
        .flat_map(|kind| of_kind(plan, *kind));
    let titles = ["failure", "for", "status", "told by", "evidence", "wording"];
    let mut out = format!("## Failures\n\n{}", table(titles, rows));
    out.push_str("\n## Wordings of failures\n");
    for (index, row) in plan.errors.iter().enumerate() {
        let _ = write!(
            out,
            "\n### Wording {}\n\n{}",
            index + 1,
            wording(plan, index, row, records)
        );
    }
    out
}

/// A failure with each row that words it, and the operations for which it does.
fn of_kind(plan: &Plan, kind: FailureKind) -> Vec<[String; 6]> {
    let mut worded: Vec<(usize, Vec<&str>)> = Vec::new();
    let general = plan.wording.get(&(kind, None)).copied();
    for operation in OperationKind::ALL {
        let Some(index) = plan.wording.get(&(kind, Some(*operation))) else {
            continue;
        };
        match worded.iter_mut().find(|(other, _)| other == index) {
            Some((_, operations)) => operations.push(operation.name()),
            None => worded.push((*index, vec![operation.name()])),
        }
    }
    // The row that also words what is no operation's comes last: it is for the rest.
    worded.sort_by_key(|(index, _)| general == Some(*index));
    let only = worded.len() == 1;
    let rows = worded.into_iter().filter_map(|(index, operations)| {
        let row = plan.errors.get(index)?;
        let scope = match (only, general == Some(index)) {
            (true, _) => "every operation".to_owned(),
            (false, true) => "every other operation".to_owned(),
            (false, false) => {
                let names: Vec<String> = operations.iter().map(|name| code(name)).collect();
                names.join(", ")
            }
        };
        Some([
            code(kind.name()),
            scope,
            row.status.to_string(),
            codes(&row.tree, "").join("<br>"),
            row.evidence.map(cells::evidence).unwrap_or_default(),
            format!("[{0}](#wording-{0})", index + 1),
        ])
    });
    rows.collect()
}

/// What of a body a client can tell the failure by: constants, and texts with a constant part. A shape
/// that is spread into its node is looked into.
fn codes(tree: &Tree, above: &str) -> Vec<String> {
    let each = tree.rows.iter().flat_map(|(path, row)| {
        let parts = [above, path.dotted()].into_iter();
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        let at = parts.join(".");
        if let Some(shape) = cells::spread(row) {
            return codes(shape, &at);
        }
        match cells::codes(row) {
            codes if codes.is_empty() => Vec::new(),
            codes => vec![format!("{} {}", code(&at), codes.join(" or "))],
        }
    });
    each.collect()
}

fn wording(plan: &Plan, index: usize, row: &ErrorRow, records: &Records<'_>) -> String {
    let kinds: Vec<String> = row.kinds.iter().map(|kind| code(kind.name())).collect();
    let kinds = if kinds.is_empty() {
        "Every fault of the client that has no wording of its own".to_owned()
    } else {
        kinds.join(", ")
    };
    let on: Vec<String> = row.on.iter().map(|kind| code(kind.name())).collect();
    let on = if on.is_empty() {
        String::new()
    } else {
        format!(" (of {})", on.join(", "))
    };
    let media = media(!row.tree.rows.is_empty(), &row.produces);
    let by = row.status_if.iter();
    let by = by
        .map(|(status, condition)| format!("{status} if {}, else ", code(&condition.to_string())));
    let by: String = by.collect();
    let mut out = format!("{kinds}{on}: {by}{}, {media}.", row.status);
    if !plan.wording.values().any(|used| *used == index) {
        out.push_str(" It is read, and never sent.");
    }
    let marks = [
        row.evidence.map(cells::evidence),
        row.because.as_deref().map(prose),
    ];
    let marks: Vec<String> = marks.into_iter().flatten().collect();
    if !marks.is_empty() {
        let _ = write!(out, "\n\n*{}.*", marks.join("; "));
    }
    out.push('\n');
    let headers = row.headers.iter();
    let headers = headers.map(|(name, row)| cells(place("header", name.as_str()), row, records));
    let body = row.tree.rows.iter();
    let body = body.map(|(path, row)| cells(place("", path.dotted()), row, records));
    let rows: Vec<[String; 6]> = headers.chain(body).collect();
    if !rows.is_empty() {
        let _ = write!(out, "\n{}", table(cells::TITLES, rows));
    }
    out
}
