//! Facts of the mapping engine that no built-in mapping shows: what becomes of a request that fits no
//! op, and what is not sent because it would say something else.

use http::{HeaderMap, HeaderValue, Method, header};
use linkbridge::dialect::{Dialect, Routed, Settings};
use linkbridge::mapping;
use linkbridge::model::{Field, OperationKind, Place, Record, Request, Value, Why};

const HEAD: &str = r#"
format = 1
vendor = "acme"
title = "A mapping of this test"
consumes = ["application/json"]
include = ["errors.toml#error"]
[auth.front]
take = [{ header = "Authorization" }]
"#;

fn dialect(ops: &str) -> Dialect {
    let errors = include_str!("../findings/errors.toml");
    let includes = |file: &str| (file == "errors.toml").then(|| errors.to_owned());
    let loaded = mapping::load("acme", "acme.toml", &format!("{HEAD}{ops}"), &includes);
    let told: String = loaded
        .findings
        .iter()
        .map(linkbridge::finding::render)
        .collect();
    Dialect::new(loaded.plan.unwrap_or_else(|| panic!("{told}")))
}

/// The op that a request means, and its problems as place, name and reason.
fn decoded(
    dialect: &Dialect,
    method: &Method,
    path: &str,
    query: &str,
    body: &str,
) -> (String, Vec<(Place, String, Why)>) {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    let request = Request {
        method,
        path,
        query,
        headers: &headers,
        body: body.as_bytes(),
    };
    let Routed::Ops(candidates) = dialect.route(method, path) else {
        panic!("no route")
    };
    let decoded = dialect
        .decode_request(&candidates, &request, &Settings::default())
        .unwrap();
    let problems = decoded
        .problems
        .iter()
        .map(|p| (p.place, p.at.clone(), p.why))
        .collect();
    (dialect.op_name(decoded.op).to_owned(), problems)
}

fn params(fields: &[(Field, &str)]) -> Record {
    fields
        .iter()
        .map(|(field, text)| (*field, Value::Text((*text).to_owned())))
        .collect()
}

/// Two ops that leave a gap between them: neither parameter is there.
const GAP: &str = r#"
[[op]]
name = "all"
does = "user.delete"
method = "DELETE"
path = "/users/{user_id}"
emit = true
[op.query]
'everything' = { present = true }
[op.response]
status = 200

[[op]]
name = "one"
does = "link.delete"
method = "DELETE"
path = "/users/{user_id}"
emit = true
[op.query]
'everything' = { absent = true }
'p' = { is = "provider_id", need = true, present = true }
[op.response]
status = 200
"#;

#[test]
fn a_request_that_fits_no_op_is_refused_with_what_it_lacks() {
    let dialect = dialect(GAP);
    let (_, problems) = decoded(&dialect, &Method::DELETE, "/users/ann", "", "");
    assert_eq!(
        problems,
        [(Place::Query, "everything".to_owned(), Why::Missing)]
    );
    let (op, problems) = decoded(&dialect, &Method::DELETE, "/users/ann", "everything=1", "");
    assert_eq!((op.as_str(), problems.len()), ("all", 0));
}

const BODY_CHOOSES: &str = r#"
[[op]]
name = "look"
does = "user.get"
method = "POST"
path = "/users/{user_id}"
emit = true
when = { lacks = ["$.delete"] }
[op.response]
status = 200

[[op]]
name = "delete"
does = "user.delete"
method = "POST"
path = "/users/{user_id}"
emit = true
when = { has = ["$.delete"] }
[op.response]
status = 200
"#;

