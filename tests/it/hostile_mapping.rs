//! The loader and the four functions never panic, whatever they are given.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue, header};
use linkbridge::dialect::{Dialect, Routed, Settings};
use linkbridge::mapping::route::{self, Segment};
use linkbridge::mapping::{self, builtin};
use linkbridge::model::{Failure, OperationKind, OwnedRequest, Record, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use proptest::sample::Index;

static DIALECTS: LazyLock<Vec<Dialect>> = LazyLock::new(|| {
    let loaded = builtin::SOURCES
        .iter()
        .map(|(name, _)| builtin::load_builtin(name).unwrap());
    loaded
        .map(|loaded| Dialect::new(loaded.plan.unwrap()))
        .collect()
});

/// The names of the members that the examples of all dialects have.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut names = BTreeSet::from(["x".to_owned()]);
    let ops = DIALECTS.iter().flat_map(|dialect| &dialect.plan().ops);
    for example in ops.flat_map(|op| &op.examples) {
        let request = example.request.iter().map(|request| &request.body);
        let response = example.response.iter().map(|response| &response.body);
        for body in request.chain(response) {
            if let Ok(body) = serde_json::from_slice(body) {
                collect(&body, &mut names);
            }
        }
    }
    names.into_iter().collect()
});

fn collect(body: &serde_json::Value, names: &mut BTreeSet<String>) {
    match body {
        serde_json::Value::Object(members) => members.iter().for_each(|(name, value)| {
            names.insert(name.clone());
            collect(value, names);
        }),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}

/// Texts that some row looks for, and any others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("206a5101-bf29-487c-af8f-7485ca48d6d5".to_owned()),
        Just("corp:s-1".to_owned()),
        Just("oidc".to_owned()),
        "[a-c,:]{0,6}",
        "-?[0-9]{1,20}",
        ".{0,12}",
    ]
}

/// JSON of the shapes that the mappings look at, and of any other.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        text().prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::Array),
            prop::collection::vec((prop::sample::select(&NAMES[..]), inner), 0..6).prop_map(
                |members| members
                    .into_iter()
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            ),
        ]
    })
}

/// The body of some example of an op with one value replaced by another.
fn nearly(body: &[u8], at: Index, value: &serde_json::Value) -> Vec<u8> {
    let Ok(mut body) = serde_json::from_slice::<serde_json::Value>(body) else {
        return value.to_string().into_bytes();
    };
    let mut left = at.index(count(&body));
    replace(&mut body, &mut left, value);
    body.to_string().into_bytes()
}

fn count(json: &serde_json::Value) -> usize {
    let below: usize = match json {
        serde_json::Value::Object(members) => members.values().map(count).sum(),
        serde_json::Value::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    };
    1 + below
}

fn replace(json: &mut serde_json::Value, left: &mut usize, value: &serde_json::Value) -> bool {
    if *left == 0 {
        *json = value.clone();
        return true;
    }
    *left -= 1;
    match json {
        serde_json::Value::Object(members) => members
            .values_mut()
            .any(|inner| replace(inner, left, value)),
        serde_json::Value::Array(items) => {
            items.iter_mut().any(|inner| replace(inner, left, value))
        }
        _ => false,
    }
}

