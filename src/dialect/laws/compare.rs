//! Equality of exchanges and records, up to what the laws leave free: member order, header case,
//! query order, percent-encoding, the order of lists that are grouped by a key.

use std::fmt;

use http::header;
use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

use super::super::Dialect;
use crate::mapping::path::Step;
use crate::mapping::plan::{Form, Plan, Row, Tree};
use crate::model::{Field, OwnedRequest, Response};

/// One difference, with its place.
pub(super) struct Difference {
    at: String,
    expected: String,
    got: String,
}

impl Difference {
    /// A difference that is a whole sentence.
    pub(super) fn sentence(text: String) -> Self {
        Self {
            at: String::new(),
            expected: String::new(),
            got: text,
        }
    }

    fn new(at: &str, expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Self {
            at: at.to_owned(),
            expected: expected.to_string(),
            got: got.to_string(),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() {
            return f.write_str(&self.got);
        }
        write!(
            f,
            "at {}: expected {}, got {}",
            self.at, self.expected, self.got
        )
    }
}

/// Every difference between two JSON values, by path.
pub(super) fn differences(expected: &Json, got: &Json) -> Vec<Difference> {
    let mut found = Vec::new();
    walk("$", Some(expected), Some(got), &mut found);
    found
}

fn walk(at: &str, expected: Option<&Json>, got: Option<&Json>, found: &mut Vec<Difference>) {
    match (expected, got) {
        (Some(Json::Object(a)), Some(Json::Object(b))) => {
            let more = b.keys().filter(|key| !a.contains_key(*key));
            for key in a.keys().chain(more) {
                walk(&format!("{at}.{key}"), a.get(key), b.get(key), found);
            }
        }
        (Some(Json::Array(a)), Some(Json::Array(b))) => {
            for index in 0..a.len().max(b.len()) {
                walk(&format!("{at}[{index}]"), a.get(index), b.get(index), found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => {
            let text =
                |json: Option<&Json>| json.map_or_else(|| "nothing".to_owned(), Json::to_string);
            found.push(Difference::new(at, text(a), text(b)));
        }
    }
}

/// The value with every array of objects in a fixed order.
pub(super) fn sorted(json: &Json) -> Json {
    match json {
        Json::Object(members) => Json::Object(
            members
                .iter()
                .map(|(k, v)| (k.clone(), sorted(v)))
                .collect(),
        ),
        Json::Array(items) => {
            let mut items: Vec<Json> = items.iter().map(sorted).collect();
            items.sort_by_key(canonical_text);
            Json::Array(items)
        }
        other => other.clone(),
    }
}

/// A text that does not depend on the order of members.
fn canonical_text(json: &Json) -> String {
    match json {
        Json::Object(members) => {
            let mut parts: Vec<String> = members
                .iter()
                .map(|(k, v)| format!("{k}:{}", canonical_text(v)))
                .collect();
            parts.sort();
            parts.join(",")
        }
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical_text).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

/// Differences between two requests. Headers are compared as far as the dialect has rows for them.
pub(super) fn requests(
    expected: &OwnedRequest,
    got: &OwnedRequest,
    dialect: &Dialect,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut texts = |at: &str, a: String, b: String| {
        if a != b {
            found.push(Difference::new(at, a, b));
        }
    };
    texts(
        "method",
        expected.method.to_string(),
        got.method.to_string(),
    );
    texts(
        "path",
        decoded_path(&expected.path),
        decoded_path(&got.path),
    );
    texts(
        "query",
        query_pairs(&expected.query).join("&"),
        query_pairs(&got.query).join("&"),
    );
    let of_ops = dialect.plan().ops.iter().flat_map(|op| &op.headers);
    for (name, _) in dialect.plan().headers.iter().chain(of_ops) {
        let text = |request: &OwnedRequest| format!("{:?}", request.headers.get(name));
        texts(name.as_str(), text(expected), text(got));
    }
    found.extend(bodies(&expected.body, &got.body, &[]));
    found
}

/// Decodes each segment, keeping `/` apart from `%2F`.
fn decoded_path(path: &str) -> String {
    let segments = path.split('/').map(|s| {
        percent_decode_str(s)
            .decode_utf8_lossy()
            .replace('/', "%2F")
    });
    segments.collect::<Vec<_>>().join("/")
}

fn query_pairs(query: &str) -> Vec<String> {
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            percent_decode_str(&pair.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        })
        .collect();
    pairs.sort();
    pairs
}

/// Differences between two responses. Headers are compared as far as the expected one has them; members
/// of the names in `free` hold sentences that may be any.
pub(super) fn responses(expected: &Response, got: &Response, free: &[String]) -> Vec<Difference> {
    let mut found = Vec::new();
    if expected.status != got.status {
        found.push(Difference::new("status", expected.status, got.status));
    }
    for name in expected
        .headers
        .keys()
        .filter(|name| **name != header::CONTENT_LENGTH)
    {
        let (a, b) = (expected.headers.get(name), got.headers.get(name));
        if a != b {
            found.push(Difference::new(
                name.as_str(),
                format!("{a:?}"),
                format!("{b:?}"),
            ));
        }
    }
    found.extend(bodies(&expected.body, &got.body, free));
    found
}

fn bodies(expected: &[u8], got: &[u8], free: &[String]) -> Vec<Difference> {
    // A body that is a text need not be JSON.
    if expected == got {
        return Vec::new();
    }
    let parse = |body: &[u8]| -> Result<Option<Json>, String> {
        if body.is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(body)
            .map(Some)
            .map_err(|e| e.to_string())
    };
    match (parse(expected), parse(got)) {
        (Ok(Some(mut a)), Ok(Some(mut b))) => {
            // Texts are for people, and not what a law is about.
            forget(&mut a, free);
            forget(&mut b, free);
            differences(&a, &b)
        }
        (Ok(None), Ok(None)) => Vec::new(),
        (Ok(a), Ok(b)) => {
            let text =
                |json: Option<Json>| json.map_or_else(|| "no body".to_owned(), |j| j.to_string());
            vec![Difference::new("body", text(a), text(b))]
        }
        (Err(fault), _) | (_, Err(fault)) => vec![Difference::sentence(format!(
            "the body is not JSON: {fault}"
        ))],
    }
}

fn forget(json: &mut Json, free: &[String]) {
    match json {
        Json::Object(members) => {
            for (key, value) in members.iter_mut() {
                match value {
                    Json::String(text) if free.contains(key) => text.clear(),
                    other => forget(other, free),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| forget(item, free)),
        _ => {}
    }
}

/// The names of the members that error rows fill with our own sentences.
pub(super) fn sentences(plan: &Plan) -> Vec<String> {
    let mut names = Vec::new();
    for row in &plan.errors {
        sentences_of(&row.tree, &mut names);
    }
    names
}

fn sentences_of(rows: &Tree, names: &mut Vec<String>) {
    for (path, row) in &rows.rows {
        if let (true, Some(Step::Key(name))) = (is_sentence(row), path.steps().last()) {
            names.push(name.clone());
        }
        match &row.form {
            Form::One { shape: inner, .. }
            | Form::List { item: inner, .. }
            | Form::Group { item: inner, .. }
            | Form::Dict { item: inner, .. } => sentences_of(inner, names),
            _ => {}
        }
    }
}

fn is_sentence(row: &Row) -> bool {
    match &row.form {
        Form::Field { field, .. } => field.field() == Field::Message,
        Form::First(rows) => rows.iter().any(is_sentence),
        _ => false,
    }
}
