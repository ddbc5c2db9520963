//! Calls whose bodies go through as they come, both ways: for passing requests on.
//!
//! The same connector, and so the same policy, as for every other call; no redirects. HTTP/1.1 only: each
//! exchange has a connection of its own, so that one that stalls holds up no other. There is no time for
//! the whole call: whoever streams knows what is still moving.

use std::sync::Arc;
use std::time::Duration;

use http::uri::{Authority, PathAndQuery};
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connect::Connector;
use super::{
    Fault, HEAD_BYTES, HEAD_FIELDS, IDLE_PER_ORIGIN, NoAnswer, OfRuntime, Protocols, Resolve,
    Settings, StartFault, System, Url, tls,
};

/// How long a connection that is not in use is kept: less than the five seconds after which common servers
/// close it.
const IDLE: Duration = Duration::from_secs(4);

/// A client for bodies of type `B`.
pub struct Streaming<B> {
    connector: Connector,
    idle: Duration,
    /// For requests that only ask: an idle connection of the same runtime will do, and they can be sent again
    /// if it has ended.
    kept: OfRuntime<legacy::Client<Connector, B>>,
    /// For all others: a connection of their own.
    fresh: legacy::Client<Connector, B>,
}

impl<B> Streaming<B>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// A client that resolves names as the system does. Of the times, those until there is a connection count.
    ///
    /// # Errors
    /// If the roots cannot be read.
    pub fn new(settings: &Settings) -> Result<Self, StartFault> {
        Self::with_resolver(settings, Arc::new(System))
    }

    /// A client that resolves names by `resolver`.
    ///
    /// # Errors
    /// If the roots cannot be read.
    pub fn with_resolver(
        settings: &Settings,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, StartFault> {
        let settings = &Settings {
            protocols: Protocols::Http1,
            ..settings.clone()
        };
        let connector = Connector::new(resolver, tls::client(settings)?, settings);
        let idle = settings.timeouts.idle.min(IDLE);
        Ok(Self {
            kept: OfRuntime::default(),
            fresh: client(&connector, idle, 0),
            connector,
            idle,
        })
    }

    /// Sends a request to `url`, whatever its own target says, and answers with the head that came back: its
    /// body follows. `Host` is that of the URL. Nothing is sent twice: a request that does more than ask goes
    /// over a connection of its own, which cannot have ended unnoticed.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn stream(
        &self,
        url: &Url,
        mut request: http::Request<B>,
    ) -> Result<http::Response<Incoming>, Fault> {
        request.headers_mut().remove(http::header::HOST);
        *request.uri_mut() = url.uri().clone();
        *request.version_mut() = http::Version::HTTP_11;
        let http = match request.method().is_safe() {
            true => self
                .kept
                .here(|| client(&self.connector, self.idle, IDLE_PER_ORIGIN)),
            false => self.fresh.clone(),
        };
        let response = http.request(request).await;
        response.map_err(|error| NoAnswer::of(&error, None).fault)
    }
}

/// A client that keeps so many idle connections to an origin.
fn client<B>(connector: &Connector, idle: Duration, kept: usize) -> legacy::Client<Connector, B>
where
    B: Body + Send,
    B::Data: Send,
{
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(idle)
        .pool_max_idle_per_host(kept)
        .http1_max_headers(HEAD_FIELDS)
        .http1_max_buf_size(HEAD_BYTES as usize)
        .build(connector.clone())
}

impl<B> std::fmt::Debug for Streaming<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streaming").finish_non_exhaustive()
    }
}

impl Url {
    /// Whether it is an origin and nothing more: without a path and a query.
    #[must_use]
    pub fn is_origin(&self) -> bool {
        self.uri().path() == "/" && self.uri().query().is_none()
    }

