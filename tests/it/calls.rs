//! Remote procedure calls of the built-in dialects, byte for byte, against the golden frames of
//! `tests/transport/calls.toml`: what a frame says is what the same request says over REST, and an answer of REST
//! is exactly the golden frame.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use linkbridge::dialect::{Decoded, Dialect, Routed, RpcCall, RpcCalled, Settings};
use linkbridge::mapping::builtin;
use linkbridge::model::{Record, Request, Response, Value};
use linkbridge::transport::{Codec, Protocol, answer, message};
use serde_json::Value as Json;
use toml::Table;

use super::support::rpc::unhex;

const GRPC: Protocol = Protocol::Grpc(Codec::Proto);

/// Cases of the golden table that are answered with a message of their own.
const GOLDEN: [i64; 9] = [8, 30, 31, 32, 34, 35, 36, 37, 46];

fn cases() -> Vec<Table> {
    let file: Table = include_str!("../transport/calls.toml").parse().unwrap();
    let cases = file["case"].as_array().unwrap();
    cases
        .iter()
        .map(|c| c.as_table().unwrap().clone())
        .collect()
}

fn text<'c>(case: &'c Table, key: &str) -> &'c str {
    case[key].as_str().unwrap()
}

fn dialect(case: &Table) -> Dialect {
    let loaded = builtin::load_builtin(text(case, "dialect")).unwrap();
    Dialect::new(loaded.plan.unwrap())
}

fn call<'d>(dialect: &'d Dialect, case: &Table) -> RpcCall<'d> {
    match dialect.call(&path(case)) {
        RpcCalled::Method(call) => call,
        other => panic!("no op for {}: {other:?}", path(case)),
    }
}

fn path(case: &Table) -> String {
    format!("/{}", text(case, "method"))
}

/// What the golden frame says.
fn called(dialect: &Dialect, case: &Table) -> Decoded {
    let (headers, path) = (HeaderMap::new(), path(case));
    let frame = Bytes::from(unhex(text(case, "request")).unwrap());
    let message = message(GRPC, &headers, frame, 4096).unwrap();
    let request = Request {
        method: &Method::POST,
        path: &path,
        query: "",
        headers: &headers,
        body: b"",
    };
    let call = call(dialect, case);
    let decoded = call.decode_binary(&request, &message);
    decoded.unwrap()
}

/// What the golden request over REST says.
fn asked(dialect: &Dialect, case: &Table) -> Decoded {
    let rest = text(case, "rest").trim();
    let (line, body) = rest.split_once("\n\n").unwrap_or((rest, ""));
    let (method, path) = line.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    let request = Request {
        method: &method,
        path,
        query: "",
        headers: &headers,
        body: body.as_bytes(),
    };
    let Routed::Ops(candidates) = dialect.route(&method, path) else {
        panic!("nowhere: {line}")
    };
    let decoded = dialect.decode_request(&candidates, &request, &Settings::default());
    decoded.unwrap()
}

/// A record of texts and numbers as JSON.
fn json(record: &Record) -> Json {
    let members = record.iter().map(|(field, value)| {
        let value = match value {
            Value::Text(text) => Json::from(text.as_str()),
            Value::Int(number) => Json::from(*number),
            other => panic!("{} is {other:?}", field.name()),
        };
        (field.name().to_owned(), value)
    });
    Json::Object(members.collect())
}

#[test]
fn a_golden_frame_says_what_the_golden_request_says() {
    for case in cases() {
        let dialect = dialect(&case);
        let (called, asked) = (called(&dialect, &case), asked(&dialect, &case));
        let what = text(&case, "method");
        assert_eq!(called.op, asked.op, "{what}");
        let (called_problems, asked_problems) = (&called.problems, &asked.problems);
        assert!(called_problems.is_empty() && asked_problems.is_empty());
        let params: Json = serde_json::from_str(text(&case, "params")).unwrap();
        assert_eq!(json(&called.params), params, "{what}");
        assert_eq!(json(&asked.params), params, "{what}, over REST");
    }
}

#[test]
fn a_golden_answer_is_the_golden_frame() {
    for case in cases() {
        let dialect = dialect(&case);
        let told = Response {
            status: 200,
            headers: HeaderMap::new(),
            body: text(&case, "answer").as_bytes().to_vec(),
        };
        let message = call(&dialect, &case).encode_binary(&told).unwrap();
        let frame = unhex(text(&case, "response")).unwrap();
        let sent = |protocol| answer(protocol, HeaderMap::new(), message.clone());
        let what = text(&case, "method");
        assert_eq!(sent(GRPC).body, frame, "{what}");
        let bare = sent(Protocol::Connect(Codec::Proto));
        assert_eq!(bare.body, frame[5..], "{what}");
        let trailers = unhex("8000000010677270632d7374617475733a20300d0a").unwrap();
        let web = sent(Protocol::GrpcWeb(Codec::Proto));
        assert_eq!(web.body, [frame, trailers].concat(), "{what}");
    }
}

#[test]
fn every_golden_frame_is_a_case() {
    let cases = cases();
    let golden = cases
        .iter()
        .flat_map(|case| case["golden"].as_array().unwrap());
    let mut found: Vec<i64> = golden.map(|number| number.as_integer().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, GOLDEN);
}
