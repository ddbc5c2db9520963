//! What is sent after the head of an answer: a whole body, a stream of our own, or what an origin sends.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};

use super::passthrough::Piped;
use super::reflection::Reflection;

/// What is sent after a head.
pub(super) enum Payload {
    /// A complete body, and the trailers of gRPC after it.
    Whole {
        data: Option<Bytes>,
        trailers: Option<HeaderMap>,
    },
    /// Messages and trailers as they come.
    Stream(Pin<Box<Reflection>>),
    /// What an origin sends.
    Piped(Piped),
}

impl Payload {
    /// How many bytes of it are known ahead: what only goes through is counted where it does.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::Whole { data, .. } => data.as_ref().map_or(0, Bytes::len),
            Self::Stream(_) | Self::Piped(_) => 0,
        }
    }
}

/// A stream of our own does not end early.
fn never(never: Infallible) -> std::io::Error {
    match never {}
}

impl Body for Payload {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.get_mut() {
            Self::Whole { data, trailers } => {
                let data = data.take().map(Frame::data);
                let frame = data.or_else(|| trailers.take().map(Frame::trailers));
                Poll::Ready(frame.map(Ok))
            }
            Self::Stream(stream) => {
                let frame = stream.as_mut().poll_frame(cx);
                frame.map(|frame| frame.map(|frame| frame.map_err(never)))
            }
            Self::Piped(piped) => Pin::new(piped).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole { data, trailers } => data.is_none() && trailers.is_none(),
            Self::Stream(stream) => stream.is_end_stream(),
            Self::Piped(piped) => piped.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole { data, .. } => {
                SizeHint::with_exact(data.as_ref().map_or(0, |data| data.len() as u64))
            }
            Self::Stream(stream) => stream.size_hint(),
            Self::Piped(piped) => piped.size_hint(),
        }
    }
}
