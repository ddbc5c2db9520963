//! Any request is decoded or refused by every built-in dialect, and any answer is read or refused.
//!
//! The input is a request as text (`METHOD target`, header lines, an empty line, a body); its body is
//! also taken as the body of an answer.

#![no_main]

use std::sync::LazyLock;

use http::{HeaderMap, Method};
use libfuzzer_sys::fuzz_target;
use linkbridge::dialect::{Dialect, Routed, Settings};
use linkbridge::mapping::builtin;
use linkbridge::model::{Failure, Request, Response};

static DIALECTS: LazyLock<Vec<Dialect>> = LazyLock::new(|| {
    let plans = builtin::SOURCES.iter().filter_map(|(name, _)| builtin::load_builtin(name)?.plan);
    plans.map(Dialect::new).collect()
});

fuzz_target!(|data: &[u8]| {
    let end = data.windows(2).position(|two| two == b"\n\n");
    let (head, body) = end.map_or((data, &[][..]), |end| (&data[..end], &data[end + 2..]));
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let (method, target) = lines.next().unwrap_or_default().split_once(' ').unwrap_or(("GET", "/"));
    let Ok(method) = method.parse::<Method>() else { return };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.trim().parse::<http::HeaderValue>())
        {
            headers.append(name, value);
        }
    }
    let request = Request { method: &method, path, query, headers: &headers, body };
    let settings = Settings::default();
    for dialect in DIALECTS.iter() {
        let _ = dialect.credential(&request);
        let Routed::Ops(candidates) = dialect.route(&method, path) else { continue };
        match dialect.decode_request(&candidates, &request, &settings) {
            Err(failure) => drop(dialect.encode_failure(&failure, None, &Default::default(), &settings)),
            Ok(decoded) => {
                let failure = Failure::Invalid(decoded.problems);
                let _ = dialect.encode_failure(&failure, Some(decoded.op), &decoded.params, &settings);
                let _ = dialect.encode_response(decoded.op, &decoded.params, &decoded.params, &settings);
                let _ = dialect.encode_request(dialect.operation(decoded.op), &decoded.params, &settings);
                for status in [200, 400, 404] {
                    let response = Response { status, headers: headers.clone(), body: body.to_vec() };
                    let _ = dialect.decode_response(decoded.op, &response);
                }
            }
        }
    }
});
