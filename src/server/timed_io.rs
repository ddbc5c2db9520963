//! What a peer sends, on time: the deadlines of reading that hyper does not keep.
//!
//! hyper's only read timer covers both a request's head and the idle time between two requests, and an
//! HTTP/2 connection has no timer at all before its preface has come. Here are two: the first bytes after
//! the connection was accepted, as many as the protocol begins with; and a head from its first byte to its
//! last. They count what TLS has deciphered. The body's timers are `edge::body`'s, the idle timer stays
//! hyper's, and that of writes is `timed_write`'s.

use std::future::Future;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};

/// What the service tells the bytes below it.
#[derive(Debug, Default)]
pub(super) struct Activity {
    in_flight: AtomicU32,
    requests: AtomicU64,
    exhausted: Notify,
}

/// A request in flight, from its complete head to its answer.
pub(super) struct InFlight {
    activity: Arc<Activity>,
    /// Whether the connection ends with its answer, which then says so.
    pub(super) is_last: bool,
}

impl Activity {
    /// Counts a request whose head is complete; the last of `most` ends the connection.
    pub(super) fn begin(self: &Arc<Self>, most: u64) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let is_last = self.requests.fetch_add(1, Ordering::Relaxed) + 1 >= most;
        if is_last {
            self.exhausted.notify_one();
        }
        InFlight {
            activity: Arc::clone(self),
            is_last,
        }
    }

    /// How many requests have begun.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Whether no request is in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) == 0
    }

    /// Waits until the connection has served all it may.
    pub(super) async fn exhausted(&self) {
        self.exhausted.notified().await;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.activity.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long a peer may take to send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// Until its first bytes have come.
    pub(super) first_byte: Duration,
    /// How many bytes those are: one of a head, or the whole preface of HTTP/2.
    pub(super) first_bytes: usize,
    /// From the first byte of a head to its last; `None` for HTTP/2, which has PINGs instead.
    pub(super) head: Option<Duration>,
}

/// What the reading side waits for.
#[derive(Clone, Copy)]
enum Waiting {
    /// So many of the very first bytes.
    FirstBytes(usize),
    /// The rest of a head that began when so many requests had been read.
    Head { requests: u64 },
    /// Nothing that has a deadline here: a body, or the next request.
    Free,
}

/// A stream with deadlines for what is read from it.
pub(super) struct TimedIo<S> {
    stream: S,
    activity: Arc<Activity>,
    deadlines: Deadlines,
    waiting: Waiting,
    read_timer: Pin<Box<Sleep>>,
}

impl<S> TimedIo<S> {
    /// A stream that was accepted now.
    pub(super) fn new(stream: S, activity: Arc<Activity>, deadlines: Deadlines) -> Self {
        let end = Instant::now() + deadlines.first_byte;
        Self {
            stream,
            activity,
            deadlines,
            waiting: Waiting::FirstBytes(deadlines.first_bytes),
            read_timer: Box::pin(sleep_until(end)),
        }
    }

    /// Bytes came: outside a request they are a head's, and its clock starts with the first of them.
    fn note_bytes(&mut self, count: usize) {
        if let Waiting::FirstBytes(missing) = &mut self.waiting
            && *missing > count
        {
            *missing -= count;
            return;
        }
        let requests = self.activity.requests.load(Ordering::Relaxed);
        let between = self.activity.in_flight.load(Ordering::Relaxed) == 0;
        match (self.waiting, self.deadlines.head) {
            (Waiting::Head { requests: since }, _) if since == requests => {}
            (_, Some(head)) if between => {
                self.waiting = Waiting::Head { requests };
                self.read_timer.as_mut().reset(Instant::now() + head);
            }
            _ => self.waiting = Waiting::Free,
        }
    }

    /// Whether a wait for bytes has taken too long. A head that has become a request has no deadline.
    fn poll_read_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let requests = self.activity.requests.load(Ordering::Relaxed);
        match self.waiting {
            Waiting::FirstBytes(_) => self.read_timer.as_mut().poll(cx),
            Waiting::Head { requests: since } if since == requests => {
                self.read_timer.as_mut().poll(cx)
            }
            Waiting::Head { .. } | Waiting::Free => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(read) => {
                let count = buf.filled().len().saturating_sub(before);
                if read.is_ok() && count > 0 {
                    self.note_bytes(count);
                }
                Poll::Ready(read)
            }
            Poll::Pending => {
                ready!(self.poll_read_deadline(cx));
                Poll::Ready(Err(Error::new(
                    ErrorKind::TimedOut,
                    "the peer does not write",
                )))
            }
        }
    }
}

/// Writes have their deadline further down, where it can be seen whether anything moves.
impl<S: AsyncWrite + Unpin> AsyncWrite for TimedIo<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
