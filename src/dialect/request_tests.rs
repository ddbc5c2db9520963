//! Requests: other paths of an op, rules that a deployment switches, media types of bodies, members that are
//! carried and those that are needed, texts that are kept as a client spells them.

use serde_json::json;

use crate::dialect::testing::{self, asked, body, faults, params, read, sent, texts};
use crate::dialect::{Dialect, Settings};
use crate::model::operation::{LastFactor, OnRepeat, UniqueScope};
use crate::model::{Failure, Field, OperationKind, Record, Value};

const PATHS: &str = r#"
[[op]]
name = "link"
does = "link.find"
method = "GET"
path = "/{provider_id}/of/{user_id}/{subject}"
also = ["/users/{user_id}/{subject}/{provider_id}", "/x/{subject}/{provider_id}/{user_id}"]
emit = true
[op.response]
status = 200

[[op]]
name = "user"
does = "user.get"
method = "GET"
path = "/users/{user_id}"
also = ["/v1/people/{user_id}/card"]
emit = true
[op.response]
status = 200

[[op]]
name = "drop"
does = "user.delete"
method = "DELETE"
path = "/{user_id}/of/{tenant}/x"
emit = true
[op.response]
status = 200
"#;

/// Provider, user and subject that a path means.
fn captured(dialect: &Dialect, path: &str) -> [String; 3] {
    let params = params(dialect, &format!("GET {path}"));
    let text = |field| params.text(field).unwrap_or_default().to_owned();
    [Field::ProviderId, Field::UserId, Field::Subject].map(text)
}

#[test]
fn each_path_of_an_op_has_its_captures_where_it_says() {
    let dialect = testing::dialect("", PATHS);
    for path in ["/p/of/u/s", "/users/u/s/p", "/x/s/p/u"] {
        assert_eq!(captured(&dialect, path), ["p", "u", "s"], "{path}");
    }
    for path in ["/users/u", "/v1/people/u/card"] {
        assert_eq!(captured(&dialect, path), ["", "u", ""], "{path}");
    }
    // A slash that is encoded is data, and so is a segment that looks like a literal of another path.
    assert_eq!(
        captured(&dialect, "/users/u%2Fof/of/x"),
        ["x", "u/of", "of"]
    );
    assert_eq!(captured(&dialect, "/p/of/users/x"), ["p", "users", "x"]);
}

#[test]
fn of_several_paths_that_fit_the_one_with_the_first_literal_counts() {
    let dialect = testing::dialect("", PATHS);
    // Both `/{provider_id}/of/{user_id}/{subject}` and one that begins with a literal fit.
    assert_eq!(captured(&dialect, "/users/of/a/b"), ["b", "of", "a"]);
    assert_eq!(captured(&dialect, "/x/of/a/b"), ["a", "b", "of"]);
    assert_eq!(captured(&dialect, "/v1/of/a/b"), ["v1", "a", "b"]);
}

#[test]
fn only_the_path_itself_is_sent() {
    let dialect = testing::dialect("", PATHS);
    let link = texts(&[
        (Field::ProviderId, "p"),
        (Field::UserId, "u"),
        (Field::Subject, "s"),
    ]);
    let request = sent(&dialect, OperationKind::LinkFind, &link).unwrap();
    assert_eq!(request.path, "/p/of/u/s");
    assert_eq!(read(&dialect, &request).unwrap().params, link);
    // A value that makes the path another one of the op would be read with its captures elsewhere.
    let mut other = link;
    other.set_text(Field::ProviderId, "users");
    let request = sent(&dialect, OperationKind::LinkFind, &other);
    assert!(request.is_none(), "{request:?}");
}

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

const USER: &str =
    "/users/206A5101-bf29-487c-af8f-7485ca48d6d5?to=74C21534-2ecf-4c14-8b0a-444622bedf4b";

fn users() -> Dialect {
    testing::dialect("", USERS)
}

