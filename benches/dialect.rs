//! Nanoseconds of the four functions: one link, and a list of a hundred.
//!
//! `cargo bench --bench dialect`. Compare ratios within one run; a shared machine wobbles.

#![allow(missing_docs, reason = "criterion's macros make items without docs")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark may fail loudly"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, Method, header};
use linkbridge::dialect::{Dialect, OpId, Routed, Settings};
use linkbridge::mapping::builtin;
use linkbridge::model::{Field, OperationKind, Record, Request, Response, Value};

const PATH: &str = "/api/identity-provider/link";
const USER: &str = "206a5101-bf29-487c-af8f-7485ca48d6d5";
const PROVIDER: &str = "74c21534-2ecf-4c14-8b0a-444622bedf4b";
const BODY: &str = r#"{"identityProviderLink":{"displayName":"ann@example.test","identityProviderId":"74c21534-2ecf-4c14-8b0a-444622bedf4b","identityProviderUserId":"sub-1001","userId":"206a5101-bf29-487c-af8f-7485ca48d6d5"}}"#;

fn dialect() -> Dialect {
    let loaded = builtin::load_builtin("fusionauth").unwrap();
    Dialect::new(loaded.plan.unwrap())
}

fn link(number: usize) -> Record {
    let text = |text: &str| Value::Text(text.to_owned());
    [
        (Field::DisplayName, text("ann@example.test")),
        (Field::ProviderId, text(PROVIDER)),
        (Field::ProviderName, text("Acme OIDC")),
        (Field::ProviderKind, text("oidc")),
        (Field::Subject, text(&format!("sub-{number}"))),
        (Field::CreatedAt, Value::Int(1_595_361_142_909)),
        (Field::Tenant, text("48426136-8eb7-49d5-81f3-9280b146a334")),
        (Field::UserId, text(USER)),
    ]
    .into_iter()
    .collect()
}

/// A request with everything that it is decoded from.
struct Case {
    method: Method,
    query: String,
    headers: HeaderMap,
    body: &'static str,
    reply: Record,
}

impl Case {
    fn one() -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let reply = Record::new().with(Field::Link, Value::Record(link(1)));
        Self {
            method: Method::POST,
            query: String::new(),
            headers,
            body: BODY,
            reply,
        }
    }

    fn hundred() -> Self {
        let links = Value::List((0..100).map(link).collect());
        let reply = Record::new().with(Field::Links, links);
        Self {
            method: Method::GET,
            query: format!("userId={USER}"),
            headers: HeaderMap::new(),
            body: "",
            reply,
        }
    }

    fn decode(&self, dialect: &Dialect, settings: &Settings) -> (OpId, Record) {
        let request = Request {
            method: &self.method,
            path: PATH,
            query: &self.query,
            headers: &self.headers,
            body: self.body.as_bytes(),
        };
        let Routed::Ops(candidates) = dialect.route(&self.method, PATH) else {
            panic!("no route")
        };
        let decoded = dialect
            .decode_request(&candidates, &request, settings)
            .unwrap();
        assert!(decoded.problems.is_empty());
        (decoded.op, decoded.params)
    }
}

fn bench(c: &mut Criterion) {
    let dialect = dialect();
    let settings = Settings::default();
    for (name, case) in [("one link", Case::one()), ("100 links", Case::hundred())] {
        let (op, params) = case.decode(&dialect, &settings);
        let kind: OperationKind = dialect.operation(op);
        let response: Response = dialect.encode_response(op, &case.reply, &params, &settings);
        let mut group = c.benchmark_group(name);
        group.bench_function("decode_request", |b| {
            b.iter(|| case.decode(&dialect, black_box(&settings)))
        });
        group.bench_function("encode_response", |b| {
            b.iter(|| dialect.encode_response(op, black_box(&case.reply), &params, &settings));
        });
        group.bench_function("encode_request", |b| {
            b.iter(|| {
                dialect
                    .encode_request(kind, black_box(&params), &settings)
                    .unwrap()
            });
        });
        group.bench_function("decode_response", |b| {
            b.iter(|| dialect.decode_response(op, black_box(&response)).unwrap());
        });
        group.bench_function("all four", |b| {
            b.iter(|| {
                let (op, params) = case.decode(&dialect, &settings);
                let request = dialect.encode_request(kind, &params, &settings).unwrap();
                let record = dialect.decode_response(op, &response).unwrap();
                (
                    dialect.encode_response(op, &record, &params, &settings),
                    request,
                )
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).measurement_time(std::time::Duration::from_secs(2)).warm_up_time(std::time::Duration::from_millis(500));
    targets = bench
}
criterion_main!(benches);
