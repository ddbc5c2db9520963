//! Which streams are open, and which of their answers wait for the peer to open a window.
//!
//! A shadow of what hyper keeps and does not show: windows of what we send, by the frames that went by. It is
//! bounded, and it decides nothing but how long is waited.

use std::time::Duration;

use tokio::time::Instant;

use super::frames::{DATA, Frame, HEADERS, RST_STREAM};

/// The window of a connection, and of a stream before the peer's SETTINGS (RFC 9113, section 6.9.2).
const WINDOW: i64 = 65_535;
/// The setting that changes the windows of all streams.
const INITIAL_WINDOW_SIZE: u16 = 4;
/// A stream that was open for this long was given time.
const TIME: Duration = Duration::from_millis(100);

/// A stream whose answer has not ended.
#[derive(Debug)]
struct Stream {
    id: u32,
    opened: Instant,
    window: i64,
    /// Whether the peer has ended its side.
    is_ended: bool,
    /// Whether the head of its answer was sent.
    is_answered: bool,
    /// Since when its answer waits for a window.
    waits: Option<Instant>,
}

/// The open streams of a connection.
#[derive(Debug)]
pub(super) struct Streams {
    open: Vec<Stream>,
    most: usize,
    highest: u32,
    initial: i64,
    window: i64,
}

impl Streams {
    /// Those of a connection with so many at once. Streams that are refused are open until that is said, so
    /// that there may be some more.
    pub(super) fn new(concurrent: u32) -> Self {
        Self {
            open: Vec::new(),
            most: usize::try_from(concurrent)
                .unwrap_or(usize::MAX)
                .saturating_mul(2),
            highest: 0,
            initial: WINDOW,
            window: WINDOW,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.open.len()
    }

    /// The highest stream that the peer has opened.
    pub(super) fn highest(&self) -> u32 {
        self.highest
    }

    /// Whether a stream is open since long enough.
    pub(super) fn was_given_time(&self, id: u32, now: Instant) -> bool {
        let stream = self.open.iter().find(|stream| stream.id == id);
        stream.is_some_and(|stream| now.saturating_duration_since(stream.opened) >= TIME)
    }

    /// A frame of the peer.
    pub(super) fn received(&mut self, frame: Frame, now: Instant) {
        match frame.kind {
            HEADERS if frame.stream % 2 == 1 && frame.stream > self.highest => {
                self.highest = frame.stream;
                if self.open.len() < self.most {
                    self.open.push(Stream {
                        id: frame.stream,
                        opened: now,
                        window: self.initial,
                        is_ended: frame.ends_stream(),
                        is_answered: false,
                        waits: None,
                    });
                }
            }
            DATA | HEADERS if frame.ends_stream() => {
                if let Some(stream) = self.open.iter_mut().find(|s| s.id == frame.stream) {
                    stream.is_ended = true;
                }
            }
            RST_STREAM => self.close(frame.stream),
            _ => {}
        }
    }

    /// Whether a frame belongs to a request that has ended, while its answer has not: it cannot.
    pub(super) fn is_ended(&self, frame: Frame) -> bool {
        let mut open = self.open.iter();
        matches!(frame.kind, DATA | HEADERS) && open.any(|s| s.id == frame.stream && s.is_ended)
    }

    /// A frame of ours; whether it is the end of an answer.
    pub(super) fn sent(&mut self, frame: Frame, now: Instant) -> bool {
        if frame.kind == DATA {
            self.window -= i64::from(frame.length);
        }
        if frame.kind == RST_STREAM {
            self.close(frame.stream);
            return false;
        }
        if frame.ends_stream() {
            self.close(frame.stream);
        } else if let Some(stream) = self.open.iter_mut().find(|s| s.id == frame.stream) {
            match frame.kind {
                HEADERS => stream.is_answered = true,
                DATA => {
                    stream.window -= i64::from(frame.length);
                    // It went on: what it waits for from now on is another window.
                    stream.waits = None;
                }
                _ => {}
            }
        }
        if matches!(frame.kind, DATA | HEADERS) {
            self.look(now);
        }
        frame.ends_stream()
    }

    /// The peer opens a window.
    pub(super) fn increment(&mut self, id: u32, by: u32, now: Instant) {
        let window = match id {
            0 => Some(&mut self.window),
            id => {
                let stream = self.open.iter_mut().find(|stream| stream.id == id);
                stream.map(|stream| &mut stream.window)
            }
        };
        if let Some(window) = window {
            *window = window.saturating_add(i64::from(by));
            self.look(now);
        }
    }

    /// The peer changes a setting; whether it can have this value.
    pub(super) fn setting(&mut self, id: u16, value: u32, now: Instant) -> bool {
        if id == INITIAL_WINDOW_SIZE {
            if value > 0x7fff_ffff {
                return false;
            }
            let change = i64::from(value) - self.initial;
            self.initial = i64::from(value);
            for stream in &mut self.open {
                stream.window = stream.window.saturating_add(change);
            }
            self.look(now);
        }
        true
    }

    /// Since when the answer that waits the longest has waited.
    pub(super) fn waits(&self) -> Option<Instant> {
        self.open.iter().filter_map(|stream| stream.waits).min()
    }

    fn close(&mut self, id: u32) {
        if let Some(index) = self.open.iter().position(|stream| stream.id == id) {
            self.open.swap_remove(index);
        }
    }

    /// Starts and ends waits.
    fn look(&mut self, now: Instant) {
        for stream in &mut self.open {
            if stream.is_answered && (stream.window <= 0 || self.window <= 0) {
                stream.waits.get_or_insert(now);
            } else {
                stream.waits = None;
            }
        }
    }
}
