//! The comparer is the judge of every exchange, so each kind of wrong answer is shown to it once.

use super::super::support::client::Answer;
use super::compare::{Expected, House, compare};

pub(super) fn differences(house: &House, expected: &Expected, actual: &Answer) -> Vec<String> {
    compare(house, expected, actual).0
}

pub(super) fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect()
}

pub(super) fn house() -> House {
    House {
        json: pairs(&[
            ("Content-Type", "application/json; charset=UTF-8"),
            ("Cache-Control", "no-cache"),
        ]),
        empty: pairs(&[("Content-Type", "absent"), ("Content-Length", "0")]),
    }
}

pub(super) fn json_answer(body: &str) -> Answer {
    let headers = [
        ("content-type", "application/json; charset=UTF-8"),
        ("cache-control", "no-cache"),
    ];
    Answer {
        status: 200,
        headers: pairs(&headers),
        body: body.into(),
        ..Answer::default()
    }
}

pub(super) fn expect(body: &str) -> Expected {
    Expected {
        status: 200,
        headers: Vec::new(),
        body: Some(body.to_owned()),
    }
}

/// The differences between an expected and an actual document.
pub(super) fn json(expected: &str, actual: &str) -> Vec<String> {
    differences(&house(), &expect(expected), &json_answer(actual))
}

#[track_caller]
pub(super) fn one_difference(found: &[String], holds: &str) {
    assert!(
        matches!(found, [only] if only.contains(holds)),
        "expected one difference with {holds}: {found:?}"
    );
}

#[test]
fn trailers_are_those_that_are_named() {
    let answer = Answer {
        trailers: pairs(&[("grpc-status", "0")]),
        ..json_answer("{}")
    };
    let expected = |headers: &[(&str, &str)]| Expected {
        headers: pairs(headers),
        ..expect("{}")
    };
    let found = |headers| differences(&house(), &expected(headers), &answer);
    assert!(found(&[("Trailer-Grpc-Status", "0")]).is_empty());
    one_difference(&found(&[("Trailer-Grpc-Status", "1")]), "trailers");
    one_difference(&found(&[]), "trailers");
}

#[test]
fn the_right_answer_passes() {
    assert!(
        json(
            r#"{"a":{"b":[1,"x"]},"c":true}"#,
            r#"{ "c": true, "a": {"b": [1, "x"]} }"#
        )
        .is_empty()
    );
    let empty = Answer {
        status: 404,
        headers: pairs(&[("content-length", "0")]),
        ..Answer::default()
    };
    let expected = Expected {
        status: 404,
        ..Expected::default()
    };
    assert!(differences(&house(), &expected, &empty).is_empty());
}

#[test]
fn a_wrong_status_fails() {
    let actual = Answer {
        status: 201,
        ..json_answer("{}")
    };
    one_difference(
        &differences(&house(), &expect("{}"), &actual),
        "status: expected 200, got 201",
    );
}

#[test]
fn a_wrong_missing_or_repeated_header_fails() {
    let mut actual = json_answer("{}");
    actual.headers[0].1 = "application/json".to_owned();
    one_difference(
        &differences(&house(), &expect("{}"), &actual),
        "header Content-Type",
    );
    actual.headers.remove(0);
    one_difference(
        &differences(&house(), &expect("{}"), &actual),
        "header Content-Type",
    );
    let mut twice = json_answer("{}");
    twice
        .headers
        .push(("cache-control".to_owned(), "no-cache".to_owned()));
    one_difference(
        &differences(&house(), &expect("{}"), &twice),
        "header Cache-Control",
    );
}

#[test]
fn an_empty_answer_with_a_type_a_body_or_no_length_fails() {
    let expected = Expected {
        status: 401,
        ..Expected::default()
    };
    let typed = Answer {
        status: 401,
        headers: pairs(&[("content-type", "text/plain"), ("content-length", "0")]),
        ..Answer::default()
    };
    one_difference(
        &differences(&house(), &expected, &typed),
        "header Content-Type: expected absent",
    );
    let full = Answer {
        status: 401,
        headers: pairs(&[("content-length", "0")]),
        body: b"no".to_vec(),
        ..Answer::default()
    };
    one_difference(
        &differences(&house(), &expected, &full),
        "expected zero bytes",
    );
    let chunked = Answer {
        status: 401,
        headers: Vec::new(),
        ..Answer::default()
    };
    one_difference(
        &differences(&house(), &expected, &chunked),
        "header Content-Length",
    );
}

#[test]
fn the_headers_of_a_step_win() {
    let own = Expected {
        headers: pairs(&[("cache-control", "absent")]),
        ..expect("{}")
    };
    one_difference(
        &differences(&house(), &own, &json_answer("{}")),
        "header cache-control: expected absent",
    );
}

#[test]
fn an_extra_missing_null_or_different_member_fails() {
    one_difference(
        &json(r#"{"a":1}"#, r#"{"a":1,"b":2}"#),
        r#"$["b"]: not expected"#,
    );
    one_difference(
        &json(r#"{"a":1,"b":2}"#, r#"{"a":1}"#),
        r#"$["b"]: missing"#,
    );
    one_difference(
        &json(r#"{"a":1}"#, r#"{"a":1,"b":null}"#),
        r#"$["b"]: not expected, got null"#,
    );
    one_difference(
        &json(r#"{"a":{"b":1}}"#, r#"{"a":{"b":"1"}}"#),
        r#"$["a"]["b"]: expected 1, got "1""#,
    );
    one_difference(&json(r#"{"a":[]}"#, r#"{"a":{}}"#), r#"$["a"]"#);
}

#[test]
fn arrays_differ_by_length_element_and_order() {
    one_difference(&json("[1,2]", "[1]"), "expected 2 elements, got 1");
    one_difference(&json("[1,2]", "[1,3]"), "$[1]: expected 2, got 3");
    assert_eq!(json("[1,2]", "[2,1]").len(), 2);
    assert!(json(r#"["any:order",1,2]"#, "[2,1]").is_empty());
    one_difference(&json(r#"["any:order",1,2]"#, "[2,2]"), "no element is 1");
}

#[test]
fn what_is_no_json_fails() {
    one_difference(&json("{}", "<html>"), "no JSON");
    one_difference(&json("{}", ""), "no JSON");
    one_difference(&json("{", "{}"), "the expected body is no JSON");
}
