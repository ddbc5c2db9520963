//! The base64 of gRPC-Web's text form. A sender may flush at any time, so a body is a row of chunks, each
//! with its own padding.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use bytes::Bytes;

use super::{Code, Status};

/// The last chunk may lack its padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes that a text stands for.
pub(super) fn decoded(text: &[u8]) -> Result<Bytes, Status> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut rest = text;
    while !rest.is_empty() {
        // A chunk ends with the group of four that has padding.
        let padded = rest.chunks(4).position(|group| group.contains(&b'='));
        let end = padded.map_or(rest.len(), |group| (group + 1) * 4);
        let (chunk, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        if LENIENT.decode_vec(chunk, &mut out).is_err() {
            return Err(Status::new(
                Code::InvalidArgument,
                "protocol error: the body is not valid base64",
            ));
        }
        rest = after;
    }
    Ok(out.into())
}

/// The text of a whole body, as one chunk.
pub(super) fn encoded(body: &[u8]) -> String {
    STANDARD.encode(body)
}