    /// The path, query and fragment of a reference (RFC 3986) with a host, if it is one to this origin.
    #[must_use]
    pub fn below<'t>(&self, reference: &'t str) -> Option<&'t str> {
        let own = self.uri();
        let after_scheme = match reference.split_once("://") {
            Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => {
                let same = own
                    .scheme_str()
                    .is_some_and(|s| s.eq_ignore_ascii_case(scheme));
                same.then_some(rest)?
            }
            _ => reference.strip_prefix("//")?,
        };
        let end = after_scheme
            .find(['/', '?', '#'])
            .unwrap_or(after_scheme.len());
        let (authority, rest) = after_scheme.split_at_checked(end)?;
        let authority: Authority = authority.parse().ok()?;
        let port = |authority: &Authority| match authority.port_u16() {
            Some(port) => port,
            None if self.is_https() => 443,
            None => 80,
        };
        let own = own.authority()?;
        let is_plain = !authority.as_str().contains('@');
        let is_same =
            own.host().eq_ignore_ascii_case(authority.host()) && port(own) == port(&authority);
        (is_plain && is_same).then_some(rest)
    }

    /// The same origin with a raw path and query; `None` if they cannot be sent.
    #[must_use]
    pub fn with_target(&self, target: &str) -> Option<Self> {
        let target: PathAndQuery = target.parse().ok()?;
        // What does not begin with a slash would be read together with the port.
        target.as_str().starts_with('/').then(|| self.at(target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_to_the_origin_is_known_in_every_form() {
        let url = Url::parse("https://Old.Internal").unwrap();
        for (reference, below) in [
            ("https://old.internal/a?b#c", Some("/a?b#c")),
            ("HTTPS://OLD.INTERNAL:443/a", Some("/a")),
            ("//old.internal/a", Some("/a")),
            ("https://old.internal", Some("")),
            ("https://old.internal?x", Some("?x")),
            ("http://old.internal/a", None),
            ("https://old.internal:8443/a", None),
            ("https://old.internal.example/a", None),
            ("https://user@old.internal/a", None),
            ("https://old.internal\\@evil.example/a", None),
            ("/a", None),
            ("/redirect?to=https://old.internal/", None),
            ("", None),
        ] {
            assert_eq!(url.below(reference), below, "{reference}");
        }
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    }

    /// Tells in two pieces on each connection, and is told when to tell the second.
    fn origin(goes_on: std::sync::mpsc::Receiver<()>) -> Url {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
            // The first connection answers at once, then waits for another request, or its end.
            let (mut first, _) = listener.accept().unwrap();
            assert!(first.read(&mut [0; 4096]).unwrap() > 0);
            first.write_all(&[&head[..], b"ab"].concat()).unwrap();
            first
                .set_read_timeout(Some(Duration::from_millis(300)))
                .unwrap();
            let again = first.read(&mut [0; 4096]);
            let mut second = match again {
                Ok(1..) => first,
                _ => listener.accept().unwrap().0,
            };
            let _ = second.write_all(&[&head[..], b"a"].concat());
            goes_on.recv().unwrap();
            let _ = second.write_all(b"b");
        });
        Url::parse(&url).unwrap()
    }

    #[test]
    fn a_runtime_that_ends_takes_no_call_of_another_along() {
        use http_body_util::{BodyExt as _, Empty};
        let settings = Settings {
            policy: super::super::Policy {
                allowed: vec![super::super::Net::parse("127.0.0.1").unwrap()],
            },
            ..Settings::default()
        };
        let client = Streaming::<Empty<bytes::Bytes>>::new(&settings).unwrap();
        let (goes_on, waits) = std::sync::mpsc::channel();
        let url = origin(waits);
        let get = || client.stream(&url, http::Request::new(Empty::new()));
        let (one, other) = (runtime(), runtime());
        let first = one.block_on(async { get().await.unwrap().collect().await });
        assert_eq!(first.unwrap().to_bytes().as_ref(), b"ab");
        // What the first runtime keeps is idle by now, and goes on being served.
        let ends = std::thread::spawn(move || {
            one.block_on(async { tokio::time::sleep(Duration::from_millis(700)).await });
        });
        let mut second = other.block_on(get()).unwrap();
        ends.join().unwrap();
        goes_on.send(()).unwrap();
        let body = other.block_on(async { second.body_mut().collect().await });
        assert_eq!(body.unwrap().to_bytes().as_ref(), b"ab");
    }

    #[test]
    fn an_origin_has_no_path() {
        for (text, is_origin) in [
            ("https://a.example", true),
            ("https://a.example:8443/", true),
            ("https://a.example/api", false),
            ("https://a.example/?x", false),
        ] {
            assert_eq!(Url::parse(text).unwrap().is_origin(), is_origin, "{text}");
        }
    }

    #[test]
    fn a_target_never_changes_the_origin() {
        let url = Url::parse("https://a.example").unwrap();
        let at = |target: &str| url.with_target(target).map(|url| url.to_string());
        assert_eq!(at("/b?c").as_deref(), Some("https://a.example/b?c"));
        assert_eq!(at("//b/c").as_deref(), Some("https://a.example//b/c"));
        for bad in ["@b/", "b", "*", "/a b", "?x"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}
