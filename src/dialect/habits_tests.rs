//! Bodies under the habits of a vendor: two members of one name, two spellings of one.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::dialect::testing::{self, asked};
use crate::model::{Field, Record, Value};

const ANY: &str = r#"
[[op]]
name = "put"
does = "user.put"
method = "PUT"
path = "/users/{user_id}"
emit = true
[op.request]
'$.aDoc' = "document"
[op.response]
status = 200
"#;

/// What a body is read as under habits; `None` if it is malformed.
fn read_as(habits: &str, body: &str) -> Option<Record> {
    let dialect = testing::dialect("consumes = [\"*/*\"]", &format!("[json]\n{habits}\n{ANY}"));
    let read = asked(&dialect, &format!("PUT /users/u\n\n{body}")).ok()?;
    Some(read.params)
}

#[test]
fn two_members_of_one_name_are_refused_at_any_depth() {
    let deep = |inner: &str| {
        format!(
            "{{\"aDoc\":{}{inner}{}}}",
            "[{\"a\":".repeat(30),
            "}]".repeat(30)
        )
    };
    let twice = [
        r#"{"aDoc":1,"aDoc":1}"#.to_owned(),
        r#"{"x":[0,{"y":{"b":1,"b":null}}]}"#.to_owned(),
        r#"{"a":1,"\u0061":2}"#.to_owned(),
        r#"{"":1,"":2}"#.to_owned(),
        deep(r#"{"b":1,"c":2,"b":3}"#),
    ];
    for body in &twice {
        assert!(read_as("duplicates = \"refuse\"", body).is_none(), "{body}");
        assert!(read_as("duplicates = \"last\"", body).is_some(), "{body}");
    }
    for once in [
        r#"{"a":1,"A":2}"#,
        r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}"#,
    ] {
        assert!(read_as("duplicates = \"refuse\"", once).is_some(), "{once}");
    }
    let last = read_as("duplicates = \"last\"", r#"{"aDoc":1,"x":0,"aDoc":2}"#).unwrap();
    assert_eq!(last.value(Field::Document), Some(&Value::Json(json!(2))));
    for no_json in [
        "{",
        "{\"a\":1,}",
        "{}{}",
        "{} x",
        "{\"a\":1e999}",
        "\u{feff}{}",
        "{'a':1}",
    ] {
        assert!(
            read_as("duplicates = \"refuse\"", no_json).is_none(),
            "{no_json}"
        );
    }
}

#[test]
fn two_spellings_of_one_name_collide_at_any_depth() {
    let snake = "names = \"snake too\"";
    let document = |body: &str| {
        let read = read_as(snake, body)?;
        match read.value(Field::Document)? {
            Value::Json(json) => Some(json.clone()),
            _ => None,
        }
    };
    let read = json!([{"someName": {"otherName": 1}}]);
    assert_eq!(
        document(r#"{"a_doc":[{"some_name":{"other__name_":1}}]}"#),
        Some(read)
    );
    for collision in [
        r#"{"a_doc":1,"aDoc":1}"#,
        r#"{"x":[{"y":{"some_name":1,"someName":null}}]}"#,
        r#"{"x":{"a_b":1,"a__b":2}}"#,
        r#"{"x":{"a":1,"a_":2}}"#,
        r#"{"x":{"":1,"_":2}}"#,
        r#"{"x":{"A":1,"_a":2}}"#,
    ] {
        assert!(read_as(snake, collision).is_none(), "{collision}");
        assert!(read_as("", collision).is_some(), "{collision}");
    }
    assert!(
        read_as(
            "names = \"snake too\"\nduplicates = \"refuse\"",
            r#"{"a_b":1,"a_b":1}"#
        )
        .is_none()
    );
}

proptest! {
    /// What is spelled in camel case is not spelled otherwise by reading it once more.
    #[test]
    fn camel_case_stays(names in proptest::collection::btree_set("[a-zA-Z_0-9ü]{0,6}", 0..6)) {
        let inner: Map<String, Json> = names.into_iter().map(|name| (name, json!(1))).collect();
        let once = camel(json!({"in_ner": [inner]}));
        if let Some(once) = once {
            prop_assert_eq!(camel(once.clone()), Some(once));
        }
    }

    /// Of a text that is JSON without two members of one name, both readers say the same.
    #[test]
    fn the_strict_reader_reads_what_the_other_one_does(text in "(\\{|\\}|\\[|\\]|,|:|\"a\"|\"b\"|1|-|0|\\.5|e1|null|true| ){0,14}") {
        let usual: Option<Json> = serde_json::from_str(&text).ok();
        match crate::json::strict(text.as_bytes()) {
            Ok(json) => prop_assert_eq!(Some(json), usual),
            Err(fault) => {
                prop_assert!(usual.is_none() || fault.to_string().contains("stands twice"), "{}", fault);
            }
        }
    }
}
