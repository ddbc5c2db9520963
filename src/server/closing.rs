//! The end of a connection: last words, half a close, and some patience with a peer that still sends.
//!
//! A socket that is closed while unread bytes wait in it resets the connection, and the reset may overtake
//! the answer. So the writing side closes first, and for a while what comes is read over.

use std::future::Future;
use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// The most that is read over: a body of the largest default size, so that a client that writes all of it
/// before it reads gets to read why it was too large.
const MOST: usize = 512 * 1024;
/// The longest that is taken for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// How far the end has come.
#[derive(Default)]
pub(super) struct Closing {
    step: Step,
    lingers: bool,
}

#[derive(Default)]
enum Step {
    #[default]
    Open,
    /// The last words, of which so many bytes are written.
    Telling {
        words: Vec<u8>,
        written: usize,
    },
    Shutting,
    Lingering {
        left: usize,
        end: Pin<Box<Sleep>>,
    },
    Closed,
}

impl Closing {
    pub(super) fn has_not_begun(&self) -> bool {
        matches!(self.step, Step::Open)
    }

    /// Begins to close. A peer that lingers is read over.
    pub(super) fn begin(&mut self, words: Vec<u8>, lingers: bool) {
        self.step = Step::Telling { words, written: 0 };
        self.lingers = lingers;
    }

    /// Goes on until the connection may be dropped.
    pub(super) fn poll<S: AsyncRead + AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<()>> {
        loop {
            self.step = match &mut self.step {
                Step::Open | Step::Closed => return Poll::Ready(Ok(())),
                Step::Telling { words, written } => {
                    let rest = words.get(*written..).unwrap_or_default();
                    if rest.is_empty() {
                        ready!(stream.as_mut().poll_flush(cx))?;
                        Step::Shutting
                    } else {
                        let count = ready!(stream.as_mut().poll_write(cx, rest))?;
                        if count == 0 {
                            return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
                        }
                        *written += count;
                        continue;
                    }
                }
                Step::Shutting => {
                    ready!(stream.as_mut().poll_shutdown(cx))?;
                    if self.lingers {
                        let end = Box::pin(sleep_until(Instant::now() + PATIENCE));
                        Step::Lingering { left: MOST, end }
                    } else {
                        Step::Closed
                    }
                }
                Step::Lingering { left, end } => {
                    if read_over(stream.as_mut(), cx, left).is_pending() {
                        ready!(end.as_mut().poll(cx));
                    }
                    Step::Closed
                }
            };
        }
    }
}

/// Reads until the peer has closed its side too, or has sent too much. Errors end it as well as anything.
fn read_over<S: AsyncRead>(
    mut stream: Pin<&mut S>,
    cx: &mut Context<'_>,
    left: &mut usize,
) -> Poll<()> {
    let mut scratch = [0; 4096];
    while *left > 0 {
        let mut buf = ReadBuf::new(&mut scratch);
        match ready!(stream.as_mut().poll_read(cx, &mut buf)) {
            Ok(()) if !buf.filled().is_empty() => *left = left.saturating_sub(buf.filled().len()),
            Ok(()) | Err(_) => break,
        }
    }
    Poll::Ready(())
}
