//! A generator of load that does not wait for answers: every request has a time at which it is due, and what
//! it takes is counted from then on, however late it could be sent. A slow server therefore cannot slow down
//! the questions and so hide that it is slow.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};

use crate::support::fixtures::HARNESS;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Create,
    List,
    Get,
    Delete,
    Health,
}

/// How often each kind comes, of a thousand requests.
pub(super) type Mix = &'static [(Kind, u32)];

/// What came of a request.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) kind: Kind,
    /// When it was due, from the start of the run.
    pub(super) due: Duration,
    /// From then to the answer.
    pub(super) took: Duration,
    pub(super) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was carried out.
    Served,
    /// It was refused as too much, and told when to come back.
    Shed,
    /// No answer, or another one.
    Failed,
}

/// The links that the server has acknowledged, and what was asked about them since.
#[derive(Default)]
pub(super) struct Journal {
    /// Links that are there.
    pub(super) there: Vec<(String, String)>,
    /// Links that are gone.
    pub(super) gone: Vec<(String, String)>,
    /// Users whose link was refused: nothing may have been made.
    pub(super) never: Vec<String>,
    next: u64,
}

/// Connections to one server, and what is known of its links.
pub(super) struct Load {
    addr: SocketAddr,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
    /// Who may have a connection. Waiting for one counts: the request was due.
    connections: Semaphore,
    pub(super) journal: Mutex<Journal>,
    pub(super) odd: Mutex<Vec<String>>,
}

/// The most connections.
const CONNECTIONS: usize = 1000;
/// A generator that cannot keep up has a backlog of its own: this is about answers that never come.
const PATIENCE: Duration = Duration::from_secs(60);

