//! Heads: line by line, each byte once, in the order in which they come.
//!
//! So a head is refused at the same byte however it was cut into pieces.

use super::bytes::{is_control, is_token, trim};
use super::fault::Fault;
use super::filter::Limits;
use super::request::{METHOD_BYTES, Request, Span, request};
use crate::edge::host::is_host;

/// What a request line has besides its target.
const AROUND_TARGET: usize = METHOD_BYTES + " ".len() + " HTTP/1.1\r\n".len();
/// What a field has besides its value: a name, a colon, spaces around the value, a line end.
const AROUND_VALUE: usize = 256;
/// The most digits of a length: it fits, and no leading zero makes it longer.
const LENGTH_DIGITS: usize = 18;

/// How the body after a head is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// By its length, which may be none.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// A head as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// So many of its bytes were looked at.
    seen: usize,
    /// Where the line that is looked at begins.
    line: usize,
    after_return: bool,
    skipped: bool,
    request: Option<Request>,
    fields: usize,
    host: Option<Span>,
    length: Option<u64>,
    coding: Coding,
}

/// What the fields say of the codings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Coding {
    #[default]
    None,
    /// One `chunked` and nothing else.
    Chunked,
    /// Several, of which `chunked` is the last.
    MoreThanChunked,
    /// Several or one, of which `chunked` is not the last.
    Open,
}

impl Head {
    /// Whether any of it has come. An empty line before it, which old clients send after a body, is none of
    /// it: whoever sends that one waits for nothing.
    pub(super) fn has_begun(&self) -> bool {
        self.request.is_some() || self.seen > self.line
    }

    /// Whether its method is known to be HEAD.
    pub(super) fn is_for_head(&self) -> bool {
        self.request.is_some_and(|request| request.is_head)
    }

