//! What forms do beyond what the laws look at: which of two places wins, in which order problems are told,
//! what is sent, and how failures are worded and read.

use http::{HeaderMap, Method};
use serde_json::{Value as Json, json};

use super::{Dialect, Routed, Settings};
use crate::finding::render;
use crate::mapping;
use crate::model::{
    Failure, FailureKind, Field, OperationKind, OwnedRequest, Place, Problem, Record, Request,
    Response, Value, Why,
};

const HEAD: &str = r#"
format = 1
vendor = "acme"
title = "A mapping of this test"
consumes = ["*/*"]
include = ["errors.toml#error"]
[auth.front]
take = [{ header = "Authorization" }]
"#;

fn dialect(text: &str) -> Dialect {
    let errors = include_str!("../../tests/findings/errors.toml");
    let includes = |file: &str| (file == "errors.toml").then(|| errors.to_owned());
    let loaded = mapping::load("acme", "acme.toml", &format!("{HEAD}{text}"), &includes);
    let told: String = loaded.findings.iter().map(render).collect();
    assert_eq!(told, "");
    Dialect::new(loaded.plan.unwrap())
}

/// What a request means to the one op that it can mean.
fn decoded(dialect: &Dialect, method: &Method, path: &str, body: &str) -> super::Decoded {
    let headers = HeaderMap::new();
    let request = Request {
        method,
        path,
        query: "",
        headers: &headers,
        body: body.as_bytes(),
    };
    let Routed::Ops(candidates) = dialect.route(method, path) else {
        panic!("no route")
    };
    let decoded = dialect.decode_request(&candidates, &request, &Settings::default());
    decoded.unwrap()
}

fn record(fields: &[(Field, &str)]) -> Record {
    let text = |(field, text): &(Field, &str)| (*field, Value::Text((*text).to_owned()));
    fields.iter().map(text).collect()
}

fn body(bytes: &[u8]) -> Json {
    serde_json::from_slice(bytes).unwrap()
}

fn answer(status: u16, body: &Json) -> Response {
    Response {
        status,
        body: body.to_string().into_bytes(),
        ..Response::default()
    }
}

fn problem(field: Field, why: Why) -> Problem {
    Problem {
        place: Place::Body,
        at: String::new(),
        field: Some(field),
        why,
        max: None,
    }
}

/// A list and a create under one user, with failures of their own.
const LINKS: &str = r#"
[json]
omit = "defaults"

[shape.link]
'$.provider' = { is = "provider_id", need = true }
'$.account' = { is = "subject", need = true }
'$.name' = { is = "display_name", need = true, else = "subject" }

[[op]]
name = "create"
does = "link.create"
method = "POST"
path = "/users/{user_id}/links"
emit = true
[op.request]
'$.user' = { is = "user_id", only = "parse", because = "an older name" }
'$.link' = { one = "link", need = true, bad = "provider_not_found" }
[op.response]
status = 201

[[op]]
name = "list"
does = "link.list"
method = "GET"
path = "/users/{user_id}/links"
emit = true
[op.request]
'$.user' = { is = "user_id", only = "parse", because = "an older name" }
[op.response]
status = 200
empty_for = ["user_not_found"]
'$.total' = { is = "meta.total", codec = "proto_int64" }
'$.at' = { is = "meta.at", codec = "rfc3339" }
'$.links' = { list = "links", item = "link" }

[[error]]
kind = "invalid"
on = ["link.create"]
status = 400
status_if = { 404 = "why is unresolved" }
[error.body]
'$.code' = { const = "bad" }
'$.kind' = { const = "lost", if = "why is unresolved" }
'$.text' = { const = "Something is wrong", only = "emit", because = "a translation" }
'$.words[0]' = [
    { const = "a", if = "field is user_id", only = "emit", because = "for people" },
    { const = "b", only = "emit", because = "for people" },
]
"#;

