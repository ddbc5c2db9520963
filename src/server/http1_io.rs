//! HTTP/1 in its bytes: filtered, on time, and ended so that the last answer can be read.
//!
//! hyper gets heads that are complete and good, and bodies as they come. What [`Filter`] refuses it never
//! sees: for it the connection ends before that, in order. When all that was asked before has been answered
//! and flushed, hyper closes its side, and then the refusal is written here. So pipelined answers come out
//! whole and in their order, whatever follows them.
//!
//! hyper's one read timer covers a head and the time between requests alike, and is off here: what is waited
//! for is known here, so each wait has its own time.

use std::future::Future;
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::clock;
use super::closing::Closing;
use super::held::Held;
use super::line::Peer;
use super::timed_io::Activity;
use crate::edge::http1::{Counts, Fault, Filter, Limits};
use crate::telemetry::{self, Access, metrics::Outcome};

/// How long a peer may take to send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// Until its first byte has come.
    pub(super) first_byte: Duration,
    /// From the first byte of a head to its last.
    pub(super) head: Duration,
    /// From an answer to the first byte of the next head.
    pub(super) idle: Duration,
}

/// What the reading side waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// The very first byte.
    FirstByte,
    /// The rest of a head, the first after so many.
    Head { after: u64 },
    /// The next request, with nothing else to do.
    Idle,
    /// Nothing that has a deadline here: a body, or an answer of ours.
    Free,
}

/// A stream of HTTP/1.
pub(super) struct Http1Io<S> {
    stream: S,
    activity: Arc<Activity>,
    counts: Arc<Counts>,
    peer: Peer,
    deadlines: Deadlines,
    filter: Filter,
    held: Held,
    waiting: Waiting,
    timer: Pin<Box<Sleep>>,
    /// Whether hyper was told that the connection ends because something is refused.
    told: bool,
    /// Whether hyper has more to send than was taken from it. It lets go of an answer before that.
    unsent: bool,
    /// Whether a read waits for the connection to be idle.
    awaited: bool,
    closing: Closing,
}

impl<S> Http1Io<S> {
    /// A stream that was accepted now.
    pub(super) fn new(
        stream: S,
        activity: Arc<Activity>,
        (counts, peer): (Arc<Counts>, Peer),
        deadlines: Deadlines,
        limits: Limits,
    ) -> Self {
        let end = Instant::now() + deadlines.first_byte;
        Self {
            stream,
            activity,
            counts,
            peer,
            deadlines,
            filter: Filter::new(limits),
            held: Held::default(),
            waiting: Waiting::FirstByte,
            timer: Box::pin(sleep_until(end)),
            told: false,
            unsent: false,
            awaited: false,
            closing: Closing::default(),
        }
    }

    /// Whether hyper has answered every request that it was given, to the last byte, and would read the next
    /// one's head now.
    fn is_idle(&self) -> bool {
        !self.unsent && self.activity.is_idle_after(self.filter.heads())
    }

    /// Reads again when the connection is idle: hyper does not by itself where a read was left waiting.
    fn wake_when_idle(&mut self, cx: &Context<'_>) {
        self.awaited = true;
        self.activity.wake_when_idle(cx);
    }

    /// Bytes came and were looked at. The clock of a head starts with its first byte.
    fn note_bytes(&mut self) {
        let after = self.filter.heads();
        self.activity.note_head(self.filter.is_in_head());
        if !self.filter.is_in_head() {
            self.waiting = Waiting::Free;
        } else if self.waiting != (Waiting::Head { after }) {
            self.wait(Waiting::Head { after }, self.deadlines.head);
        }
        if let Some(refusal) = self.filter.refusal() {
            self.note_refusal(refusal.fault);
        }
    }

    fn note_refusal(&self, fault: Fault) {
        self.counts.add(fault);
        tracing::debug!(status = fault.status(), fault = ?fault, "a request was refused unread");
        // What is wrong with a body is answered by the walk, which has a line of its own for it.
        if !fault.is_in_body() {
            telemetry::access(&Access {
                status: Some(fault.status()),
                outcome: Outcome::Head.name(),
                protocol: Some("http/1.1"),
                tls: self.peer.tls,
                source: Some(self.peer.address),
                ..Access::default()
            });
        }
    }

