//! A request below the configured base URL. Nothing of it can leave the place: neither the host, nor the
//! path below which the IdP's API lies.

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED,
    HOST, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE, USER_AGENT, VIA,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method};
use percent_encoding::percent_decode_str;

use crate::model::OwnedRequest;
use crate::outbound::{self, Url};

/// Fields that belong to the connection, to the client of it or to who we are.
const OURS: &[HeaderName] = &[
    ACCEPT_ENCODING,
    AUTHORIZATION,
    CONNECTION,
    CONTENT_LENGTH,
    COOKIE,
    EXPECT,
    FORWARDED,
    HOST,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    USER_AGENT,
    VIA,
];
/// Those that have no constant.
const OURS_TOO: &[&str] = &["keep-alive", "proxy-connection"];

/// The place below which an IdP is called.
pub(super) struct Base {
    url: Url,
    prefix: String,
}

/// One call, ready but for the credential.
pub(super) struct Call {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

impl Base {
    pub(super) fn new(url: &Url) -> Self {
        Self {
            url: url.clone(),
            prefix: url.path().trim_end_matches('/').to_owned(),
        }
    }

    /// The call of a request; `None` for one that cannot be sent without leaving the place.
    pub(super) fn call(&self, request: &OwnedRequest) -> Option<Call> {
        if matches!(request.method, Method::CONNECT | Method::TRACE) {
            return None;
        }
        Some(Call {
            method: request.method.clone(),
            url: self.below(&request.path, &request.query)?,
            headers: headers(request),
            body: Bytes::copy_from_slice(&request.body),
        })
    }

    fn below(&self, path: &str, query: &str) -> Option<Url> {
        if !is_plain_path(path) || !is_plain_query(query) {
            return None;
        }
        let mut text = format!("{}{path}", self.prefix);
        if !query.is_empty() {
            text.push('?');
            text.push_str(query);
        }
        let path_and_query = PathAndQuery::from_maybe_shared(Bytes::from(text)).ok()?;
        Some(self.url.at(path_and_query))
    }
}

impl Call {
    /// The request with this credential, in this header.
    pub(super) fn with(
        &self,
        credential: Option<(&HeaderName, HeaderValue)>,
        max_bytes: usize,
    ) -> outbound::Request<'_> {
        let mut headers = self.headers.clone();
        if let Some((name, value)) = credential {
            headers.insert(name, value);
        }
        let fields = headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()));
        outbound::Request {
            method: self.method.clone(),
            url: &self.url,
            headers: fields.collect(),
            body: self.body.clone(),
            max_bytes,
        }
    }
}

fn headers(request: &OwnedRequest) -> HeaderMap {
    let mut headers = request.headers.clone();
    for name in OURS {
        headers.remove(name);
    }
    for name in OURS_TOO {
        headers.remove(*name);
    }
    let json = HeaderValue::from_static("application/json");
    headers.entry(ACCEPT).or_insert(json);
    let may_have_body = matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
    if request.body.is_empty() && may_have_body {
        // Of another length the transport takes care; without one, some servers answer 411.
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    headers
}

/// Whether every reader of this path sees the same segments in it, and none that leads elsewhere.
fn is_plain_path(path: &str) -> bool {
    let Some(below) = path.strip_prefix('/') else {
        return false;
    };
    let is_char = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte);
    let last = below.rsplit('/').next().unwrap_or_default();
    let mut segments = below.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        // An empty one may end a path, and be nowhere else.
        if segment.is_empty() && !(is_last && last.is_empty()) {
            return false;
        }
        if !segment.bytes().all(is_char) || !is_encoded_well(segment) || wanders(segment) {
            return false;
        }
    }
    true
}

fn is_plain_query(query: &str) -> bool {
    query
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'#')
        && is_encoded_well(query)
}

/// Whether every percent sign begins an encoded byte.
fn is_encoded_well(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let digits = rest.bytes().take(2);
        digits.filter(u8::is_ascii_hexdigit).count() == 2
    })
}

