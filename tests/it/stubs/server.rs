//! A vendor behind a socket: HTTP/1.1 on loopback, in a thread of its own, until it is dropped.

use std::convert::Infallible;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tokio::time::Sleep;

use super::message::{Answer, Request};
use super::{Later, Vendor};

/// What becomes of a request on its way to the vendor and back.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// The vendor does it and answers.
    Honest,
    /// The vendor does not see it; this is answered.
    Instead(Answer),
    /// The vendor does it; this is answered.
    Afterwards(Answer),
    /// The vendor does it and answers this much later.
    Late(Duration),
    /// The vendor does not see it, and nothing is ever answered.
    Hang,
    /// The vendor does it, and nothing is ever answered.
    DoneAndHang,
    /// The vendor does not see it; the connection is closed.
    Close,
    /// The vendor does it; the connection is closed without an answer.
    DoneAndClose,
    /// The vendor does it; the connection is closed in the middle of the answer's body.
    Cut,
    /// The vendor does it; the answer's body comes a byte at a time, this far apart.
    Trickle(Duration),
    /// The vendor does it; the answer's body does not end.
    Flood,
}

type Tamper = Box<dyn FnMut(&Request) -> Fate + Send>;

/// A running stub.
pub(crate) struct Stub<V> {
    addr: SocketAddr,
    shared: Arc<Shared<V>>,
    // Dropped with the stub: the server hears of it and ends.
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

struct Shared<V> {
    vendor: Mutex<V>,
    log: Mutex<Vec<Request>>,
    tamper: Mutex<Option<Tamper>>,
    ahead: Mutex<Duration>,
}

/// A test that failed while it held a lock says so itself.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl<V> Shared<V> {
    fn now(&self) -> Instant {
        Instant::now() + *lock(&self.ahead)
    }
}

