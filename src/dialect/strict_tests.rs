//! Members of a body that nothing reads, in every form that could hold one.

use serde_json::json;

use crate::dialect::testing::{self, faults, params};
use crate::dialect::{Dialect, read};
use crate::model::{Field, Value};

const OPS: &str = r#"
[[op]]
name = "put"
does = "user.put"
method = "PUT"
path = "/users/{user_id}"
strict = true
emit = true
when = { has = ["$.kind", "$.links"], lacks = ["$.gone.x"] }
[op.request]
'$' = { one = "body" }
'$.deep.a.b' = "email"
'$.first[0]' = "display_name"
'$.old' = { is = "username", only = "parse", because = "a test" }
'$.told' = { const = 1, only = "emit", because = "a test" }
[op.response]
status = 200

[shape.body]
'$' = { one = "inner" }
'$.links' = { list = "links", item = "link" }
'$.ids' = { dict = "ids", key = "vendor", item = "id" }
'$.accounts' = { dict = "credentials", key = "protocol", item = "account" }
'$.groups' = { group = "problems", by = "at", item = "problem" }
'$.free' = { carry = "free" }
'$.flat' = { each = "providers", is = "provider_id" }
'$.either' = [ { one = "link", as = "link" }, { one = "id", as = "user" }, { list = "users", item = "none" } ]

[shape.inner]
'$.document' = "document"

[shape.link]
'$.sub' = { is = "subject", need = true }
'$.more' = { one = "inner" }

[shape.id]
'$.id' = { is = "vendor_id", need = true }

[shape.account]
'$.list' = { list = "links", item = "link" }

[shape.problem]
'$.why' = { is = "message", need = true }

[shape.none]

[[op]]
name = "put-any"
does = "user.put"
method = "PUT"
path = "/users/{user_id}"
when = { lacks = ["$.kind"] }
[op.request]
'$.document' = "document"
[op.response]
status = 200

[[op]]
name = "patch"
does = "user.update"
method = "PATCH"
path = "/users/{user_id}"
strict = true
emit = true
[op.request]
'$' = { is = "patch", codec = "json_patch", allow = { any = "any" } }
[op.response]
status = 200

[[op]]
name = "items"
does = "user.create"
method = "POST"
path = "/users"
strict = true
emit = true
[op.request]
'$' = { list = "items", item = "inner" }
[op.response]
status = 200
"#;

fn dialect() -> Dialect {
    testing::dialect("consumes = [\"*/*\"]", OPS)
}