impl Load {
    pub(super) fn new(addr: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            addr,
            idle: Mutex::default(),
            connections: Semaphore::new(CONNECTIONS),
            journal: Mutex::default(),
            odd: Mutex::default(),
        })
    }

    /// The same links at another server.
    pub(super) fn moved_to(&self, addr: SocketAddr) -> Arc<Self> {
        Arc::new(Self {
            addr,
            idle: Mutex::default(),
            connections: Semaphore::new(CONNECTIONS),
            journal: Mutex::new(std::mem::take(&mut *self.journal.lock().unwrap())),
            odd: Mutex::new(std::mem::take(&mut *self.odd.lock().unwrap())),
        })
    }

    /// Asks `rate` times a second, at even distances.
    pub(super) async fn open(self: &Arc<Self>, rate: f64, time: Duration, mix: Mix) -> Vec<Sample> {
        let start = Instant::now();
        let count = (time.as_secs_f64() * rate) as u32;
        let mut tasks = Vec::new();
        for n in 0..count {
            let due = start + Duration::from_secs_f64(f64::from(n) / rate);
            sleep_until(due).await;
            let load = Arc::clone(self);
            let kind = pick(mix, n);
            tasks.push(tokio::spawn(
                async move { load.one(kind, start, due).await },
            ));
        }
        let mut samples = Vec::new();
        for task in tasks {
            samples.push(task.await.unwrap());
        }
        samples
    }

    /// So many callers, each of whom asks again when it is answered.
    pub(super) async fn closed(
        self: &Arc<Self>,
        callers: u32,
        time: Duration,
        mix: Mix,
    ) -> Vec<Sample> {
        let start = Instant::now();
        let mut tasks = Vec::new();
        for caller in 0..callers {
            let load = Arc::clone(self);
            tasks.push(tokio::spawn(async move {
                let mut samples = Vec::new();
                for n in 0.. {
                    if start.elapsed() >= time {
                        break;
                    }
                    let kind = pick(mix, n * callers + caller);
                    samples.push(load.one(kind, start, Instant::now()).await);
                }
                samples
            }));
        }
        let mut samples = Vec::new();
        for task in tasks {
            samples.extend(task.await.unwrap());
        }
        samples
    }

    async fn one(&self, kind: Kind, start: Instant, due: Instant) -> Sample {
        let (kind, end) = match timeout(PATIENCE, self.ask(kind)).await {
            Ok(done) => done,
            Err(_) => (kind, self.failed("no answer")),
        };
        Sample {
            kind,
            due: due - start,
            took: due.elapsed(),
            end,
        }
    }

    fn failed(&self, why: impl Into<String>) -> End {
        self.odd.lock().unwrap().push(why.into());
        End::Failed
    }

    /// Asks, and notes what it means for the links. Without a link to delete or get, one is made.
    async fn ask(&self, kind: Kind) -> (Kind, End) {
        let (kind, method, target, body, about) = self.plan(kind);
        let answer = match self.send(method, &target, body).await {
            Ok(answer) => answer,
            Err(why) => return (kind, self.failed(format!("{kind:?}: {why}"))),
        };
        let (status, retry_after, body) = answer;
        let is_shed = status == 503 && body["type"] == "urn:linkbridge:failure:overloaded";
        if is_shed && !(1..=3).contains(&retry_after) {
            return (kind, self.failed(format!("come back after {retry_after}")));
        }
        let end = match (status, is_shed) {
            (200..=299 | 404, _) => End::Served,
            (_, true) => End::Shed,
            _ => self.failed(format!("{kind:?}: {status} {body}")),
        };
        let mut journal = self.journal.lock().unwrap();
        match (kind, end) {
            (Kind::Create, End::Served) => {
                let id = body["link_id"].as_str().unwrap_or_default().to_owned();
                journal.there.push((about.0, id));
            }
            (Kind::Create, End::Shed) => journal.never.push(about.0),
            (Kind::Delete, End::Served) => journal.gone.push(about),
            (Kind::Delete, End::Shed) => journal.there.push(about),
            _ => {}
        }
        (kind, end)
    }

    #[allow(clippy::type_complexity, reason = "it is taken apart where it is made")]
    fn plan(&self, kind: Kind) -> (Kind, &'static str, String, Option<Value>, (String, String)) {
        let mut journal = self.journal.lock().unwrap();
        journal.next += 1;
        let n = journal.next;
        let nobody = (String::new(), String::new());
        let there = journal.there.len();
        let about = |journal: &Journal| journal.there[n as usize % there].clone();
        match kind {
            Kind::Health => (
                kind,
                "GET",
                "/linkbridge/v1/status".to_owned(),
                None,
                nobody,
            ),
            Kind::List if there > 0 => {
                let target = format!("/linkbridge/v1/users/{}/links", about(&journal).0);
                (kind, "GET", target, None, nobody)
            }
            Kind::Get if there > 0 => {
                let target = format!("/linkbridge/v1/links/{}", about(&journal).1);
                (kind, "GET", target, None, nobody)
            }
            Kind::Delete if there > 0 => {
                // Nobody else asks to delete it at the same time.
                let link = journal.there.swap_remove(n as usize % there);
                let target = format!("/linkbridge/v1/links/{}", link.1);
                (kind, "DELETE", target, None, link)
            }
            _ => {
                let user = format!("u-{n}");
                let body =
                    json!({"user_id": user, "provider_id": "google", "subject": format!("s-{n}")});
                let target = "/linkbridge/v1/links".to_owned();
                (
                    Kind::Create,
                    "POST",
                    target,
                    Some(body),
                    (user, String::new()),
                )
            }
        }
    }

    /// Sends a request on a connection that is free, or on a new one.
    pub(super) async fn send(
        &self,
        method: &str,
        target: &str,
        body: Option<Value>,
    ) -> Result<(u16, u64, Value), String> {
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let request = http::Request::builder()
            .method(method)
            .uri(target)
            .header("host", self.addr.to_string())
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {HARNESS}"))
            .body(Full::new(Bytes::from(body)))
            .map_err(|e| e.to_string())?;
        let _turn = self.connections.acquire().await;
        let mut sender = self.connection().await?;
        let response = sender.send_request(request).await;
        let response = response.map_err(|e| e.to_string())?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|e| e.to_string())?.to_bytes();
        if sender.ready().await.is_ok() {
            self.idle.lock().unwrap().push(sender);
        }
        let retry_after = parts.headers.get("retry-after");
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok((parts.status.as_u16(), retry_after.unwrap_or(0), body))
    }

    async fn connection(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        loop {
            let idle = self.idle.lock().unwrap().pop();
            match idle {
                // One that the server has closed is forgotten.
                Some(mut sender) => {
                    if !sender.is_closed() && sender.ready().await.is_ok() {
                        return Ok(sender);
                    }
                }
                None => break,
            }
        }
        let stream = tokio::net::TcpStream::connect(self.addr).await;
        let stream = stream.map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        let made = handshake(TokioIo::new(stream)).await;
        let (sender, connection) = made.map_err(|e| e.to_string())?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// The kinds in their shares, well mixed.
fn pick(mix: Mix, n: u32) -> Kind {
    let mut place = n.wrapping_mul(2_654_435_761) % 1000;
    for (kind, share) in mix {
        if place < *share {
            return *kind;
        }
        place -= share;
    }
    Kind::Create
}

/// The value below which this part of the times is.
pub(super) fn percentile(mut times: Vec<Duration>, part: f64) -> Duration {
    times.sort_unstable();
    let place = (times.len() as f64 * part) as usize;
    let last = times.len().saturating_sub(1);
    times.get(place.min(last)).copied().unwrap_or_default()
}

#[test]
fn kinds_come_in_their_shares() {
    let mix: Mix = &[(Kind::Get, 100), (Kind::Delete, 50)];
    let count = |kind| (0..10_000).filter(|n| pick(mix, *n) == kind).count();
    assert!((900..1100).contains(&count(Kind::Get)));
    assert!((400..600).contains(&count(Kind::Delete)));
}
