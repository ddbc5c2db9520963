//! The header fields of what is passed on: hop by hop ones end here, framing is made anew, and where a
//! request has come from is said by nobody but us.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::header::{
    ALT_SVC, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST, LOCATION,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use percent_encoding::percent_decode_str;

use crate::edge::{keys, tokens};
use crate::outbound::Url;

/// Fields of one connection only (RFC 9110, section 7.6.1), and of negotiating another protocol.
const HOP_BY_HOP: [HeaderName; 11] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authenticate"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-authentication-info"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// Fields that say where a request has come from, beside `Forwarded` and all `X-Forwarded-…`.
const ORIGINS: [&str; 6] = [
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
];

/// Fields by which some servers take a request for another one than it is.
const OVERRIDES: [&str; 7] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
    "x-original-method",
];

/// Query parameters that do the same.
const OVERRIDING_PARAMETERS: [&str; 4] = [
    "_method",
    "_httpmethod",
    "x-http-method-override",
    "x-http-method",
];

/// Whether a request could be taken for another one than its method and path say.
pub(super) fn overrides(headers: &HeaderMap, query: &str) -> bool {
    let by_field = OVERRIDES.iter().any(|name| headers.contains_key(*name));
    let mut names = query.split(['&', ';']).map(|pair| {
        let name = pair.split('=').next().unwrap_or(pair);
        percent_decode_str(name)
            .decode_utf8_lossy()
            .to_ascii_lowercase()
    });
    by_field || names.any(|name| OVERRIDING_PARAMETERS.contains(&name.trim()))
}

/// Whether a text holds a credential that linkbridge has made: a key, or a token of its own.
pub(super) fn holds_ours(text: &str) -> bool {
    let is_key = |at: usize| {
        let run = text.get(at..).unwrap_or_default();
        let end = run
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
            .unwrap_or(run.len());
        keys::is_ours(run.get(..end).unwrap_or_default())
    };
    if text.match_indices("lb_").any(|(at, _)| is_key(at)) {
        return true;
    }
    let mut words = text.split([' ', ',', ';', '=', '"', '\'', '&', ':']);
    words.any(tokens::looks_like_ours)
}

/// Whether the value of a field holds one, in the clear or as HTTP Basic authentication has it.
fn field_holds_ours(value: &HeaderValue) -> bool {
    let text = String::from_utf8_lossy(value.as_bytes());
    if holds_ours(&text) || holds_ours(&percent_decode_str(&text).decode_utf8_lossy()) {
        return true;
    }
    let Some((scheme, rest)) = text.split_once(' ') else {
        return false;
    };
    let decoded = || {
        let rest = rest.trim().trim_end_matches('=');
        STANDARD_NO_PAD
            .decode(rest)
            .or_else(|_| STANDARD.decode(rest))
    };
    scheme.eq_ignore_ascii_case("basic")
        && decoded().is_ok_and(|bytes| {
            let text = String::from_utf8_lossy(&bytes);
            holds_ours(&text) || holds_ours(&percent_decode_str(&text).decode_utf8_lossy())
        })
}

/// What is known of a request that is passed on.
pub(super) struct Sender<'a> {
    /// Where it has come from.
    pub(super) source: IpAddr,
    /// The host that it was for, as the client wrote it.
    pub(super) host: &'a str,
    /// `https` or `http`, as clients see it.
    pub(super) proto: &'a str,
    /// The protocol that it came in.
    pub(super) version: Version,
    /// How this process is called in `Via`.
    pub(super) instance: &'a str,
}

/// The fields of the request as the origin gets it. `credentials` = those in which the dialect keeps the
/// credential.
pub(super) fn for_origin<'c>(
    headers: &HeaderMap,
    credentials: impl Iterator<Item = &'c HeaderName>,
    with_credential: bool,
    sender: &Sender<'_>,
) -> HeaderMap {
    let mut kept: Vec<&HeaderName> = credentials.collect();
    kept.push(&AUTHORIZATION);
    let named = named_by_connection(headers, &kept);
    let mut out = HeaderMap::with_capacity(headers.len() + 5);
    let ends_here = |name: &HeaderName| {
        is_hop_by_hop(name, &named)
            || [HOST, CONTENT_LENGTH, EXPECT].contains(name)
            || is_claim_of_origin(name)
            || (!with_credential && (kept.contains(&name) || name == COOKIE))
    };
    for (name, value) in headers.iter().filter(|(name, _)| !ends_here(name)) {
        if field_holds_ours(value) {
            tracing::debug!(%name, "a credential of ours was not passed on");
        } else if name != COOKIE {
            out.append(name, value.clone());
        }
    }
    if with_credential && !named.contains(&COOKIE) {
        cookie(headers, &mut out);
    }
    add_via(&mut out, sender.version, sender.instance);
    let address = sender.source.to_string();
    let node = match sender.source {
        IpAddr::V4(_) => address.clone(),
        IpAddr::V6(_) => format!("\"[{address}]\""),
    };
    let (host, proto) = (sender.host, sender.proto);
    set(
        &mut out,
        FORWARDED,
        &format!("for={node};host=\"{host}\";proto={proto}"),
    );
    set(
        &mut out,
        HeaderName::from_static("x-forwarded-for"),
        &address,
    );
    set(&mut out, HeaderName::from_static("x-forwarded-host"), host);
    set(
        &mut out,
        HeaderName::from_static("x-forwarded-proto"),
        proto,
    );
    out
}

