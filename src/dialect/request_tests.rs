//! Requests: other paths of an op, rules that a deployment switches, media types of bodies, texts that are kept
//! as a client spells them.

use serde_json::json;

use super::carry_tests::{USER, users};
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
