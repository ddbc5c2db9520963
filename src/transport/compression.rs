//! Compressed messages: which encodings there are, and gzip within a limit.
//!
//! Answers are never compressed. They are small, and what a client put beside a secret would show in
//! the length.

use std::io::Read;

use bytes::Bytes;
use flate2::bufread::GzDecoder;
use http::HeaderMap;

use super::{Code, Status};

/// How a message may be compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
}

/// The encodings that are taken, as a header field names them.
pub(super) const ACCEPTED: &str = "gzip,identity";

/// The encoding that a header field names: one, or none at all.
pub(super) fn named(headers: &HeaderMap, field: &str) -> Result<Encoding, Status> {
    let mut found = Encoding::Identity;
    for value in headers.get_all(field) {
        // What is not text is no encoding that is known.
        let words = value.to_str().unwrap_or("?").split(',').map(str::trim);
        for word in words {
            if word.is_empty() || word.eq_ignore_ascii_case("identity") {
                continue;
            }
            if !word.eq_ignore_ascii_case("gzip") || found == Encoding::Gzip {
                return Err(unknown(field, ACCEPTED));
            }
            found = Encoding::Gzip;
        }
    }
    Ok(found)
}

/// An encoding that is not taken.
pub(super) fn unknown(field: &str, accepted: &str) -> Status {
    let message = format!("unknown compression in {field}: supported encodings are {accepted}");
    Status::new(Code::Unimplemented, message)
}

/// The bytes before compression, `limit` at most. What exceeds it is not even unpacked. A second member is
/// refused: each costs a decoder that is cleared, so that thousands of empty ones would be work for nothing.
pub(super) fn gunzip(data: &[u8], limit: usize) -> Result<Bytes, Status> {
    let enough = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut decoder = GzDecoder::new(data);
    let mut out = Vec::new();
    let read = decoder.by_ref().take(enough).read_to_end(&mut out);
    if out.len() > limit {
        return Err(too_large(limit));
    }
    if read.is_err() || !decoder.into_inner().is_empty() {
        return Err(Status::new(
            Code::InvalidArgument,
            "decompress: the message is not valid gzip",
        ));
    }
    Ok(out.into())
}

/// A message over the limit.
pub(super) fn too_large(limit: usize) -> Status {
    let message = format!("message is larger than configured max {limit}");
    Status::new(Code::ResourceExhausted, message)
}
