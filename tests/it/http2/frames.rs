//! Frames of HTTP/2 (RFC 9113, section 4.1), written for these tests.

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

const KINDS: [&str; 10] = [
    "DATA",
    "HEADERS",
    "PRIORITY",
    "RST_STREAM",
    "SETTINGS",
    "PUSH_PROMISE",
    "PING",
    "GOAWAY",
    "WINDOW_UPDATE",
    "CONTINUATION",
];

const ERRORS: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

/// The type of this name, or of this number.
pub(super) fn kind(name: &str) -> Option<u8> {
    match name.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => u8::try_from(KINDS.iter().position(|known| *known == name)?).ok(),
    }
}

pub(super) fn hex(digits: &str) -> Result<Vec<u8>, String> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let pair = std::str::from_utf8(pair).map_err(|e| e.to_string())?;
            u8::from_str_radix(pair, 16).map_err(|e| format!("{pair}: {e}"))
        })
        .collect()
}

impl Frame {
    /// The first frame of these bytes, and how many of them it takes.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let [l2, l1, l0, kind, flags, s3, s2, s1, s0, ..] = *bytes else {
            return None;
        };
        let end = 9 + usize::try_from(u32::from_be_bytes([0, l2, l1, l0])).ok()?;
        let frame = Self {
            kind,
            flags,
            stream: u32::from_be_bytes([s3 & 0x7f, s2, s1, s0]),
            payload: bytes.get(9..end)?.to_vec(),
        };
        Some((frame, end))
    }

    pub(super) fn name(&self) -> &'static str {
        KINDS.get(usize::from(self.kind)).unwrap_or(&"UNKNOWN")
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name() == name
    }

    /// Whether it ends its stream.
    pub(super) fn ends_stream(&self) -> bool {
        self.flags & 1 != 0 && (self.is("DATA") || self.is("HEADERS"))
    }

    pub(super) fn is_ack(&self) -> bool {
        self.flags & 1 != 0 && (self.is("SETTINGS") || self.is("PING"))
    }

    /// The error of a RST_STREAM or GOAWAY.
    pub(super) fn error(&self) -> Option<&'static str> {
        let at = match self.name() {
            "RST_STREAM" => 0,
            "GOAWAY" => 4,
            _ => return None,
        };
        let code = self.payload.get(at..)?.first_chunk()?;
        let code = usize::try_from(u32::from_be_bytes(*code)).ok()?;
        Some(ERRORS.get(code).unwrap_or(&"UNKNOWN"))
    }

    /// It in a line, for messages.
    pub(super) fn told(&self) -> String {
        let Self {
            flags,
            stream,
            payload,
            ..
        } = self;
        let error = self.error().unwrap_or_default();
        let debug = match self.is("GOAWAY") {
            true => String::from_utf8_lossy(payload.get(8..).unwrap_or_default()).into_owned(),
            false => String::new(),
        };
        format!(
            "{} stream {stream} flags {flags:#x} length {} {error} {debug}",
            self.name(),
            payload.len()
        )
    }
}