    fn wait(&mut self, what: Waiting, time: Duration) {
        self.waiting = what;
        self.timer.as_mut().reset(Instant::now() + time);
    }

    /// Nothing can be read for now: waits, but not for ever. Ready when the connection is to end.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waiting == Waiting::Free && self.filter.is_between() && self.is_idle() {
            self.wait(Waiting::Idle, self.deadlines.idle);
        }
        if self.waiting == Waiting::Free {
            if self.filter.is_between() {
                self.wake_when_idle(cx);
            }
            return Poll::Pending;
        }
        ready!(self.timer.as_mut().poll(cx));
        if let Waiting::Head { .. } = self.waiting {
            self.filter.refuse(Fault::HeadTooSlow);
            self.activity.note_head(false);
            self.note_refusal(Fault::HeadTooSlow);
            return self.poll_refused(cx);
        }
        Poll::Ready(())
    }

    /// Something is refused: ready once hyper may be told that nothing more comes.
    fn poll_refused(&mut self, cx: &Context<'_>) -> Poll<()> {
        // Whoever reads a body has to be told in the middle of it.
        let in_body = self
            .filter
            .refusal()
            .is_some_and(|refusal| refusal.fault.is_in_body());
        if !in_body {
            if !self.is_idle() {
                self.wake_when_idle(cx);
                return Poll::Pending;
            }
            self.told = true;
        }
        Poll::Ready(())
    }

    /// What is still to be said when hyper has closed its side.
    fn last_words(&self) -> Vec<u8> {
        match self.filter.refusal().filter(|_| self.told) {
            Some(refusal) => refusal.answer(&clock::http_date()),
            None => Vec::new(),
        }
    }

    /// Whether the peer may be sending what nobody reads: closing at once would reset the connection and
    /// take the last answer with it.
    fn expects_more(&self) -> bool {
        !self.filter.is_between() || !self.activity.has_begun(self.filter.heads())
    }
}

impl<S: AsyncRead + Unpin> Http1Io<S> {
    /// Reads what there is, to where it can be looked at: into `buf`, or behind a head of which a part is
    /// held. Answers how much that was.
    fn poll_fill(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<usize>> {
        if self.held.is_empty() {
            let before = buf.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
            return Poll::Ready(Ok(buf.filled().len().saturating_sub(before)));
        }
        self.held.poll_fill(Pin::new(&mut self.stream), cx)
    }

    /// Looks at what came, and leaves in `buf` or at the front of what is held what may pass.
    fn look(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        if self.held.is_empty() {
            let window = buf.filled_mut().get_mut(before..).unwrap_or_default();
            let passed = self.filter.look(window);
            if self.filter.refusal().is_none() {
                self.held.keep(window.get(passed..).unwrap_or_default());
            }
            buf.set_filled(before + passed);
        } else {
            let passed = self.filter.look(self.held.window());
            self.held.pass(passed);
        }
        self.note_bytes();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Http1Io<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        loop {
            this.held.give(buf);
            if buf.filled().len() > before || buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            if this.filter.refusal().is_some() {
                return this.poll_refused(cx).map(Ok);
            }
            match this.poll_fill(cx, buf) {
                Poll::Pending => return this.poll_deadline(cx).map(Ok),
                // The end; of a head that has begun nothing is left to say.
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(_)) => this.look(buf, before),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            }
        }
    }
}

/// Writes pass. Their deadline is further down, where it can be seen whether anything moves.
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Http1Io<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<Result<usize>> {
        self.unsent = true;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        self.unsent = true;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        // hyper flushes what is below it when all of its own has been taken.
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        if std::mem::take(&mut self.unsent) && std::mem::take(&mut self.awaited) {
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        if this.closing.has_not_begun() {
            let lingers = this.expects_more();
            this.closing.begin(this.last_words(), lingers);
        }
        this.closing.poll(Pin::new(&mut this.stream), cx)
    }
}
