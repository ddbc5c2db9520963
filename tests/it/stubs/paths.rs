//! What several vendors read of a request in ways of their own.

use super::Request;

/// When a vendor takes a path apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paths {
    /// Into segments first, as RFC 3986 has it: `%2F` is a part of an id.
    SplitFirst,
    /// Decoded first: `%2F` parts segments.
    DecodedFirst,
    /// Decoded first, and then `..` goes one up. Some servers in between do so, none should.
    Cleaned,
}

impl Paths {
    /// The decoded segments of a request's path.
    pub(crate) fn segments(self, request: &Request) -> Vec<String> {
        if self == Paths::SplitFirst {
            return request.segments();
        }
        let path = percent_encoding::percent_decode_str(&request.path).decode_utf8_lossy();
        let mut found: Vec<String> = Vec::new();
        for segment in path.trim_start_matches('/').split('/') {
            match segment {
                "." if self == Paths::Cleaned => {}
                ".." if self == Paths::Cleaned => {
                    found.pop();
                }
                other => found.push(other.to_owned()),
            }
        }
        found
    }
}

/// The first member of a form that has this name.
pub(crate) fn of<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = form.iter().find(|(n, _)| n == name);
    found.map(|(_, value)| value.as_str())
}

/// User and password of `Basic`.
pub(crate) fn basic(request: &Request) -> Option<(String, String)> {
    use base64::Engine as _;
    let text = request.credential("basic")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    let text = String::from_utf8(bytes.ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Who asks a token endpoint, with which secret: by header, else by form.
pub(crate) fn client(request: &Request) -> Option<(String, String)> {
    basic(request).or_else(|| {
        let form = request.form();
        let (id, secret) = (of(&form, "client_id")?, of(&form, "client_secret")?);
        Some((id.to_owned(), secret.to_owned()))
    })
}

#[test]
fn a_path_is_taken_apart_in_three_ways() {
    let of = |path: &str, paths: Paths| {
        paths.segments(&Request {
            method: "GET".to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
        })
    };
    let path = "/users/a%2F..%2Fb/links";
    assert_eq!(of(path, Paths::SplitFirst), ["users", "a/../b", "links"]);
    let decoded = ["users", "a", "..", "b", "links"];
    assert_eq!(of(path, Paths::DecodedFirst), decoded);
    assert_eq!(of(path, Paths::Cleaned), ["users", "b", "links"]);
    assert_eq!(of("/users/", Paths::SplitFirst), ["users", ""]);
    assert_eq!(of("/a/%2e%2E/b", Paths::Cleaned), ["b"]);
}