impl<V: Vendor + 'static> Stub<V> {
    /// Serves a vendor on a port of its own.
    pub(crate) fn start(vendor: V) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            vendor: Mutex::new(vendor),
            log: Mutex::default(),
            tamper: Mutex::default(),
            ahead: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = accept(listener, served) => {}
                    // Only ever an error: the sender is dropped.
                    _ = stopped => {}
                }
            });
        });
        Self {
            addr,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it listens: `http://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Every request that arrived so far, oldest first.
    pub(crate) fn log(&self) -> Vec<Request> {
        lock(&self.shared.log).clone()
    }

    /// Every request that arrived since this was asked last.
    pub(crate) fn take_log(&self) -> Vec<Request> {
        std::mem::take(&mut lock(&self.shared.log))
    }

    /// Looks into the vendor's state, or changes it.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut V) -> T) -> T {
        look(&mut lock(&self.shared.vendor))
    }

    /// Decides from now on what becomes of each request.
    pub(crate) fn tamper(&self, tamper: impl FnMut(&Request) -> Fate + Send + 'static) {
        *lock(&self.shared.tamper) = Some(Box::new(tamper));
    }

    /// The next requests have these fates, one each; those after them are answered by the vendor.
    pub(crate) fn tamper_next(&self, fates: impl IntoIterator<Item = Fate>) {
        let mut fates = fates.into_iter().collect::<Vec<_>>().into_iter();
        self.tamper(move |_| fates.next().unwrap_or(Fate::Honest));
    }

    /// Every request is answered by the vendor again.
    pub(crate) fn heal(&self) {
        *lock(&self.shared.tamper) = None;
    }

    /// Pushes the vendor's clock.
    pub(crate) fn advance(&self, by: Duration) {
        *lock(&self.shared.ahead) += by;
    }
}

impl<V> Drop for Stub<V> {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A panic of the vendor was told when it happened.
            let _ = thread.join();
        }
    }
}

async fn accept<V: Vendor + 'static>(listener: tokio::net::TcpListener, shared: Arc<Shared<V>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // Answers are small: they shall not wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| serve(request, Arc::clone(&shared)));
            // The peer may well have gone, or a fate has closed the connection.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// The connection ends here, without an answer.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("closed")
    }
}

impl std::error::Error for Closed {}

async fn serve<V: Vendor + 'static>(
    request: http::Request<Incoming>,
    shared: Arc<Shared<V>>,
) -> Result<http::Response<Payload>, Closed> {
    let request = read(request).await?;
    lock(&shared.log).push(request.clone());
    let fate = lock(&shared.tamper)
        .as_mut()
        .map_or(Fate::Honest, |tamper| tamper(&request));
    match fate {
        Fate::Instead(answer) => return Ok(whole(answer)),
        Fate::Hang => return pending().await,
        Fate::Close => return Err(Closed),
        _ => {}
    }
    let answer = ask(&request, &shared).await;
    match fate {
        Fate::Afterwards(answer) => Ok(whole(answer)),
        Fate::Late(by) => {
            tokio::time::sleep(by).await;
            Ok(whole(answer))
        }
        Fate::DoneAndHang => pending().await,
        Fate::DoneAndClose => Err(Closed),
        Fate::Cut => Ok(cut(answer)),
        Fate::Trickle(pause) => Ok(respond(answer, |body| Payload::Trickle(body, pause, None))),
        Fate::Flood => Ok(respond(answer, |_| Payload::Flood)),
        _ => Ok(whole(answer)),
    }
}

async fn ask<V: Vendor>(request: &Request, shared: &Shared<V>) -> Answer {
    let later = lock(&shared.vendor).begin(request, shared.now());
    match later {
        None => lock(&shared.vendor).answer(request, shared.now()),
        Some(Later { after, end }) => {
            tokio::time::sleep(after).await;
            end(&mut lock(&shared.vendor), shared.now())
        }
    }
}

/// Far above what any vendor's client sends.
const MOST_BYTES: usize = 16 * 1024 * 1024;

async fn read(request: http::Request<Incoming>) -> Result<Request, Closed> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MOST_BYTES).collect().await;
    let body = body.map_err(|_| Closed)?.to_bytes().to_vec();
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter();
    Ok(Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: form_urlencoded::parse(query).into_owned().collect(),
        headers: headers.map(|(n, v)| (n.to_string(), text(v))).collect(),
        body,
    })
}

/// The body of an answer on its way out.
enum Payload {
    Whole(Option<Bytes>),
    Cut(Option<Bytes>),
    Trickle(Bytes, Duration, Option<Pin<Box<Sleep>>>),
    Flood,
}

fn respond(answer: Answer, payload: impl FnOnce(Bytes) -> Payload) -> http::Response<Payload> {
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(payload(answer.body.into())).unwrap()
}

fn whole(answer: Answer) -> http::Response<Payload> {
    respond(answer, |body| {
        Payload::Whole(Some(body).filter(|body| !body.is_empty()))
    })
}

fn cut(answer: Answer) -> http::Response<Payload> {
    // An empty body is cut too: it is said to have one byte.
    let n_bytes = answer.body.len().max(1);
    let answer = answer.with("content-length", n_bytes.to_string());
    respond(answer, |body| {
        Payload::Cut(Some(body.slice(..body.len() / 2)))
    })
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        let data = |bytes| Poll::Ready(Some(Ok(Frame::data(bytes))));
        match &mut *self {
            Payload::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Payload::Cut(body) => match body.take().filter(|body| !body.is_empty()) {
                Some(body) => data(body),
                None => Poll::Ready(Some(Err(Closed))),
            },
            Payload::Trickle(body, ..) if body.is_empty() => Poll::Ready(None),
            Payload::Trickle(body, pause, sleep) => {
                let waiting = sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(*pause)));
                std::task::ready!(waiting.as_mut().poll(cx));
                *sleep = None;
                data(body.split_to(1))
            }
            Payload::Flood => data(Bytes::from_static(&[b' '; 65_536])),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Payload::Whole(None))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Payload::Whole(body) => {
                hyper::body::SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64))
            }
            _ => hyper::body::SizeHint::default(),
        }
    }
}
