//! Streams of gRPC: messages out of pieces of a body as they come, frames and trailers as they go.

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;

use super::compression::Encoding;
use super::frame::{self, Frame};
use super::{Code, Status, answer, request};

/// Takes messages out of a body that comes in pieces.
#[derive(Debug)]
pub struct Messages {
    encoding: Encoding,
    limit: usize,
    buffer: BytesMut,
}

impl Messages {
    /// For a request with these header fields; a message has `limit` bytes at most.
    ///
    /// # Errors
    /// What the client is told about an encoding that is not known.
    pub fn new(headers: &HeaderMap, limit: usize) -> Result<Self, Status> {
        Ok(Self {
            encoding: request::frame_encoding(headers)?,
            limit,
            buffer: BytesMut::new(),
        })
    }

    /// Takes in the next piece. No more than that and one message is ever held, if every whole message is
    /// taken out before.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// Takes the next message out; `None` if there is no whole one yet.
    ///
    /// # Errors
    /// What the client is told: a broken frame, a message over the limit. The stream is over then.
    pub fn take(&mut self) -> Result<Option<Bytes>, Status> {
        let mut rest: &[u8] = &self.buffer;
        let (Ok(flags), Ok(length)) = (rest.try_get_u8(), rest.try_get_u32()) else {
            return Ok(None);
        };
        let (compressed, length) = frame::head(flags, length, self.limit)?;
        if rest.len() < length {
            return Ok(None);
        }
        self.buffer.advance(frame::HEAD);
        let data = self.buffer.split_to(length).freeze();
        request::unframed(Frame { compressed, data }, self.encoding, self.limit).map(Some)
    }

    /// Whether the body may end here.
    ///
    /// # Errors
    /// What the client is told about half a message.
    pub fn end(&self) -> Result<(), Status> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        Err(Status::new(
            Code::InvalidArgument,
            "protocol error: incomplete envelope",
        ))
    }
}

/// The frame of a message that is sent.
///
/// # Errors
/// A message that no frame has room for.
pub fn framed(message: &[u8]) -> Result<Bytes, Status> {
    let length = u32::try_from(message.len());
    let length = length.map_err(|_| answer::larger_than_a_frame())?;
    Ok(frame::framed(frame::PLAIN, length, message).into())
}

/// The trailers of a stream that ended like this.
#[must_use]
pub fn trailers(end: &Result<(), Status>) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    let fields = match end {
        Ok(()) => answer::success(),
        Err(status) => answer::fields(status),
    };
    answer::insert(&mut trailers, fields);
    trailers
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn messages(limit: usize) -> Messages {
        Messages::new(&HeaderMap::new(), limit).unwrap()
    }

    #[test]
    fn half_a_message_is_waited_for_and_is_none_at_the_end() {
        let mut half = messages(9);
        half.push(&[0, 0, 0]);
        assert_eq!(half.take(), Ok(None));
        half.push(&[0, 2, b'a']);
        assert_eq!(half.take(), Ok(None));
        assert_eq!(half.end().unwrap_err().code, Code::InvalidArgument);
        half.push(b"b");
        assert_eq!(half.take().unwrap().as_deref(), Some(&b"ab"[..]));
        assert_eq!((half.take(), half.end()), (Ok(None), Ok(())));
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_the_message_comes() {
        let mut large = messages(9);
        large.push(&[0, 0, 0, 0, 10]);
        assert_eq!(large.take().unwrap_err().code, Code::ResourceExhausted);
    }

    #[test]
    fn flags_and_encodings_that_are_not_known_are_refused() {
        let mut odd = messages(9);
        odd.push(&[2, 0, 0, 0, 0]);
        assert_eq!(odd.take().unwrap_err().code, Code::Internal);
        // Compressed, without a word about how.
        let mut odd = messages(9);
        odd.push(&[1, 0, 0, 0, 0]);
        assert_eq!(odd.take().unwrap_err().code, Code::Internal);
        let mut headers = HeaderMap::new();
        headers.insert("grpc-encoding", HeaderValue::from_static("br"));
        let refused = Messages::new(&headers, 9).unwrap_err();
        assert_eq!(refused.code, Code::Unimplemented);
    }

    proptest! {
        #[test]
        fn messages_are_the_same_however_the_body_is_cut(
            sent in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..6),
            cut in 1_usize..20,
        ) {
            let body: Vec<u8> = sent.iter().flat_map(|m| framed(m).unwrap()).collect();
            let (mut stream, mut got) = (messages(40), Vec::new());
            for piece in body.chunks(cut) {
                stream.push(piece);
                while let Some(message) = stream.take().unwrap() {
                    got.push(message.to_vec());
                }
            }
            prop_assert_eq!(stream.end(), Ok(()));
            prop_assert_eq!(got, sent);
        }
    }
}
