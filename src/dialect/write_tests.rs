//! Writing what the laws do not look at: texts that would be split otherwise, what is nothing, alternatives,
//! links with members of the document.

use serde_json::{Value as Json, json};

use crate::dialect::testing::{self, answered, body, op, sent, texts};
use crate::dialect::{Dialect, OpId};
use crate::model::{Field, OperationKind, Record, Value};

const FIND: &str = r#"
[[op]]
name = "find"
does = "link.find"
method = "GET"
path = "/links"
emit = true
[op.query]
'account' = { join = "{provider_id}:{subject}" }
'user' = { is = "user_id", codec = "uuid" }
[op.response]
status = 200

[[op]]
name = "find-by-path"
does = "link.list"
method = "GET"
path = "/users/{user_id}/links/{account}"
emit = true
[op.captures]
account = { join = "[{provider_id}]{subject}" }
[op.response]
status = 200

[[op]]
name = "create"
does = "link.create"
method = "POST"
path = "/links"
emit = true
[op.request]
'$.account' = { join = "{provider_id}:{subject}" }
'$.user.id' = { is = "user_id", codec = "uuid" }
'$.kind' = { is = "provider_kind", enum = "kinds", only = "parse", because = "it is known" }
[op.response]
status = 200

[kinds]
GOOGLE = "google"
"#;

const USER: &str = "206a5101-bf29-487c-af8f-7485ca48d6d5";

fn account(user: &str, provider: &str, subject: &str) -> Record {
    let mut params = texts(&[(Field::ProviderId, provider), (Field::Subject, subject)]);
    if !user.is_empty() {
        params.set_text(Field::UserId, user);
    }
    params
}

#[test]
fn what_would_be_read_as_something_else_is_not_sent() {
    let dialect = testing::dialect("consumes = [\"application/json\"]", FIND);
    let find = |user: &str, provider: &str, subject: &str| {
        let params = account(user, provider, subject);
        sent(&dialect, OperationKind::LinkFind, &params).map(|request| request.query)
    };
    let said = find(USER, "p", "a:b&c");
    assert_eq!(said, Some(format!("account=p%3Aa%3Ab%26c&user={USER}")));
    // Without the parameter, the request would be for any account; with it, for another one.
    for (provider, subject) in [("p:q", "s"), ("", "s"), ("p", ""), (":", ":")] {
        assert_eq!(
            find("", provider, subject),
            None,
            "{provider:?} {subject:?}"
        );
    }
    assert_eq!(
        find("ann", "p", "s"),
        None,
        "the vendor's users have other ids"
    );
    let in_path = |provider: &str| {
        let params = account("ann", provider, "s");
        sent(&dialect, OperationKind::LinkList, &params).map(|request| request.path)
    };
    assert_eq!(
        in_path("p/q").as_deref(),
        Some("/users/ann/links/%5Bp%2Fq%5Ds")
    );
    assert_eq!(in_path("p]q"), None);
    let create = |user: &str, provider: &str| {
        let params = account(user, provider, "s");
        sent(&dialect, OperationKind::LinkCreate, &params).map(|request| body(&request.body))
    };
    let said = json!({"account": "p:s", "user": {"id": USER}});
    assert_eq!(create(USER, "p"), Some(said));
    assert_eq!(create(USER, "p:q"), None);
    assert_eq!(create("ann", "p"), None);
}

#[test]
fn what_lacks_what_a_reader_needs_is_not_sent_however_deep_it_is() {
    let dialect = testing::dialect(
        "consumes = [\"application/json\"]",
        r#"
[shape.user]
'$.id' = { is = "user_id", need = true }
'$.links' = { list = "links", item = "link" }
'$.best' = { one = "link", as = "link" }

[shape.link]
'$.sub' = { is = "subject", need = true }

[[op]]
name = "create"
does = "user.create"
method = "POST"
path = "/users"
emit = true
[op.request]
'$.user' = { one = "user" }
[op.response]
status = 200
"#,
    );
    let create = |params: Record| sent(&dialect, OperationKind::UserCreate, &params);
    let user = || texts(&[(Field::UserId, "u")]);
    let link = || texts(&[(Field::Subject, "s")]);
    assert!(create(user()).is_some());
    assert!(create(user().with(Field::Link, Value::Record(link()))).is_some());
    assert!(create(user().with(Field::Links, Value::List(vec![link(), link()]))).is_some());
    assert!(create(Record::new()).is_none());
    assert!(create(user().with(Field::Link, Value::Record(Record::new()))).is_none());
    let one_of_two = Value::List(vec![link(), Record::new()]);
    assert!(create(user().with(Field::Links, one_of_two)).is_none());
}

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
