//! Writing what the laws do not look at: what is nothing, alternatives, links with members of the document.

use serde_json::{Value as Json, json};

use crate::dialect::testing::{self, answered, body, op, texts};
use crate::dialect::{Dialect, OpId};
use crate::model::{Field, OperationKind, Record, Value};

/// A dialect whose only op answers a user with these rows.
fn telling(top: &str, rows: &str) -> (Dialect, OpId) {
    let get = r#"
[[op]]
name = "get"
does = "user.get"
method = "GET"
path = "/users/{user_id}"
emit = true
[op.response]
status = 200
"#;
    let dialect = testing::dialect("", &format!("{top}\n{get}\n{rows}"));
    let op = op(
        &dialect,
        OperationKind::UserGet,
        &texts(&[(Field::UserId, "u")]),
    );
    (dialect, op)
}

fn told((dialect, op): &(Dialect, OpId), reply: &Record) -> Json {
    body(&answered(dialect, *op, reply, &Record::new()).body)
}

fn document(json: Json) -> Record {
    Record::new().with(Field::Document, Value::Json(json))
}

#[test]
fn null_is_written_only_where_it_is_asked_for() {
    let rows = r#"
'$.a' = { is = "username", null = "emit" }
'$.b' = "username"
'$.c' = { carry = "c", null = "emit" }
'$.d' = { carry = "d" }
'$.e' = { carry = "e", null = "emit", else = 7 }
'$.f' = { is = "username", null = "emit", if = "email present" }
'$.g' = [ { is = "username", null = "emit", if = "email present" }, { is = "email", null = "emit" } ]
"#;
    for top in ["", "[json]\nomit = \"defaults\""] {
        let dialect = telling(top, rows);
        let nothing = json!({"a": null, "c": null, "e": 7, "g": null});
        assert_eq!(told(&dialect, &Record::new()), nothing, "{top}");
        let nulls = json!({"c": null, "d": null, "e": null});
        assert_eq!(told(&dialect, &document(nulls)), nothing, "{top}");
        assert_eq!(told(&dialect, &document(json!([1]))), nothing, "{top}");
        let with_email = texts(&[(Field::Email, "e")]);
        let expected = json!({"a": null, "c": null, "e": 7, "f": null, "g": null});
        assert_eq!(told(&dialect, &with_email), expected, "{top}");
    }
}

#[test]
fn what_is_zero_or_empty_may_be_left_out_but_not_the_whole() {
    let rows = r#"
'$.text' = "username"
'$.number' = "revision"
'$.large' = { is = "link_count", codec = "proto_int64" }
'$.truth' = "enabled"
'$.list' = { each = "links", is = "subject" }
'$.carried' = { carry = "carried" }
'$.const' = { const = 0 }
'$.inner.text' = "username"
"#;
    let nothing = texts(&[(Field::Username, "")])
        .with(Field::Revision, Value::Int(0))
        .with(Field::LinkCount, Value::Int(0))
        .with(Field::Enabled, Value::Bool(false))
        .with(Field::Links, Value::List(Vec::new()))
        .with(Field::Document, Value::Json(json!({"carried": []})));
    let habit = "[json]\nomit = \"defaults\"";
    assert_eq!(told(&telling(habit, rows), &nothing), json!({}));
    let all = json!({"text": "", "number": 0, "truth": false, "list": [], "carried": [],
        "const": 0, "inner": {"text": ""}});
    assert_eq!(told(&telling("", rows), &nothing), all);
    let something = texts(&[(Field::Username, "0")]).with(Field::Revision, Value::Int(-1));
    let expected = json!({"text": "0", "number": -1, "inner": {"text": "0"}});
    assert_eq!(told(&telling(habit, rows), &something), expected);
    // What stands for the whole document, or for a whole item, is no member.
    let whole = telling(habit, "'$' = { each = \"links\", is = \"subject\" }");
    assert_eq!(told(&whole, &nothing), json!([]));
    let items = "'$.ids' = { dict = \"ids\", key = \"vendor\", item = \"id\" }";
    let items = telling(&format!("{habit}\n[shape.id]\n'$' = \"vendor_id\""), items);
    let id = texts(&[(Field::Vendor, "v"), (Field::VendorId, "")]);
    let ids = Record::new().with(Field::Ids, Value::List(vec![id]));
    assert_eq!(told(&items, &ids), json!({"ids": {"v": ""}}));
}

#[test]
fn of_alternatives_the_first_that_has_something_to_write_is_written() {
    let dialect = telling(
        "",
        r#"
'$.link' = [
    { url = "{origin}/a/{base64url:document.name}", if = "username absent" },
    { url = "{origin}/b/{document.name}" },
    { join = "{email}:{username}" },
    { carry = "name" },
]
"#,
    );
    let with = |name: Json, more: &[(Field, &str)]| {
        let mut reply = texts(more);
        reply.set(Field::Document, Value::Json(json!({"name": name})));
        told(&dialect, &reply)["link"].clone()
    };
    let (user, mail) = ((Field::Username, "u:v"), (Field::Email, "e"));
    assert_eq!(with(json!("Ann?>"), &[]), "https://acme.test/a/QW5uPz4");
    assert_eq!(with(json!("ü/&"), &[]), "https://acme.test/a/w7wvJg");
    assert_eq!(with(json!(""), &[]), "https://acme.test/a/");
    assert_eq!(
        with(json!("ü/&"), &[user]),
        "https://acme.test/b/%C3%BC%2F%26"
    );
    // A member that is no text makes no link, and a text that would be split otherwise no joined text.
    assert_eq!(with(json!(7), &[user, mail]), "e:u:v");
    assert_eq!(with(json!(7), &[user, (Field::Email, "e:f")]), 7);
    assert_eq!(with(json!([{}]), &[]), json!([{}]));
    // Nothing is left to write.
    assert_eq!(with(json!(null), &[]), Json::Null);
    assert_eq!(told(&dialect, &Record::new()), json!({}));
}

#[test]
fn what_is_carried_is_told_as_it_was_put_however_large_and_deep_it_is() {
    let dialect = telling("", "'$.x' = { carry = \"x\" }\n'$.y' = { carry = \"a.b\" }");
    let deep = (0..60).fold(json!("end"), |inner, _| json!([{ "some_name": inner }]));
    let wide: Vec<Json> = (0..100_000)
        .map(|n| json!({"": n, "ü\u{0}": null}))
        .collect();
    for value in [
        deep,
        Json::Array(wide),
        json!(1.5e300),
        json!(u64::MAX),
        json!("\u{202e}\""),
    ] {
        let reply = document(json!({"x": value, "a.b": 1, "a": {"b": 2}}));
        let told = told(&dialect, &reply);
        assert!(told["x"] == value);
        assert_eq!(told["y"], 1, "a member's name is no path");
    }
}
