//! A body on its way through: read here, written there, a piece at a time.
//!
//! A task reads a piece, and reads on when it has been taken. So who is slow slows the other side down, at
//! most three pieces are held, and each wait has its time, whichever side is waited for.

use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::edge::body::GRACE;
use crate::telemetry::metrics::{FrontSeries, What};

/// How long a body may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// For the next piece, and for a piece to be taken.
    pub(super) stall: Duration,
    /// The fewest bytes per second that its sender may send; the time in which they are not taken does not
    /// count. 0 = any.
    pub(super) bytes_per_second: u64,
}

/// Where the bytes that go through are counted.
pub(super) struct Tally {
    series: Arc<FrontSeries>,
    is_answer: bool,
}

impl Tally {
    /// As those of requests.
    pub(super) fn received(series: &Arc<FrontSeries>) -> Self {
        Self {
            series: Arc::clone(series),
            is_answer: false,
        }
    }

    /// As those of answers.
    pub(super) fn sent(series: &Arc<FrontSeries>) -> Self {
        Self {
            is_answer: true,
            ..Self::received(series)
        }
    }

    fn add(&self, bytes: usize) {
        match self.is_answer {
            true => self.series.sent(What::Passthrough, bytes),
            false => self.series.received(What::Passthrough, bytes),
        }
    }
}

/// Why a body did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// Its sender sends too slowly, or no more.
    SenderSlow,
    /// Its sender has broken off.
    SenderBroke,
    /// Nobody takes it.
    TakerSlow,
    /// Who took it has gone.
    TakerGone,
}

/// How far a body is.
#[derive(Debug)]
pub(super) struct Progress(Mutex<State>);

#[derive(Clone, Copy, Debug)]
enum State {
    Moving,
    Read { at: Instant },
    Stopped { why: Stopped, at: Instant },
}

impl Progress {
    /// What was read to its end stays so: whoever takes it may be gone before that is noticed.
    fn set(&self, state: State) {
        if let Ok(mut now) = self.0.lock()
            && !matches!(*now, State::Read { .. })
        {
            *now = state;
        }
    }

    fn state(&self) -> State {
        self.0.lock().map_or(State::Moving, |state| *state)
    }

    /// Whether its last byte was read.
    pub(super) fn is_read(&self) -> bool {
        matches!(self.state(), State::Read { .. })
    }

    /// Since when nothing more is to come, read or not.
    pub(super) fn over_since(&self) -> Option<Instant> {
        match self.state() {
            State::Read { at } | State::Stopped { at, .. } => Some(at),
            State::Moving => None,
        }
    }

    /// Why it will not come to its end.
    pub(super) fn stopped(&self) -> Option<Stopped> {
        match self.state() {
            State::Stopped { why, .. } => Some(why),
            State::Moving | State::Read { .. } => None,
        }
    }
}

/// What goes through.
enum Piece {
    Data(Bytes),
    /// The body was read to its end. Without it, it was not.
    End,
}

/// The other end of a pipe.
pub(in crate::server) struct Piped {
    pieces: mpsc::Receiver<Piece>,
    /// What is still to come, if that is known.
    left: Option<u64>,
    ended: bool,
}

impl Piped {
    /// Without a byte.
    pub(super) fn empty() -> Self {
        Self {
            pieces: mpsc::channel(1).1,
            left: Some(0),
            ended: true,
        }
    }
}

/// Sends a body through. `held` is kept until it was read, or has broken off: not until its last piece has
/// gone, since whoever has that may come back at once.
pub(super) fn pipe<H: Send + 'static>(
    body: Incoming,
    pace: Pace,
    tally: Tally,
    held: H,
) -> (Piped, Arc<Progress>) {
    let progress = Arc::new(Progress(Mutex::new(State::Moving)));
    if body.is_end_stream() {
        progress.set(State::Read { at: Instant::now() });
        return (Piped::empty(), progress);
    }
    let left = body.size_hint().exact();
    let (sender, pieces) = mpsc::channel(1);
    let shared = Arc::clone(&progress);
    drop(tokio::spawn(async move {
        let mut held = Some(held);
        let mut is_read = || {
            shared.set(State::Read { at: Instant::now() });
            held.take();
        };
        if let Err(why) = pump(body, &sender, pace, &tally, &mut is_read).await {
            let at = Instant::now();
            shared.set(State::Stopped { why, at });
        }
        drop(held);
    }));
    let piped = Piped {
        pieces,
        left,
        ended: false,
    };
    (piped, progress)
}

async fn pump(
    mut body: Incoming,
    sender: &mpsc::Sender<Piece>,
    pace: Pace,
    tally: &Tally,
    is_read: &mut impl FnMut(),
) -> Result<(), Stopped> {
    let mut waited = Duration::ZERO;
    let mut count: u64 = 0;
    loop {
        let since = Instant::now();
        let frame = tokio::select! {
            biased;
            () = sender.closed() => return Err(Stopped::TakerGone),
            frame = timeout(pace.stall, body.frame()) => frame.map_err(|_| Stopped::SenderSlow)?,
        };
        let data = match frame {
            None => break,
            Some(Err(_)) => return Err(Stopped::SenderBroke),
            // Trailers are dropped: nothing says which of them are safe on the other side.
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        };
        waited += since.elapsed();
        count += data.len() as u64;
        tally.add(data.len());
        let least = pace.bytes_per_second.saturating_mul(waited.as_secs());
        if waited > GRACE && count < least && !body.is_end_stream() {
            return Err(Stopped::SenderSlow);
        }
        if body.is_end_stream() {
            is_read();
        }
        if !data.is_empty() {
            give(sender, Piece::Data(data), pace).await?;
        }
    }
    is_read();
    // Whoever knew how long it is needs no end, and may have gone.
    match give(sender, Piece::End, pace).await {
        Err(Stopped::TakerSlow) => Err(Stopped::TakerSlow),
        _ => Ok(()),
    }
}

async fn give(sender: &mpsc::Sender<Piece>, piece: Piece, pace: Pace) -> Result<(), Stopped> {
    match timeout(pace.stall, sender.send(piece)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Stopped::TakerGone),
        Err(_) => Err(Stopped::TakerSlow),
    }
}

impl Body for Piped {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let piece = ready!(self.pieces.poll_recv(cx));
        Poll::Ready(match piece {
            Some(Piece::Data(data)) => {
                self.left = self.left.map(|left| left.saturating_sub(data.len() as u64));
                self.ended = self.left == Some(0);
                Some(Ok(Frame::data(data)))
            }
            Some(Piece::End) => {
                self.ended = true;
                None
            }
            None => {
                self.ended = true;
                Some(Err(Error::new(
                    ErrorKind::ConnectionAborted,
                    "the body broke off",
                )))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
