//! What an HTTP/2 peer may cost without asking for anything.
//!
//! hyper bounds what requests cost: streams, windows, lists of fields, resets. It does not bound frames that
//! are no request (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, frames of unknown types), nor the time in which a
//! peer opens a window or ends a list of fields, and it has no idle timer. Here is a layer below it that sees
//! the frames of both directions go by: [`Guarded`]. It reads heads of frames and the few payloads that move
//! windows, keeps no bytes and changes none, until a peer has gone too far: then it says so with a GOAWAY of
//! ENHANCE_YOUR_CALM, and ends the connection. A few mistakes that hyper does not tell as the RFC wants them
//! told are found on the way.
//!
//! * `frames` reads heads of frames; `budget` prices them; `streams` knows which streams wait for what;
//!   `guard` puts the three together. They are pure: the clock is handed in.
//! * `guarded_io` is the layer itself, [`Quiet`] tells those above it that no stream is open.

mod budget;
mod frames;
mod guard;
mod guarded_io;
mod quiet;
mod streams;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use self::frames::MOST as FRAME_BYTES;
pub use self::guarded_io::Guarded;
pub use self::quiet::Quiet;

/// How many frames that are no request a connection may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// So many at once.
    pub burst: u32,
    /// One more each time this has passed.
    pub each: Duration,
}

/// What a connection may do.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Frames that are no request.
    pub frames: Allowance,
    /// The most concurrent streams: what is remembered of streams is bounded by it.
    pub streams: u32,
    /// How long a peer may keep an answer from going on by not opening a window.
    pub stall: Duration,
    /// How long a list of fields may take from its first frame to its last.
    pub head: Duration,
}

/// Why a connection is ended from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Its budget is used up; the type of the frame that was one too many.
    Frames(u8),
    /// An answer waits for a window for too long.
    Stalled,
    /// A list of fields does not end.
    Head,
    /// The first frame is not SETTINGS, which hyper does not mind (RFC 9113, section 3.4).
    Opening,
    /// A frame has a length that its type cannot have. hyper says so, too, but with another code; so it is
    /// with the next two.
    Size,
    /// A window that is larger than a window can be.
    Window,
    /// Something of a stream that the peer has ended.
    Ended,
}

impl Fault {
    /// What the peer is told.
    fn message(self) -> &'static str {
        match self {
            Fault::Frames(_) => "too many frames that are no request",
            Fault::Stalled => "an answer was not read for too long",
            Fault::Head => "a list of fields took too long",
            Fault::Opening => "the first frame is not SETTINGS",
            Fault::Size => "a frame of this type has another length",
            Fault::Window => "a window cannot be that large",
            Fault::Ended => "the stream was ended",
        }
    }

    /// The code of the GOAWAY (RFC 9113, section 7).
    fn code(self) -> u32 {
        match self {
            Fault::Frames(_) | Fault::Stalled | Fault::Head => 11,
            Fault::Opening => 1,
            Fault::Window => 3,
            Fault::Ended => 5,
            Fault::Size => 6,
        }
    }
}

/// How many connections were ended from here since the process began, and why.
#[derive(Debug, Default)]
pub struct Counts {
    /// Too many PING frames.
    pub ping: AtomicU64,
    /// Too many SETTINGS frames.
    pub settings: AtomicU64,
    /// Too many PRIORITY frames.
    pub priority: AtomicU64,
    /// Too many WINDOW_UPDATE frames.
    pub window_update: AtomicU64,
    /// Too many RST_STREAM frames.
    pub reset: AtomicU64,
    /// Too many small DATA frames.
    pub data: AtomicU64,
    /// Too many CONTINUATION frames.
    pub continuation: AtomicU64,
    /// Too many frames of other types.
    pub other: AtomicU64,
    /// An answer was not read.
    pub stalled: AtomicU64,
    /// A list of fields did not end.
    pub head: AtomicU64,
    /// The first frame was not SETTINGS, or there was a length, a window or a stream that could not be.
    pub malformed: AtomicU64,
}

impl Counts {
    const fn new() -> Self {
        Self {
            ping: AtomicU64::new(0),
            settings: AtomicU64::new(0),
            priority: AtomicU64::new(0),
            window_update: AtomicU64::new(0),
            reset: AtomicU64::new(0),
            data: AtomicU64::new(0),
            continuation: AtomicU64::new(0),
            other: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            head: AtomicU64::new(0),
            malformed: AtomicU64::new(0),
        }
    }

    fn of(&self, fault: Fault) -> &AtomicU64 {
        match fault {
            Fault::Frames(frames::DATA) => &self.data,
            Fault::Frames(frames::PRIORITY) => &self.priority,
            Fault::Frames(frames::RST_STREAM) => &self.reset,
            Fault::Frames(frames::SETTINGS) => &self.settings,
            Fault::Frames(frames::PING) => &self.ping,
            Fault::Frames(frames::WINDOW_UPDATE) => &self.window_update,
            Fault::Frames(frames::CONTINUATION) => &self.continuation,
            Fault::Frames(_) => &self.other,
            Fault::Stalled => &self.stalled,
            Fault::Head => &self.head,
            Fault::Opening | Fault::Size | Fault::Window | Fault::Ended => &self.malformed,
        }
    }

    fn note(&self, fault: Fault) {
        self.of(fault).fetch_add(1, Ordering::Relaxed);
    }
}

/// They outlive every reload, so they belong to the process.
static COUNTS: Counts = Counts::new();

/// The counts of this process.
#[must_use]
pub fn counts() -> &'static Counts {
    &COUNTS
}
