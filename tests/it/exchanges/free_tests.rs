//! Free values accept what they say and nothing else, and what is named is remembered.

use super::compare::{Captures, Expected, House, compare};
use super::compare_tests::{differences, expect, house, json, json_answer, one_difference, pairs};
use super::free;

#[test]
fn free_values_have_a_type() {
    let uuid = r#""48426136-8eb7-49d5-81f3-9280b146a334""#;
    for (kind, good, bad) in [
        ("any:string", r#""x""#, r#""""#),
        ("any:string", r#""x""#, "1"),
        ("any:int", "0", r#""0""#),
        ("any:int", "-3", "1.5"),
        ("any:instant", "1710000000123", "1710000000"),
        ("any:instant", "1710000000123", r#""1710000000123""#),
        (
            "any:uuid",
            uuid,
            r#""48426136-8EB7-49D5-81F3-9280B146A334""#,
        ),
        ("any:uuid", uuid, r#""4842""#),
        ("any:bool", "false", "0"),
        ("any:bool", "true", r#""true""#),
        ("any:digits", r#""012""#, "12"),
        ("any:digits", r#""012""#, r#""""#),
        ("any:digits", r#""012""#, r#""1.2""#),
    ] {
        let expected = format!(r#"{{"a":"{kind}"}}"#);
        assert!(
            json(&expected, &format!(r#"{{"a":{good}}}"#)).is_empty(),
            "{kind} refused {good}"
        );
        one_difference(&json(&expected, &format!(r#"{{"a":{bad}}}"#)), kind);
    }
    one_difference(
        &json(r#"{"a":"any:thing"}"#, r#"{"a":"any:thing"}"#),
        "any:thing",
    );
    one_difference(
        &json(r#"{"a":1,"any:members":"more"}"#, r#"{"b":1}"#),
        r#"$["a"]: missing"#,
    );
    assert!(json(r#"{"a":1,"any:members":"more"}"#, r#"{"a":1,"b":1}"#).is_empty());
}

#[test]
fn an_errors_object_has_both_members_and_an_error() {
    let error = r#"{"code":"[missing]userId","message":"m"}"#;
    let good = format!(r#"{{"fieldErrors":{{"userId":[{error}]}},"generalErrors":[]}}"#);
    assert!(json("any:errors", &good).is_empty());
    for bad in [
        r#"{"fieldErrors":{},"generalErrors":[]}"#.to_owned(),
        format!(r#"{{"generalErrors":[{error}]}}"#),
        format!(r#"{{"fieldErrors":[{error}],"generalErrors":[]}}"#),
        format!(r#"{{"fieldErrors":{{"userId":[]}},"generalErrors":[{error}]}}"#),
        r#"{"fieldErrors":{},"generalErrors":[{"code":"[x]"}]}"#.to_owned(),
        r#"{"fieldErrors":{},"generalErrors":[{"code":"x","message":"m"}]}"#.to_owned(),
    ] {
        one_difference(&json("any:errors", &bad), "any:errors");
    }
}

#[test]
fn an_instant_in_rfc_3339_is_exact_and_in_utc() {
    for good in [
        "2024-05-01T10:00:00Z",
        "2024-05-01T10:00:00.123Z",
        "2024-02-29T23:59:59.123456789Z",
    ] {
        let found = json(r#"{"a":"any:rfc3339"}"#, &format!(r#"{{"a":"{good}"}}"#));
        assert!(found.is_empty(), "{found:?}");
    }
    for bad in [
        "2024-05-01T10:00:00+00:00",
        "2024-05-01T10:00:00",
        "2024-05-01 10:00:00Z",
        "2024-05-01t10:00:00z",
        "2024-05-01T10:00Z",
        "2024-05-01T10:00:00.Z",
        "2024-05-01T10:00:00,5Z",
        "2023-02-29T10:00:00Z",
        "2024-05-01T25:00:00Z",
        "20240501T100000Z",
        "é024-05-01T10:00:00Z",
        "",
    ] {
        let found = json(r#"{"a":"any:rfc3339"}"#, &format!(r#"{{"a":"{bad}"}}"#));
        one_difference(&found, "any:rfc3339");
    }
}

#[test]
fn a_header_may_have_a_free_value() {
    let expect_id = |value: &str| Expected {
        headers: pairs(&[("Request-Id", value)]),
        ..expect("{}")
    };
    let mut actual = json_answer("{}");
    let missing = differences(&house(), &expect_id("any:string"), &actual);
    one_difference(&missing, "header Request-Id");
    actual.headers.extend(pairs(&[("request-id", "42")]));
    assert!(differences(&house(), &expect_id("any:string"), &actual).is_empty());
    assert!(differences(&house(), &expect_id("any:digits"), &actual).is_empty());
    let wrong = differences(&house(), &expect_id("any:uuid"), &actual);
    one_difference(&wrong, "header Request-Id: expected any:uuid");
    actual.headers.extend(pairs(&[("request-id", "43")]));
    let twice = differences(&house(), &expect_id("any:string"), &actual);
    one_difference(&twice, "header Request-Id");
}

#[test]
fn free_values_of_the_house_hold_for_every_answer() {
    let house = House {
        json: pairs(&[("Request-Id", "any:string")]),
        empty: Vec::new(),
    };
    one_difference(
        &differences(&house, &expect("{}"), &json_answer("{}")),
        "header Request-Id",
    );
}

#[test]
fn what_is_named_is_captured() {
    let captured = |expected: &str, headers: &[(&str, &str)], actual: &str| -> Captures {
        let mut answer = json_answer(actual);
        answer.headers.extend(pairs(&[("location", "/x/7")]));
        let expected = Expected {
            headers: pairs(headers),
            ..expect(expected)
        };
        compare(&house(), &expected, &answer).1
    };
    let in_header = captured("{}", &[("Location", "any:string as LOC")], "{}");
    assert_eq!(in_header, pairs(&[("LOC", "/x/7")]));
    let values = r#"{"a":"any:string as A1","b":["any:int as B_1","any:bool as C1"]}"#;
    let in_body = captured(values, &[], r#"{"a":"x","b":[7,true]}"#);
    assert_eq!(in_body, pairs(&[("A1", "x"), ("B_1", "7"), ("C1", "true")]));
    // Only the element that fits is remembered.
    let elements =
        r#"["any:order",{"n":2,"id":"any:string as TWO"},{"n":1,"id":"any:string as ONE"}]"#;
    let in_list = captured(elements, &[], r#"[{"n":1,"id":"a"},{"n":2,"id":"b"}]"#);
    assert_eq!(in_list, pairs(&[("TWO", "b"), ("ONE", "a")]));
    // What is not of its kind is a difference, and nothing to remember.
    assert!(captured(r#"{"a":"any:uuid as A1"}"#, &[], r#"{"a":"x"}"#).is_empty());
}

#[test]
fn a_declaration_of_a_free_value_is_read_strictly() {
    assert_eq!(free::declared("any:uuid"), Ok(None));
    assert_eq!(free::declared("any:uuid as L1"), Ok(Some("L1")));
    for bad in [
        "any:thing",
        "any:",
        "any:uuid as",
        "any:uuid as 1",
        "any:uuid as a b",
        "any:uuid as ",
    ] {
        assert!(free::declared(bad).is_err(), "accepted {bad}");
    }
}
