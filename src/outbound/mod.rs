//! The one HTTP client: everything that linkbridge itself calls, it calls through here.
//!
//! HTTP/1.1 and HTTP/2 (by ALPN) over rustls, with a time for each step, bounded answers, no redirects
//! and no proxy out of the environment. A name is resolved once, every address of it is checked against
//! the [`Policy`], and a checked address is what is connected to. Where to call comes from the
//! configuration as a [`Url`]; nothing of a client's request chooses scheme, host or port.

mod address;
mod connect;
mod resolve;
mod stream;
mod streaming;
mod tls;
mod url;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub use self::address::{Net, Policy};
use self::connect::Connector;
pub use self::resolve::{Resolve, Resolved, System};
pub use self::streaming::Streaming;
pub use self::tls::Roots;
pub use self::url::{Url, UrlFault};

/// The most bytes of an answer's head.
const HEAD_BYTES: u32 = 32 * 1024;
/// The most fields of an answer's head.
const HEAD_FIELDS: usize = 64;
/// The most idle connections to one origin.
const IDLE_PER_ORIGIN: usize = 8;

/// How long each step of a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From a name to its addresses.
    pub resolve: Duration,
    /// A TCP connection to one address.
    pub connect: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// From the start of the call to the answer's head, whatever has to be done for it.
    pub first_byte: Duration,
    /// The whole call.
    pub total: Duration,
    /// How long a connection that is not in use is kept.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(2),
            connect: Duration::from_secs(1),
            tls: Duration::from_secs(2),
            first_byte: Duration::from_secs(5),
            total: Duration::from_secs(8),
            idle: Duration::from_secs(20),
        }
    }
}

/// How to call.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Which addresses may be connected to.
    pub policy: Policy,
    /// Whose certificates are trusted.
    pub roots: Roots,
    /// How long things may take.
    pub timeouts: Timeouts,
}

/// One call.
#[derive(Debug)]
pub struct Request<'u> {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: &'u Url,
    /// Fields besides those that the client sets itself. A value with a secret is marked as sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
    /// The largest body of an answer that is read.
    pub max_bytes: usize,
}

/// What was answered, whatever its status: a redirect is an answer as any other.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The fields.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Why there is no answer. Shows neither what was sent nor what came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The name has no address.
    Unresolved,
    /// An address of the name must not be connected to.
    ForbiddenAddress(std::net::IpAddr),
    /// No connection could be made.
    Unreachable,
    /// The peer is not who it should be, or speaks no TLS.
    Tls(String),
    /// A step took too long.
    TimedOut(&'static str),
    /// The answer is too large.
    TooLarge,
    /// The answer is in a coding that was not asked for.
    Encoded,
    /// The connection ended early, or the answer is no HTTP.
    Broken,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Unresolved => f.write_str("the name has no address"),
            Fault::ForbiddenAddress(address) => {
                write!(f, "the address {address} is not allowed (allow_addresses)")
            }
            Fault::Unreachable => f.write_str("no connection could be made"),
            Fault::Tls(why) => write!(f, "TLS: {why}"),
            Fault::TimedOut(step) => write!(f, "{step} took too long"),
            Fault::TooLarge => f.write_str("the answer is too large"),
            Fault::Encoded => f.write_str("the answer is compressed, which was not asked for"),
            Fault::Broken => f.write_str("the answer is broken off, or no HTTP"),
        }
    }
}

impl std::error::Error for Fault {}

/// Why there can be no client.
#[derive(Debug)]
pub struct StartFault(String);

impl std::fmt::Display for StartFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartFault {}

/// The client. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: legacy::Client<Connector, Full<Bytes>>,
    timeouts: Timeouts,
}

impl Client {
    /// A client that resolves names as the system does.
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
        let connector = Connector::new(
            settings.policy.clone(),
            resolver,
            tls::client(&settings.roots)?,
            settings.timeouts,
        );
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(settings.timeouts.idle)
            .pool_max_idle_per_host(IDLE_PER_ORIGIN)
            .http1_max_headers(HEAD_FIELDS)
            .http1_max_buf_size(HEAD_BYTES as usize)
            .http2_max_header_list_size(HEAD_BYTES)
            .build(connector);
        Ok(Self {
            http,
            timeouts: settings.timeouts,
        })
    }

    /// Calls, once. A request that could not be sent because an idle connection had ended is sent on
    /// another; nothing else is repeated.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn call(&self, request: Request<'_>) -> Result<Answer, Fault> {
        let max_bytes = request.max_bytes;
        let request = prepared(request)?;
        let call = async {
            let head = tokio::time::timeout(self.timeouts.first_byte, self.http.request(request));
            let response = head
                .await
                .map_err(|_| Fault::TimedOut("the answer"))?
                .map_err(|error| fault_of(&error))?;
            read(response, max_bytes).await
        };
        let whole = tokio::time::timeout(self.timeouts.total, call);
        whole.await.map_err(|_| Fault::TimedOut("the call"))?
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

fn prepared(request: Request<'_>) -> Result<http::Request<Full<Bytes>>, Fault> {
    let mut prepared = http::Request::builder()
        .method(request.method)
        .uri(request.url.uri().clone())
        .body(Full::new(request.body))
        .map_err(|_| Fault::Broken)?;
    let headers = prepared.headers_mut();
    let agent = concat!("linkbridge/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.extend(request.headers);
    Ok(prepared)
}

async fn read(
    response: http::Response<hyper::body::Incoming>,
    max_bytes: usize,
) -> Result<Answer, Fault> {
    let (parts, body) = response.into_parts();
    let is_encoded = parts
        .headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if is_encoded {
        return Err(Fault::Encoded);
    }
    let collected = Limited::new(body, max_bytes).collect().await;
    let body = collected.map_err(|error| match error.is::<LengthLimitError>() {
        true => Fault::TooLarge,
        false => Fault::Broken,
    })?;
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.to_bytes(),
    })
}

/// The connector's own fault, where it is the cause.
fn fault_of(error: &legacy::Error) -> Fault {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(fault) = error.downcast_ref::<Fault>() {
            return fault.clone();
        }
        cause = error.source();
    }
    Fault::Broken
}
