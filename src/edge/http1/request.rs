//! Request lines: RFC 9112, section 3, with single spaces and known versions only.

use super::bytes::{is_target, is_token};
use super::fault::Fault;
use super::filter::Limits;
use crate::edge::host::is_host;

/// No method that anybody knows is as long.
pub(super) const METHOD_BYTES: usize = 32;

/// What a request line says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) is_head: bool,
    pub(super) is_old: bool,
    /// The authority of a target in absolute form.
    pub(super) authority: Option<Span>,
}

/// A part of a head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    pub(super) fn at(start: usize, length: usize) -> Self {
        let end = start + length;
        Self { start, end }
    }

    pub(super) fn text(self, head: &[u8]) -> &str {
        let bytes = head.get(self.start..self.end).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

/// Reads `method SP target SP version`: single spaces, nothing else between.
pub(super) fn request(line: &[u8], start: usize, limits: &Limits) -> Result<Request, Fault> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Fault::RequestLine);
    };
    if method.is_empty() || !method.iter().copied().all(is_token) {
        return Err(Fault::RequestLine);
    }
    let is_old = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            return Err(Fault::Version);
        }
        _ => return Err(Fault::RequestLine),
    };
    if method.len() > METHOD_BYTES {
        return Err(Fault::Method);
    }
    if method == b"CONNECT" {
        return Err(Fault::Connect);
    }
    if target.len() > limits.target_bytes {
        return Err(Fault::TargetTooLong);
    }
    if !target.iter().copied().all(is_target) {
        return Err(Fault::Target);
    }
    let authority = match target {
        [b'/', ..] => None,
        b"*" if method == b"OPTIONS" => None,
        absolute => {
            let (before, length) = authority(absolute).ok_or(Fault::Target)?;
            let target = start + method.len() + " ".len();
            Some(Span::at(target + before, length))
        }
    };
    Ok(Request {
        is_head: method == b"HEAD",
        is_old,
        authority,
    })
}

/// Where the authority of a target in absolute form begins, and how long it is; if the target is one.
fn authority(target: &[u8]) -> Option<(usize, usize)> {
    let colon = target.iter().position(|byte| *byte == b':')?;
    let (scheme, rest) = target.split_at_checked(colon)?;
    let known = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
    let rest = rest.strip_prefix(b"://").filter(|_| known)?;
    let mut parts = rest.split(|byte| matches!(byte, b'/' | b'?'));
    let authority = parts.next().unwrap_or_default();
    let good = is_host(std::str::from_utf8(authority).ok()?);
    good.then_some((colon + "://".len(), authority.len()))
}
