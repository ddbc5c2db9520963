//! `dialects --reference`: a mapping as a page for people, in Markdown.
//!
//! Rows are shown as the file has them, so that a key of the language that is new needs nothing here.

mod cells;
mod failures;
mod head;
mod markdown;
mod ops;
mod records;

use self::markdown::{code, prose, table};
use self::records::Records;
use crate::dialect::loss;
use crate::mapping::plan::Plan;

/// The page of a dialect.
pub(super) fn page(plan: &Plan) -> String {
    let records = Records::of(plan);
    let sections = [
        head::section(plan),
        ops::section(plan, &records),
        records.section(),
        kinds(plan),
        failures::section(plan, &records),
        neighbors(plan),
        options(plan),
        rules(plan),
    ];
    let whole: Vec<String> = sections.into_iter().filter(|s| !s.is_empty()).collect();
    whole.join("\n")
}

/// The vendor's words for kinds of providers: those of the rows that share the table.
fn kinds(plan: &Plan) -> String {
    let shared = cells::rows(plan)
        .into_iter()
        .find(|row| cells::shares_kinds(row));
    let words = shared.and_then(cells::words);
    let Some(words) = words else {
        return String::new();
    };
    let mut pairs: Vec<_> = words.read.iter().collect();
    pairs.sort();
    let rows = pairs
        .into_iter()
        .map(|(vendors, canonical)| [code(vendors), code(canonical)]);
    format!(
        "## Kinds\n\n{}",
        table(["the vendor's word", "kind of provider"], rows)
    )
}

/// What is never passed on to an origin of the vendor.
fn neighbors(plan: &Plan) -> String {
    if plan.neighbors.is_empty() {
        return String::new();
    }
    let rows = plan.neighbors.iter().map(|neighbor| {
        [
            code(&neighbor.methods_shown()),
            code(&neighbor.path.to_string()),
            cells::evidence(neighbor.evidence),
            prose(&neighbor.because),
        ]
    });
    format!(
        "## Neighbors\n\nRequests that carry links, or make them vanish, and that no op has: they are never passed on to an \
         origin.\n\n{}",
        table(["method", "path", "evidence", "because"], rows)
    )
}

fn options(plan: &Plan) -> String {
    if plan.options.is_empty() {
        return String::new();
    }
    let rows = plan.options.iter().map(|option| {
        let values: Vec<String> = option.values.iter().map(|value| code(value)).collect();
        [
            code(&option.name),
            values.join(", "),
            code(&option.default),
            prose(&option.because),
        ]
    });
    format!(
        "## Options\n\n{}",
        table(["option", "values", "default", "because"], rows)
    )
}

fn rules(plan: &Plan) -> String {
    let rules = loss::rules(plan).into_iter();
    let rows = rules.map(|(key, decides, word)| [code(key), code(&word), prose(decides)]);
    format!("## Rules\n\n{}", table(["rule", "value", "about"], rows))
}
