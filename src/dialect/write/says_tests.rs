//! What is not sent, because it would be read as something else.

use serde_json::json;

use crate::dialect::testing::{self, body, sent, texts};
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

#[test]
fn a_document_that_is_one_value_is_not_sent_without_it() {
    let dialect = testing::dialect(
        "consumes = [\"application/json\"]",
        r#"
[[op]]
name = "patch"
does = "user.update"
method = "PATCH"
path = "/users/{user_id}"
emit = true
[op.request]
'$' = { is = "patch", codec = "json_patch", allow = { a = "any" } }
[op.response]
status = 200
"#,
    );
    let user = texts(&[(Field::UserId, "u")]);
    let update = |params: &Record| sent(&dialect, OperationKind::UserUpdate, params);
    assert!(update(&user).is_none());
    for patch in [json!([]), json!([{"op": "remove", "path": "/a"}])] {
        let params = user.clone().with(Field::Patch, Value::Json(patch.clone()));
        assert_eq!(
            update(&params).map(|request| body(&request.body)),
            Some(patch)
        );
    }
}