#[test]
fn rules_follow_the_options_of_the_deployment() {
    let dialect = users();
    let rules = |value: Option<&str>| {
        let options = value.map(|value| ("repeat".to_owned(), value.to_owned()));
        dialect.rules(&Settings {
            options: options.into_iter().collect(),
            ..Settings::default()
        })
    };
    assert_eq!(
        rules(None).on_repeat,
        OnRepeat::Same,
        "the default of the option"
    );
    assert_eq!(rules(Some("error")).on_repeat, OnRepeat::Error);
    assert_eq!(rules(Some("same")).on_repeat, OnRepeat::Same);
    for value in [None, Some("error")] {
        let rules = rules(value);
        assert_eq!(rules.unique_scope, UniqueScope::Instance);
        assert_eq!(rules.last_factor, LastFactor::Keep);
        assert_eq!(rules.per_user, Some(u32::MAX));
    }
}

#[test]
fn any_media_type_is_read_as_json_where_the_mapping_says_so() {
    let dialect = users();
    for head in [
        "",
        "Content-Type: x",
        "Content-Type: text/html; charset=utf-16",
        "Content-Type: ;",
    ] {
        let request = format!("PUT {USER}\n{head}\n\n{{\"name\":\"a\",\"tree\":{{}}}}")
            .replace("\n\n\n", "\n\n");
        let read = params(&dialect, &request);
        assert_eq!(
            read.value(Field::Document),
            Some(&Value::Json(json!({"name":"a","tree":{}})))
        );
    }
    assert_eq!(
        faults(
            &dialect,
            &format!("PUT {USER}\nContent-Type: text/html\n\n<p>")
        ),
        [" malformed"]
    );
    let nothing = Record::new();
    let mut user = texts(&[(Field::UserId, "206a5101-bf29-487c-af8f-7485ca48d6d5")]);
    user.set_text(Field::ProviderId, "74c21534-2ecf-4c14-8b0a-444622bedf4b");
    assert!(sent(&dialect, OperationKind::UserPut, &nothing).is_none());
    user.set(
        Field::Document,
        Value::Json(json!({"name":"a","tree":{},"more":1})),
    );
    let sent = sent(&dialect, OperationKind::UserPut, &user).unwrap();
    assert_eq!(sent.headers[http::header::CONTENT_TYPE], "application/json");
    assert_eq!(body(&sent.body), json!({"name":"a","tree":{}}));
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

#[test]
fn a_needed_value_that_names_nothing_is_a_failure_and_is_kept_as_the_client_spells_it() {
    let dialect = users();
    let read = |target: &str| {
        let read = asked(
            &dialect,
            &format!("PUT {target}\n\n{{\"name\":\"a\",\"tree\":{{}}}}"),
        )
        .unwrap();
        let text = |field| read.params.text(field).unwrap_or_default().to_owned();
        (
            read.refusal,
            [
                Field::UserId,
                Field::AskedKind,
                Field::ProviderId,
                Field::AskedId,
            ]
            .map(text),
        )
    };
    let (refusal, kept) = read(USER);
    assert_eq!(refusal, None);
    let provider = "74C21534-2ecf-4c14-8b0a-444622bedf4b";
    let expected = [
        "206a5101-bf29-487c-af8f-7485ca48d6d5",
        "206A5101-bf29-487c-af8f-7485ca48d6d5",
    ];
    assert_eq!(
        kept,
        [expected[0], expected[1], &provider.to_lowercase(), provider]
    );
    // The path is read first.
    let (refusal, kept) = read("/users/an%20n?to=x%2Fy");
    assert_eq!(refusal, Some(Failure::UserNotFound));
    assert_eq!(kept, ["", "an n", "", "x/y"]);
    let path = "/users/206a5101-bf29-487c-af8f-7485ca48d6d5";
    for (query, asked) in [("", ""), ("?to=", ""), ("?to=,", ","), ("?to=a&to=b", "")] {
        let (refusal, kept) = read(&format!("{path}{query}"));
        assert_eq!(refusal, Some(Failure::ProviderNotFound), "{query}");
        assert_eq!((kept[2].as_str(), kept[3].as_str()), ("", asked), "{query}");
    }
    // What is kept is never sent.
    let mut params = texts(&[
        (Field::UserId, expected[0]),
        (Field::AskedKind, "x"),
        (Field::AskedId, "y"),
    ]);
    params.set_text(Field::ProviderId, provider.to_lowercase());
    params.set(Field::Document, Value::Json(json!({"name":"a","tree":{}})));
    let request = sent(&dialect, OperationKind::UserPut, &params).unwrap();
    assert_eq!(request.path, path);
    assert_eq!(request.query, format!("to={}", provider.to_lowercase()));
}