#[test]
fn the_path_wins_over_an_older_name_of_the_same_field() {
    let dialect = dialect(LINKS);
    let read = decoded(
        &dialect,
        &Method::GET,
        "/users/ann/links",
        r#"{"user":"bob"}"#,
    );
    assert_eq!(read.params, record(&[(Field::UserId, "ann")]));
    assert!(read.problems.is_empty());
}

#[test]
fn problems_are_told_in_the_order_of_the_rows() {
    let dialect = dialect(LINKS);
    let body = r#"{"link":{"name":7,"account":""}}"#;
    let problems = decoded(&dialect, &Method::POST, "/users/ann/links", body).problems;
    let told: Vec<_> = problems.iter().map(|p| (p.at.as_str(), p.why)).collect();
    let expected = [
        ("link.provider", Why::Missing),
        ("link.account", Why::Blank),
        ("link.name", Why::WrongType),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_shape_that_is_not_there_is_the_failure_that_its_row_names_and_an_empty_one_has_problems() {
    let dialect = dialect(LINKS);
    let read = |body| decoded(&dialect, &Method::POST, "/users/ann/links", body);
    for absent in ["", "{}", r#"{"link":null}"#] {
        let read = read(absent);
        let refusal = read.refusal.map(|failure| failure.kind());
        assert_eq!(refusal, Some(FailureKind::ProviderNotFound), "{absent}");
        assert!(read.problems.is_empty());
    }
    assert_eq!(read(r#"{"link":{}}"#).problems.len(), 3);
}

#[test]
fn a_problem_that_is_found_late_is_placed_in_the_shape_that_holds_the_field() {
    let dialect = dialect(LINKS);
    let op = decoded(&dialect, &Method::POST, "/users/ann/links", "{}").op;
    let late = Failure::Invalid(vec![problem(Field::Subject, Why::Malformed)]);
    let Failure::Invalid(placed) = dialect.place(op, late) else {
        panic!("still invalid")
    };
    assert_eq!(placed.first().map(|p| p.at.as_str()), Some("link.account"));
}

fn sent(dialect: &Dialect, kind: OperationKind, params: &Record) -> Option<OwnedRequest> {
    let sent = dialect.encode_request(kind, params, &Settings::default());
    sent.map(|(_, request)| request)
}

#[test]
fn what_is_needed_may_be_written_as_what_stands_for_it() {
    let dialect = dialect(LINKS);
    let account = [
        (Field::UserId, "ann"),
        (Field::ProviderId, "google"),
        (Field::Subject, "1170"),
    ];
    let request = sent(&dialect, OperationKind::LinkCreate, &record(&account)).unwrap();
    let expected = json!({"link":{"provider":"google","account":"1170","name":"1170"}});
    assert_eq!(body(&request.body), expected);
    let without = record(&account[..2]);
    assert!(sent(&dialect, OperationKind::LinkCreate, &without).is_none());
}

#[test]
fn a_request_whose_rows_are_only_read_is_sent_without_a_body() {
    let dialect = dialect(LINKS);
    let params = record(&[(Field::UserId, "ann")]);
    let request = sent(&dialect, OperationKind::LinkList, &params).unwrap();
    assert!(request.body.is_empty() && request.headers.is_empty());
}

#[test]
fn a_failure_may_be_answered_as_a_list_of_nothing() {
    let dialect = dialect(LINKS);
    let op = decoded(&dialect, &Method::GET, "/users/ann/links", "").op;
    let reply = dialect.list_of_nothing(op, &Failure::UserNotFound).unwrap();
    assert_eq!(reply.list(Field::Links), Some(&[][..]));
    assert_eq!(reply.int(Field::Total), Some(0));
    let at = reply.with(Field::CarriedOutAt, Value::Int(1_714_557_600_123));
    let answer = dialect.encode_response(op, &at, &Record::new(), &Settings::default());
    // What is nothing is not written here.
    assert_eq!(body(&answer.body), json!({"at":"2024-05-01T10:00:00.123Z"}));
    assert!(dialect.list_of_nothing(op, &Failure::Forbidden).is_none());
    let create = decoded(&dialect, &Method::POST, "/users/ann/links", "{}").op;
    assert!(
        dialect
            .list_of_nothing(create, &Failure::UserNotFound)
            .is_none()
    );
}

#[test]
fn the_status_of_a_failure_may_depend_on_its_first_problem() {
    let dialect = dialect(LINKS);
    let op = decoded(&dialect, &Method::POST, "/users/ann/links", "{}").op;
    let worded = |problems| {
        let failure = Failure::Invalid(problems);
        dialect.encode_failure(&failure, Some(op), &Record::new(), &Settings::default())
    };
    let lost = worded(vec![
        problem(Field::UserId, Why::Unresolved),
        problem(Field::Subject, Why::Blank),
    ]);
    let text = "Something is wrong";
    let expected = json!({"code":"bad","kind":"lost","text":text,"words":["a"]});
    assert_eq!((lost.status, body(&lost.body)), (404, expected));
    let blank = worded(vec![problem(Field::Subject, Why::Blank)]);
    let expected = json!({"code":"bad","text":text,"words":["b"]});
    assert_eq!((blank.status, body(&blank.body)), (400, expected));
    // Read back, the status says what its condition says.
    let read = |response: &Response| match dialect.decode_response(op, response) {
        Err(Failure::Invalid(problems)) => problems.first().map(|p| p.why),
        other => panic!("{other:?}"),
    };
    assert_eq!(read(&lost), Some(Why::Unresolved));
    assert_eq!(
        read(&blank),
        Some(Why::Malformed),
        "an invalid request has a problem"
    );
}

#[test]
fn constants_that_are_only_written_or_only_at_times_need_not_be_there_to_read_a_failure() {
    let dialect = dialect(LINKS);
    let op = decoded(&dialect, &Method::POST, "/users/ann/links", "{}").op;
    let kind = |status, json: Json| {
        let read = dialect.decode_response(op, &answer(status, &json));
        read.err().map(|failure| failure.kind())
    };
    let invalid = Some(FailureKind::Invalid);
    assert_eq!(kind(400, json!({"code":"bad"})), invalid);
    let translated = json!({"code":"bad","text":"Etwas ist falsch","words":["c"]});
    assert_eq!(kind(400, translated), invalid);
    assert_eq!(kind(404, json!({"code":"bad","kind":"lost"})), invalid);
    // What is there and may be read must be the constant.
    let other = json!({"code":"bad","kind":"other"});
    assert_ne!(kind(404, other), invalid);
    assert_ne!(kind(404, json!({"code":"good"})), invalid);
}

#[test]
fn a_member_of_the_document_may_be_written_as_a_field_that_stands_for_it() {
    let dialect = dialect(
        r#"
[shape.user]
'$.id' = { is = "user_id", need = true }
'$.login' = { carry = "login", else = "user_id" }

[[op]]
name = "get"
does = "user.get"
method = "GET"
path = "/users/{user_id}"
emit = true
[op.response]
status = 200
'$' = { one = "user", as = "user" }
"#,
    );
    let op = decoded(&dialect, &Method::GET, "/users/7", "").op;
    let login = |user: Record| {
        let reply = Record::new().with(Field::User, Value::Record(user));
        let answer = dialect.encode_response(op, &reply, &Record::new(), &Settings::default());
        body(&answer.body)["login"].clone()
    };
    let user = record(&[(Field::UserId, "7")]);
    assert_eq!(login(user.clone()), "7");
    let document = |json| user.clone().with(Field::Document, Value::Json(json));
    assert_eq!(login(document(json!({"login":"ann"}))), "ann");
    assert_eq!(login(document(json!({"login":null}))), "7");
}
