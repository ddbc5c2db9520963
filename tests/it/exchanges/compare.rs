//! Compares an answer with what a step expects, and says every difference.

use serde_json::{Map, Value};

use super::super::support::client::Answer;

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

/// Every difference; none if the answer is as expected.
pub(crate) fn differences(house: &House, expected: &Expected, actual: &Answer) -> Vec<String> {
    let mut out = Vec::new();
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
    for (name, value) in common
        .iter()
        .filter(|(name, _)| !own(name))
        .chain(&expected.headers)
    {
        header(name, value, actual, &mut out);
    }
    match expected.body.as_deref() {
        Some("any:body") => {}
        None if actual.body.is_empty() => {}
        None => out.push(format!("body: expected zero bytes, got {}", actual.text())),
        Some(text) => match (document(text), actual.json()) {
            (Err(error), _) => out.push(format!("the expected body is no JSON: {error}")),
            (_, Err(error)) => out.push(format!("body: no JSON: {error}")),
            (Ok(expected), Ok(actual)) => json("$", &expected, &actual, &mut out),
        },
    }
    out
}

/// The expected document: JSON, or a bare `any:…` that stands for the whole.
fn document(text: &str) -> Result<Value, serde_json::Error> {
    if text.starts_with("any:") {
        Ok(Value::String(text.to_owned()))
    } else {
        serde_json::from_str(text)
    }
}

fn header(name: &str, expected: &str, actual: &Answer, out: &mut Vec<String>) {
    let got: Vec<_> = actual
        .headers
        .iter()
        .filter(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.as_str())
        .collect();
    match (expected, got.as_slice()) {
        ("absent", []) => {}
        (_, [one]) if *one == expected && expected != "absent" => {}
        _ => out.push(format!("header {name}: expected {expected}, got {got:?}")),
    }
}

fn json(path: &str, expected: &Value, actual: &Value, out: &mut Vec<String>) {
    match (expected, actual) {
        (Value::String(kind), _) if kind.starts_with("any:") => {
            if !free(kind, actual) {
                out.push(format!("{path}: expected {kind}, got {actual}"));
            }
        }
        (Value::Object(expected), Value::Object(actual)) => object(path, expected, actual, out),
        (Value::Array(expected), Value::Array(actual)) => array(path, expected, actual, out),
        _ if expected == actual => {}
        _ => out.push(format!("{path}: expected {expected}, got {actual}")),
    }
}

fn object(
    path: &str,
    expected: &Map<String, Value>,
    actual: &Map<String, Value>,
    out: &mut Vec<String>,
) {
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

fn array(path: &str, expected: &[Value], actual: &[Value], out: &mut Vec<String>) {
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
        let fits = |got: &&Value| {
            let mut found = Vec::new();
            json(path, wanted, got, &mut found);
            found.is_empty()
        };
        match left.iter().position(fits) {
            Some(index) => drop(left.remove(index)),
            None => out.push(format!("{path}: no element is {wanted}; left are {left:?}")),
        }
    }
}

/// Whether a declared free value may be this.
fn free(kind: &str, actual: &Value) -> bool {
    match kind {
        "any:string" => actual.as_str().is_some_and(|text| !text.is_empty()),
        "any:int" => actual.is_i64() || actual.is_u64(),
        // From 2020 to 2100, so that seconds or microseconds do not pass.
        "any:instant" => actual
            .as_i64()
            .is_some_and(|ms| (1_577_836_800_000..4_102_444_800_000).contains(&ms)),
        "any:uuid" => actual.as_str().is_some_and(|text| {
            uuid::Uuid::try_parse(text).is_ok_and(|uuid| uuid.hyphenated().to_string() == text)
        }),
        "any:errors" => is_errors(actual),
        _ => false,
    }
}

/// Whether this is the vendor's errors object (section 4.1) with at least one error in it.
pub(crate) fn is_errors(actual: &Value) -> bool {
    let Some(object) = actual.as_object().filter(|o| o.len() == 2) else {
        return false;
    };
    let (Some(fields), Some(general)) = (
        object.get("fieldErrors").and_then(Value::as_object),
        object.get("generalErrors").and_then(Value::as_array),
    ) else {
        return false;
    };
    let lists = fields
        .values()
        .map(|list| list.as_array().filter(|list| !list.is_empty()));
    let Some(lists) = lists.collect::<Option<Vec<_>>>() else {
        return false;
    };
    let mut errors = lists.into_iter().flatten().chain(general).peekable();
    errors.peek().is_some() && errors.all(is_error)
}

fn is_error(error: &Value) -> bool {
    let text = |name: &str| error[name].as_str().is_some_and(|text| !text.is_empty());
    error.is_object()
        && text("message")
        && error["code"]
            .as_str()
            .is_some_and(|code| code.starts_with('['))
}
