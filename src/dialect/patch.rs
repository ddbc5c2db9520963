//! What may stand in a JSON Patch (RFC 6902) that changes a user's document.

use serde_json::Value as Json;

use crate::model::Why;

/// The changes that are carried out.
const OPERATIONS: &[&str] = &["add", "remove", "replace"];

/// Everything that is wrong with a patch: the pointer or the word, and why. `allow` = the members of
/// the document that it may change.
pub(super) fn faults(patch: &Json, allow: &[String]) -> Vec<(String, Why)> {
    match patch.as_array() {
        Some(steps) => steps.iter().flat_map(|step| fault(step, allow)).collect(),
        None => vec![(String::new(), Why::WrongType)],
    }
}

fn fault(step: &Json, allow: &[String]) -> Option<(String, Why)> {
    let text = |name: &str| step.get(name).and_then(Json::as_str);
    let Some(operation) = text("op") else {
        return Some(("op".to_owned(), Why::Missing));
    };
    if !OPERATIONS.contains(&operation) {
        return Some((operation.to_owned(), Why::UnknownValue));
    }
    let Some(pointer) = text("path") else {
        return Some(("path".to_owned(), Why::Missing));
    };
    if !may_change(pointer, allow) {
        return Some((pointer.to_owned(), Why::NotAllowed));
    }
    if operation != "remove" && step.get("value").is_none() {
        return Some(("value".to_owned(), Why::Missing));
    }
    None
}

/// Whether a pointer leads to, or below, one of the members.
fn may_change(pointer: &str, allow: &[String]) -> bool {
    let mut tokens = pointer.split('/');
    let is_pointer = tokens.next() == Some("");
    let member = tokens
        .next()
        .map(|token| token.replace("~1", "/").replace("~0", "~"));
    is_pointer && member.is_some_and(|member| allow.contains(&member))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_three_operations_on_some_members_pass() {
        let allow = ["state".to_owned(), "a/b".to_owned()];
        let found = |patch: Json| faults(&patch, &allow);
        assert!(found(json!([])).is_empty());
        let good = json!([{"op":"add","path":"/state","value":1},{"op":"remove","path":"/state/x"},
            {"op":"replace","path":"/a~1b/0","value":null}]);
        assert!(found(good).is_empty());
        for (step, at, why) in [
            (
                json!({"op":"test","path":"/state","value":1}),
                "test",
                Why::UnknownValue,
            ),
            (json!({"path":"/state"}), "op", Why::Missing),
            (json!({"op":"remove"}), "path", Why::Missing),
            (json!({"op":"add","path":"/state"}), "value", Why::Missing),
            (json!({"op":"remove","path":"/id"}), "/id", Why::NotAllowed),
            (
                json!({"op":"remove","path":"/State"}),
                "/State",
                Why::NotAllowed,
            ),
            (json!({"op":"remove","path":""}), "", Why::NotAllowed),
            (
                json!({"op":"remove","path":"state"}),
                "state",
                Why::NotAllowed,
            ),
            (json!(7), "op", Why::Missing),
        ] {
            assert_eq!(found(json!([step])), [(at.to_owned(), why)]);
        }
        assert_eq!(found(json!({})), [(String::new(), Why::WrongType)]);
    }
}
