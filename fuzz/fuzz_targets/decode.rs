//! Any request is decoded or refused by every built-in dialect, and any answer is read or refused.
//!
//! The input is a request as text (`METHOD target`, header lines, an empty line, a body); its body is
//! also taken as the body of an answer. It goes to every dialect that has its path; and, since paths are hard to
//! guess, to one op of one dialect that its first line chooses, with the segments of its path as captures.

#![no_main]

use std::sync::LazyLock;

use http::{HeaderMap, Method};
use libfuzzer_sys::fuzz_target;
use linkbridge::dialect::{Dialect, Routed, Settings};
use linkbridge::mapping::builtin;
use linkbridge::mapping::plan::Op;
use linkbridge::mapping::route::{self, Segment};
use linkbridge::model::{Failure, OwnedRequest, Record, Response};

static DIALECTS: LazyLock<Vec<Dialect>> = LazyLock::new(|| {
    let plans = builtin::SOURCES.iter().filter_map(|(name, _)| builtin::load_builtin(name)?.plan);
    plans.map(Dialect::new).collect()
});

fuzz_target!(|data: &[u8]| {
    let Some(request) = parsed(data) else { return };
    for dialect in DIALECTS.iter() {
        exercise(dialect, &request, &Settings::default());
    }
    let line = data.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let choice = line.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
    let dialect = &DIALECTS[choice % DIALECTS.len()];
    let ops = &dialect.plan().ops;
    let op = &ops[choice / DIALECTS.len() % ops.len()];
    exercise(dialect, &bent(request, op, choice), &switched(dialect, choice));
});

/// A request as text.
fn parsed(data: &[u8]) -> Option<OwnedRequest> {
    let end = data.windows(2).position(|two| two == b"\n\n");
    let (head, body) = end.map_or((data, &[][..]), |end| (&data[..end], &data[end + 2..]));
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let (method, target) = lines.next().unwrap_or_default().split_once(' ').unwrap_or(("GET", "/"));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.trim().parse::<http::HeaderValue>())
        {
            headers.append(name, value);
        }
    }
    Some(OwnedRequest {
        method: method.parse::<Method>().ok()?,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: body.to_vec(),
    })
}

/// The request with the method and some path of an op; its own segments are the captures.
fn bent(request: OwnedRequest, op: &Op, choice: usize) -> OwnedRequest {
    let paths: Vec<_> = route::paths(op).collect();
    let mut given = request.path.split('/').filter(|segment| !segment.is_empty());
    let segments = paths[choice % paths.len()].iter().map(|segment| match segment {
        Segment::Literal(text) => text.as_str(),
        Segment::Capture(_) => given.next().unwrap_or("x"),
    });
    let path = segments.map(|segment| format!("/{segment}")).collect();
    OwnedRequest { method: op.method.clone(), path, ..request }
}

/// Every switch of a dialect at one of its values.
fn switched(dialect: &Dialect, choice: usize) -> Settings {
    let options = dialect.plan().options.iter().map(|option| {
        let value = &option.values[choice % option.values.len()];
        (option.name.clone(), value.clone())
    });
    Settings { origin: "https://front.test/above".to_owned(), options: options.collect() }
}

fn exercise(dialect: &Dialect, request: &OwnedRequest, settings: &Settings) {
    let _ = dialect.credential(&request.view());
    let Routed::Ops(candidates) = dialect.route(&request.method, &request.path) else { return };
    let decoded = match dialect.decode_request(&candidates, &request.view(), settings) {
        Ok(decoded) => decoded,
        Err(failure) => return drop(dialect.encode_failure(&failure, None, &Record::new(), settings)),
    };
    let (op, params) = (decoded.op, &decoded.params);
    let failure = Failure::Invalid(decoded.problems);
    let _ = dialect.encode_failure(&failure, Some(op), params, settings);
    let _ = dialect.encode_response(op, params, params, settings);
    if let Some((_, sent)) = dialect.encode_request(dialect.operation(op), params, settings) {
        // What is sent leads somewhere.
        assert!(matches!(dialect.route(&sent.method, &sent.path), Routed::Ops(_)));
    }
    for status in [200, 201, 400, 404, 409] {
        let (headers, body) = (request.headers.clone(), request.body.clone());
        let response = Response { status, headers, body };
        if let Ok(read) = dialect.decode_response(op, &response) {
            let _ = dialect.encode_response(op, &read, params, settings);
        }
    }
}
