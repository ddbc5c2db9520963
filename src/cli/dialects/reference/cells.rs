//! A row of a mapping as the cells of a table.

use toml::{Table, Value};

use super::markdown::{code, prose};
use super::records::Records;
use crate::mapping::plan::{Evidence, Form, Plan, Row, Tree, Words};
use crate::mapping::survey;
use crate::model::Field;

/// The titles of the cells, after the first one, which says where the row stands.
pub(super) const TITLES: [&str; 6] = ["at", "means", "spelled", "needed", "evidence", "remarks"];

/// The keys that say how a value is spelled.
const SPELLING: &[&str] = &["codec", "min", "max", "enum", "read_also", "write_else"];

/// The keys that have a place of their own in the cells.
const ELSEWHERE: &[&str] = &[
    "need", "evidence", "because", "is", "const", "join", "url", "each", "carry",
];

/// The forms that hold records, with the words before the field that holds them.
const NESTED: &[(&str, &str)] = &[
    ("one", "the record"),
    ("list", "an array: "),
    ("dict", "an object by member: "),
    ("group", "an object of arrays: "),
];

/// The row that stands at `at`.
pub(super) fn cells(at: String, row: &Row, records: &Records<'_>) -> [String; 6] {
    let written = written(row);
    let need = written.get("need").map_or("", |need| match need.as_str() {
        Some(_) => "yes; absent is called blank",
        None => "yes",
    });
    [
        at,
        means(row, records),
        spelled(&written),
        need.to_owned(),
        row.evidence.map(evidence).unwrap_or_default(),
        remarks(row, &written),
    ]
}

/// The word of an evidence mark.
pub(super) fn evidence(evidence: Evidence) -> String {
    let index = Evidence::ALL.iter().position(|e| *e == evidence);
    let word = index.and_then(|index| Evidence::WORDS.get(index));
    word.copied().unwrap_or_default().to_owned()
}

/// The row as its file has it: a table, empty for a field's name and for a list of alternatives.
fn written(row: &Row) -> Table {
    let text = row.origin.source.text.get(row.origin.span.clone());
    let document = text.and_then(|text| format!("row = {text}").parse::<Table>().ok());
    match document.and_then(|mut document| document.remove("row")) {
        Some(Value::Table(table)) => table,
        _ => Table::new(),
    }
}

/// What the row says, in a few words.
pub(super) fn means(row: &Row, records: &Records<'_>) -> String {
    if let Form::First(rows) = &row.form {
        let each = rows.iter().map(|row| {
            let written = written(row);
            let more = remarks(row, &written);
            let means = means(row, records);
            if more.is_empty() {
                means
            } else {
                format!("{means} ({more})")
            }
        });
        return each.collect::<Vec<_>>().join("<br>");
    }
    let written = written(row);
    let text = |key: &str| written.get(key).and_then(Value::as_str);
    if let Some(records) = text("each") {
        return format!("each of {}: {}", code(records), single(&written));
    }
    if let Some(member) = text("carry") {
        return format!("the member {} of the user's document", code(member));
    }
    let single = single(&written);
    if !single.is_empty() {
        return single;
    }
    if let Some((key, words)) = NESTED.iter().find(|(key, _)| written.contains_key(*key)) {
        return nested(key, words, &written, records);
    }
    let fields: Vec<String> = row.fields.iter().map(|f| code(f.name())).collect();
    fields.join(", ")
}

/// What a row with a single value says; nothing for other rows.
fn single(written: &Table) -> String {
    let text = |key: &str| written.get(key).and_then(Value::as_str);
    if let Some(constant) = written.get("const") {
        return format!("always {}", code(&constant.to_string()));
    }
    if let Some(joined) = text("join").or(text("url")) {
        let what = if written.contains_key("url") {
            "the link "
        } else {
            ""
        };
        return format!("{what}{}", code(joined));
    }
    text("is").map(code).unwrap_or_default()
}

/// What a row always says, and what it says of the kind of a failure: each alternative once.
pub(super) fn codes(row: &Row) -> Vec<String> {
    let mut codes: Vec<String> = Vec::new();
    if let Form::First(rows) = &row.form {
        for code in rows.iter().flat_map(self::codes) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        return codes;
    }
    let written = written(row);
    match written.get("const") {
        Some(Value::String(text)) => codes.push(code(text)),
        Some(Value::Array(_) | Value::Table(_)) | None => {}
        Some(other) => codes.push(code(&other.to_string())),
    }
    let named = |key: &str| written.get(key).and_then(Value::as_str);
    codes.extend(named("join").map(code));
    codes.extend(named("is").filter(|is| *is == Field::Kind.name()).map(code));
    codes
}

/// The shape that a row spreads into its node, if it names one and no field to hold it.
pub(super) fn spread(row: &Row) -> Option<&Tree> {
    let written = written(row);
    let is_spread = written.contains_key("one") && !written.contains_key("as");
    is_spread.then(|| survey::shape_of(row)).flatten()
}

