//! Request bodies: collected whole, within a size and within time.
//!
//! hyper limits neither the time of a body nor its rate, and reports a broken framing only while the
//! body is read. So every body is collected before anything is done with it. A stalled or oversized
//! one ends its connection: the rest of it must never be taken for the next request.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::{Instant, timeout_at};

/// How large and how slow a body may be.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The most bytes.
    pub bytes: usize,
    /// The longest wait for the next piece.
    pub chunk: Duration,
    /// The longest time in all.
    pub total: Duration,
    /// The fewest bytes per second, once [`GRACE`] has passed.
    pub bytes_per_second: u64,
}

/// How long a body may be slower than the least rate.
pub const GRACE: Duration = Duration::from_secs(2);

/// Why a body was not collected. The connection ends with any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// Larger than allowed.
    TooLarge,
    /// Slower than allowed.
    TooSlow,
    /// The framing is broken, or the client went away.
    Broken,
}

/// Collects a body.
///
/// # Errors
/// [`BodyFault`]; a declared length over the limit is refused before a byte is read.
pub async fn collect<B>(mut body: B, settings: &Settings) -> Result<Bytes, BodyFault>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > settings.bytes {
        return Err(BodyFault::TooLarge);
    }
    let start = Instant::now();
    let end = start + settings.total;
    let mut pieces = Pieces::default();
    loop {
        let deadline = end.min(Instant::now() + settings.chunk);
        let frame = match timeout_at(deadline, body.frame()).await {
            Err(_) => return Err(BodyFault::TooSlow),
            Ok(None) => return Ok(pieces.joined()),
            Ok(Some(Err(_))) => return Err(BodyFault::Broken),
            Ok(Some(Ok(frame))) => frame,
        };
        // Trailers are dropped: nothing here is safe to merge from them.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > settings.bytes - pieces.len() {
            return Err(BodyFault::TooLarge);
        }
        pieces.push(data);
        let elapsed = start.elapsed();
        let least = settings.bytes_per_second.saturating_mul(elapsed.as_secs());
        if elapsed > GRACE && (pieces.len() as u64) < least && !body.is_end_stream() {
            return Err(BodyFault::TooSlow);
        }
    }
}

/// A small body arrives as one piece, which then is the body, uncopied.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    rest: BytesMut,
}

impl Pieces {
    fn len(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn push(&mut self, data: Bytes) {
        if self.first.is_empty() {
            self.first = data;
        } else {
            self.rest.extend_from_slice(&data);
        }
    }

    fn joined(self) -> Bytes {
        if self.rest.is_empty() {
            return self.first;
        }
        let mut whole = BytesMut::with_capacity(self.len());
        whole.extend_from_slice(&self.first);
        whole.extend_from_slice(&self.rest);
        whole.freeze()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body_util::Full;
    use hyper::body::Frame;

    use super::*;

    const SETTINGS: Settings = Settings {
        bytes: 64,
        chunk: Duration::from_millis(40),
        total: Duration::from_millis(120),
        bytes_per_second: 1024,
    };

    /// One byte every 20 ms, for ever, or nothing at all.
    struct Slow {
        next: Option<Pin<Box<tokio::time::Sleep>>>,
    }

    impl Body for Slow {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            let Some(sleep) = self.next.as_mut() else {
                return Poll::Pending;
            };
            std::task::ready!(sleep.as_mut().poll(cx));
            sleep
                .as_mut()
                .reset(Instant::now() + Duration::from_millis(20));
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
            .block_on(future)
    }

    #[test]
    fn a_body_at_the_limit_is_collected_and_one_byte_more_is_refused() {
        let body = |n| Full::new(Bytes::from(vec![b'x'; n]));
        assert_eq!(run(collect(body(64), &SETTINGS)).unwrap().len(), 64);
        assert_eq!(run(collect(body(65), &SETTINGS)), Err(BodyFault::TooLarge));
        assert_eq!(run(collect(body(0), &SETTINGS)), Ok(Bytes::new()));
    }

    #[test]
    fn a_silent_body_and_a_trickling_one_both_end() {
        let silent = Slow { next: None };
        assert_eq!(run(collect(silent, &SETTINGS)), Err(BodyFault::TooSlow));
        let trickle = async {
            collect(
                Slow {
                    next: Some(Box::pin(tokio::time::sleep(Duration::ZERO))),
                },
                &SETTINGS,
            )
            .await
        };
        assert_eq!(run(trickle), Err(BodyFault::TooSlow));
    }
}
