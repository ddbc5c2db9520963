//! The messages of OTLP's traces (`opentelemetry/proto/collector/trace/v1`), as far as they are sent. Tests
//! read what comes of them by the published `.proto` files.

use crate::trace::{self, Finished, Key, Kind, Name};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ExportTraceServiceRequest {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(string, tag = "3")]
    trace_state: String,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    /// 0 = unset, 1 = ok, 2 = error.
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 3")]
    value: Option<Value>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Value {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(int64, tag = "3")]
    Number(i64),
}

impl ExportTraceServiceRequest {
    /// The spans of these requests, as those of one process.
    pub(super) fn of(requests: Vec<Finished>, instance: &str) -> Self {
        let about = [
            ("service.name", "linkbridge"),
            ("service.version", env!("CARGO_PKG_VERSION")),
            ("service.instance.id", instance),
        ];
        let attributes = about.map(|(key, value)| text(key, value)).to_vec();
        let spans = requests.into_iter().flat_map(spans).collect();
        let scope = Scope {
            name: "linkbridge".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Self {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource { attributes }),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope),
                    spans,
                }],
            }],
        }
    }
}

fn spans(request: Finished) -> impl Iterator<Item = Span> {
    let Finished {
        trace,
        state,
        spans,
        ..
    } = request;
    let state = state.as_ref().and_then(|value| value.to_str().ok());
    let state = state.unwrap_or_default().to_owned();
    spans.into_iter().map(move |span| Span {
        trace_id: trace.bytes().to_vec(),
        span_id: span.id.bytes().to_vec(),
        trace_state: state.clone(),
        parent_span_id: span.within.map_or(Vec::new(), |id| id.bytes().to_vec()),
        name: name(&span),
        kind: match span.kind {
            Kind::Internal => 1,
            Kind::Server => 2,
            Kind::Client => 3,
        },
        start_time_unix_nano: span.start,
        end_time_unix_nano: span.end,
        status: span.failed.then_some(Status { code: 2 }),
        attributes: span.attributes.into_iter().map(attribute).collect(),
    })
}

/// A request goes by its method and the template of its path, as the conventions have it.
fn name(span: &trace::Span) -> String {
    let find = |wanted: Key| {
        let mut attributes = span.attributes.iter();
        attributes.find_map(|(key, value)| match value {
            trace::Value::Word(word) if *key == wanted => Some(*word),
            trace::Value::Text(text) if *key == wanted => Some(&**text),
            _ => None,
        })
    };
    match (span.name, find(Key::Method), find(Key::Route)) {
        (Name::Server, Some(method), Some(route)) => format!("{method} {route}"),
        (Name::Server, Some(method), None) => method.to_owned(),
        (name, ..) => name.text().to_owned(),
    }
}

fn attribute((key, value): (Key, trace::Value)) -> KeyValue {
    let value = match value {
        trace::Value::Word(word) => Value::Text(word.to_owned()),
        trace::Value::Text(text) => Value::Text(text.into_owned()),
        trace::Value::Number(number) => Value::Number(number),
    };
    KeyValue {
        key: key.text().to_owned(),
        value: Some(AnyValue { value: Some(value) }),
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::Text(value.to_owned())),
        }),
    }
}