/// A request that nearly means some op of some dialect.
fn request() -> impl Strategy<Value = (usize, OwnedRequest)> {
    let pairs = prop::collection::vec((any::<Index>(), text()), 0..6);
    let captures = prop::collection::vec(text(), 4);
    let which = (
        any::<Index>(),
        any::<Index>(),
        any::<Index>(),
        any::<Index>(),
    );
    (which, captures, pairs, json(), any::<Index>()).prop_map(
        |((dialect, op, path, example), captures, pairs, value, at)| {
            let dialect = dialect.index(DIALECTS.len());
            let plan = DIALECTS[dialect].plan();
            let op = op.get(&plan.ops);
            let paths: Vec<_> = route::paths(op).collect();
            let mut values = captures.iter().map(|text| encoded(text));
            let segments = path.get(&paths).iter().map(|segment| match segment {
                Segment::Literal(text) => text.clone(),
                Segment::Capture(_) => values.next().unwrap_or_default(),
            });
            let segments: Vec<String> = segments.collect();
            let rows = &op.query;
            let pairs = pairs.iter().filter(|_| !rows.is_empty());
            let pairs = pairs.map(|(at, text)| format!("{}={}", at.get(rows).0, encoded(text)));
            let bodies = op
                .examples
                .iter()
                .filter_map(|e| Some(&e.request.as_ref()?.body));
            let bodies: Vec<_> = bodies.filter(|body| !body.is_empty()).collect();
            let body = match bodies.is_empty() {
                true => value.to_string().into_bytes(),
                false => nearly(bodies[example.index(bodies.len())], at, &value),
            };
            let request = OwnedRequest {
                method: op.method.clone(),
                path: format!("/{}", segments.join("/")),
                query: pairs.collect::<Vec<_>>().join("&"),
                headers: media(op.consumes.first().map_or("x/y", String::as_str)),
                body,
            };
            (dialect, request)
        },
    )
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn media(media: &str) -> HeaderMap {
    let value = HeaderValue::try_from(media).unwrap();
    HeaderMap::from_iter([(header::CONTENT_TYPE, value)])
}

/// Decodes, and answers every way there is. What comes out is not looked at: it must come.
fn exercise(dialect: &Dialect, request: &OwnedRequest) {
    let settings = Settings::default();
    let _ = dialect.credential(&request.view());
    let Routed::Ops(candidates) = dialect.route(&request.method, &request.path) else {
        return;
    };
    let decoded = match dialect.decode_request(&candidates, &request.view(), &settings) {
        Ok(decoded) => decoded,
        Err(failure) => {
            let _ = dialect.encode_failure(&failure, None, &Record::new(), &settings);
            return;
        }
    };
    let (op, params) = (decoded.op, &decoded.params);
    let failure = Failure::Invalid(decoded.problems);
    let _ = dialect.encode_failure(&failure, Some(op), params, &settings);
    let _ = dialect.encode_response(op, params, params, &settings);
    let _ = dialect.encode_request(dialect.operation(op), params, &settings);
    for status in [200, 201, 400, 404, 500] {
        let response = Response {
            status,
            headers: HeaderMap::new(),
            body: request.body.clone(),
        };
        if let Ok(read) = dialect.decode_response(op, &response) {
            let _ = dialect.encode_response(op, &read, params, &settings);
        }
    }
}

/// What a request says, if nothing is wrong with it; what is beside what it asks for is left out.
fn said(dialect: &Dialect, request: &OwnedRequest) -> Option<(OperationKind, Record)> {
    let Routed::Ops(candidates) = dialect.route(&request.method, &request.path) else {
        return None;
    };
    let settings = Settings::default();
    let decoded = dialect.decode_request(&candidates, &request.view(), &settings);
    let decoded = decoded.ok()?;
    let params = decoded
        .params
        .iter()
        .filter(|(field, _)| !field.is_beside());
    let params = params
        .map(|(field, value)| (field, value.clone()))
        .collect();
    let is_sound = decoded.problems.is_empty() && decoded.refusal.is_none();
    is_sound.then(|| (dialect.operation(decoded.op), params))
}

proptest! {
    #[test]
    fn any_request_is_decoded_or_refused((dialect, request) in request()) {
        exercise(&DIALECTS[dialect], &request);
    }

    #[test]
    fn any_bytes_are_decoded_or_refused((dialect, mut request) in request(), query in "[ -~]{0,60}", body in prop::collection::vec(any::<u8>(), 0..200)) {
        request.body = body;
        request.query = query;
        exercise(&DIALECTS[dialect], &request);
    }

    /// What a request says, another one says as well, if there is one that does.
    #[test]
    fn what_is_read_is_read_again_from_what_is_sent((dialect, request) in request()) {
        let dialect = &DIALECTS[dialect];
        if let Some((kind, params)) = said(dialect, &request)
            && let Some((_, sent)) = dialect.encode_request(kind, &params, &Settings::default())
        {
            let again = said(dialect, &sent);
            let (same, read) = again.ok_or_else(|| TestCaseError::fail(format!("{sent:?}")))?;
            prop_assert_eq!(same, kind);
            for (field, value) in params.iter() {
                prop_assert_eq!(read.value(field), Some(value), "{:?}", sent);
            }
        }
    }

    #[test]
    fn any_text_is_a_mapping_or_has_findings(text in "\\PC{0,400}") {
        let loaded = mapping::load("x", "x.toml", &text, &|_| None);
        prop_assert!(loaded.plan.is_some() || !loaded.findings.is_empty());
    }

    /// A mapping with a piece cut out or doubled still ends in a plan or in findings that can be shown.
    #[test]
    fn a_damaged_mapping_is_a_mapping_or_has_findings(which in 0..builtin::SOURCES.len(), at in any::<prop::sample::Index>(), length in 1..200_usize, double in any::<bool>()) {
        let (name, text) = builtin::SOURCES[which];
        let start = (0..=at.index(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap();
        let end = (start..=(start + length).min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap();
        let middle = if double { &text[start..end] } else { "" };
        let damaged = format!("{}{middle}{middle}{}", &text[..start], &text[end..]);
        let loaded = mapping::load(name, "x.toml", &damaged, &|_| None);
        prop_assert!(loaded.plan.is_some() || !loaded.findings.is_empty());
        for finding in &loaded.findings {
            prop_assert!(!linkbridge::finding::render(finding).is_empty());
        }
    }
}
