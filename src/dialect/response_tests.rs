//! Answers beside their rows: bodies that are texts, statuses under conditions, media types that a client can
//! choose.

use http::header;

use crate::dialect::Dialect;
use crate::dialect::testing::{self, answered, body, means, op, sent, texts};
use crate::model::{Failure, Field, OperationKind, Record, Value};

const OPS: &str = r#"
[option.mode]
values = ["plain", "loud"]
default = "plain"
because = "a test"

[[op]]
name = "status"
does = "status"
method = "GET"
path = "/health"
emit = true
[op.response]
status = [200, 201]
status_if = { 503 = "ready is false", 203 = "outcome is ready and option.mode is plain", 202 = "outcome is ready" }
text = "{\"ok\": true"
produces = "text/plain"
[op.response.headers]
'X-Body' = { const = "there", if = "body" }

[[op]]
name = "get"
does = "user.get"
method = "GET"
path = "/users/{user_id}"
emit = true
[op.response]
status = 200
produces = ["application/json; charset=utf-8", "application/hal+json", "application/vnd.acme+json; v=1"]
'$.id' = "user_id"

[[op]]
name = "delete"
does = "user.delete"
method = "DELETE"
path = "/users/{user_id}"
emit = true
[op.response]
status = 204

[[error]]
kind = "user_not_found"
status = 404
produces = ["application/problem+json", "application/problem+xml"]
[error.body]
'$.code' = { const = "NOBODY" }
'$.is' = [ { const = "loud", if = "option.mode is loud" }, { const = "plain" } ]

[[error]]
kind = "unsupported"
on = ["status"]
status = 501
[error.body]
'$.code' = { const = "NO" }
"#;

fn dialect() -> Dialect {
    testing::dialect("", OPS)
}

#[test]
fn a_text_is_told_as_it_stands_with_its_media_type() {
    let dialect = dialect();
    let op = op(&dialect, OperationKind::Status, &Record::new());
    let answer = answered(&dialect, op, &Record::new(), &Record::new());
    assert_eq!(
        (answer.status, &answer.body[..]),
        (200, &b"{\"ok\": true"[..])
    );
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/plain");
    assert_eq!(answer.headers["x-body"], "there");
}

#[test]
fn a_text_of_an_upstream_tells_nothing_but_its_status() {
    let dialect = dialect();
    let op = op(&dialect, OperationKind::Status, &Record::new());
    for body in [
        "",
        "ok",
        "{\"ok\": true",
        "<html>",
        "{\"ready\":false}",
        "\u{0}",
    ] {
        let read = means(&dialect, op, &format!("200\n\n{body}"));
        assert_eq!(read, Ok(Record::new()), "{body:?}");
        let read = means(&dialect, op, &format!("202\n\n{body}"));
        assert_eq!(read, Ok(texts(&[(Field::Outcome, "ready")])), "{body:?}");
    }
    assert_eq!(means(&dialect, op, "201"), Ok(Record::new()));
    // What it says of a failure is JSON, as everywhere, and must be understood.
    let refused = means(&dialect, op, "501\n\n{\"code\":\"NO\"}").unwrap_err();
    assert!(
        matches!(refused, Failure::Unsupported { .. }),
        "{refused:?}"
    );
    for odd in ["501\n\n{\"code\":\"YES\"}", "501\n\nNO", "501", "418\n\n{}"] {
        assert_eq!(
            means(&dialect, op, odd),
            Err(Failure::UpstreamRefused),
            "{odd}"
        );
    }
}

#[test]
fn the_first_status_whose_condition_holds_is_sent_and_its_words_are_read_back() {
    let dialect = dialect();
    let op = op(&dialect, OperationKind::Status, &Record::new());
    let ready = texts(&[(Field::Outcome, "ready")]);
    let unready = ready.clone().with(Field::Ready, Value::Bool(false));
    let status = |reply: &Record| answered(&dialect, op, reply, &Record::new()).status;
    assert_eq!(
        status(&unready),
        503,
        "in the order of the file, not of the numbers"
    );
    assert_eq!(status(&ready), 203);
    assert_eq!(status(&texts(&[(Field::Outcome, "found")])), 200);
    let read = |status: u16| means(&dialect, op, &format!("{status}")).unwrap();
    assert_eq!(
        read(503),
        Record::new().with(Field::Ready, Value::Bool(false))
    );
    assert_eq!(read(203), ready);
    assert_eq!(read(202), ready);
}

/// The media type of an answer to who sends this `Accept`.
fn media(accept: Option<&str>) -> String {
    let dialect = dialect();
    let op = op(
        &dialect,
        OperationKind::UserGet,
        &texts(&[(Field::UserId, "u")]),
    );
    let mut params = Record::new();
    params.set_text_opt(Field::Accept, accept);
    let answer = answered(&dialect, op, &texts(&[(Field::UserId, "u")]), &params);
    assert_eq!(body(&answer.body)["id"], "u");
    let media = answer.headers[header::CONTENT_TYPE].to_str().unwrap();
    let failure =
        dialect.encode_failure(&Failure::UserNotFound, Some(op), &params, &<_>::default());
    assert_eq!(
        failure.headers[header::CONTENT_TYPE],
        "application/problem+json"
    );
    media.to_owned()
}

#[test]
fn the_first_media_type_is_sent_unless_another_one_is_asked_for_by_name() {
    let usual = "application/json; charset=utf-8";
    for accept in [
        "",
        "*/*",
        "application/*",
        "application/json",
        "text/html",
        "application/hal",
        ",;,q",
        "application/hal+json;q=0",
        "application/hal+json;q=x",
        "application/hal+json2",
        "application/problem+json",
    ] {
        assert_eq!(media(Some(accept)), usual, "{accept:?}");
    }
    assert_eq!(media(None), usual);
    for accept in [
        "application/hal+json",
        "*/*;q=1, APPLICATION/HAL+JSON;q=0.001",
        "application/json, application/hal+json",
        "application/vnd.acme+json, application/hal+json",
    ] {
        assert_eq!(media(Some(accept)), "application/hal+json", "{accept:?}");
    }
    // Parameters of the media type are not compared.
    assert_eq!(
        media(Some("application/vnd.acme+json;v=2")),
        "application/vnd.acme+json; v=1"
    );
    assert_eq!(media(Some(&"a/b,".repeat(10_000))), usual);
}

#[test]
fn an_answer_without_rows_has_neither_body_nor_media_type() {
    let dialect = dialect();
    let user = texts(&[(Field::UserId, "u")]);
    let op = op(&dialect, OperationKind::UserDelete, &user);
    let answer = answered(&dialect, op, &user, &texts(&[(Field::Accept, "text/html")]));
    assert_eq!(
        (answer.status, answer.headers.len(), answer.body.len()),
        (204, 0, 0)
    );
    assert!(
        sent(&dialect, OperationKind::UserDelete, &user)
            .unwrap()
            .body
            .is_empty()
    );
}
