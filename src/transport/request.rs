//! The message of a unary request, out of its framing.

use bytes::Bytes;
use http::HeaderMap;

use super::compression::{self, Encoding, too_large};
use super::frame::{self, Frame};
use super::{Code, Codec, Protocol, Status, web_text};

/// The one message of a unary request, `limit` bytes at most. It is empty where a frame is: that is a
/// message without fields, in JSON too.
///
/// # Errors
/// What the client is told, for [`super::refuse`]: a framing that is broken, more or fewer messages than
/// one, an encoding that is not known, a message over the limit, another version of Connect, or no JSON at
/// all where Connect has JSON.
pub fn message(
    protocol: Protocol,
    headers: &HeaderMap,
    body: Bytes,
    limit: usize,
) -> Result<Bytes, Status> {
    match protocol {
        Protocol::Connect(codec) => bare(codec, headers, body, limit),
        Protocol::Grpc(_) | Protocol::GrpcWeb(_) => framed(headers, body, limit),
        Protocol::GrpcWebText(_) => framed(headers, web_text::decoded(&body)?, limit),
    }
}

/// The message of Connect is the body.
fn bare(codec: Codec, headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Status> {
    let version = headers.get("connect-protocol-version");
    if version.is_some_and(|version| version != "1") {
        return Err(Status::new(
            Code::InvalidArgument,
            "Connect-Protocol-Version must be \"1\"",
        ));
    }
    let encoding = compression::named(headers, "content-encoding")?;
    let message = unpacked(body, encoding, limit)?;
    if codec == Codec::Json && message.is_empty() {
        return Err(Status::new(
            Code::InvalidArgument,
            "zero-length payload is not a valid JSON object",
        ));
    }
    Ok(message)
}

/// The message of gRPC is in a frame.
fn framed(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Status> {
    let encoding = frame_encoding(headers)?;
    unframed(frame::only(body, limit)?, encoding, limit)
}

/// How the messages in frames are compressed, those that are.
pub(super) fn frame_encoding(headers: &HeaderMap) -> Result<Encoding, Status> {
    let encoding = compression::named(headers, "grpc-encoding")?;
    if compression::named(headers, "content-encoding") != Ok(Encoding::Identity) {
        return Err(compression::unknown("content-encoding", "identity"));
    }
    Ok(encoding)
}

/// The message of a frame.
pub(super) fn unframed(frame: Frame, encoding: Encoding, limit: usize) -> Result<Bytes, Status> {
    match (frame.compressed, encoding) {
        (false, _) => Ok(frame.data),
        (true, Encoding::Gzip) => unpacked(frame.data, encoding, limit),
        (true, Encoding::Identity) => Err(Status::new(
            Code::Internal,
            "protocol error: compressed message without an encoding in grpc-encoding",
        )),
    }
}

/// Nothing is never decompressed: so the Connect protocol has it.
fn unpacked(data: Bytes, encoding: Encoding, limit: usize) -> Result<Bytes, Status> {
    match encoding {
        Encoding::Gzip if !data.is_empty() => compression::gunzip(&data, limit),
        _ if data.len() > limit => Err(too_large(limit)),
        _ => Ok(data),
    }
}
