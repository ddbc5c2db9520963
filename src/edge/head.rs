//! Heads of requests that are well formed, and that we refuse all the same.
//!
//! A missing, a second or a malformed `Host`, CONNECT, unknown methods, targets in a foreign absolute form,
//! unknown expectations, fields over their limits, and paths with dot segments, `//` or raw UTF-8. Each is a way to
//! make two programs read one request differently. Every refusal ends the connection. This is for every
//! version of HTTP; what the bytes of HTTP/1 can do besides is refused before, by [`http1`](super::http1).

use http::header::{EXPECT, HOST};
use http::{HeaderMap, Method, Uri, Version};

use super::host::{bare_host, is_host};

/// How large the parts of a head may be.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The most fields, `Host` among them in whichever way it comes.
    pub fields: usize,
    /// The longest target, in bytes.
    pub target_bytes: usize,
    /// The longest field value, in bytes.
    pub field_bytes: usize,
}

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFault {
    /// No `Host`, several, or one that is no host.
    Host,
    /// CONNECT: nothing is ever tunnelled.
    Connect,
    /// A method that no standard names.
    UnknownMethod,
    /// An absolute target that names another host than `Host`.
    ForeignTarget,
    /// An expectation other than `100-continue`.
    Expectation,
    /// A target over the limit.
    TargetTooLong,
    /// A field over the limit.
    FieldTooLong,
    /// More fields than the limit.
    TooManyFields,
}

impl HeadFault {
    /// The status that says so.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            HeadFault::Host => 400,
            HeadFault::Connect => 405,
            HeadFault::TargetTooLong => 414,
            HeadFault::Expectation => 417,
            HeadFault::ForeignTarget => 421,
            HeadFault::FieldTooLong | HeadFault::TooManyFields => 431,
            HeadFault::UnknownMethod => 501,
        }
    }

    /// What is wrong, in a sentence.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            HeadFault::Host => "The request needs exactly one valid Host.",
            HeadFault::Connect => "Nothing is tunnelled here.",
            HeadFault::UnknownMethod => "The method is not known.",
            HeadFault::ForeignTarget => "The target names another host.",
            HeadFault::Expectation => "The expectation is not known.",
            HeadFault::TargetTooLong => "The target is too long.",
            HeadFault::FieldTooLong => "A header field is too long.",
            HeadFault::TooManyFields => "There are too many header fields.",
        }
    }
}

/// Checks a head and answers the host it is for, in lower case and without a port.
///
/// # Errors
/// [`HeadFault`].
pub fn check(
    method: &Method,
    uri: &Uri,
    version: Version,
    headers: &HeaderMap,
    settings: &Settings,
) -> Result<String, HeadFault> {
    check_method(method)?;
    let target = uri.path_and_query().map_or("", |t| t.as_str());
    if target.len() > settings.target_bytes {
        return Err(HeadFault::TargetTooLong);
    }
    // HTTP/2 has the host in its target, where HTTP/1 has a field.
    let is_host_elsewhere = uri.authority().is_some() && !headers.contains_key(HOST);
    if headers.len() + usize::from(is_host_elsewhere) > settings.fields {
        return Err(HeadFault::TooManyFields);
    }
    if headers
        .values()
        .any(|value| value.len() > settings.field_bytes)
    {
        return Err(HeadFault::FieldTooLong);
    }
    check_expectation(version, headers)?;
    host(uri, version, headers)
}

/// Whether a target has one reading only. That it has not is worded by a front, where one is near.
#[must_use]
pub fn has_one_reading(uri: &Uri) -> bool {
    let target = uri.path_and_query().map_or("", |t| t.as_str());
    is_canonical(uri.path()) && target.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Removes fields whose names hold `_`: programs behind a gateway read `X_A` as `X-A`.
pub fn drop_ambiguous_fields(headers: &mut HeaderMap) {
    if headers.keys().any(|name| name.as_str().contains('_')) {
        let ambiguous: Vec<_> = headers
            .keys()
            .filter(|name| name.as_str().contains('_'))
            .cloned()
            .collect();
        for name in ambiguous {
            headers.remove(name);
        }
    }
}

/// TRACE passes, so that a front words its refusal; nothing is ever echoed.
fn check_method(method: &Method) -> Result<(), HeadFault> {
    const KNOWN: [Method; 8] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
    ];
    match method {
        &Method::CONNECT => Err(HeadFault::Connect),
        known if KNOWN.contains(known) => Ok(()),
        _ => Err(HeadFault::UnknownMethod),
    }
}

/// HTTP/1.0 has no expectations: RFC 9110, section 10.1.1, has them ignored there.
fn check_expectation(version: Version, headers: &HeaderMap) -> Result<(), HeadFault> {
    let known = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    if version < Version::HTTP_11 || headers.get_all(EXPECT).iter().all(known) {
        Ok(())
    } else {
        Err(HeadFault::Expectation)
    }
}

fn host(uri: &Uri, version: Version, headers: &HeaderMap) -> Result<String, HeadFault> {
    let mut fields = headers.get_all(HOST).iter();
    let field = match (fields.next(), fields.next()) {
        (None, _) => None,
        (Some(only), None) => Some(
            only.to_str()
                .ok()
                .filter(|h| is_host(h))
                .ok_or(HeadFault::Host)?,
        ),
        _ => return Err(HeadFault::Host),
    };
    match (uri.authority().map(http::uri::Authority::as_str), field) {
        // HTTP/2 puts the host into the target; an absolute form in HTTP/1 does so too.
        (Some(target), Some(field)) if !target.eq_ignore_ascii_case(field) => {
            Err(HeadFault::ForeignTarget)
        }
        (Some(target), _) if version == Version::HTTP_2 || field.is_some() => {
            if is_host(target) {
                Ok(bare_host(target))
            } else {
                Err(HeadFault::Host)
            }
        }
        (Some(_), _) => Err(HeadFault::Host),
        (None, Some(field)) => Ok(bare_host(field)),
        (None, None) if version <= Version::HTTP_10 => Ok(String::new()),
        (None, None) => Err(HeadFault::Host),
    }
}

/// Whether a path has one reading only. `%2F` inside a segment is data, and stays allowed.
#[must_use]
pub fn is_canonical(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    let n_segments = rest.split('/').count();
    rest.split('/').enumerate().all(|(i, segment)| {
        let may_be_empty = i + 1 == n_segments;
        (may_be_empty || !segment.is_empty()) && is_canonical_segment(segment)
    })
}

fn is_canonical_segment(segment: &str) -> bool {
    let mut bytes = segment.bytes();
    let (mut n_dots, mut n_others) = (0, 0);
    while let Some(byte) = bytes.next() {
        let decoded = match byte {
            b'%' => match hex(bytes.next()).zip(hex(bytes.next())) {
                Some((high, low)) => high << 4 | low,
                None => return false,
            },
            b'#' | b'\\' => return false,
            plain => plain,
        };
        match decoded {
            0 => return false,
            b'.' => n_dots += 1,
            _ => n_others += 1,
        }
    }
    n_others > 0 || n_dots == 0 || n_dots > 2
}

fn hex(byte: Option<u8>) -> Option<u8> {
    char::from(byte?)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
