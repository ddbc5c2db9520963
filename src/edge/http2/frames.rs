//! Frames as they go by in one direction: their heads, and the payloads that move windows.
//!
//! Nothing is buffered but a head that came in pieces. Whether a frame is well formed is for hyper to say.

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

/// What a client says before its first frame.
const PREFACE: usize = 24;
const HEAD: usize = 9;
/// The largest frame, as our SETTINGS have it.
pub const MOST: u32 = 16 * 1024;

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) length: u32,
}

impl Frame {
    /// END_STREAM of DATA and HEADERS.
    pub(super) fn ends_stream(self) -> bool {
        self.flags & 0x1 != 0 && matches!(self.kind, DATA | HEADERS)
    }

    /// END_HEADERS of HEADERS and CONTINUATION.
    pub(super) fn ends_fields(self) -> bool {
        self.flags & 0x4 != 0 && matches!(self.kind, HEADERS | CONTINUATION)
    }

    /// Whether its type can have its length (RFC 9113, sections 4.2 and 6).
    pub(super) fn has_possible_length(self) -> bool {
        match self.kind {
            _ if self.length > MOST => false,
            PRIORITY => self.length == 5,
            RST_STREAM | WINDOW_UPDATE => self.length == 4,
            PING => self.length == 8,
            SETTINGS if self.is_ack() => self.length == 0,
            SETTINGS => self.length.is_multiple_of(6),
            _ => true,
        }
    }

    /// PADDED of DATA.
    pub(super) fn is_padded(self) -> bool {
        self.flags & 0x8 != 0 && self.kind == DATA
    }

    /// ACK of SETTINGS and PING.
    pub(super) fn is_ack(self) -> bool {
        self.flags & 0x1 != 0 && matches!(self.kind, SETTINGS | PING)
    }

    fn read([l2, l1, l0, kind, flags, s3, s2, s1, s0]: [u8; HEAD]) -> Self {
        Self {
            kind,
            flags,
            stream: u32::from_be_bytes([s3 & 0x7f, s2, s1, s0]),
            length: u32::from_be_bytes([0, l2, l1, l0]),
        }
    }
}

/// Something that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The head of a frame; its payload follows.
    Frame(Frame),
    /// A window of a stream, or of the connection (0), grows.
    Increment { stream: u32, by: u32 },
    /// A setting of whoever sends.
    Setting { id: u16, value: u32 },
}

/// Where in the stream of bytes the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a head.
    Head,
    /// In so many bytes that are of no interest.
    Skip(usize),
    /// In a WINDOW_UPDATE of this stream.
    Increment(u32),
    /// In SETTINGS, of which so many bytes are left.
    Settings(usize),
}

/// The frames of one direction.
#[derive(Debug)]
pub(super) struct Frames {
    state: State,
    /// A head, or a record of a payload, that came in pieces.
    held: [u8; HEAD],
    n_held: usize,
}

impl Frames {
    /// What a client sends.
    pub(super) fn of_client() -> Self {
        Self::at(State::Skip(PREFACE))
    }

    /// What a server sends.
    pub(super) fn of_server() -> Self {
        Self::at(State::Head)
    }

    fn at(state: State) -> Self {
        Self {
            state,
            held: [0; HEAD],
            n_held: 0,
        }
    }

    /// Whether a frame would begin with the next byte.
    pub(super) fn is_between(&self) -> bool {
        self.state == State::Head && self.n_held == 0
    }

    /// Reads on, and tells what it sees.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut tell: impl FnMut(Event)) {
        while !bytes.is_empty() {
            match self.state {
                State::Skip(left) => {
                    let n = left.min(bytes.len());
                    bytes = bytes.get(n..).unwrap_or_default();
                    self.state = skip(left - n);
                }
                State::Head => {
                    if let Some(head) = self.hold(&mut bytes) {
                        let frame = Frame::read(head);
                        tell(Event::Frame(frame));
                        self.state = payload(frame);
                    }
                }
                State::Increment(stream) => {
                    if let Some(record) = self.hold::<4>(&mut bytes) {
                        let by = u32::from_be_bytes(record) & 0x7fff_ffff;
                        tell(Event::Increment { stream, by });
                        self.state = State::Head;
                    }
                }
                State::Settings(left) if left < 6 => self.state = skip(left),
                State::Settings(left) => {
                    if let Some([i1, i0, v3, v2, v1, v0]) = self.hold(&mut bytes) {
                        tell(Event::Setting {
                            id: u16::from_be_bytes([i1, i0]),
                            value: u32::from_be_bytes([v3, v2, v1, v0]),
                        });
                        self.state = match left - 6 {
                            0 => State::Head,
                            left => State::Settings(left),
                        };
                    }
                }
            }
        }
    }

    /// The next `N` bytes, once all of them are there.
    fn hold<const N: usize>(&mut self, bytes: &mut &[u8]) -> Option<[u8; N]> {
        let missing = N.saturating_sub(self.n_held).min(bytes.len());
        let (now, later) = bytes.split_at_checked(missing)?;
        for (to, from) in self.held.iter_mut().skip(self.n_held).zip(now) {
            *to = *from;
        }
        *bytes = later;
        self.n_held += missing;
        let whole = self.held.first_chunk().filter(|_| self.n_held == N)?;
        self.n_held = 0;
        Some(*whole)
    }
}

fn skip(left: usize) -> State {
    match left {
        0 => State::Head,
        left => State::Skip(left),
    }
}

fn payload(frame: Frame) -> State {
    let length = usize::try_from(frame.length).unwrap_or(usize::MAX);
    match (frame.kind, length) {
        (WINDOW_UPDATE, 4) => State::Increment(frame.stream),
        (SETTINGS, 6..) if !frame.is_ack() => State::Settings(length),
        _ => skip(length),
    }
}
