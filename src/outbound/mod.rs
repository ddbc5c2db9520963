//! The one HTTP client: everything that linkbridge itself calls, it calls through here.
//!
//! HTTP/1.1 and HTTP/2 (by ALPN) over rustls, with a time for each step, bounded answers, no redirects
//! and no proxy out of the environment. A name is resolved once, every address of it is checked against
//! the [`Policy`], and a checked address is what is connected to. Where to call comes from the
//! configuration as a [`Url`]; nothing of a client's request chooses scheme, host or port.

mod address;
mod connect;
mod fault;
mod of_runtime;
mod resolve;
mod settings;
mod stream;
mod streaming;
mod tls;
mod url;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Notify;

pub use self::address::{Net, Policy};
use self::connect::Connector;
pub use self::fault::{Fault, NoAnswer, StartFault};
pub use self::of_runtime::OfRuntime;
pub use self::resolve::{Resolve, Resolved, System};
pub use self::settings::{Protocols, Settings, Timeouts};
pub use self::streaming::Streaming;
pub use self::tls::{Identity, Roots};
pub use self::url::{Url, UrlFault};

/// The most bytes of an answer's head.
const HEAD_BYTES: u32 = 32 * 1024;
/// The most fields of an answer's head.
const HEAD_FIELDS: usize = 64;
/// The most idle connections to one origin.
const IDLE_PER_ORIGIN: usize = 32;
/// How often an HTTP/2 connection is asked whether it is still there, idle or not, and how long that may
/// take: one that has died silently would stay in the pool for ever.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_WITHIN: Duration = Duration::from_secs(5);
/// The most interim answers (1xx) before an answer.
const MAX_INTERIM: usize = 16;

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

/// The client. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: legacy::Client<Connector, Full<Bytes>>,
    connector: Connector,
    protocols: Protocols,
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
        let connector = Connector::new(resolver, tls::client(settings)?, settings);
        Ok(Self {
            http: pool(&connector, settings.protocols, settings.timeouts),
            connector,
            protocols: settings.protocols,
            timeouts: settings.timeouts,
        })
    }

    /// Another client with the same settings and with connections of its own.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self {
            http: pool(&self.connector, self.protocols, self.timeouts),
            ..self.clone()
        }
    }

    /// Calls, once. A request that could not be sent because an idle connection had ended is sent on
    /// another; nothing else is repeated.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn call(&self, request: Request<'_>) -> Result<Answer, Fault> {
        let called = self.send(request, self.timeouts.total).await;
        called.map_err(|no_answer| no_answer.fault)
    }

    /// Calls, once, as [`Client::call`] does, within this time if it is shorter than that of a call.
    ///
    /// # Errors
    /// [`NoAnswer`], which says whether the peer may have seen the request.
    pub async fn send(&self, request: Request<'_>, within: Duration) -> Result<Answer, NoAnswer> {
        let max_bytes = request.max_bytes;
        let mut request = prepared(request).map_err(NoAnswer::unsent)?;
        let connection = capture_connection(&mut request);
        let interim = too_many_interim(&mut request);
        let no_answer = |fault| NoAnswer {
            fault,
            sent: connection.connection_metadata().is_some(),
        };
        let call = async {
            let head = async {
                tokio::select! {
                    head = self.http.request(request) => head.map_err(|error| {
                        NoAnswer::of(&error, connection.connection_metadata().as_ref())
                    }),
                    () = interim.notified() => Err(NoAnswer::sent(Fault::Broken)),
                }
            };
            let response = tokio::time::timeout(self.timeouts.first_byte, head)
                .await
                .map_err(|_| no_answer(Fault::TimedOut("the answer")))??;
            read(response, max_bytes).await.map_err(NoAnswer::sent)
        };
        let whole = tokio::time::timeout(self.timeouts.total.min(within), call).await;
        whole.map_err(|_| no_answer(Fault::TimedOut("the call")))?
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

fn pool(
    connector: &Connector,
    protocols: Protocols,
    timeouts: Timeouts,
) -> legacy::Client<Connector, Full<Bytes>> {
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(timeouts.idle)
        .pool_max_idle_per_host(IDLE_PER_ORIGIN)
        .http1_max_headers(HEAD_FIELDS)
        .http1_max_buf_size(HEAD_BYTES as usize)
        .http2_max_header_list_size(HEAD_BYTES)
        .http2_only(protocols == Protocols::Http2)
        .http2_keep_alive_interval(PING_EVERY)
        .http2_keep_alive_timeout(PING_WITHIN)
        .http2_keep_alive_while_idle(true)
        // Of a request that was never begun only, so that it serves writes too.
        .retry_canceled_requests(true)
        .build(connector.clone())
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
    for (name, value) in request.headers {
        headers.append(name, value);
    }
    Ok(prepared)
}

/// Tells when a request has got more interim answers than anybody needs.
fn too_many_interim<B>(request: &mut http::Request<B>) -> Arc<Notify> {
    let (told, count) = (Arc::new(Notify::new()), AtomicUsize::new(0));
    let tell = Arc::clone(&told);
    hyper::ext::on_informational(request, move |_| {
        if count.fetch_add(1, Ordering::Relaxed) == MAX_INTERIM {
            tell.notify_one();
        }
    });
    told
}

async fn read(
    response: http::Response<hyper::body::Incoming>,
    max_bytes: usize,
) -> Result<Answer, Fault> {
    let (parts, body) = response.into_parts();
    if parts.status.is_informational() {
        // Another protocol, which nobody has asked for.
        return Err(Fault::Broken);
    }
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
