//! What a peer sends first, on time; and what is in flight on a connection.
//!
//! An HTTP/2 connection has no timer at all before its preface has come: here is one. It counts what TLS has
//! deciphered. HTTP/1 has its own deadlines in `http1_io`, bodies theirs in `edge::body`, and writes theirs in
//! `timed_write`.

use std::future::Future;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};
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
    /// Whether a head of HTTP/1 has begun and is not complete.
    in_head: AtomicBool,
    /// Told when a head is complete, and when a request begins.
    moved: Notify,
    /// Who is to be woken when nothing is in flight any more.
    waiting: Mutex<Option<Waker>>,
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
        self.moved.notify_one();
        InFlight {
            activity: Arc::clone(self),
            is_last,
        }
    }

    /// Whether no request has begun yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.requests.load(Ordering::Relaxed) == 0
    }

    /// Whether so many requests have begun.
    pub(super) fn has_begun(&self, requests: u64) -> bool {
        self.requests.load(Ordering::Relaxed) == requests
    }

    /// Whether so many requests have begun and all of them have their answers.
    pub(super) fn is_idle_after(&self, requests: u64) -> bool {
        self.has_begun(requests) && self.in_flight.load(Ordering::Relaxed) == 0
    }

    /// How many requests have begun.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Whether no request is in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) == 0
    }

    /// Wakes this task when nothing is in flight any more: hyper does not read again by itself where a read
    /// was left waiting.
    pub(super) fn wake_when_idle(&self, cx: &Context<'_>) {
        if let Ok(mut waiting) = self.waiting.lock() {
            *waiting = Some(cx.waker().clone());
        }
    }

    /// Notes whether a head has begun and is not complete.
    pub(super) fn note_head(&self, is_in_head: bool) {
        if self.in_head.swap(is_in_head, Ordering::Relaxed) && !is_in_head {
            self.moved.notify_one();
        }
    }

    /// Waits until no head is on its way. One at a time may wait for this or for the first request.
    pub(super) async fn between_heads(&self) {
        while self.in_head.load(Ordering::Relaxed) {
            self.moved.notified().await;
        }
    }

    /// Waits until the first request has begun.
    pub(super) async fn begun(&self) {
        while self.is_fresh() {
            self.moved.notified().await;
        }
    }

    /// Waits until the connection has served all it may.
    pub(super) async fn exhausted(&self) {
        self.exhausted.notified().await;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.activity.in_flight.fetch_sub(1, Ordering::Relaxed) == 1
            && let Ok(mut waiting) = self.activity.waiting.lock()
            && let Some(waker) = waiting.take()
        {
            waker.wake();
        }
    }
}

/// How long a peer may take to send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// Until its first bytes have come.
    pub(super) first_byte: Duration,
    /// How many bytes those are: the whole preface.
    pub(super) first_bytes: usize,
}

/// A stream with a deadline for the first that is read from it.
pub(super) struct TimedIo<S> {
    stream: S,
    /// So many of the first bytes have not come.
    missing: usize,
    timer: Pin<Box<Sleep>>,
}

impl<S> TimedIo<S> {
    /// A stream that was accepted now.
    pub(super) fn new(stream: S, deadlines: Deadlines) -> Self {
        Self {
            stream,
            missing: deadlines.first_bytes,
            timer: Box::pin(sleep_until(Instant::now() + deadlines.first_byte)),
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
                self.missing = self.missing.saturating_sub(count);
                Poll::Ready(read)
            }
            Poll::Pending if self.missing == 0 => Poll::Pending,
            Poll::Pending => {
                ready!(self.timer.as_mut().poll(cx));
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
