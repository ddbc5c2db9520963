//! Changing JSON step by step, by pointers (RFC 6901).
//!
//! As RFC 6902 says, but that objects which are missing on the way to a value are made, and that a value
//! may take the place of nothing.

use serde_json::{Map, Value};

use crate::model::{PatchStep, Why};

/// The most parts of a pointer, and the deepest that a document may go: what the parser reads back.
pub(in crate::backend) const DEPTH: usize = 127;

/// Takes all steps. After an error the document is of no use.
pub(super) fn apply(document: &mut Value, steps: &[PatchStep]) -> Result<(), Why> {
    steps.iter().try_for_each(|step| take(document, step))
}

fn take(document: &mut Value, step: &PatchStep) -> Result<(), Why> {
    let parts = parts(&step.pointer)?;
    let Some((last, way)) = parts.split_last() else {
        // The pointer to the whole. A document can become another one; there is no step to none.
        *document = step.value.clone().ok_or(Why::NotAllowed)?;
        return Ok(());
    };
    let makes_way = step.value.is_some();
    let parent = way
        .iter()
        .try_fold(document, |at, part| child(at, part, makes_way))
        .ok_or(Why::Unresolved)?;
    if makes_way && parent.is_null() {
        *parent = Value::Object(Map::new());
    }
    match (parent, &step.value) {
        (Value::Object(members), Some(value)) => {
            members.insert(last.clone(), value.clone());
            Some(())
        }
        // The other members keep their order.
        (Value::Object(members), None) => members.shift_remove(last).map(drop),
        (Value::Array(elements), Some(value)) => set(elements, last, value, step.inserts),
        (Value::Array(elements), None) => index(last)
            .filter(|at| *at < elements.len())
            .map(|at| drop(elements.remove(at))),
        _ => None,
    }
    .ok_or(Why::Unresolved)
}

/// Puts an element before another, or in its place; or after the last one.
fn set(elements: &mut Vec<Value>, part: &str, value: &Value, inserts: bool) -> Option<()> {
    let at = if part == "-" {
        elements.len()
    } else {
        index(part)?
    };
    if at == elements.len() {
        elements.push(value.clone());
    } else if inserts && at < elements.len() {
        elements.insert(at, value.clone());
    } else {
        *elements.get_mut(at)? = value.clone();
    }
    Some(())
}

/// What stands below a value, made if it is not there and the way is to be made.
fn child<'v>(value: &'v mut Value, part: &str, makes_way: bool) -> Option<&'v mut Value> {
    if makes_way && value.is_null() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(members) => match makes_way {
            true => Some(members.entry(part.to_owned()).or_insert(Value::Null)),
            false => members.get_mut(part),
        },
        Value::Array(elements) => elements.get_mut(index(part)?),
        _ => None,
    }
}

/// An index as RFC 6901 writes it: digits, and no zero before them.
fn index(part: &str) -> Option<usize> {
    let is_index = part == "0" || !part.starts_with('0');
    (is_index && part.bytes().all(|b| b.is_ascii_digit()))
        .then(|| part.parse().ok())
        .flatten()
}

/// The parts of a pointer without their escapes.
fn parts(pointer: &str) -> Result<Vec<String>, Why> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let parts = pointer.strip_prefix('/').ok_or(Why::Malformed)?.split('/');
    if parts.clone().count() > DEPTH {
        return Err(Why::TooLong);
    }
    parts.map(unescaped).collect()
}

