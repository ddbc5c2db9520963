//! Where to call: a URL of the configuration, checked once.

use http::Uri;
use http::uri::{PathAndQuery, Scheme};

/// An `http` or `https` URL with a host, and without user, password or fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(Uri);

/// What is wrong with a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlFault {
    /// It is not one.
    NotAUrl,
    /// It is neither `http` nor `https`.
    Scheme,
    /// It holds a user or a password.
    UserInfo,
    /// It has a fragment, which is never sent.
    Fragment,
}

impl UrlFault {
    /// What is wrong, as a sentence.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            UrlFault::NotAUrl => "this is not a URL with a host",
            UrlFault::Scheme => "only https and http URLs can be called",
            UrlFault::UserInfo => "a URL must not hold a user or a password",
            UrlFault::Fragment => "a URL to call has no fragment",
        }
    }
}

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`UrlFault`].
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        if text.contains('#') {
            return Err(UrlFault::Fragment);
        }
        let uri: Uri = text.parse().map_err(|_| UrlFault::NotAUrl)?;
        let authority = uri.authority().ok_or(UrlFault::NotAUrl)?;
        if authority.as_str().contains('@') {
            return Err(UrlFault::UserInfo);
        }
        if uri.scheme() != Some(&Scheme::HTTP) && uri.scheme() != Some(&Scheme::HTTPS) {
            return Err(UrlFault::Scheme);
        }
        // What follows the host is a port, or the host means something else than it seems to.
        let port = authority.as_str().strip_prefix(authority.host());
        let port_is_right = match port.map(|rest| rest.strip_prefix(':')) {
            Some(None) => port == Some(""),
            Some(Some(digits)) => digits.parse::<u16>().is_ok_and(|port| port != 0),
            None => false,
        };
        if authority.host().is_empty() || !port_is_right {
            return Err(UrlFault::NotAUrl);
        }
        Ok(Self(uri))
    }

    /// The same origin with another path and query.
    #[must_use]
    pub fn at(&self, path_and_query: PathAndQuery) -> Self {
        let mut parts = self.0.clone().into_parts();
        parts.path_and_query = Some(path_and_query);
        // Scheme and authority are there, so that the parts always fit; the URL stays as it is if not.
        Self(Uri::from_parts(parts).unwrap_or_else(|_| self.0.clone()))
    }

    /// The path, percent-encoded as it was written; at least `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default()
    }

    /// Whether the call is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS)
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_and_https_urls_are_taken() {
        for good in [
            "https://login.example.com/jwks.json",
            "http://127.0.0.1:8080/a?b=c",
            "https://[2001:4860::1]:8443/keys",
            "HTTPS://example.com",
        ] {
            assert!(Url::parse(good).is_ok(), "{good}");
        }
        for (bad, fault) in [
            ("", UrlFault::NotAUrl),
            ("/jwks.json", UrlFault::NotAUrl),
            ("example.com", UrlFault::Scheme),
            ("ftp://example.com/", UrlFault::Scheme),
            ("gopher://example.com/", UrlFault::Scheme),
            ("file:///etc/passwd", UrlFault::NotAUrl),
            ("https://user:hunter2@example.com/", UrlFault::UserInfo),
            ("https://good.example@evil.example/", UrlFault::UserInfo),
            ("https://example.com/#keys", UrlFault::Fragment),
            ("https://example.com:0/", UrlFault::NotAUrl),
            ("https://example.com:99999/", UrlFault::NotAUrl),
            ("https://example.com:/", UrlFault::NotAUrl),
            ("https://exam ple.com/", UrlFault::NotAUrl),
            ("https://example.com/\r\nHost: evil", UrlFault::NotAUrl),
        ] {
            assert_eq!(Url::parse(bad).unwrap_err(), fault, "{bad}");
        }
    }

    #[test]
    fn another_path_stays_at_the_origin() {
        let url = Url::parse("https://example.com:8443/a").unwrap();
        let other = url.at(PathAndQuery::from_static("/b?c=d"));
        assert_eq!(other.to_string(), "https://example.com:8443/b?c=d");
    }
}
