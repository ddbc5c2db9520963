//! Frames: a byte of flags, the length in four bytes, a message.

use bytes::{Buf, Bytes};

use super::compression::too_large;
use super::{Code, Status};

/// The message is as it is.
pub(super) const PLAIN: u8 = 0;
/// The message is compressed.
pub(super) const COMPRESSED: u8 = 1;
/// The frame has the trailers of a gRPC-Web answer.
pub(super) const TRAILERS: u8 = 0x80;

/// Flags and length.
pub(super) const HEAD: usize = 5;

/// A frame of a request.
pub(super) struct Frame {
    pub(super) compressed: bool,
    pub(super) data: Bytes,
}

/// The only frame of a unary request. Nothing is allocated for what a length only claims.
pub(super) fn only(mut body: Bytes, limit: usize) -> Result<Frame, Status> {
    if body.is_empty() {
        return Err(cardinality("unary request has zero messages"));
    }
    let frame = next(&mut body, limit)?;
    if body.is_empty() {
        return Ok(frame);
    }
    // A whole second frame is another message; anything else is a broken one.
    next(&mut body, limit)?;
    Err(cardinality("unary request has multiple messages"))
}

fn next(body: &mut Bytes, limit: usize) -> Result<Frame, Status> {
    let (Ok(flags), Ok(length)) = (body.try_get_u8(), body.try_get_u32()) else {
        return Err(broken("protocol error: incomplete envelope"));
    };
    let (compressed, length) = head(flags, length, limit)?;
    let there = body.len();
    if length > there {
        return Err(broken(&format!(
            "protocol error: promised {length} bytes in enveloped message, got {there} bytes"
        )));
    }
    Ok(Frame {
        compressed,
        data: body.split_to(length),
    })
}

/// What the head of a frame says: whether the message is compressed, and its length.
pub(super) fn head(flags: u8, length: u32, limit: usize) -> Result<(bool, usize), Status> {
    if flags & !COMPRESSED != 0 {
        let message = format!("protocol error: invalid envelope flags {flags}");
        return Err(Status::new(Code::Internal, message));
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > limit {
        return Err(too_large(limit));
    }
    Ok((flags == COMPRESSED, length))
}

/// A frame; `length` is that of the data.
pub(super) fn framed(flags: u8, length: u32, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len().saturating_add(HEAD));
    out.push(flags);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(data);
    out
}

/// Too many messages or too few: gRPC's list of codes has `unimplemented` for it.
fn cardinality(message: &str) -> Status {
    Status::new(Code::Unimplemented, message)
}

fn broken(message: &str) -> Status {
    Status::new(Code::InvalidArgument, message)
}
