//! Clients that write and read without a pause, each on a connection that it keeps for as long as it may, and
//! that forgive nothing: every answer that is not what it should be is a failure, and every request without one.
//! Nothing is ever sent twice.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::super::support::client::{Answer, Client};
use super::super::support::exchange::exchange;
use super::super::support::fixtures::HARNESS;
use super::super::support::http2::Http2;

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Http1,
    Http2,
    Tls,
}

/// What one client has met.
#[derive(Default)]
pub(super) struct Met {
    /// Links that were acknowledged: their subjects.
    pub(super) linked: Vec<String>,
    pub(super) reads: usize,
    /// The versions that were seen.
    pub(super) versions: Vec<u64>,
    pub(super) failures: Vec<String>,
    /// The longest that an answer took.
    pub(super) longest: Duration,
}

/// Clients at work.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Met>>,
}

impl Load {
    /// Starts `n` clients of each kind, at these addresses.
    pub(super) fn start(n: usize, at: &[(Kind, SocketAddr)], authority: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        for (kind, addr) in at {
            for index in 0..n {
                let (stop, name) = (
                    Arc::clone(&stop),
                    format!("{kind:?}-{index}").to_lowercase(),
                );
                let speaker = Speaker::new(*kind, *addr, authority);
                threads.push(std::thread::spawn(move || work(speaker, &name, &stop)));
            }
        }
        Self { stop, threads }
    }

    /// Ends the clients.
    pub(super) fn stop(self) -> Met {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Met::default();
        for thread in self.threads {
            let met = thread.join().unwrap();
            all.linked.extend(met.linked);
            all.reads += met.reads;
            all.versions.extend(met.versions);
            all.failures.extend(met.failures);
            all.longest = all.longest.max(met.longest);
        }
        all.versions.sort_unstable();
        all.versions.dedup();
        all
    }
}

fn work(mut speaker: Speaker, name: &str, stop: &AtomicBool) -> Met {
    let mut met = Met::default();
    let mut n = 0;
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let began = Instant::now();
        let outcome = if n % 3 == 0 {
            let subject = format!("{name}-{n}");
            let made = link(&mut speaker, name, &subject);
            made.map(|()| met.linked.push(subject))
        } else {
            let version = version(&mut speaker);
            version.map(|version| {
                met.reads += 1;
                if met.versions.last() != Some(&version) {
                    met.versions.push(version);
                }
            })
        };
        met.longest = met.longest.max(began.elapsed());
        if let Err(failure) = outcome {
            met.failures.push(format!("{name}, request {n}: {failure}"));
        }
    }
    met
}

fn link(speaker: &mut Speaker, user: &str, subject: &str) -> Result<(), String> {
    let body = serde_json::json!({ "user_id": user, "provider_id": "corp", "subject": subject });
    let answer = speaker.send("POST", "/linkbridge/v1/links", body.to_string())?;
    match answer.status {
        201 => Ok(()),
        status => Err(format!("{status} {}", answer.text())),
    }
}

/// Asks for the version; head and body must be of one.
fn version(speaker: &mut Speaker) -> Result<u64, String> {
    let answer = speaker.send("GET", "/version", String::new())?;
    if answer.status != 200 {
        return Err(format!("{} {}", answer.status, answer.text()));
    }
    let body = answer.json()?["version"].as_u64();
    let head = answer.header("X-Version").and_then(|v| v.parse().ok());
    match (head, body) {
        (Some(head), Some(body)) if head == body => Ok(head),
        mixed => Err(format!("an answer of two versions: {mixed:?}")),
    }
}

/// A client of any kind.
pub(super) enum Speaker {
    Http1(Client),
    Http2(Http2),
    Tls(Box<Secure>),
}

impl Speaker {
    pub(super) fn new(kind: Kind, addr: SocketAddr, authority: &str) -> Self {
        match kind {
            Kind::Http1 => Self::Http1(Client::new(addr)),
            Kind::Http2 => Self::Http2(Http2::new(addr)),
            Kind::Tls => Self::Tls(Box::new(Secure::new(addr, authority))),
        }
    }

    pub(super) fn send(
        &mut self,
        method: &str,
        path: &str,
        body: String,
    ) -> Result<Answer, String> {
        let bearer = format!("Bearer {HARNESS}");
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Linkbridge-Tenant", "acme"),
            ("Content-Type", "application/json"),
        ];
        match self {
            Self::Http1(client) => client
                .send(method, path, &headers, Some(body.as_bytes()))
                .map_err(|lost| lost.to_string()),
            Self::Http2(client) => client.send(method, path, &headers, body.into_bytes()),
            Self::Tls(client) => client.send(method, path, &headers, body),
        }
    }
}

/// HTTP/1.1 over TLS.
pub(super) struct Secure {
    runtime: tokio::runtime::Runtime,
    addr: SocketAddr,
    connector: TlsConnector,
    sender: Option<SendRequest<Full<Bytes>>>,
    resumed: Cell<usize>,
}

impl Secure {
    pub(super) fn new(addr: SocketAddr, authority: &str) -> Self {
        let mut roots = RootCertStore::empty();
        let each = CertificateDer::pem_slice_iter(authority.as_bytes());
        each.for_each(|root| roots.add(root.unwrap()).unwrap());
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            addr,
            connector: TlsConnector::from(Arc::new(config)),
            sender: None,
            resumed: Cell::new(0),
        }
    }

    fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let (addr, connector) = (self.addr, self.connector.clone());
        let connected = self.runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(addr).await?;
            stream.set_nodelay(true)?;
            let name = "127.0.0.1".try_into().unwrap();
            let stream = connector.connect(name, stream).await?;
            let kind = stream.get_ref().1.handshake_kind();
            let (sender, connection) = handshake(TokioIo::new(stream))
                .await
                .map_err(std::io::Error::other)?;
            tokio::spawn(connection);
            Ok::<_, std::io::Error>((sender, kind))
        });
        let (sender, kind) = connected.map_err(|error| format!("not connected: {error}"))?;
        let is_resumed = kind == Some(rustls::HandshakeKind::Resumed);
        self.resumed
            .set(self.resumed.get() + usize::from(is_resumed));
        Ok(sender)
    }

    fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Answer, String> {
        let kept = self.sender.take();
        let kept = kept.and_then(|mut sender| {
            let usable = self.runtime.block_on(sender.ready()).is_ok();
            usable.then_some(sender)
        });
        let sender = match kept {
            Some(sender) => sender,
            None => self.connect()?,
        };
        let mut request = http::Request::builder().method(method).uri(path);
        request = request.header("Host", self.addr.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let (answer, sender) = exchange(&self.runtime, sender, request, || self.connect())?;
        self.sender = Some(sender);
        Ok(answer)
    }

    /// How many handshakes went on where an earlier connection was.
    pub(super) fn resumed(&self) -> usize {
        self.resumed.get()
    }

    /// Ends the connection, so that the next request opens another.
    pub(super) fn disconnect(&mut self) {
        self.sender = None;
    }
}

/// Looks every link up; answers those that are not there.
pub(super) fn missing(addr: SocketAddr, linked: &[String]) -> Vec<String> {
    let mut speaker = Speaker::new(Kind::Http1, addr, "");
    let mut is_missing = |subject: &&String| {
        let target = format!("/linkbridge/v1/providers/corp/subjects/{subject}");
        !matches!(speaker.send("GET", &target, String::new()), Ok(answer) if answer.status == 200)
    };
    linked
        .iter()
        .filter(|subject| is_missing(subject))
        .cloned()
        .collect()
}
