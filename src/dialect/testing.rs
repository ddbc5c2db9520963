//! What the tests of this module share: dialects from a few lines of a mapping, requests in HTTP form.

use super::{Decoded, Dialect, OpId, Routed, Settings};
use crate::finding::render;
use crate::mapping::example::{parse_request, parse_response};
use crate::mapping::load;
use crate::model::{Failure, Field, OperationKind, OwnedRequest, Problem, Record, Response, Value};

/// The dialect of a mapping: `top` has keys of the file itself, `tables` the rest.
pub(super) fn dialect(top: &str, tables: &str) -> Dialect {
    let text = format!(
        "format = 1\nvendor = \"acme\"\ntitle = \"A test\"\ninclude = [\"errors.toml#error\"]\n{top}\n\
         [auth.front]\ntake = [{{ header = \"Authorization\" }}]\n{tables}"
    );
    let errors = include_str!("../../tests/findings/errors.toml");
    let includes = |file: &str| (file == "errors.toml").then(|| errors.to_owned());
    let loaded = load("acme", "acme.toml", &text, &includes);
    let told: String = loaded.findings.iter().map(render).collect();
    assert_eq!(told, "");
    Dialect::new(loaded.plan.unwrap())
}

/// What a request in HTTP form means.
pub(super) fn asked(dialect: &Dialect, request: &str) -> Result<Decoded, Failure> {
    let request = parse_request(request).unwrap();
    read(dialect, &request)
}

/// What a request means.
pub(super) fn read(dialect: &Dialect, request: &OwnedRequest) -> Result<Decoded, Failure> {
    let Routed::Ops(candidates) = dialect.route(&request.method, &request.path) else {
        panic!("{} {} leads nowhere", request.method, request.path)
    };
    dialect.decode_request(&candidates, &request.view(), &Settings::default())
}

/// The problems of a request: where each is, and why.
pub(super) fn faults(dialect: &Dialect, request: &str) -> Vec<String> {
    let told = |p: &Problem| format!("{} {}", p.at, p.why.name());
    match asked(dialect, request) {
        Ok(read) => read.problems.iter().map(told).collect(),
        Err(Failure::Invalid(problems)) => problems.iter().map(told).collect(),
        Err(failure) => panic!("{}", failure.message()),
    }
}

/// The parameters of a request that has no problem.
pub(super) fn params(dialect: &Dialect, request: &str) -> Record {
    let read = asked(dialect, request).unwrap();
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    read.params
}

/// The request that says an operation; `None` if there is none.
pub(super) fn sent(
    dialect: &Dialect,
    kind: OperationKind,
    params: &Record,
) -> Option<OwnedRequest> {
    let sent = dialect.encode_request(kind, params, &Settings::default());
    sent.map(|(_, request)| request)
}

/// The only op that an operation has when it is sent with these parameters.
pub(super) fn op(dialect: &Dialect, kind: OperationKind, params: &Record) -> OpId {
    let sent = dialect.encode_request(kind, params, &Settings::default());
    sent.unwrap().0
}

/// The answer of an op.
pub(super) fn answered(dialect: &Dialect, op: OpId, reply: &Record, params: &Record) -> Response {
    let settings = Settings {
        origin: "https://acme.test".to_owned(),
        ..Settings::default()
    };
    dialect.encode_response(op, reply, params, &settings)
}

/// What an answer in HTTP form means.
pub(super) fn means(dialect: &Dialect, op: OpId, response: &str) -> Result<Record, Failure> {
    dialect.decode_response(op, &parse_response(response).unwrap())
}

/// A record of texts.
pub(super) fn texts(fields: &[(Field, &str)]) -> Record {
    let text = |(field, text): &(Field, &str)| (*field, Value::Text((*text).to_owned()));
    fields.iter().map(text).collect()
}

/// A list of records that have one text.
pub(super) fn list(field: Field, all: &[&str]) -> Value {
    let records = all.iter().map(|text| texts(&[(field, text)]));
    Value::List(records.collect())
}

/// The body of an answer or of a request that is sent.
pub(super) fn body(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap()
}
