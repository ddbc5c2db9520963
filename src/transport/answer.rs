//! Answers and failures in each protocol's frames.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{Code, Protocol, Status, compression, frame, web_text};

/// An answer ready for HTTP. Its content length is for the server to say.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The trailers, where the protocol sends any.
    pub trailers: Option<HeaderMap>,
}

/// What of a text is encoded in `grpc-message`; space stays, and what is not ASCII goes.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// Fields of a status, in the order in which they are written.
pub(super) type Fields = Vec<(&'static str, String)>;

/// Frames the message of a successful answer. `headers` are the answer's own; a content type and a content
/// length in them are replaced.
#[must_use]
pub fn answer(protocol: Protocol, mut headers: HeaderMap, message: Vec<u8>) -> Answer {
    let Ok(length) = u32::try_from(message.len()) else {
        return refuse(protocol, headers, &larger_than_a_frame());
    };
    typed(&mut headers, protocol.content_type());
    let success = success();
    let (body, trailers) = match protocol {
        Protocol::Connect(_) => (message, None),
        Protocol::Grpc(_) => {
            let mut trailers = HeaderMap::new();
            insert(&mut trailers, success);
            let body = frame::framed(frame::PLAIN, length, &message);
            (body, Some(trailers))
        }
        Protocol::GrpcWeb(_) | Protocol::GrpcWebText(_) => {
            let mut body = frame::framed(frame::PLAIN, length, &message);
            body.extend(trailer_frame(&success));
            (body, None)
        }
    };
    Answer {
        status: 200,
        headers,
        body: text_or_not(protocol, body),
        trailers,
    }
}

/// The status of what went well.
pub(super) fn success() -> Fields {
    vec![("grpc-status", "0".to_owned())]
}

pub(super) fn larger_than_a_frame() -> Status {
    Status::new(Code::ResourceExhausted, "the answer is larger than a frame")
}

/// Frames a failure. `headers` are as for [`answer`]; which encodings are taken is added to them, since
/// that may be what went wrong.
#[must_use]
pub fn refuse(protocol: Protocol, mut headers: HeaderMap, status: &Status) -> Answer {
    let accepted = HeaderValue::from_static(compression::ACCEPTED);
    if matches!(protocol, Protocol::Connect(_)) {
        typed(&mut headers, "application/json");
        headers.insert(ACCEPT_ENCODING, accepted);
        return Answer {
            status: status.code.http_status(),
            headers,
            body: error(status).to_string().into(),
            trailers: None,
        };
    }
    typed(&mut headers, protocol.content_type());
    headers.insert(HeaderName::from_static("grpc-accept-encoding"), accepted);
    let body = if matches!(protocol, Protocol::Grpc(_)) {
        // An answer of trailers only: over HTTP/2 they are the header fields.
        insert(&mut headers, fields(status));
        Bytes::new()
    } else {
        text_or_not(protocol, trailer_frame(&fields(status)))
    };
    Answer {
        status: 200,
        headers,
        body,
        trailers: None,
    }
}

fn typed(headers: &mut HeaderMap, content_type: &'static str) {
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
}

/// The error of Connect.
fn error(status: &Status) -> Value {
    let mut error = Map::new();
    error.insert("code".to_owned(), status.code.name().into());
    if !status.message.is_empty() {
        error.insert("message".to_owned(), status.message.as_str().into());
    }
    if !status.details.is_empty() {
        let details = status.details.iter().map(|detail| {
            json!({ "type": detail.type_name, "value": STANDARD_NO_PAD.encode(&detail.value) })
        });
        error.insert("details".to_owned(), details.collect());
    }
    Value::Object(error)
}

/// The status as gRPC sends it. Its binary form adds the details, so it is there if they are.
pub(super) fn fields(status: &Status) -> Fields {
    let mut fields = vec![("grpc-status", status.code.number().to_string())];
    if !status.message.is_empty() {
        let message = utf8_percent_encode(&status.message, ENCODED).to_string();
        fields.push(("grpc-message", message));
    }
    if !status.details.is_empty() {
        let binary = STANDARD_NO_PAD.encode(status.encoded());
        fields.push(("grpc-status-details-bin", binary));
    }
    fields
}

pub(super) fn insert(headers: &mut HeaderMap, fields: Fields) {
    for (name, value) in fields {
        // Digits, base64 and percent-encoded text are printable, as values must be.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// The status as the last frame of gRPC-Web.
fn trailer_frame(fields: &Fields) -> Vec<u8> {
    let lines = fields
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    let block: String = lines.collect();
    // Texts of failures are nowhere near the 4 GiB that a length can say.
    let length = u32::try_from(block.len()).unwrap_or(u32::MAX);
    frame::framed(frame::TRAILERS, length, block.as_bytes())
}

fn text_or_not(protocol: Protocol, body: Vec<u8>) -> Bytes {
    match protocol {
        Protocol::GrpcWebText(_) => web_text::encoded(&body).into(),
        _ => body.into(),
    }
}