/// Whether a segment is a dot segment, or holds a control character, to a reader who decodes it: some
/// servers take an encoded slash for a slash, and cut off what follows a semicolon.
fn wanders(segment: &str) -> bool {
    let decoded: Vec<u8> = percent_decode_str(segment).collect();
    let is_dots = |part: &[u8]| {
        let name = part.split(|byte| *byte == b';').next().unwrap_or_default();
        name == b"." || name == b".."
    };
    decoded.iter().any(u8::is_ascii_control)
        || decoded
            .split(|byte| matches!(byte, b'/' | b'\\'))
            .any(is_dots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(base: &str, path: &str, query: &str) -> Option<String> {
        let base = Base::new(&Url::parse(base).unwrap());
        base.below(path, query).map(|url| url.to_string())
    }

    #[test]
    fn paths_are_appended_as_they_are() {
        for (base, path, query, whole) in [
            (
                "https://a.example",
                "/v2/users",
                "",
                "https://a.example/v2/users",
            ),
            ("https://a.example/", "/v2/", "", "https://a.example/v2/"),
            (
                "https://a.example:8443/x/y/",
                "/v2",
                "a=b%26c&d",
                "https://a.example:8443/x/y/v2?a=b%26c&d",
            ),
            ("https://a.example/x", "/", "", "https://a.example/x/"),
            (
                "https://a.example",
                "/u/a%2Fb%7C%C3%BC/p:q@r;s=t",
                "",
                "https://a.example/u/a%2Fb%7C%C3%BC/p:q@r;s=t",
            ),
            (
                "https://a.example",
                "/u/a..b/...",
                "",
                "https://a.example/u/a..b/...",
            ),
        ] {
            assert_eq!(url(base, path, query).as_deref(), Some(whole));
        }
    }

    #[test]
    fn nothing_leads_out_of_the_place() {
        for path in [
            "",
            "v2/users",
            "@evil.example/",
            ":8080/",
            ".evil.example/",
            "//evil.example/",
            "/a//b",
            "//",
            "/a/b//",
            "/a/../b",
            "/a/..",
            "/./a",
            "/a/.",
            "/a/%2e%2e/b",
            "/a/%2E./b",
            "/a/.%2e",
            "/a/..%2fb",
            "/a/b%2f..%2f..%2fc",
            "/a/%2e%2e%5cb",
            "/a/..;/b",
            "/a/..;x=y/b",
            "/a/%2e%2e%3b/b",
            "/a\\..\\b",
            "/a\\b",
            "/a b",
            "/a\r\nHost: evil.example",
            "/a%0d%0aHost:x",
            "/a%00",
            "/a%7f",
            "/a\u{7f}",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a?b",
            "/a#b",
            "/\u{fc}",
            "http://evil.example/",
        ] {
            assert_eq!(url("https://a.example/x", path, ""), None, "{path:?}");
        }
        for query in ["a#b", "a b", "a\r\nb", "a=%", "a=\u{fc}", "a\tb", "a=%4"] {
            assert_eq!(url("https://a.example", "/v2", query), None, "{query:?}");
        }
        let long = format!("/{}", "a".repeat(100_000));
        assert_eq!(url("https://a.example", &long, ""), None);
    }

    #[test]
    fn a_request_says_neither_who_we_are_nor_how_it_is_framed() {
        let mut request = OwnedRequest {
            method: Method::POST,
            path: "/v2".to_owned(),
            ..OwnedRequest::default()
        };
        for name in OURS
            .iter()
            .map(HeaderName::as_str)
            .chain(OURS_TOO.iter().copied())
        {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request
                .headers
                .insert(name, HeaderValue::from_static("theirs"));
        }
        request.headers.append("x-a", HeaderValue::from_static("1"));
        request.headers.append("x-a", HeaderValue::from_static("2"));
        let base = Base::new(&Url::parse("https://a.example").unwrap());
        let call = base.call(&request).unwrap();
        let name = HeaderName::from_static("authorization");
        let sent = call.with(Some((&name, HeaderValue::from_static("ours"))), 1);
        let mut fields: Vec<_> = sent
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        fields.sort();
        assert_eq!(
            fields,
            [
                "accept: application/json",
                "authorization: ours",
                "content-length: 0",
                "x-a: 1",
                "x-a: 2",
            ]
        );
    }

    #[test]
    fn tunnels_and_echoes_are_not_asked_for() {
        let base = Base::new(&Url::parse("https://a.example").unwrap());
        for method in [Method::CONNECT, Method::TRACE] {
            let request = OwnedRequest {
                method,
                path: "/v2".to_owned(),
                ..OwnedRequest::default()
            };
            assert!(base.call(&request).is_none());
        }
    }
}
