//! The operations of a mapping: each request with its answer.

use std::fmt::Write as _;

use super::cells::{self, cells};
use super::markdown::{code, prose, table};
use super::records::Records;
use crate::cli::dialects::template;
use crate::mapping::plan::{Auth, Op, Plan};

/// The section of all ops, after a list of them.
pub(super) fn section(plan: &Plan, records: &Records<'_>) -> String {
    let rows = plan.ops.iter().map(|op| {
        [
            format!("[{}](#op-{})", op.name, op.name.to_lowercase()),
            code(op.does.name()),
            code(&request_line(op)),
            statuses(op),
        ]
    });
    let list = table(["op", "operation", "request", "answer"], rows);
    let mut out = format!("## Operations\n\n{list}");
    for op in &plan.ops {
        let _ = write!(out, "\n### Op {}\n\n{}", op.name, one(op, records));
    }
    out
}

fn request_line(op: &Op) -> String {
    format!("{} {}", op.method, template(&op.path))
}

fn one(op: &Op, records: &Records<'_>) -> String {
    let mut out = format!("{} does {}", code(&request_line(op)), code(op.does.name()));
    let conditions = conditions(op);
    if !conditions.is_empty() {
        let _ = write!(out, ", where the body {conditions}");
    }
    out.push('.');
    let calls: Vec<String> = op.rpc.names.iter().map(|(name, _)| code(name)).collect();
    if !calls.is_empty() {
        let _ = write!(out, " The same as a call: {}.", calls.join(", "));
    }
    if !op.emit {
        out.push_str(" It is read, and another form is sent.");
    }
    if op.auth == Auth::None {
        out.push_str(" No credential is looked at.");
    }
    if let Some(page) = &op.page {
        let _ = write!(
            out,
            " The list is cut into pages, of {} unless asked.",
            page.limit
        );
    }
    if let Some(seconds) = op.lifetime {
        let _ = write!(out, " A token lives {seconds} seconds.");
    }
    let marks = [
        op.evidence.map(cells::evidence),
        op.because.as_deref().map(prose),
    ];
    let marks: Vec<String> = marks.into_iter().flatten().collect();
    if !marks.is_empty() {
        let _ = write!(out, "\n\n*{}.*", marks.join("; "));
    }
    out.push_str("\n\n");
    let request = request(op, records);
    if !request.is_empty() {
        let _ = writeln!(out, "{request}");
    }
    let has_body = !op.answer.tree.rows.is_empty() || op.answer.text.is_some();
    let media = media(has_body, &op.answer.produces);
    let _ = writeln!(out, "Answer: {}, {media}.", statuses(op));
    let answer = answer(op, records);
    if !answer.is_empty() {
        let _ = write!(out, "\n{answer}");
    }
    out
}

/// What the body must have and lack, as the end of a sentence.
fn conditions(op: &Op) -> String {
    let has = op
        .has
        .iter()
        .map(|path| format!("has {}", code(path.dotted())));
    let lacks = op
        .lacks
        .iter()
        .map(|path| format!("lacks {}", code(path.dotted())));
    has.chain(lacks).collect::<Vec<_>>().join(" and ")
}

/// What an answer is sent as.
pub(super) fn media(has_body: bool, produces: &[String]) -> String {
    if !has_body {
        return "without a body".to_owned();
    }
    let media: Vec<String> = produces.iter().map(|media| code(media)).collect();
    format!("as {}", media.join(" or "))
}

fn statuses(op: &Op) -> String {
    let all: Vec<String> = op.answer.statuses.iter().map(u16::to_string).collect();
    let by = op.answer.status_if.iter();
    let by = by.map(|(status, condition)| format!("{status} if {}", code(&condition.to_string())));
    let by: Vec<String> = by.collect();
    if by.is_empty() {
        all.join(", ")
    } else {
        format!("{}, else {}", by.join(", "), all.join(", "))
    }
}

fn request(op: &Op, records: &Records<'_>) -> String {
    let named = |rows: &'_ [(String, _)], place: &str| -> Vec<[String; 6]> {
        let rows = rows.iter();
        rows.map(|(name, row)| cells(self::place(place, name), row, records))
            .collect()
    };
    let mut rows = named(&op.captures, "path");
    rows.extend(named(&op.query, "query"));
    let headers = op.headers.iter();
    rows.extend(headers.map(|(name, row)| cells(place("header", name.as_str()), row, records)));
    let body = op.request.rows.iter();
    rows.extend(body.map(|(path, row)| cells(place("body", path.dotted()), row, records)));
    if rows.is_empty() {
        return String::new();
    }
    table(cells::TITLES, rows)
}

fn answer(op: &Op, records: &Records<'_>) -> String {
    let headers = op.answer.headers.iter();
    let headers = headers.map(|(name, row)| cells(place("header", name.as_str()), row, records));
    let body = op.answer.tree.rows.iter();
    let body = body.map(|(path, row)| cells(place("", path.dotted()), row, records));
    let rows: Vec<[String; 6]> = headers.chain(body).collect();
    if rows.is_empty() {
        return String::new();
    }
    table(cells::TITLES, rows)
}

/// Where a row stands; the root of a document has no name.
pub(super) fn place(part: &str, name: &str) -> String {
    let name = if name.is_empty() {
        "the whole".to_owned()
    } else {
        code(name)
    };
    format!("{part} {name}").trim_start().to_owned()
}
