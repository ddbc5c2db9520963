//! What may stand in a JSON Patch (RFC 6902) that changes a user's document.

use serde_json::Value as Json;

use super::read::{MAX_PROBLEMS, carry_fault};
use crate::mapping::plan::CarryKind;
use crate::model::Why;

/// The members of a document that may be changed, and what they may be.
type Allowed = [(String, CarryKind, Vec<String>)];

/// The changes that are carried out.
const OPERATIONS: &[&str] = &["add", "remove", "replace"];

/// What is wrong with a patch, as far as it is told: the pointer or the word, and why. `allow` = the
/// members of the document that it may change.
pub(super) fn faults(patch: &Json, allow: &Allowed) -> Vec<(String, Why)> {
    match patch.as_array() {
        Some(steps) => {
            let faults = steps.iter().filter_map(|step| fault(step, allow));
            faults.take(MAX_PROBLEMS).collect()
        }
        None => vec![(String::new(), Why::WrongType)],
    }
}

fn fault(step: &Json, allow: &Allowed) -> Option<(String, Why)> {
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
    if !is_escaped(pointer) {
        return Some((pointer.to_owned(), Why::Malformed));
    }
    let Some((member, is_whole)) = member(pointer) else {
        return Some((pointer.to_owned(), Why::NotAllowed));
    };
    let Some((_, kind, words)) = allow.iter().find(|(name, ..)| *name == member) else {
        return Some((pointer.to_owned(), Why::NotAllowed));
    };
    let why = match (operation, step.get("value")) {
        ("remove", _) => return None,
        (_, None) => return Some(("value".to_owned(), Why::Missing)),
        // What stands below a text could only break it.
        (_, Some(_)) if !is_whole && *kind == CarryKind::Text => Some(Why::WrongType),
        (_, Some(value)) if is_whole => carry_fault(*kind, words, value),
        (_, Some(_)) => None,
    };
    // The pointer is fine; what it would be given is not.
    why.map(|why| {
        (
            pointer.to_owned(),
            if why == Why::WrongType {
                why
            } else {
                Why::Malformed
            },
        )
    })
}

/// Whether every `~` of a pointer begins one of the two escapes there are (RFC 6901).
fn is_escaped(pointer: &str) -> bool {
    let mut after = pointer.split('~').skip(1);
    after.all(|rest| rest.starts_with(['0', '1']))
}

/// The member of the document that a pointer leads to, or below; and whether it is the member itself.
fn member(pointer: &str) -> Option<(String, bool)> {
    let mut tokens = pointer.split('/');
    let is_pointer = tokens.next() == Some("");
    let member = tokens.next().filter(|_| is_pointer)?;
    let member = member.replace("~1", "/").replace("~0", "~");
    Some((member, tokens.next().is_none()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_three_operations_on_some_members_pass() {
        let allow = [
            ("state".to_owned(), CarryKind::Any, Vec::new()),
            ("a/b".to_owned(), CarryKind::Any, Vec::new()),
            ("word".to_owned(), CarryKind::Text, vec!["x".to_owned()]),
            ("tree".to_owned(), CarryKind::Object, Vec::new()),
        ];
        let found = |patch: Json| faults(&patch, &allow);
        assert!(found(json!([])).is_empty());
        let good = json!([{"op":"add","path":"/word","value":"x"},{"op":"add","path":"/tree/a","value":[]},
            {"op":"add","path":"/state","value":1},{"op":"remove","path":"/state/x"},
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
            (
                json!({"op":"add","path":"/word","value":"y"}),
                "/word",
                Why::Malformed,
            ),
            (
                json!({"op":"add","path":"/word","value":1}),
                "/word",
                Why::WrongType,
            ),
            (
                json!({"op":"add","path":"/word/x","value":1}),
                "/word/x",
                Why::WrongType,
            ),
            (
                json!({"op":"add","path":"/tree","value":[]}),
                "/tree",
                Why::WrongType,
            ),
        ] {
            assert_eq!(found(json!([step])), [(at.to_owned(), why)]);
        }
        assert_eq!(found(json!({})), [(String::new(), Why::WrongType)]);
    }

    #[test]
    fn odd_pointers_are_refused_or_lead_where_they_say() {
        let allow = [
            ("any".to_owned(), CarryKind::Any, Vec::new()),
            ("a~1b".to_owned(), CarryKind::Any, Vec::new()),
            ("".to_owned(), CarryKind::Any, Vec::new()),
        ];
        let why = |pointer: &str| {
            let step = json!({"op": "add", "path": pointer, "value": 1});
            let found = faults(&json!([step]), &allow);
            assert!(found.iter().all(|(at, _)| at == pointer), "{pointer}");
            found.first().map(|(_, why)| *why)
        };
        let deep = format!("/any{}", "/x".repeat(100_000));
        for good in [
            "/any",
            "/any/",
            "/any/-",
            "/any//x",
            "/any/~0~1",
            "/a~01b",
            "/",
            "//x",
            &deep,
        ] {
            assert_eq!(why(good), None, "{:.20}", good);
        }
        for malformed in ["/any/~2", "/any/~", "~", "/~any", "/any~2", "/id/~"] {
            assert_eq!(why(malformed), Some(Why::Malformed), "{malformed}");
        }
        // An escape is undone once, and other encodings are none.
        for other in [
            "",
            "any",
            "any/x",
            "#/any",
            "/Any",
            "/any ",
            " /any",
            "/%61ny",
            "/a~1b",
            "/an~0y",
            "/any\u{0}",
            "/../any",
        ] {
            assert_eq!(why(other), Some(Why::NotAllowed), "{other:?}");
        }
    }

    #[test]
    fn no_more_is_told_of_a_patch_than_an_answer_has_room_for() {
        let steps: Vec<Json> = (0..20_000).map(|n| json!({"op": n})).collect();
        assert_eq!(faults(&Json::Array(steps), &[]).len(), MAX_PROBLEMS);
    }
}
