//! What a mapping says of itself: its sources, where credential and tenant are, how sure it is.

use std::fmt::Write as _;

use super::cells::{self, cells};
use super::markdown::{code, prose, table};
use super::ops::place;
use super::records::Records;
use crate::mapping::plan::{About, Evidence, Plan, Repeated, Row, Take};
use crate::model::Field;

/// The first section of a page.
pub(super) fn section(plan: &Plan) -> String {
    let facts = [
        ("whose ids it speaks", code(plan.vendor.as_str())),
        ("written from", sources(&plan.about)),
        ("version of the API", prose(&plan.about.version)),
        ("read", prose(&plan.about.read)),
        ("credential", credential(&plan.take)),
        ("tenant", tenant(plan)),
        ("queries", queries(plan)),
        ("calls", calls(plan)),
    ];
    let told = facts.into_iter().filter(|(_, text)| !text.is_empty());
    let rows = told.map(|(name, text)| [name.to_owned(), text]);
    let mut out = format!(
        "# {}\n\n{}.\n\n{}",
        plan.name,
        prose(&plan.title),
        table(["fact", "this dialect"], rows)
    );
    let _ = write!(out, "\n## Evidence\n\n{}", marks(plan));
    headers(plan, &mut out);
    out
}

fn sources(about: &About) -> String {
    let docs = about.docs.iter().map(|doc| match doc.contains("://") {
        true => format!("<{doc}>"),
        false => code(doc),
    });
    docs.collect::<Vec<_>>().join(", ")
}

fn credential(take: &[Take]) -> String {
    let places = take.iter().map(|take| {
        let header = format!("header {}", code(take.header.as_str()));
        match &take.scheme {
            Some(scheme) => format!("{header} after {}", code(scheme)),
            None => header,
        }
    });
    places.collect::<Vec<_>>().join(", or ")
}

/// Where requests name a tenant.
fn tenant(plan: &Plan) -> String {
    let names = |row: &Row| row.fields.contains(&Field::Tenant);
    let mut places: Vec<String> = Vec::new();
    let headers = plan.headers.iter().filter(|(_, row)| names(row));
    places.extend(headers.map(|(name, _)| place("header", name.as_str())));
    // Where a token is asked for, the path says what the token is for.
    for op in plan.ops.iter().filter(|op| !op.does.is_about_tokens()) {
        for (part, rows) in [("path", &op.captures), ("query", &op.query)] {
            let rows = rows.iter().filter(|(_, row)| names(row));
            places.extend(rows.map(|(name, _)| place(part, name)));
        }
        let body = op.request.rows.iter().filter(|(_, row)| names(row));
        places.extend(body.map(|(path, _)| place("body", path.dotted())));
    }
    let mut each: Vec<String> = Vec::new();
    for place in places {
        if !each.contains(&place) {
            each.push(place);
        }
    }
    if each.is_empty() {
        return "no request names it: it is the client's, the only one, or the one that knows the user"
            .to_owned();
    }
    each.join(", ")
}

/// The protocols of remote procedure calls.
fn calls(plan: &Plan) -> String {
    let protocols = plan.rpc.iter().flat_map(|rpc| &rpc.protocols);
    protocols
        .map(|name| code(name))
        .collect::<Vec<_>>()
        .join(", ")
}

fn queries(plan: &Plan) -> String {
    let query = &plan.query;
    let mut said = Vec::new();
    if query.blank_is_absent {
        said.push("an empty value is as good as none".to_owned());
    }
    said.push(match query.repeated {
        Repeated::Refuse => "a repeated parameter is refused".to_owned(),
        _ => "repeated parameters are joined by commas".to_owned(),
    });
    if !query.absent_values.is_empty() {
        let values: Vec<String> = query.absent_values.iter().map(|v| code(v)).collect();
        let condition = if query.absent_values_if.is_some() {
            ", where an option says so"
        } else {
            ""
        };
        said.push(format!("{} count as absent{condition}", values.join(", ")));
    }
    said.join("; ")
}

/// How many rows, ops and wordings are marked with what.
fn marks(plan: &Plan) -> String {
    let rows = cells::rows(plan).into_iter().map(|row| row.evidence);
    let ops = plan.ops.iter().map(|op| op.evidence);
    let errors = plan.errors.iter().map(|row| row.evidence);
    let all: [(&str, Vec<Option<Evidence>>); 3] = [
        ("rows", rows.collect()),
        ("ops", ops.collect()),
        ("wordings of failures", errors.collect()),
    ];
    let count = |marks: &[Option<Evidence>], mark: Option<Evidence>| {
        marks.iter().filter(|m| **m == mark).count().to_string()
    };
    let rows = all.iter().map(|(name, marks)| {
        let [a, b, c, d] = [
            Evidence::Documented,
            Evidence::Seen,
            Evidence::Inferred,
            Evidence::Chosen,
        ]
        .map(|mark| count(marks, Some(mark)));
        [(*name).to_owned(), a, b, c, d, count(marks, None)]
    });
    table(
        [
            "of",
            "documented",
            "seen",
            "inferred",
            "chosen",
            "not marked",
        ],
        rows,
    )
}

/// The headers of all requests and all answers.
fn headers(plan: &Plan, out: &mut String) {
    let records = Records::of(plan);
    let all = [
        ("Headers of every request", &plan.headers),
        ("Headers of every answer", &plan.response_headers),
    ];
    for (title, rows) in all.into_iter().filter(|(_, rows)| !rows.is_empty()) {
        let rows = rows.iter();
        let rows = rows.map(|(name, row)| cells(place("header", name.as_str()), row, &records));
        let _ = write!(out, "\n## {title}\n\n{}", table(cells::TITLES, rows));
    }
}
