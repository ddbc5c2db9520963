//! Reading requests: the order of problems, which refusal is answered, empty texts, media types; and what
//! of an answer tells what it means.

use http::{HeaderMap, HeaderValue, Method, header};

use crate::dialect::{Decoded, Dialect, OpId, Routed, Settings};
use crate::finding::render;
use crate::mapping::load;
use crate::model::{
    Failure, Field, OperationKind, Place, Problem, Record, Request, Response, Value, Why,
};

const MAPPING: &str = r#"
format = 1
vendor = "acme"
title = "A mapping of this test"
consumes = ["application/vnd.acme+json"]
include = ["errors.toml#error"]
[auth.front]
take = [{ header = "Authorization" }]

[shape.attribute]
'$' = "attribute_value"

[[op]]
name = "create"
does = "link.create"
method = "POST"
path = "/tenants/{tenant}/users/{user}/links"
emit = true
[op.captures]
tenant = { is = "tenant", codec = "uuid", need = true, bad = "tenant_unknown" }
user = { is = "user_id", codec = "uuid", need = true, bad = "user_not_found" }
[op.request]
'$.provider' = { is = "provider_id", codec = "uuid", need = true, blank = "refuse" }
'$.account' = { is = "subject", need = true }
'$.name' = { is = "display_name", codec = "string", max = 3, need = true }
'$.more.attributes' = { dict = "attributes", key = "attribute", item = "attribute" }
[op.response]
status = 200

[[op]]
name = "get"
does = "user.get"
method = "GET"
path = "/users/{user_id}"
emit = true
[op.response]
status = 200
'$.name' = { carry = "name", else = "user_id" }
'$.next' = { url = "{origin}/users?max={req.page.limit}&after={user_id}", read = { after = "user_id" } }
'$.size' = [ { const = 1, if = "user_id is x", only = "emit", because = "a test" }, { const = 2, only = "emit", because = "a test" } ]

[[error]]
kind = "link_not_found"
on = ["user.get"]
status = 404
[error.body]
'$.message' = { const = "The thing is not there.", only = "emit", because = "a sentence for people" }
'$.code' = { const = "GONE" }
"#;

const USER: &str = "/tenants/48426136-8eb7-49d5-81f3-9280b146a334/users/206a5101-bf29-487c-af8f-7485ca48d6d5/links";

fn dialect() -> Dialect {
    let errors = include_str!("../../tests/findings/errors.toml");
    let includes = |file: &str| (file == "errors.toml").then(|| errors.to_owned());
    let loaded = load("acme", "acme.toml", MAPPING, &includes);
    let told: String = loaded.findings.iter().map(render).collect();
    Dialect::new(loaded.plan.unwrap_or_else(|| panic!("{told}")))
}

fn posted(path: &str, media: &'static str, body: &str) -> Result<Decoded, Failure> {
    let dialect = dialect();
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    let request = Request {
        method: &Method::POST,
        path,
        query: "",
        headers: &headers,
        body: body.as_bytes(),
    };
    let Routed::Ops(candidates) = dialect.route(&Method::POST, path) else {
        panic!("{path} leads nowhere");
    };
    dialect.decode_request(&candidates, &request, &Settings::default())
}

/// The problems of a body, each as its place and its reason.
fn problems(body: &str) -> Vec<String> {
    let decoded = posted(USER, "application/vnd.acme+json", body).unwrap();
    let told = |p: &Problem| format!("{} {}", p.at, p.why.name());
    decoded.problems.iter().map(told).collect()
}