fn unescaped(part: &str) -> Result<String, Why> {
    let mut pieces = part.split('~');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (escaped, rest) = match piece.as_bytes().first() {
            Some(b'0') => ('~', piece.strip_prefix('0')),
            Some(b'1') => ('/', piece.strip_prefix('1')),
            _ => return Err(Why::Malformed),
        };
        text.push(escaped);
        text.push_str(rest.unwrap_or_default());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn after(mut document: Value, pointer: &str, value: Option<Value>) -> Result<Value, Why> {
        let step = PatchStep {
            pointer: pointer.to_owned(),
            value,
            inserts: false,
        };
        apply(&mut document, &[step]).map(|()| document)
    }

    #[test]
    fn a_value_is_added_or_takes_a_place() {
        let document = json!({"a": {"b": 1}, "l": [1, 2]});
        for (pointer, want) in [
            ("/c", json!({"a": {"b": 1}, "l": [1, 2], "c": 9})),
            ("/a", json!({"a": 9, "l": [1, 2]})),
            ("/a/b", json!({"a": {"b": 9}, "l": [1, 2]})),
            ("/a/", json!({"a": {"b": 1, "": 9}, "l": [1, 2]})),
            ("/l/0", json!({"a": {"b": 1}, "l": [9, 2]})),
            ("/l/2", json!({"a": {"b": 1}, "l": [1, 2, 9]})),
            ("/l/-", json!({"a": {"b": 1}, "l": [1, 2, 9]})),
            ("/x/y", json!({"a": {"b": 1}, "l": [1, 2], "x": {"y": 9}})),
            ("", json!(9)),
        ] {
            assert_eq!(
                after(document.clone(), pointer, Some(json!(9))),
                Ok(want),
                "{pointer}"
            );
        }
    }

    #[test]
    fn a_value_is_inserted_into_an_array() {
        for (pointer, want) in [
            ("/0", "[9,1,2]"),
            ("/1", "[1,9,2]"),
            ("/2", "[1,2,9]"),
            ("/-", "[1,2,9]"),
        ] {
            let step = PatchStep {
                pointer: pointer.to_owned(),
                value: Some(json!(9)),
                inserts: true,
            };
            let mut list = json!([1, 2]);
            assert_eq!(apply(&mut list, &[step]), Ok(()));
            assert_eq!(list.to_string(), want);
        }
    }

    #[test]
    fn what_is_removed_leaves_the_order_of_the_rest() {
        let document = json!({"a": 1, "b": 2, "c": 3, "l": [1, 2, 3]});
        let text = |pointer| after(document.clone(), pointer, None).map(|v| v.to_string());
        assert_eq!(text("/a").unwrap(), r#"{"b":2,"c":3,"l":[1,2,3]}"#);
        assert_eq!(text("/l/0").unwrap(), r#"{"a":1,"b":2,"c":3,"l":[2,3]}"#);
    }

    #[test]
    fn a_step_that_leads_nowhere_is_refused() {
        let document = json!({"a": {"b": 1}, "l": [1, 2]});
        for pointer in [
            "/a/b/c", "/l/3", "/l/01", "/l/x", "/l/-/x", "/l/-1", "/l/+1",
        ] {
            assert_eq!(
                after(document.clone(), pointer, Some(json!(9))),
                Err(Why::Unresolved),
                "{pointer}"
            );
        }
        for pointer in ["/x", "/a/x", "/l/2", "/l/-", "/l/00", "/a/b/c"] {
            assert_eq!(
                after(document.clone(), pointer, None),
                Err(Why::Unresolved),
                "{pointer}"
            );
        }
        assert_eq!(after(document, "", None), Err(Why::NotAllowed));
    }

    /// The escapes and the odd names are those of RFC 6901, section 5.
    #[test]
    fn pointers_are_read_as_the_rfc_says() {
        let document = json!({"a/b": 1, "c%d": 2, "m~n": 8, " ": 7, "~1": 3, "k\"l": 6});
        for (pointer, name) in [
            ("/a~1b", "a/b"),
            ("/c%d", "c%d"),
            ("/m~0n", "m~n"),
            ("/ ", " "),
            ("/~01", "~1"),
            ("/k\"l", "k\"l"),
        ] {
            let mut want = document.clone();
            want[name] = json!("new");
            assert_eq!(
                after(document.clone(), pointer, Some(json!("new"))),
                Ok(want),
                "{pointer}"
            );
        }
        for pointer in ["a", "/a~", "/~2", "/m~n", "#/a"] {
            assert_eq!(
                after(document.clone(), pointer, None),
                Err(Why::Malformed),
                "{pointer}"
            );
        }
        assert_eq!(
            after(document, &"/a".repeat(DEPTH + 1), None),
            Err(Why::TooLong)
        );
    }
}