#[test]
fn a_body_is_looked_at_where_only_conditions_need_it() {
    let dialect = dialect(BODY_CHOOSES);
    let op = |body| decoded(&dialect, &Method::POST, "/users/ann", "", body).0;
    assert_eq!(op(r#"{"delete":1}"#), "delete");
    assert_eq!(op(r#"{"delete":null}"#), "look");
}

const PATHS: &str = r#"
[[op]]
name = "get"
does = "provider.get"
method = "GET"
path = "/providers/{provider_id}"
emit = true
[op.response]
status = 200

[[op]]
name = "search"
does = "provider.list"
method = "POST"
path = "/providers/search"
emit = true
[op.response]
status = 200

[[op]]
name = "status"
does = "status"
method = "GET"
path = "/providers/status"
emit = true
[op.response]
status = 200

[[op]]
name = "list"
does = "link.list"
method = "GET"
path = "/users/{user_id}/links"
emit = true
[op.response]
status = 200
"#;

#[test]
fn what_a_request_cannot_say_is_not_sent() {
    let dialect = dialect(PATHS);
    let sent = |kind, fields: &[(Field, &str)]| {
        let sent = dialect.encode_request(kind, &params(fields), &Settings::default());
        sent.map(|(_, request)| request.path)
    };
    let user = (Field::UserId, "a/b");
    assert_eq!(
        sent(OperationKind::LinkList, &[user]).as_deref(),
        Some("/users/a%2Fb/links")
    );
    // A list of all links is not the list of those at a provider.
    assert_eq!(
        sent(
            OperationKind::LinkList,
            &[user, (Field::ProviderId, "google")]
        ),
        None
    );
    // These values would lead to other ops, or up the path.
    for id in ["status", ".", ".."] {
        assert_eq!(
            sent(OperationKind::ProviderGet, &[(Field::ProviderId, id)]),
            None,
            "{id}"
        );
    }
    assert!(sent(OperationKind::ProviderGet, &[(Field::ProviderId, "google")]).is_some());
}

#[test]
fn a_literal_segment_hides_a_capture_only_for_its_own_methods() {
    let dialect = dialect(PATHS);
    let (op, _) = decoded(&dialect, &Method::GET, "/providers/search", "", "");
    assert_eq!(op, "get", "the literal path has no GET");
    let Routed::WrongMethod { allow } = dialect.route(&Method::DELETE, "/providers/search") else {
        panic!()
    };
    assert_eq!(allow, ["POST", "GET"]);
}

#[test]
fn nesting_and_lists_have_bounds() {
    let builtin = mapping::builtin::load_builtin("linkbridge").unwrap();
    let dialect = Dialect::new(builtin.plan.unwrap());
    let headers: HeaderMap = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )]
    .into_iter()
    .collect();
    let decode = |body: &str| {
        let path = "/linkbridge/v1/users/ann";
        let request = Request {
            method: &Method::PUT,
            path,
            query: "",
            headers: &headers,
            body: body.as_bytes(),
        };
        let Routed::Ops(candidates) = dialect.route(&Method::PUT, path) else {
            panic!("no route")
        };
        dialect
            .decode_request(&candidates, &request, &Settings::default())
            .map(|d| d.problems.len())
    };
    let nested = |depth: usize| {
        format!(
            "{{\"document\":{}{}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert_eq!(decode(&nested(63)), Ok(0));
    assert!(decode(&nested(64)).is_err());
    let brackets_in_text = format!("{{\"document\":\"{}\"}}", "[\\\"".repeat(100));
    assert_eq!(decode(&brackets_in_text), Ok(0));
    let faulty: Vec<String> = (0..5000).map(|n| format!("\"{n}\":1")).collect();
    assert_eq!(
        decode(&format!("{{\"ids\":{{{}}}}}", faulty.join(","))),
        Ok(100)
    );
    let many: Vec<String> = (0..10_001).map(|n| format!("\"{n}\":\"x\"")).collect();
    assert_eq!(
        decode(&format!("{{\"ids\":{{{}}}}}", many.join(","))),
        Ok(1)
    );
}

#[test]
fn an_id_that_is_none_to_the_vendor_is_left_out_of_lists_and_not_found_alone() {
    let builtin = mapping::builtin::load_builtin("fusionauth").unwrap();
    let dialect = Dialect::new(builtin.plan.unwrap());
    let provider = (Field::ProviderId, "74c21534-2ecf-4c14-8b0a-444622bedf4b");
    let link = |user| params(&[(Field::UserId, user), provider, (Field::Subject, "1")]);
    let uuid = "206a5101-bf29-487c-af8f-7485ca48d6d5";
    let path = "/api/identity-provider/link";
    let answer = |query: &str, reply: Record| {
        let request = Request {
            method: &Method::GET,
            path,
            query,
            headers: &HeaderMap::new(),
            body: b"",
        };
        let Routed::Ops(candidates) = dialect.route(&Method::GET, path) else {
            panic!("no route")
        };
        let op = dialect
            .decode_request(&candidates, &request, &Settings::default())
            .unwrap()
            .op;
        dialect.encode_response(op, &reply, &Record::new(), &Settings::default())
    };
    let links = Value::List(vec![link("bob"), link(uuid)]);
    let list = answer("userId=7", Record::new().with(Field::Links, links));
    let body: serde_json::Value = serde_json::from_slice(&list.body).unwrap();
    let told = body["identityProviderLinks"].as_array().unwrap();
    assert_eq!((told.len(), &told[0]["userId"]), (1, &uuid.into()));
    let single = Record::new().with(Field::Link, Value::Record(link("bob")));
    let query = format!("identityProviderId={}&identityProviderUserId=1", provider.1);
    assert_eq!(answer(&query, single).status, 404);
}
