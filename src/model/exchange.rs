//! One request with its response, apart from any transport.

use http::{HeaderMap, Method};

/// A request as a dialect reads it. The body is complete.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path as it was sent: percent-encoded, below the front's prefix.
    pub path: &'a str,
    /// The query string as it was sent, without the question mark.
    pub query: &'a str,
    /// The header fields.
    pub headers: &'a HeaderMap,
    /// The body; empty if there is none.
    pub body: &'a [u8],
}

/// A request that linkbridge makes itself.
#[derive(Clone, Debug, Default)]
pub struct OwnedRequest {
    /// The method.
    pub method: Method,
    /// The path, percent-encoded.
    pub path: String,
    /// The query string, without the question mark.
    pub query: String,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl OwnedRequest {
    /// This request as a dialect reads it.
    #[must_use]
    pub fn view(&self) -> Request<'_> {
        Request {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
        }
    }
}

/// A response. `Content-Length` is the transport's to add; everything else is here.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The status code, 100 to 599.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body; empty if there is none.
    pub body: Vec<u8>,
}