#[test]
fn problems_are_told_in_the_order_of_the_rows_however_the_body_is_written() {
    let expected = ["provider missing", "account blank", "name too_long"];
    assert_eq!(problems(r#"{"name":"long","account":""}"#), expected);
    assert_eq!(problems(r#"{"account":"","name":"long"}"#), expected);
    let expected = ["provider malformed", "account missing", "name too_long"];
    assert_eq!(problems(r#"{"name":"long","provider":"x"}"#), expected);
}

#[test]
fn an_empty_text_is_a_problem_where_the_row_refuses_it() {
    let body = |provider: &str| format!(r#"{{"provider":{provider},"account":"a","name":"n"}}"#);
    assert_eq!(problems(&body(r#""""#)), ["provider blank"]);
    assert_eq!(problems(&body("null")), ["provider missing"]);
    assert_eq!(problems(&body("7")), ["provider wrong_type"]);
}

#[test]
fn the_first_capture_that_names_nothing_decides_the_refusal() {
    let refusal = |path: &str| {
        let decoded = posted(path, "application/vnd.acme+json", "{}").unwrap();
        decoded.refusal
    };
    assert_eq!(
        refusal("/tenants/x/users/y/links"),
        Some(Failure::TenantUnknown)
    );
    let known = USER.replace("206a5101", "x");
    assert_eq!(refusal(&known), Some(Failure::UserNotFound));
    assert_eq!(refusal(USER), None);
}

#[test]
fn the_case_of_a_media_type_does_not_matter() {
    let body = r#"{"provider":"206a5101-bf29-487c-af8f-7485ca48d6d5","account":"a","name":"n"}"#;
    let read = posted(USER, "Application/VND.Acme+JSON; charset=utf-8", body).unwrap();
    assert!(read.problems.is_empty());
    let refused = posted(USER, "application/json", body).unwrap_err();
    assert!(
        matches!(refused, Failure::UnsupportedMedia { given: Some(media) } if media == "application/json")
    );
}

/// The op `get`.
fn get(dialect: &Dialect) -> OpId {
    let params = Record::new().with(Field::UserId, Value::Text("ann".into()));
    let sent = dialect.encode_request(OperationKind::UserGet, &params, &Settings::default());
    sent.unwrap().0
}

/// What an answer to it means, as a server of the vendor would send it.
fn answered(status: u16, body: &str) -> Result<Record, Failure> {
    let dialect = dialect();
    let response = Response {
        status,
        headers: HeaderMap::new(),
        body: body.as_bytes().to_vec(),
    };
    dialect.decode_response(get(&dialect), &response)
}

#[test]
fn a_sentence_that_is_only_written_is_no_sign_of_what_an_answer_means() {
    let gone =
        |message: &str| answered(404, &format!(r#"{{"message":"{message}","code":"GONE"}}"#));
    assert_eq!(gone("The thing is not there."), Err(Failure::LinkNotFound));
    assert_eq!(gone("Ce n'est pas là."), Err(Failure::LinkNotFound));
    let other = answered(
        404,
        r#"{"message":"The thing is not there.","code":"HIDDEN"}"#,
    );
    assert_ne!(other, Err(Failure::LinkNotFound));
}

#[test]
fn another_field_is_written_for_a_member_that_the_document_lacks() {
    let dialect = dialect();
    let named = |document: Option<serde_json::Value>| {
        let mut reply = Record::new();
        reply.set_text(Field::UserId, "ann");
        if let Some(document) = document {
            reply.set(Field::Document, Value::Json(document));
        }
        let response =
            dialect.encode_response(get(&dialect), &reply, &Record::new(), &Settings::default());
        serde_json::from_slice::<serde_json::Value>(&response.body).unwrap()["name"].clone()
    };
    assert_eq!(named(Some(serde_json::json!({"name": "Ann"}))), "Ann");
    assert_eq!(named(Some(serde_json::json!({"name": null}))), "ann");
    assert_eq!(named(Some(serde_json::json!({"x": 1}))), "ann");
    assert_eq!(named(None), "ann");
}

#[test]
fn alternatives_that_are_all_only_written_are_not_read() {
    for answer in [r#"{"size":2}"#, r#"{"size":7}"#, r#"{"size":"x"}"#] {
        assert_eq!(answered(200, answer), Ok(Record::new()), "{answer}");
    }
}

#[test]
fn a_field_of_a_link_is_read_from_its_parameter_whatever_the_rest_is() {
    let next = |link: &str| {
        let record = answered(200, &format!(r#"{{"next":"{link}"}}"#)).unwrap();
        record.text(Field::UserId).map(str::to_owned)
    };
    let foreign = "https://api.test/v2/people?after=a%2Fb+c&max=9";
    assert_eq!(next(foreign).as_deref(), Some("a/b c"));
    assert_eq!(next("/people?max=9"), None);
    assert_eq!(answered(200, r#"{"next":7}"#), Ok(Record::new()));
}

#[test]
fn a_problem_of_records_inside_the_body_is_placed_at_what_holds_them() {
    let dialect = dialect();
    let op = posted(USER, "application/vnd.acme+json", "{}").unwrap().op;
    let at = |field: Field| {
        let problem = Problem {
            place: Place::Body,
            at: String::new(),
            field: Some(field),
            why: Why::Malformed,
            max: None,
        };
        match dialect.place(op, Failure::Invalid(vec![problem])) {
            Failure::Invalid(placed) => placed[0].at.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(at(Field::Attribute), "more.attributes");
    assert_eq!(at(Field::AttributeValue), "more.attributes");
    assert_eq!(at(Field::Subject), "account");
    assert_eq!(at(Field::Reason), "reason");
}