fn nested(key: &str, words: &str, written: &Table, records: &Records<'_>) -> String {
    let text = |key: &str| written.get(key).and_then(Value::as_str);
    let (shape, holder) = if key == "one" {
        (text("one"), text("as"))
    } else {
        (text("item"), text(key))
    };
    let shape = shape.map(|name| records.link(name)).unwrap_or_default();
    let by = text("key").or(text("by"));
    let by = by.map_or_else(String::new, |by| format!(" by {}", code(by)));
    match holder {
        Some(holder) if key == "one" => format!("{words} {}: {shape}", code(holder)),
        Some(holder) => format!("{words}{} of {shape}{by}", code(holder)),
        None => shape,
    }
}

fn spelled(written: &Table) -> String {
    let said = SPELLING.iter().filter_map(|key| {
        let value = written.get(*key)?;
        Some(match (*key, value.as_str()) {
            ("codec", Some(name)) => code(name),
            ("enum", Some(_)) => "a word of [Kinds](#kinds)".to_owned(),
            ("write_else", Some(word)) => format!("else {}", code(word)),
            ("enum" | "read_also", None) => words_of(value),
            _ => format!("{key} {}", code(&value.to_string())),
        })
    });
    said.collect::<Vec<_>>().join(", ")
}

/// A table of words in one cell.
fn words_of(value: &Value) -> String {
    let pairs = value.as_table().into_iter().flatten();
    let pairs = pairs.map(|(vendors, canonical)| {
        let canonical = canonical.as_str().unwrap_or_default();
        format!("{} is {}", code(vendors), code(canonical))
    });
    pairs.collect::<Vec<_>>().join(", ")
}

/// Everything else that the row says, and why.
fn remarks(row: &Row, written: &Table) -> String {
    let is_elsewhere = |key: &str| {
        let nested = NESTED.iter().any(|(form, _)| *form == key);
        let parts = ["item", "as", "key", "by"].contains(&key);
        SPELLING.contains(&key) || ELSEWHERE.contains(&key) || nested || parts
    };
    let others = written.iter().filter(|(key, _)| !is_elsewhere(key));
    let said = others.map(|(key, value)| match (key.as_str(), value.as_str()) {
        ("only", Some("parse")) => "read, never sent".to_owned(),
        ("only", Some(_)) => "sent, never read".to_owned(),
        ("if", Some(condition)) => format!("if {}", code(condition)),
        ("where", Some(condition)) => format!("those where {}", code(condition)),
        ("else", Some(other)) => format!("absent: {}", code(other)),
        ("bad", Some(failure)) => format!("unreadable: {}", code(failure)),
        ("present", None) => "must be there for this op".to_owned(),
        ("absent", None) => "must not be there for this op".to_owned(),
        (key, Some(text)) => format!("{key} {}", code(text)),
        (key, None) => format!("{key} {}", code(&value.to_string())),
    });
    let because = row.because.as_deref().map(prose);
    said.chain(because).collect::<Vec<_>>().join("; ")
}

/// Whether the row's words are those of the table that several rows share.
pub(super) fn shares_kinds(row: &Row) -> bool {
    let written = written(row);
    written.get("enum").and_then(Value::as_str).is_some()
}

/// The translation table of a row.
pub(super) fn words(row: &Row) -> Option<&Words> {
    match &row.form {
        Form::Field { words, .. } => words.as_deref(),
        _ => None,
    }
}

/// Every row of a mapping, each once: those of shapes and alternatives too.
pub(super) fn rows(plan: &Plan) -> Vec<&Row> {
    let headers = plan.headers.iter().chain(&plan.response_headers);
    let mut found: Vec<&Row> = headers.map(|(_, row)| row).collect();
    for op in &plan.ops {
        let texts = op.captures.iter().chain(&op.query).map(|(_, row)| row);
        let headers = op.headers.iter().chain(&op.answer.headers);
        let headers = headers.map(|(_, row)| row);
        let bodies = op.request.rows.iter().chain(&op.answer.tree.rows);
        found.extend(texts.chain(headers).chain(bodies.map(|(_, row)| row)));
    }
    for error in &plan.errors {
        found.extend(error.headers.iter().map(|(_, row)| row));
        found.extend(error.tree.rows.iter().map(|(_, row)| row));
    }
    let mut index = 0;
    while let Some(row) = found.get(index).copied() {
        found.extend(survey::parts(row));
        index += 1;
    }
    // A shape that several rows name has its rows in the file once.
    let mut seen = std::collections::HashSet::new();
    found.retain(|row| {
        let source = std::sync::Arc::as_ptr(&row.origin.source);
        seen.insert((source, row.origin.span.start, row.origin.span.end))
    });
    found
}