/// HTTP/2 cuts cookies into several fields; HTTP/1.1 has one.
fn cookie(headers: &HeaderMap, out: &mut HeaderMap) {
    let ours = |value: &&HeaderValue| !field_holds_ours(value);
    let values = headers.get_all(COOKIE).iter().filter(ours);
    let values: Vec<&[u8]> = values.map(HeaderValue::as_bytes).collect();
    if let (false, Ok(joined)) = (
        values.is_empty(),
        HeaderValue::from_bytes(&values.join(&b"; "[..])),
    ) {
        out.insert(COOKIE, joined);
    }
}

/// The fields of the answer as the client gets it. `length` = whether `Content-Length` says how long the body
/// would be that is not sent.
pub(super) fn for_client(
    headers: &HeaderMap,
    (version, instance): (Version, &str),
    length: bool,
    moved: impl Fn(&str) -> Option<String>,
) -> HeaderMap {
    let named = named_by_connection(headers, &[]);
    let mut out = HeaderMap::with_capacity(headers.len() + 1);
    for (name, value) in headers {
        // Another place for the same service would lead clients around linkbridge.
        if is_hop_by_hop(name, &named) || name == CONTENT_LENGTH || name == ALT_SVC {
            continue;
        }
        let moved = (name == LOCATION).then(|| value.to_str().ok().and_then(&moved));
        let moved = moved
            .flatten()
            .and_then(|text| HeaderValue::try_from(text).ok());
        out.append(name, moved.unwrap_or_else(|| value.clone()));
    }
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if let (true, Some(Ok(declared))) = (length, declared.map(str::parse::<u64>)) {
        out.insert(CONTENT_LENGTH, HeaderValue::from(declared));
    }
    add_via(&mut out, version, instance);
    out
}

/// Where a redirect leads that leads to the origin: to the same below the front. `None` = as it stands.
pub(super) fn moved(location: &str, origin: &Url, public: &str, prefix: &str) -> Option<String> {
    if let Some(below) = origin.below(location) {
        return Some(format!("{public}{below}"));
    }
    let is_path = location.starts_with('/') && !location.starts_with("//");
    (is_path && !prefix.is_empty()).then(|| format!("{prefix}{location}"))
}

/// Whether a request has been through this process before.
pub(super) fn has_been_here(headers: &HeaderMap, instance: &str) -> bool {
    let values = headers.get_all(VIA).iter();
    let mut hops = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    hops.any(|hop| {
        let mut words = hop
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        words.nth(1) == Some(instance.as_bytes())
    })
}

fn add_via(headers: &mut HeaderMap, version: Version, instance: &str) {
    let version = match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    };
    if let Ok(via) = HeaderValue::try_from(format!("{version} {instance}")) {
        headers.append(VIA, via);
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // An address, a host that was checked and a scheme are always values.
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

fn is_hop_by_hop(name: &HeaderName, named: &[HeaderName]) -> bool {
    HOP_BY_HOP.contains(name) || named.contains(name)
}

fn is_claim_of_origin(name: &HeaderName) -> bool {
    name == FORWARDED
        || name.as_str().starts_with("x-forwarded-")
        || ORIGINS.contains(&name.as_str())
}

/// What `Connection` names; but for what it must not take away.
fn named_by_connection(headers: &HeaderMap, kept: &[&HeaderName]) -> Vec<HeaderName> {
    let values = headers.get_all(CONNECTION).iter();
    let names = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let names = names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok());
    let must_stay = |name: &HeaderName| {
        [HOST, CONTENT_LENGTH, VIA].contains(name)
            || is_claim_of_origin(name)
            || kept.contains(&name)
    };
    let (ignored, named): (Vec<_>, Vec<_>) = names.partition(must_stay);
    if !ignored.is_empty() {
        tracing::debug!(?ignored, "Connection named fields that are not its own");
    }
    named
}
