//! Envelopes: small schemas that are written as an example. `name?` may be missing, `*` is any name, an array
//! holds any number of what its one element is, and texts may be free values.

use serde_json::{Map, Value};

use super::super::super::exchanges::accepts;

/// Everything in which a document is not of this form.
pub(super) fn faults(form: &Value, actual: &Value) -> Vec<String> {
    let mut out = Vec::new();
    check("$", form, actual, &mut out);
    out
}

fn check(path: &str, form: &Value, actual: &Value, out: &mut Vec<String>) {
    match (form, actual) {
        (Value::String(kind), _) if kind == "any:value" => {}
        (Value::String(kind), Value::String(_)) if kind == "any:text" => {}
        (Value::String(kind), _) if kind.starts_with("any:") => {
            if !accepts(kind, actual) {
                out.push(format!("{path}: {actual} is not {kind}"));
            }
        }
        (Value::Object(form), Value::Object(actual)) => members(path, form, actual, out),
        (Value::Array(form), Value::Array(actual)) => {
            for (index, element) in actual.iter().enumerate() {
                check(&format!("{path}[{index}]"), &form[0], element, out);
            }
        }
        _ if form == actual => {}
        _ => out.push(format!("{path}: {actual} is not {form}")),
    }
}

fn members(
    path: &str,
    form: &Map<String, Value>,
    actual: &Map<String, Value>,
    out: &mut Vec<String>,
) {
    for (name, form) in form {
        let needed = name.strip_suffix('?').unwrap_or(name);
        match actual.get(needed) {
            Some(actual) => check(&format!("{path}.{needed}"), form, actual, out),
            None if name.ends_with('?') || name == "*" => {}
            None => out.push(format!("{path}.{needed} is missing")),
        }
    }
    let is_known = |name: &str| form.contains_key(name) || form.contains_key(&format!("{name}?"));
    for (name, actual) in actual.iter().filter(|(name, _)| !is_known(name)) {
        match form.get("*") {
            Some(form) => check(&format!("{path}.{name}"), form, actual, out),
            None => out.push(format!("{path}.{name} has no place")),
        }
    }
}

#[test]
fn a_form_says_what_may_be_there_and_what_must() {
    let form = serde_json::json!({
        "status": 404, "title": "any:string", "more?": "any:text", "list": [{"code": "any:string", "x?": {"*": "any:int"}}]
    });
    for good in [
        r#"{"status":404,"title":"t","list":[]}"#,
        r#"{"status":404,"title":"t","more":"","list":[{"code":"a"},{"code":"b","x":{"y":1}}]}"#,
    ] {
        let good = serde_json::from_str(good).unwrap();
        assert_eq!(faults(&form, &good), [] as [String; 0]);
    }
    for bad in [
        r#"{"status":400,"title":"t","list":[]}"#,
        r#"{"status":404,"title":"","list":[]}"#,
        r#"{"status":404,"title":"t"}"#,
        r#"{"status":404,"title":"t","list":[],"else":1}"#,
        r#"{"status":404,"title":"t","list":[{}]}"#,
        r#"{"status":404,"title":"t","list":[{"code":"a","x":{"y":"z"}}]}"#,
        r#"{"status":404,"title":"t","list":{}}"#,
        "[]",
        "null",
    ] {
        let json = serde_json::from_str(bad).unwrap();
        assert_eq!(faults(&form, &json).len(), 1, "{bad}");
    }
}
