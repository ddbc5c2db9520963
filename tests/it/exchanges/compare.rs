//! Compares an answer with what a step expects, and says every difference.

use serde_json::{Map, Value};

use super::super::support::client::Answer;
use super::free;
use super::payload::{self, Payload};

/// Placeholders that an answer has given a value.
pub(crate) type Captures = Vec<(String, String)>;

/// The headers that hold for every answer of a dialect.
#[derive(Debug, Default)]
pub(crate) struct House {
    /// Of answers with a body.
    pub(crate) json: Vec<(String, String)>,
    /// Of answers without one.
    pub(crate) empty: Vec<(String, String)>,
}

/// What a step expects; placeholders are filled.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// Status.
    pub(crate) status: u16,
    /// Headers beyond those of the house.
    pub(crate) headers: Vec<(String, String)>,
    /// Body.
    pub(crate) body: Option<String>,
}

/// What comparing finds.
#[derive(Debug, Default)]
struct Found {
    differences: Vec<String>,
    captures: Captures,
}

impl Found {
    fn push(&mut self, difference: String) {
        self.differences.push(difference);
    }

    /// A free value: whether it is of its kind, and what it is to be remembered as.
    fn free(&mut self, at: &str, declared: &str, actual: &Value) {
        let (kind, name) = free::split(declared);
        if !free::accepts(kind, actual) {
            self.push(format!("{at}: expected {kind}, got {actual}"));
        } else if let Some(name) = name {
            let text = actual.as_str().map_or(actual.to_string(), str::to_owned);
            self.captures.push((name.to_owned(), text));
        }
    }
}

/// Every difference, none if the answer is as expected; and the values of `any:… as NAME`.
pub(crate) fn compare(
    house: &House,
    expected: &Expected,
    actual: &Answer,
) -> (Vec<String>, Captures) {
    let mut out = Found::default();
    if actual.status != expected.status {
        out.push(format!(
            "status: expected {}, got {}",
            expected.status, actual.status
        ));
    }
    let common = match expected.body.as_deref() {
        Some("any:body") => &[][..],
        Some(_) => &house.json,
        None => &house.empty,
    };
    let own = |name: &str| {
        expected
            .headers
            .iter()
            .any(|(n, _)| n.eq_ignore_ascii_case(name))
    };
    let (trailers, headers): (Vec<_>, Vec<_>) = expected
        .headers
        .iter()
        .partition(|(name, _)| trailer(name).is_some());
    let common = common.iter().filter(|(name, _)| !own(name));
    for (name, value) in common.chain(headers) {
        header(name, value, actual, &mut out);
    }
    let trailers = trailers
        .into_iter()
        .filter_map(|(name, value)| Some((trailer(name)?, value.as_str())));
    out.differences
        .extend(payload::trailers(&trailers.collect::<Vec<_>>(), actual));
    match expected.body.as_deref() {
        Some("any:body") => {}
        None if actual.body.is_empty() => {}
        None => out.push(format!("body: expected zero bytes, got {}", actual.text())),
        Some(text) => match payload::expected(text) {
            Err(error) => out.push(error),
            Ok(expected) => body(&expected, actual, &mut out),
        },
    }
    (out.differences, out.captures)
}

/// The name of a trailer, where a header line of a case is one.
fn trailer(name: &str) -> Option<&str> {
    let (mark, name) = name.split_at_checked("Trailer-".len())?;
    mark.eq_ignore_ascii_case("Trailer-").then_some(name)
}

fn body(expected: &Payload, actual: &Answer, out: &mut Found) {
    let (wanted, got) = match expected {
        Payload::Bytes(bytes) if *bytes == actual.body => return,
        Payload::Bytes(bytes) => {
            let got = &actual.body;
            return out.push(format!("body: expected {bytes:02x?}, got {got:02x?}"));
        }
        Payload::Message(name, wanted) => (wanted, payload::message(actual, name)),
        Payload::Json(wanted) => (wanted, actual.json().map_err(|e| format!("no JSON: {e}"))),
    };
    match got {
        Err(error) => out.push(format!("body: {error}")),
        Ok(got) => json("$", wanted, &got, out),
    }
}

/// The expected document: JSON, or a bare `any:…` that stands for the whole.
pub(crate) fn document(text: &str) -> Result<Value, serde_json::Error> {
    if text.starts_with("any:") {
        Ok(Value::String(text.to_owned()))
    } else {
        serde_json::from_str(text)
    }
}

fn header(name: &str, expected: &str, actual: &Answer, out: &mut Found) {
    let got: Vec<_> = actual
        .headers
        .iter()
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.as_str())
        .collect();
    match (expected, got.as_slice()) {
        ("absent", []) => {}
        (declared, [one]) if declared.starts_with("any:") => {
            out.free(&format!("header {name}"), declared, &Value::from(*one));
        }
        (_, [one]) if *one == expected && expected != "absent" => {}
        _ => out.push(format!("header {name}: expected {expected}, got {got:?}")),
    }
}

fn json(path: &str, expected: &Value, actual: &Value, out: &mut Found) {
    match (expected, actual) {
        (Value::String(declared), _) if declared.starts_with("any:") => {
            out.free(path, declared, actual);
        }
        (Value::Object(expected), Value::Object(actual)) => object(path, expected, actual, out),
        (Value::Array(expected), Value::Array(actual)) => array(path, expected, actual, out),
        _ if expected == actual => {}
        _ => out.push(format!("{path}: expected {expected}, got {actual}")),
    }
}

fn object(path: &str, expected: &Map<String, Value>, actual: &Map<String, Value>, out: &mut Found) {
    let more = expected.get("any:members").is_some();
    for (name, value) in expected.iter().filter(|(name, _)| *name != "any:members") {
        match actual.get(name) {
            Some(got) => json(&format!("{path}[\"{name}\"]"), value, got, out),
            None => out.push(format!("{path}[\"{name}\"]: missing, expected {value}")),
        }
    }
    for (name, value) in actual
        .iter()
        .filter(|(name, _)| !more && !expected.contains_key(*name))
    {
        out.push(format!("{path}[\"{name}\"]: not expected, got {value}"));
    }
}

fn array(path: &str, expected: &[Value], actual: &[Value], out: &mut Found) {
    let (any_order, expected) = match expected {
        [Value::String(mark), rest @ ..] if mark == "any:order" => (true, rest),
        _ => (false, expected),
    };
    if expected.len() != actual.len() {
        out.push(format!(
            "{path}: expected {} elements, got {}: {}",
            expected.len(),
            actual.len(),
            Value::from(actual)
        ));
        return;
    }
    if !any_order {
        for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
            json(&format!("{path}[{index}]"), expected, actual, out);
        }
        return;
    }
    let mut left: Vec<&Value> = actual.iter().collect();
    for wanted in expected {
        let fitting = left.iter().enumerate().find_map(|(index, got)| {
            let mut found = Found::default();
            json(path, wanted, got, &mut found);
            found.differences.is_empty().then_some((index, found))
        });
        match fitting {
            Some((index, found)) => {
                left.remove(index);
                out.captures.extend(found.captures);
            }
            None => out.push(format!("{path}: no element is {wanted}; left are {left:?}")),
        }
    }
}
