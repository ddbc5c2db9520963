//! Peers that are believed: a load balancer in front says where a request has come from, and how it is
//! called. Nobody else is.
//!
//! Of the hops that a request has come over, the last one that is not a believed peer is its source: what
//! stands before it was written by that one, who may write anything.

use std::net::IpAddr;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::outbound::Net;

/// The usual field for a request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What was there before RFC 7239.
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The longest id of a request that is taken over.
const MAX_ID_BYTES: usize = 64;
/// The most hops that are looked at.
const MAX_HOPS: usize = 32;

/// The field in which believed peers say where a request has come from. The other one is not looked at: who
/// writes one of them passes the other on as a client has sent it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceField {
    /// What was there before RFC 7239, and is still what most load balancers write.
    #[default]
    XForwardedFor,
    /// That of RFC 7239.
    Forwarded,
}

/// Who is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedPeers {
    /// Where they are.
    pub nets: Vec<Net>,
    /// In what they say where a request has come from.
    pub field: SourceField,
}

impl TrustedPeers {
    /// Whether this one is believed.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.nets.iter().any(|net| net.holds(peer))
    }

    /// Where a request has come from, by the address of the connection's other end and what it says.
    #[must_use]
    pub fn source(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if self.nets.is_empty() || !self.trusts(peer) {
            return peer;
        }
        let hops = match self.field {
            SourceField::Forwarded => hops(headers, &FORWARDED, |text| {
                split(text, ',').map(forwarded).collect()
            }),
            SourceField::XForwardedFor => hops(headers, &X_FORWARDED_FOR, x_forwarded_for),
        };
        // One that cannot be read leads to whoever wrote it: a source that could be chosen would be a way
        // around every limit.
        let mut source = peer;
        for hop in hops.into_iter().rev().take(MAX_HOPS) {
            let Some(address) = hop else {
                break;
            };
            source = address.to_canonical();
            if !self.trusts(source) {
                break;
            }
        }
        source
    }

    /// The id that a believed peer has given a request, if it is one.
    #[must_use]
    pub fn request_id<'h>(&self, peer: IpAddr, headers: &'h HeaderMap) -> Option<&'h str> {
        if self.nets.is_empty() || !self.trusts(peer) {
            return None;
        }
        let mut fields = headers.get_all(REQUEST_ID).iter();
        let (field, None) = (fields.next()?, fields.next()) else {
            return None;
        };
        let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let id = field.to_str().ok()?;
        let is_one = !id.is_empty() && id.len() <= MAX_ID_BYTES && id.bytes().all(is_safe);
        is_one.then_some(id)
    }
}

/// The addresses of all hops, in their order; `None` for one that has none. `read` reads those of one field.
fn hops(
    headers: &HeaderMap,
    name: &HeaderName,
    read: impl Fn(&str) -> Vec<Option<IpAddr>>,
) -> Vec<Option<IpAddr>> {
    let fields = headers.get_all(name).iter().map(HeaderValue::to_str);
    let mut hops = Vec::new();
    for field in fields {
        match field {
            Ok(text) => hops.extend(read(text)),
            Err(_) => hops.push(None),
        }
    }
    hops
}

/// The parts of a text between separators that are not within quotes. A quote that nobody closes is none: else a
/// client that opens one would hide what a peer writes behind it.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let has_quotes = is_closed(text);
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = text.split(move |c: char| {
        match (c, is_quoted, is_escaped) {
            (_, true, true) => is_escaped = false,
            ('\\', true, false) => is_escaped = true,
            ('"', ..) => is_quoted = has_quotes && !is_quoted,
            _ => {}
        }
        c == separator && !is_quoted
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

/// Whether every quote that is opened is closed.
fn is_closed(text: &str) -> bool {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for c in text.chars() {
        (is_quoted, is_escaped) = match (c, is_quoted, is_escaped) {
            (_, true, true) => (true, false),
            ('\\', true, false) => (true, true),
            ('"', ..) => (!is_quoted, false),
            _ => (is_quoted, false),
        };
    }
    !is_quoted
}

/// A list of addresses, in which a quote means nothing.
fn x_forwarded_for(text: &str) -> Vec<Option<IpAddr>> {
    let hops = text.split(',').map(str::trim);
    hops.filter(|hop| !hop.is_empty()).map(node).collect()
}

/// The node of one element of `Forwarded` (RFC 7239): an element without `for` says nothing of where it was.
fn forwarded(element: &str) -> Option<IpAddr> {
    let mut nodes = split(element, ';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("for")
            .then(|| value.trim())
    });
    match (nodes.next(), nodes.next()) {
        (Some(value), None) => {
            let quoted = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
            node(quoted.unwrap_or(value))
        }
        // It hides where it has come from; whoever says that is the last one who is known.
        _ => None,
    }
}

/// An address, with a port or without. `unknown` and obfuscated nodes are none.
fn node(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let has_end = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return address.parse().ok().filter(|_| has_end).map(IpAddr::V6);
    }
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (address, port) = text.split_once(':')?;
    is_port(port).then(|| address.parse().ok().map(IpAddr::V4))?
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok() || (text.starts_with('_') && text.len() <= 64)
}

#[cfg(test)]
#[path = "peers_tests.rs"]
mod tests;
