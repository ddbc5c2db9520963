//! Members that are carried: what they may be, how large and deep, and that they stay as they were put.

use crate::dialect::Dialect;
use crate::dialect::testing::{self, asked, faults, params};
use crate::model::{Failure, Field, Value};

const USERS: &str = r#"
[option.repeat]
values = ["same", "error"]
default = "same"
because = "a test"

[option.scope]
values = ["instance"]
default = "instance"
because = "a test"

[rules]
on_repeat = { option = "repeat" }
unique_scope = { option = "scope" }
last_factor = "keep"
per_user = 4294967295

[[op]]
name = "put"
does = "user.put"
method = "PUT"
path = "/users/{id}"
emit = true
consumes = ["*/*"]
[op.captures]
id = { is = "user_id", codec = "uuid", need = true, bad = "user_not_found", raw = "asked.kind" }
[op.query]
'to' = { is = "provider_id", codec = "uuid", need = true, bad = "provider_not_found", raw = "asked.id" }
[op.request]
'$.name' = { carry = "name", type = "text", need = "blank" }
'$.state' = { carry = "state", allowed = ["on", "off"] }
'$.tree' = { carry = "tree", type = "object", need = true, bad = "link_not_found" }
'$.any' = { carry = "any" }
[op.response]
status = 200
"#;

pub(super) const USER: &str =
    "/users/206A5101-bf29-487c-af8f-7485ca48d6d5?to=74C21534-2ecf-4c14-8b0a-444622bedf4b";

pub(super) fn users() -> Dialect {
    testing::dialect("", USERS)
}

/// The faults of a body, and the failure that it is at once.
fn put(body: &str) -> (Vec<String>, Option<Failure>) {
    let request = format!("PUT {USER}\n\n{body}");
    let read = asked(&users(), &request).unwrap();
    (faults(&users(), &request), read.refusal)
}

#[test]
fn a_member_that_is_carried_is_what_its_row_lets_it_be() {
    for (body, told) in [
        (r#"{"name":"a","tree":{},"any":null,"state":null}"#, &[][..]),
        (
            r#"{"name":" ","tree":{"a":[]},"any":"","state":"off"}"#,
            &[],
        ),
        (r#"{"tree":{}}"#, &["name blank"]),
        (r#"{"name":"","tree":{}}"#, &["name blank"]),
        (r#"{"name":7,"tree":{}}"#, &["name wrong_type"]),
        (
            r#"{"name":["a"],"tree":{},"state":"On"}"#,
            &["name wrong_type", "state unknown_value"],
        ),
        (
            r#"{"name":"a","tree":{},"state":["on"]}"#,
            &["state unknown_value"],
        ),
        (
            r#"{"name":"a","tree":{},"state":""}"#,
            &["state unknown_value"],
        ),
    ] {
        assert_eq!(
            put(body),
            (told.iter().map(|t| (*t).to_owned()).collect(), None),
            "{body}"
        );
    }
    // One that is needed and absent, or not what it must be, may be a failure of its own.
    for body in [
        "",
        "{}",
        r#"{"tree":null}"#,
        r#"{"tree":[]}"#,
        r#"{"name":"a","tree":"{}"}"#,
    ] {
        let (_, refusal) = put(body);
        assert_eq!(refusal, Some(Failure::LinkNotFound), "{body}");
    }
}

#[test]
fn a_huge_member_is_carried_as_it_is() {
    let deep = format!("{}1{}", "[".repeat(61), "]".repeat(61));
    let wide = format!("[{}0]", "{\"a\":\"ü\"},".repeat(50_000));
    for value in [deep, wide] {
        let body = format!(r#"{{"name":"a","tree":{{"t":{value}}},"any":{value}}}"#);
        let read = params(&users(), &format!("PUT {USER}\n\n{body}"));
        let expected: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert!(read.value(Field::Document) == Some(&Value::Json(expected)));
    }
    let too_deep = format!(r#"{{"any":{}{}}}"#, "[".repeat(64), "]".repeat(64));
    let refused = asked(&users(), &format!("PUT {USER}\n\n{too_deep}"));
    assert!(matches!(refused, Err(Failure::Invalid(_))));
}

#[test]
fn the_numbers_of_a_member_stay_as_they_were_put() {
    for number in [
        "31.245270191439438",
        "121.48791951161945",
        "9007199254740991.0",
        "5e-324",
        "1.7976931348623157e308",
        "18446744073709551615",
        "-9223372036854775808",
    ] {
        let request = format!("PUT {USER}\n\n{{\"name\":\"a\",\"tree\":{{}},\"any\":{number}}}");
        let read = params(&users(), &request);
        let Some(Value::Json(document)) = read.value(Field::Document) else {
            panic!("{number}")
        };
        let told = document["any"].to_string();
        let float = |text: &str| text.parse::<f64>().unwrap();
        let same = told == number || float(&told).to_bits() == float(number).to_bits();
        assert!(same, "{number} became {told}");
    }
}