    /// Looks on in a head, all of which is shown. Answers how long it is, once it is complete.
    ///
    /// A field `Upgrade` is renamed to one with `_`, which is dropped with all such names: hyper would keep
    /// the connection for somebody who upgrades it, and not close it in order.
    pub(super) fn look(
        &mut self,
        head: &mut [u8],
        limits: &Limits,
    ) -> Result<Option<(usize, Framing)>, Fault> {
        while let Some(&byte) = head.get(self.seen) {
            self.seen += 1;
            if self.seen > limits.head_bytes {
                return Err(self.too_large());
            }
            match (self.after_return, byte) {
                (true, b'\n') => {
                    self.after_return = false;
                    let line = head.get(self.line..self.seen - 2).unwrap_or_default();
                    let start = std::mem::replace(&mut self.line, self.seen);
                    let is_upgrade = is_upgrade(line);
                    if self.end_line(line, start, limits)? {
                        return Ok(Some((self.seen, self.framing(head)?)));
                    }
                    if is_upgrade && let Some(last) = head.get_mut(start + "Upgrad".len()) {
                        *last = b'_';
                    }
                    continue;
                }
                (true, _) => return Err(Fault::BareCarriageReturn),
                (false, b'\n') => return Err(Fault::BareLineFeed),
                (false, b'\r') => self.after_return = true,
                (false, b'\t') if self.request.is_some() => {}
                (false, _) if is_control(byte) => return Err(Fault::Control),
                (false, _) => {}
            }
            let length = self.seen - self.line;
            match self.request {
                None if length > limits.target_bytes + AROUND_TARGET => {
                    return Err(Fault::TargetTooLong);
                }
                Some(_) if length > limits.field_bytes + AROUND_VALUE => {
                    return Err(Fault::FieldTooLong);
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn too_large(&self) -> Fault {
        match self.request {
            None => Fault::TargetTooLong,
            Some(_) => Fault::HeadTooLarge,
        }
    }

    /// A line is complete. Answers whether the head is.
    fn end_line(&mut self, line: &[u8], start: usize, limits: &Limits) -> Result<bool, Fault> {
        match (self.request, line) {
            (None, []) if self.skipped => Err(Fault::EmptyLines),
            // One is what old clients send after a body, and what RFC 9112, section 2.2, wants to be read over.
            (None, []) => {
                self.skipped = true;
                Ok(false)
            }
            (None, _) => {
                self.request = Some(request(line, start, limits)?);
                Ok(false)
            }
            (Some(_), []) => Ok(true),
            (Some(request), _) => self.field(request, line, start, limits).map(|()| false),
        }
    }

    fn field(
        &mut self,
        request: Request,
        line: &[u8],
        start: usize,
        limits: &Limits,
    ) -> Result<(), Fault> {
        self.fields += 1;
        if self.fields > limits.fields {
            return Err(Fault::TooManyFields);
        }
        if let [b' ' | b'\t', ..] = line {
            return Err(Fault::Folded);
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = colon
            .and_then(|at| line.split_at_checked(at))
            .ok_or(Fault::FieldName)?;
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return Err(Fault::FieldName);
        }
        let spaced = value.strip_prefix(b":").unwrap_or_default();
        let value = trim(spaced);
        if value.len() > limits.field_bytes {
            return Err(Fault::FieldTooLong);
        }
        // Lengths first: most fields are none of these.
        let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
        match name.len() {
            4 if is(b"host") => {
                let text = std::str::from_utf8(value).unwrap_or_default();
                if self.host.is_some() || !is_host(text) {
                    return Err(Fault::Host);
                }
                let spaces = spaced.iter().take_while(|b| matches!(b, b' ' | b'\t'));
                let before = name.len() + ":".len() + spaces.count();
                self.host = Some(Span::at(start + before, value.len()));
            }
            // HTTP/1.0 has no expectations: RFC 9110, section 10.1.1, has them ignored there.
            6 if is(b"expect")
                && !request.is_old
                && !value.eq_ignore_ascii_case(b"100-continue") =>
            {
                return Err(Fault::Expectation);
            }
            14 if is(b"content-length") => {
                if self.length.is_some() {
                    return Err(Fault::Length);
                }
                self.length = Some(length(value).ok_or(Fault::Length)?);
            }
            17 if is(b"transfer-encoding") => self.coding = self.coding.and(value),
            _ => {}
        }
        Ok(())
    }

    /// What the head says as a whole.
    fn framing(&self, head: &[u8]) -> Result<Framing, Fault> {
        let request = self.request.ok_or(Fault::RequestLine)?;
        match (request.authority, self.host) {
            (None, Some(_)) => {}
            (None, None) if request.is_old => {}
            (_, None) => return Err(Fault::Host),
            (Some(authority), Some(host)) => {
                if !authority.text(head).eq_ignore_ascii_case(host.text(head)) {
                    return Err(Fault::ForeignTarget);
                }
            }
        }
        match (self.coding, self.length) {
            (Coding::None, length) => Ok(Framing::Length(length.unwrap_or(0))),
            (_, Some(_)) => Err(Fault::LengthAndCoding),
            (_, None) if request.is_old => Err(Fault::Coding),
            (Coding::Chunked, None) => Ok(Framing::Chunked),
            (Coding::MoreThanChunked, None) => Err(Fault::UnknownCoding),
            (Coding::Open, None) => Err(Fault::Coding),
        }
    }
}

impl Coding {
    /// These codings and those of one more field.
    fn and(self, value: &[u8]) -> Self {
        let last = value.rsplit(|byte| *byte == b',').next();
        let is_chunked = |value: &[u8]| trim(value).eq_ignore_ascii_case(b"chunked");
        match self {
            Self::None if is_chunked(value) => Self::Chunked,
            _ if last.is_some_and(is_chunked) => Self::MoreThanChunked,
            _ => Self::Open,
        }
    }
}

fn is_upgrade(line: &[u8]) -> bool {
    let name = b"upgrade:";
    line.get(..name.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(name))
}

/// A length: digits, of which the first is a zero only if it is the only one.
fn length(value: &[u8]) -> Option<u64> {
    match value {
        [b'0'] => Some(0),
        [b'1'..=b'9', rest @ ..]
            if rest.len() < LENGTH_DIGITS && rest.iter().all(u8::is_ascii_digit) =>
        {
            std::str::from_utf8(value).ok()?.parse().ok()
        }
        _ => None,
    }
}
