//! A collector of traces that reads what it gets by the published files of OpenTelemetry (`tests/otlp`).

use std::path::Path;
use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value;

use super::super::support::fault::{Act, Fault};

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/otlp");
    let service = folder.join("opentelemetry/proto/collector/trace/v1/trace_service.proto");
    let set = protox::compile([service], [folder]).unwrap();
    DescriptorPool::from_file_descriptor_set(set).unwrap()
});

pub(crate) struct Collector(pub(crate) Fault);

/// A span as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) failed: bool,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Span {
    pub(crate) fn attribute(&self, key: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }
}

fn hex(base64: &Value) -> String {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let bytes = engine.decode(base64.as_str().unwrap_or_default()).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn span(json: &Value) -> Span {
    let number = |key: &str| text(&json[key]).parse().unwrap();
    let attributes = json["attributes"].as_array().cloned().unwrap_or_default();
    let value = |value: &Value| text(value.as_object().unwrap().values().next().unwrap());
    Span {
        trace: hex(&json["traceId"]),
        id: hex(&json["spanId"]),
        parent: hex(&json["parentSpanId"]),
        name: text(&json["name"]),
        kind: text(&json["kind"]),
        state: text(&json["traceState"]),
        start: number("startTimeUnixNano"),
        end: number("endTimeUnixNano"),
        failed: json["status"]["code"] == "STATUS_CODE_ERROR",
        attributes: attributes
            .iter()
            .map(|one| (text(&one["key"]), value(&one["value"])))
            .collect(),
    }
}

impl Collector {
    pub(crate) fn start() -> Self {
        let fields = "content-type: application/x-protobuf\r\n".to_owned();
        Self(Fault::start(vec![Act::Answers(200, fields, Vec::new())]))
    }

    /// Every span that has come; panics at what is no message, or has a field that is none.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let name = "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest";
        let descriptor = POOL.get_message_by_name(name).unwrap();
        let mut found = Vec::new();
        for seen in self.0.seen() {
            let message = DynamicMessage::decode(descriptor.clone(), seen.body.as_slice()).unwrap();
            assert_eq!(message.unknown_fields().count(), 0);
            let json = serde_json::to_value(&message).unwrap();
            for resource in json["resourceSpans"].as_array().unwrap() {
                let about = resource["resource"]["attributes"].to_string();
                assert!(
                    about.contains("service.name") && about.contains("linkbridge"),
                    "{about}"
                );
                for scope in resource["scopeSpans"].as_array().unwrap() {
                    found.extend(scope["spans"].as_array().unwrap().iter().map(span));
                }
            }
        }
        found
    }
}