/// The problems of a body beside the members that choose the op.
fn strange(more: &str) -> Vec<String> {
    let body = format!(r#"{{"kind":{{"x":1}},"links":[],{more}}}"#);
    faults(&dialect(), &format!("PUT /users/u\n\n{body}"))
}

#[test]
fn what_rows_speak_of_is_not_strange_wherever_it_stands() {
    for known in [
        r#""document":{"a":{"b":[1,{"c":null}]}}"#,
        r#""deep":{"a":{"b":"x"}},"first":["x"],"old":"x","told":1"#,
        r#""deep":null,"first":[],"groups":{},"accounts":{},"ids":{},"free":null"#,
        r#""deep":{"a":null},"groups":{"a":[]},"accounts":{"oidc":{}}"#,
        r#""accounts":{"oidc":{"list":[{"sub":"1","more":{"document":{"x":1}}}]}}"#,
        r#""groups":{"a":[{"why":"x"}],"b":[]},"flat":["a"],"free":{"x":{"y":1}}"#,
        r#""either":{"sub":"1","more":{"document":1}}"#,
        r#""either":{"id":"1"}"#,
        r#""either":[{}]"#,
    ] {
        assert_eq!(strange(known), [""; 0], "{known}");
    }
}

#[test]
fn what_no_row_speaks_of_is_told_with_its_place_and_once() {
    for (body, told) in [
        (r#""x":1"#, "x"),
        (r#""x":null"#, "x"),
        (r#""x":{"y":{"z":1}}"#, "x"),
        (r#""":1"#, ""),
        (r#""Document":1"#, "Document"),
        (r#""deep":{"b":1}"#, "deep.b"),
        (r#""deep":{"a":{"b":"x","c":1}}"#, "deep.a.c"),
        (r#""first":["x","y"]"#, "first[1]"),
        (r#""first":["x",null]"#, "first[1]"),
        (r#""ids":{"v":{"id":"1","x":1}}"#, "ids.v.x"),
        (r#""accounts":{"saml":{"x":1}}"#, "accounts.saml.x"),
        (
            r#""accounts":{"saml":{"list":[{"sub":"1","x":1}]}}"#,
            "accounts.saml.list[0].x",
        ),
        (
            r#""accounts":{"saml":{"list":[{"sub":"1","more":{"x":1}}]}}"#,
            "accounts.saml.list[0].more.x",
        ),
        (
            r#""groups":{"a.b":[{"why":"x"},{"why":"x","y":1}]}"#,
            "groups.a.b[1].y",
        ),
        (r#""either":{"id":"1","x":1}"#, "either.x"),
        (r#""either":[{},{"x":1}]"#, "either[1].x"),
        (r#""accounts":{"ldap":{"x":1}}"#, "accounts.ldap"),
    ] {
        assert_eq!(strange(body), [format!("{told} not_allowed")], "{body}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_one_problem_and_not_strange_besides() {
    for (body, told) in [
        (r#""deep":7"#, "deep wrong_type"),
        (r#""deep":{"a":[{"x":1}]}"#, "deep.a wrong_type"),
        (r#""ids":[{"x":1}]"#, "ids wrong_type"),
        (r#""groups":{"a":{"x":1}}"#, "groups wrong_type"),
        (
            r#""accounts":{"oidc":{"list":"x"}}"#,
            "accounts.oidc.list wrong_type",
        ),
    ] {
        assert_eq!(strange(body), [told], "{body}");
    }
    for whole in ["7", "\"x\"", "[{\"x\":1}]", "{\"x\":1}"] {
        let told = faults(&dialect(), &format!("PATCH /users/u\n\n{whole}"));
        assert!(
            told.iter().all(|told| !told.contains("not_allowed")),
            "{whole}: {told:?}"
        );
    }
    assert_eq!(
        faults(&dialect(), "POST /users\n\n{\"x\":1}"),
        [" wrong_type"]
    );
}

#[test]
fn bodies_that_are_lists_or_changes_are_looked_at_too() {
    let dialect = dialect();
    let told = faults(&dialect, "POST /users\n\n[{\"document\":1},{\"x\":1},{}]");
    assert_eq!(told, ["[1].x not_allowed"]);
    let step = r#"[{"op":"add","path":"/any/x","value":{"y":1},"note":1}]"#;
    assert_eq!(
        faults(&dialect, &format!("PATCH /users/u\n\n{step}")),
        [""; 0]
    );
}

#[test]
fn strange_members_are_told_up_to_what_an_answer_has_room_for() {
    let members: Vec<String> = (0..200_000).map(|n| format!("\"x{n}\":{{}}")).collect();
    let told = strange(&members.join(","));
    assert_eq!(
        (told.len(), told[99].as_str()),
        (read::MAX_PROBLEMS, "x99 not_allowed")
    );
    // Problems of values go first, and count.
    let links = vec!["{\"x\":1}"; 99].join(",");
    let body = format!(r#"{{"kind":1,"links":[{links}],"a":1,"b":2}}"#);
    let told = faults(&dialect(), &format!("PUT /users/u\n\n{body}"));
    assert_eq!(
        (told.len(), told[98].as_str()),
        (100, "links[98].sub missing")
    );
    assert_eq!(told[99], "links[0].x not_allowed");
}

#[test]
fn without_strictness_strange_members_are_nothing() {
    let read = params(&dialect(), "PUT /users/u\n\n{\"x\":1,\"document\":2}");
    assert_eq!(read.value(Field::Document), Some(&Value::Json(json!(2))));
}
