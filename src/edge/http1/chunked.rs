//! Chunked bodies: sizes, chunks and trailers, each exactly as RFC 9112 writes them and no looser.
//!
//! Extensions of chunks and white space after a size are refused although the RFC lets a recipient ignore
//! them: no client of ours sends any, and how to skip them is what programs disagree about.

use super::bytes::{is_control, is_token};
use super::fault::Fault;
use super::filter::Limits;

/// The most digits of a size: leading zeros count, and no size overflows.
const SIZE_DIGITS: u8 = 8;

/// The most bytes of all trailers. They are read over, so that there is no use for more.
const TRAILER_BYTES: u16 = 4096;

/// So much of a trailer's name is remembered: more than any that is refused has.
const NAME: usize = 24;

/// Where in a chunked body one is.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    at: At,
    trailer_bytes: u16,
    trailers: usize,
}

#[derive(Debug, Default)]
enum At {
    /// At a size, of which so many digits have come.
    #[default]
    Start,
    Size {
        size: u64,
        digits: u8,
    },
    /// At the line feed after a size.
    SizeEnd(u64),
    Data(u64),
    DataEnd,
    DataEndFeed,
    /// At the first byte of a line of the trailers.
    Line,
    Name {
        name: [u8; NAME],
        length: usize,
    },
    Value,
    /// At the line feed of a trailer.
    LineFeed,
    /// At the very last line feed.
    LastFeed,
}

impl Chunked {
    /// Looks at bytes of the body, and says how many of them pass and whether they end it.
    pub(super) fn look(&mut self, bytes: &[u8], limits: &Limits) -> (usize, Result<bool, Fault>) {
        let mut passed = 0;
        while let Some(&byte) = bytes.get(passed) {
            if let At::Data(left) = &mut self.at {
                let there = bytes.len() - passed;
                let count = usize::try_from(*left).map_or(there, |left| left.min(there));
                *left = left.saturating_sub(count as u64);
                passed += count;
                if *left == 0 {
                    self.at = At::DataEnd;
                }
                continue;
            }
            match self.take(byte, limits) {
                Ok(false) => passed += 1,
                Ok(true) => return (passed + 1, Ok(true)),
                Err(fault) => return (passed, Err(fault)),
            }
        }
        (passed, Ok(false))
    }

    /// Takes a byte that is none of a chunk's data.
    fn take(&mut self, byte: u8, limits: &Limits) -> Result<bool, Fault> {
        if matches!(
            self.at,
            At::Line | At::Name { .. } | At::Value | At::LineFeed | At::LastFeed
        ) {
            self.trailer_bytes += 1;
            if self.trailer_bytes > TRAILER_BYTES {
                return Err(Fault::Trailer);
            }
        }
        self.at = match (std::mem::take(&mut self.at), byte) {
            (At::Start, _) => more_size(0, 0, byte)?,
            (At::Size { size, .. }, b'\r') => At::SizeEnd(size),
            (At::Size { size, digits }, _) => more_size(size, digits, byte)?,
            (At::SizeEnd(0), b'\n') => At::Line,
            (At::SizeEnd(size), b'\n') => At::Data(size),
            (At::DataEnd, b'\r') => At::DataEndFeed,
            (At::DataEndFeed, b'\n') => At::Start,
            (At::Line, b'\r') => At::LastFeed,
            (At::LastFeed, b'\n') => return Ok(true),
            (At::Line, _) => {
                self.trailers += 1;
                if self.trailers > limits.fields {
                    return Err(Fault::Trailer);
                }
                more_name([0; NAME], 0, byte)?
            }
            (At::Name { name, length }, b':') => {
                if is_forbidden(name.get(..length.min(NAME)).unwrap_or_default()) {
                    return Err(Fault::Trailer);
                }
                At::Value
            }
            (At::Name { name, length }, _) => more_name(name, length, byte)?,
            (At::Value, b'\r') => At::LineFeed,
            (At::Value, b'\t') => At::Value,
            (At::Value, _) if !is_control(byte) => At::Value,
            (At::Value, _) => return Err(Fault::Trailer),
            (At::LineFeed, b'\n') => At::Line,
            (At::LineFeed | At::LastFeed, _) => return Err(Fault::Trailer),
            (At::SizeEnd(_) | At::Data(_) | At::DataEnd | At::DataEndFeed, _) => {
                return Err(Fault::Chunk);
            }
        };
        Ok(false)
    }
}

fn more_size(size: u64, digits: u8, byte: u8) -> Result<At, Fault> {
    match char::from(byte).to_digit(16) {
        Some(digit) if digits < SIZE_DIGITS => Ok(At::Size {
            size: size << 4 | u64::from(digit),
            digits: digits + 1,
        }),
        _ => Err(Fault::Chunk),
    }
}

fn more_name(mut name: [u8; NAME], length: usize, byte: u8) -> Result<At, Fault> {
    if !is_token(byte) {
        return Err(Fault::Trailer);
    }
    if let Some(place) = name.get_mut(length) {
        *place = byte.to_ascii_lowercase();
    }
    Ok(At::Name {
        name,
        length: length.saturating_add(1),
    })
}

/// Fields that frame, route, authenticate or change how a message is read are none of a trailer
/// (RFC 9110, section 6.5.1). All others are dropped with the rest when the body is read.
fn is_forbidden(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 21] = [
        b"age",
        b"authorization",
        b"cache-control",
        b"connection",
        b"cookie",
        b"date",
        b"expect",
        b"expires",
        b"forwarded",
        b"host",
        b"keep-alive",
        b"max-forwards",
        b"pragma",
        b"range",
        b"set-cookie",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"via",
        b"x-real-ip",
    ];
    const PREFIXES: [&[u8]; 5] = [
        b"content-",
        b"if-",
        b"proxy-",
        b"x-forwarded-",
        b"x-http-method",
    ];
    // Programs behind a gateway read `_` as `-`.
    let mut plain = [0; NAME];
    for (to, from) in plain.iter_mut().zip(name) {
        *to = if *from == b'_' { b'-' } else { *from };
    }
    let name = plain.get(..name.len()).unwrap_or_default();
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
