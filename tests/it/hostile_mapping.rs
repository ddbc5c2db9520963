//! The loader and the four functions never panic, whatever they are given.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue, Method, header};
use linkbridge::dialect::{Dialect, Routed, Settings};
use linkbridge::mapping::{self, builtin};
use linkbridge::model::{Request, Response};
use proptest::prelude::*;

static DIALECTS: LazyLock<Vec<Dialect>> = LazyLock::new(|| {
    let loaded = builtin::SOURCES
        .iter()
        .map(|(name, _)| builtin::load_builtin(name).unwrap());
    loaded
        .map(|loaded| Dialect::new(loaded.plan.unwrap()))
        .collect()
});

/// JSON of the shapes that the mappings look at, and of any other.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let names = prop::sample::select(vec![
        "identityProviderLink",
        "identityProviderId",
        "userId",
        "pendingIdPLinkId",
        "ids",
        "document",
        "search",
        "links",
        "code",
        "fieldErrors",
        "generalErrors",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,40}".prop_map(Into::into),
        Just("206a5101-bf29-487c-af8f-7485ca48d6d5".into()),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::Array),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|members| members
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

fn request_target() -> impl Strategy<Value = (Method, String, String)> {
    let path = prop_oneof![
        Just("/api/identity-provider/link".to_owned()),
        Just("/api/identity-provider/search".to_owned()),
        Just("/linkbridge/v1/links".to_owned()),
        "/linkbridge/v1/users/[^/]{1,8}/links",
        "/api/identity-provider/link/pending/[^/]{1,8}",
        "/[ -~]{0,30}",
    ];
    let method = prop::sample::select(vec![Method::GET, Method::POST, Method::PUT, Method::DELETE]);
    (
        method,
        path,
        "[ -~]{0,60}|(identityProviderId|userId|identityProviderUserId|limit)=[ -~]{0,20}",
    )
}

/// Decodes, and answers every way there is. What comes out is not looked at: it must come.
fn exercise(method: &Method, path: &str, query: &str, body: &[u8]) {
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
        body,
    };
    let settings = Settings::default();
    for dialect in DIALECTS.iter() {
        let _ = dialect.credential(&request);
        let Routed::Ops(candidates) = dialect.route(method, path) else {
            continue;
        };
        let Ok(decoded) = dialect.decode_request(&candidates, &request, &settings) else {
            continue;
        };
        let _ = dialect.encode_response(decoded.op, &decoded.params, &decoded.params, &settings);
        let _ = dialect.encode_request(dialect.operation(decoded.op), &decoded.params, &settings);
        for status in [200, 400, 404, 500] {
            let response = Response {
                status,
                headers: HeaderMap::new(),
                body: body.to_vec(),
            };
            let _ = dialect.decode_response(decoded.op, &response);
        }
    }
}

proptest! {
    #[test]
    fn any_json_is_decoded_or_refused((method, path, query) in request_target(), body in json()) {
        exercise(&method, &path, &query, body.to_string().as_bytes());
    }

    #[test]
    fn any_bytes_are_decoded_or_refused((method, path, query) in request_target(), body in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&method, &path, &query, &body);
    }

    #[test]
    fn any_text_is_a_mapping_or_has_findings(text in "\\PC{0,400}") {
        let loaded = mapping::load("x", "x.toml", &text, &|_| None);
        prop_assert!(loaded.plan.is_some() || !loaded.findings.is_empty());
    }

    /// A mapping with a piece cut out or doubled still ends in a plan or in findings that can be shown.
    #[test]
    fn a_damaged_mapping_is_a_mapping_or_has_findings(which in 0..2_usize, at in any::<prop::sample::Index>(), length in 1..200_usize, double in any::<bool>()) {
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
