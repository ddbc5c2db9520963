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
mod tests {
    use super::*;

    const PEER: &str = "10.0.0.1";

    fn trusted(field: SourceField) -> TrustedPeers {
        let nets = ["10.0.0.0/8", "fd00::/8"];
        let nets = nets.iter().map(|net| Net::parse(net).unwrap()).collect();
        TrustedPeers { nets, field }
    }

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn source(peer: &str, fields: &[(&str, &str)]) -> String {
        let peer = peer.parse().unwrap();
        let field = match fields.iter().any(|(name, _)| *name == "Forwarded") {
            true => SourceField::Forwarded,
            false => SourceField::XForwardedFor,
        };
        trusted(field).source(peer, &headers(fields)).to_string()
    }

    #[test]
    fn the_last_hop_that_is_not_believed_is_the_source() {
        for (field, value, expected) in [
            ("X-Forwarded-For", "192.0.2.1", "192.0.2.1"),
            ("X-Forwarded-For", "203.0.113.9, 192.0.2.1", "192.0.2.1"),
            ("X-Forwarded-For", "192.0.2.1, 10.1.1.1", "192.0.2.1"),
            ("X-Forwarded-For", "10.9.9.9, 10.1.1.1", "10.9.9.9"),
            ("X-Forwarded-For", "192.0.2.1:4711", "192.0.2.1"),
            ("X-Forwarded-For", "[2001:db8::7]:4711", "2001:db8::7"),
            ("X-Forwarded-For", "2001:db8::7", "2001:db8::7"),
            ("X-Forwarded-For", "::ffff:192.0.2.1", "192.0.2.1"),
            ("X-Forwarded-For", "192.0.2.1, ::ffff:10.1.1.1", "192.0.2.1"),
            ("X-Forwarded-For", "192.0.2.1, rubbish", PEER),
            (
                "X-Forwarded-For",
                "192.0.2.1, rubbish, 10.1.1.1",
                "10.1.1.1",
            ),
            ("X-Forwarded-For", "192.0.2.1, \u{e9}", PEER),
            // A client that opens a quote hides what the balancer writes behind it no more than other rubbish does.
            ("X-Forwarded-For", "\", 192.0.2.1", "192.0.2.1"),
            ("X-Forwarded-For", "\"\\, 192.0.2.1", "192.0.2.1"),
            ("Forwarded", "for=\", for=192.0.2.1", "192.0.2.1"),
            ("Forwarded", "x=\"\\, for=192.0.2.1", "192.0.2.1"),
            (
                "Forwarded",
                "x=\", for=\"[2001:db8::7]:80\";host=a",
                "2001:db8::7",
            ),
            ("X-Forwarded-For", "", PEER),
            ("Forwarded", "for=192.0.2.1", "192.0.2.1"),
            (
                "Forwarded",
                "FOR = \"192.0.2.1:80\" ; proto=https",
                "192.0.2.1",
            ),
            ("Forwarded", "for=\"[2001:db8::7]:80\"", "2001:db8::7"),
            (
                "Forwarded",
                "for=203.0.113.9, for=192.0.2.1;by=x, for=10.1.1.1",
                "192.0.2.1",
            ),
            (
                "Forwarded",
                "for=192.0.2.1;host=\"a,for=8.8.8.8\"",
                "192.0.2.1",
            ),
            (
                "Forwarded",
                "for=192.0.2.1;host=\"a\\\",for=8.8.8.8\"",
                "192.0.2.1",
            ),
            ("Forwarded", "for=192.0.2.1, for=unknown", PEER),
            ("Forwarded", "for=192.0.2.1, for=_hidden", PEER),
            ("Forwarded", "for=192.0.2.1;for=192.0.2.2", PEER),
            ("Forwarded", "for=192.0.2.1, proto=https", PEER),
        ] {
            assert_eq!(
                source(PEER, &[(field, value)]),
                expected,
                "{field}: {value}"
            );
        }
        let both = [
            ("X-Forwarded-For", "192.0.2.1"),
            ("Forwarded", "for=192.0.2.2"),
        ];
        assert_eq!(source(PEER, &both), "192.0.2.2");
        let other = trusted(SourceField::XForwardedFor);
        let source_of_other = other.source(PEER.parse().unwrap(), &headers(&both));
        assert_eq!(source_of_other.to_string(), "192.0.2.1");
        let several = [
            ("X-Forwarded-For", "192.0.2.1"),
            ("X-Forwarded-For", "192.0.2.2"),
        ];
        assert_eq!(source(PEER, &several), "192.0.2.2");
    }

    #[test]
    fn whoever_is_not_believed_is_the_source_whatever_it_says() {
        let lies = [
            ("X-Forwarded-For", "192.0.2.1"),
            ("Forwarded", "for=192.0.2.1"),
        ];
        assert_eq!(source("198.51.100.7", &lies), "198.51.100.7");
        let none = TrustedPeers::default();
        let peer: IpAddr = PEER.parse().unwrap();
        assert_eq!(none.source(peer, &headers(&lies)), peer);
        // A listener at `[::]` has peers of IPv4, too, and calls them so.
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(none.source(mapped, &headers(&lies)), peer);
        assert_eq!(source("::ffff:198.51.100.7", &lies), "198.51.100.7");
        assert_eq!(source("::ffff:10.0.0.1", &[]), PEER);
    }

    #[test]
    fn an_id_is_taken_over_from_who_is_believed_if_it_is_one() {
        let id = |peer: &str, values: &[&str]| {
            let fields: Vec<_> = values.iter().map(|v| ("X-Request-Id", *v)).collect();
            let headers = headers(&fields);
            let id = trusted(SourceField::default())
                .request_id(peer.parse().unwrap(), &headers)?
                .to_owned();
            Some(id)
        };
        let longest = "a".repeat(64);
        for good in ["7f3c-11.b_2", longest.as_str()] {
            assert_eq!(id(PEER, &[good]).as_deref(), Some(good));
            assert_eq!(id("198.51.100.7", &[good]), None);
        }
        let too_long = "a".repeat(65);
        for bad in ["", "a b", "a\"b", "a{b", "\u{e9}", "a;b", too_long.as_str()] {
            assert_eq!(id(PEER, &[bad]), None, "{bad}");
        }
        assert_eq!(id(PEER, &["a", "a"]), None);
    }
}
