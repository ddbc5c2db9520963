//! The layer between hyper and a connection that looks at frames, and ends what goes too far.
//!
//! The end is said at the edge of a frame of ours, and then what the peer still sends is read for a moment:
//! a socket that is closed with unread bytes is reset, and the peer would never read why.

use std::future::Future;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::guard::Guard;
use super::{Fault, Quiet, Settings, counts};

/// How long an end may take.
const PARTING: Duration = Duration::from_millis(500);
/// How much is read meanwhile.
const PARTING_BYTES: usize = 1 << 20;

/// A stream whose frames are looked at.
pub struct Guarded<S> {
    stream: S,
    guard: Guard,
    quiet: Arc<Quiet>,
    /// Runs to the end of the wait that is over first.
    timer: Option<Pin<Box<Sleep>>>,
    end: Option<End>,
}

/// A connection that is ended from here.
struct End {
    fault: Fault,
    last_word: Vec<u8>,
    n_written: usize,
    is_shut: bool,
    n_read: usize,
    timer: Pin<Box<Sleep>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    /// A connection that begins now, and who is told of its streams.
    pub fn new(stream: S, settings: Settings, quiet: Arc<Quiet>) -> Self {
        Self {
            stream,
            guard: Guard::new(settings, Instant::now()),
            quiet,
            timer: None,
            end: None,
        }
    }

    fn begin_end(&mut self, fault: Fault) {
        counts().note(fault);
        tracing::debug!(reason = fault.message(), "an HTTP/2 connection is ended");
        let last_word = self.guard.last_word(fault);
        self.end = Some(End {
            fault,
            // In the midst of a frame nothing can be said.
            is_shut: last_word.is_none(),
            n_read: if last_word.is_none() {
                PARTING_BYTES
            } else {
                0
            },
            last_word: last_word.unwrap_or_default(),
            n_written: 0,
            timer: Box::pin(sleep_until(Instant::now() + PARTING)),
        });
    }

    /// Whether a wait has become too long.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Fault> {
        let Some((end, fault)) = self.guard.deadline() else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if timer.deadline() != end {
            timer.as_mut().reset(end);
        }
        timer.as_mut().poll(cx).map(|()| fault)
    }

    /// Reads until there is something that may pass, or the connection is to end.
    fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::result::Result<Result<()>, Fault>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if read.is_pending() {
            return self.poll_deadline(cx).map(Err);
        }
        let now = Instant::now();
        let new = buf.filled().get(before..).unwrap_or_default();
        let mut judged = self.guard.received(new, now);
        if let Some((_, fault)) = self.guard.deadline().filter(|(end, _)| *end <= now) {
            judged = judged.and(Err(fault));
        }
        self.quiet.note(self.guard.open(), now);
        if let Err(fault) = judged {
            buf.set_filled(before);
            return Poll::Ready(Err(fault));
        }
        read.map(Ok)
    }

    fn note_sent<'b>(
        &mut self,
        cx: &mut Context<'_>,
        mut n: usize,
        bufs: impl Iterator<Item = &'b [u8]>,
    ) {
        let now = Instant::now();
        for buf in bufs {
            let taken = n.min(buf.len());
            self.guard.sent(buf.get(..taken).unwrap_or_default(), now);
            n -= taken;
        }
        self.quiet.note(self.guard.open(), now);
        // An answer may have begun to wait, and nothing may be read before that is over.
        if self.poll_deadline(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}

impl End {
    /// Says the last word, shuts the sending side and reads for a while. Every error is an end as well.
    fn poll<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<()> {
        match self.poll_steps(cx, stream) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => self.timer.as_mut().poll(cx),
        }
    }

    fn poll_steps<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<Result<()>> {
        while let Some(rest @ [_, ..]) = self.last_word.get(self.n_written..) {
            let n = ready!(Pin::new(&mut *stream).poll_write(cx, rest))?;
            if n == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            self.n_written += n;
        }
        if !self.is_shut {
            // This flushes, too.
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
            self.is_shut = true;
        }
        let mut scratch = [0; 4096];
        while self.n_read < PARTING_BYTES {
            let mut buf = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut buf))?;
            match buf.filled().len() {
                0 => break,
                n => self.n_read += n,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = &mut *self;
        if this.end.is_none() {
            match ready!(this.poll_pass(cx, buf)) {
                Ok(read) => return Poll::Ready(read),
                Err(fault) => this.begin_end(fault),
            }
        }
        let Some(end) = &mut this.end else {
            return Poll::Pending;
        };
        ready!(end.poll(cx, &mut this.stream));
        let why = end.fault.message();
        Poll::Ready(Err(Error::new(ErrorKind::ConnectionAborted, why)))
    }
}

/// What is written after the last word is lost, and said to be written, since an error would end the
/// connection before the peer has read that word.
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize>> {
        if self.end.is_some() {
            return Poll::Ready(Ok(buf.len()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.note_sent(cx, written, std::iter::once(buf));
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        if self.end.is_some() {
            return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs))?;
        self.note_sent(cx, written, bufs.iter().map(|buf| &**buf));
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.end.is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
