//! The clients: slow ones of each kind, and a good one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::support::fixtures::{K, LINK};

/// A way of being slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Says nothing.
    Silent,
    /// Says nothing where a handshake should be.
    NoHandshake,
    /// Shakes hands, then says nothing.
    SilentTls,
    /// A head, a byte at a time.
    Head,
    HeadTls,
    /// A head that stops, behind a request that is answered.
    SecondHead,
    /// A body that stops.
    Body,
    BodyTls,
    /// A body, a byte at a time.
    Trickle,
    /// A chunked one.
    Chunks,
    /// Asks a lot and reads nothing.
    Read,
    /// Has asked once.
    Idle,
    IdleTls,
}

impl Kind {
    pub(super) const ALL: [Kind; 13] = [
        Kind::Silent,
        Kind::NoHandshake,
        Kind::SilentTls,
        Kind::Head,
        Kind::HeadTls,
        Kind::SecondHead,
        Kind::Body,
        Kind::BodyTls,
        Kind::Trickle,
        Kind::Chunks,
        Kind::Read,
        Kind::Idle,
        Kind::IdleTls,
    ];

    fn is_tls(self) -> bool {
        matches!(
            self,
            Kind::NoHandshake | Kind::SilentTls | Kind::HeadTls | Kind::BodyTls | Kind::IdleTls
        )
    }

    /// How many there are of this kind.
    pub(super) fn count(self, each: usize) -> usize {
        if self.is_tls() {
            each.div_ceil(10)
        } else {
            each
        }
    }

    /// How long it may last, by the deadlines of the server.
    pub(super) fn within(self) -> Duration {
        Duration::from_secs(match self {
            Kind::Silent | Kind::SilentTls => 1,
            Kind::NoHandshake
            | Kind::Head
            | Kind::HeadTls
            | Kind::SecondHead
            | Kind::Body
            | Kind::BodyTls => 2,
            // The rate counts after two seconds, and is looked at when a byte comes.
            Kind::Trickle | Kind::Chunks | Kind::Read | Kind::Idle | Kind::IdleTls => 3,
        })
    }

    /// How long it lasts at the least: a server that closes at once keeps every deadline.
    pub(super) fn not_before(self) -> Duration {
        match self {
            Kind::Read => Duration::ZERO,
            _ => self.within().saturating_sub(Duration::from_millis(1100)),
        }
    }

    /// What the answer begins with, where there is one.
    fn answer(self) -> &'static str {
        match self {
            Kind::Silent | Kind::NoHandshake | Kind::SilentTls | Kind::Read => "",
            Kind::Head
            | Kind::HeadTls
            | Kind::Body
            | Kind::BodyTls
            | Kind::Trickle
            | Kind::Chunks => "HTTP/1.1 408 ",
            Kind::SecondHead | Kind::Idle | Kind::IdleTls => "HTTP/1.1 404 ",
        }
    }
}

/// Where the server is.
#[derive(Clone)]
pub(super) struct Target {
    plain: SocketAddr,
    tls: SocketAddr,
    connector: TlsConnector,
}

impl Target {
    pub(super) fn new(plain: SocketAddr, tls: SocketAddr, root: &CertificateDer<'static>) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(root.clone()).unwrap();
        let config = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            plain,
            tls,
            connector: TlsConnector::from(Arc::new(config)),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

const PATIENCE: Duration = Duration::from_secs(20);
const ONE: &str = "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n";

/// Opens a connection, is slow, and says how long the server has put up with it.
pub(super) async fn hold(target: Target, kind: Kind) -> (Kind, Result<Duration, String>) {
    (kind, held(target, kind).await)
}

async fn held(target: Target, kind: Kind) -> Result<Duration, String> {
    let text = |error: std::io::Error| error.to_string();
    let socket = TcpSocket::new_v4().map_err(text)?;
    if kind == Kind::Read {
        // Else the kernel takes megabytes off the server's hands.
        socket.set_recv_buffer_size(4096).map_err(text)?;
        let _ = socket2::SockRef::from(&socket).set_tcp_mss(1000);
    }
    let addr = if kind.is_tls() {
        target.tls
    } else {
        target.plain
    };
    let stream = socket.connect(addr).await.map_err(text)?;
    stream.set_nodelay(true).map_err(text)?;
    let mut began = Instant::now();
    let mut stream: Box<dyn Stream> = if kind.is_tls() && kind != Kind::NoHandshake {
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = target.connector.connect(name, stream).await.map_err(text)?;
        began = Instant::now();
        Box::new(stream)
    } else {
        Box::new(stream)
    };
    if kind == Kind::Read {
        // It holds on until the server has surely gone; whether it has, its sockets tell.
        let asks = ONE.repeat(3000);
        let _ = timeout(
            kind.within() + Duration::from_secs(1),
            stream.write_all(asks.as_bytes()),
        )
        .await;
        sleep((kind.within() + Duration::from_secs(1)).saturating_sub(began.elapsed())).await;
        return Ok(Duration::ZERO);
    }
    let (first, drop, pause) = script(kind);
    stream.write_all(first.as_bytes()).await.map_err(text)?;
    let mut got = Vec::new();
    let mut buffer = [0; 4096];
    while began.elapsed() < PATIENCE {
        match timeout(pause, stream.read(&mut buffer)).await {
            // A reset is an end, too.
            Ok(Ok(0) | Err(_)) => {
                let answer = String::from_utf8_lossy(&got);
                let good = answer.starts_with(kind.answer())
                    && answer.is_empty() == kind.answer().is_empty();
                return if good {
                    Ok(began.elapsed())
                } else {
                    Err(format!("answered {answer:?}"))
                };
            }
            Ok(Ok(n)) => got.extend_from_slice(&buffer[..n]),
            // A server that has gone does not take it.
            Err(_) if !drop.is_empty() => {
                let _ = stream.write_all(drop.as_bytes()).await;
            }
            Err(_) => {}
        }
    }
    Err("held for ever".to_owned())
}

/// What a kind says first, and what it says after each pause.
fn script(kind: Kind) -> (String, &'static str, Duration) {
    let post = |framing: &str| {
        format!(
            "POST {LINK} HTTP/1.1\r\nHost: a\r\nAuthorization: {K}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
        )
    };
    let (pause, long) = (Duration::from_millis(300), PATIENCE);
    match kind {
        Kind::Silent | Kind::NoHandshake | Kind::SilentTls | Kind::Read => {
            (String::new(), "", long)
        }
        Kind::Head | Kind::HeadTls => ("GET / HTTP/1.1\r\nX-A: ".to_owned(), "x", pause),
        Kind::SecondHead => (format!("{ONE}GET / HT"), "", long),
        Kind::Body | Kind::BodyTls => (post("Content-Length: 5000") + "{\"a\":", "", long),
        Kind::Trickle => (post("Content-Length: 5000") + "{\"a\":", " ", pause),
        Kind::Chunks => (post("Transfer-Encoding: chunked"), "1\r\n \r\n", pause),
        Kind::Idle | Kind::IdleTls => (ONE.to_owned(), "", long),
    }
}

/// How late a clock of this process is at the most that ticks beside the clients.
pub(super) async fn lateness(over: Arc<AtomicBool>) -> Duration {
    let (tick, mut late) = (Duration::from_millis(10), Duration::ZERO);
    while !over.load(Ordering::SeqCst) {
        let began = Instant::now();
        sleep(tick).await;
        late = late.max(began.elapsed().saturating_sub(tick));
    }
    late
}

/// A good client: one connection, one request after the other. Nothing but an answer is good enough; it says how
/// long it has waited for one at the most.
pub(super) async fn good(
    addr: SocketAddr,
    over: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
) -> Result<Duration, String> {
    let mut longest = Duration::ZERO;
    let mut stream = TcpStream::connect(addr).await.map_err(|e| e.to_string())?;
    let mut buffer = [0; 4096];
    while !over.load(Ordering::SeqCst) {
        let asked = Instant::now();
        stream
            .write_all(ONE.as_bytes())
            .await
            .map_err(|e| e.to_string())?;
        let n = timeout(Duration::from_secs(5), stream.read(&mut buffer)).await;
        let n = n
            .map_err(|_| "waited for five seconds")?
            .map_err(|e| e.to_string())?;
        if !buffer[..n].starts_with(b"HTTP/1.1 404 ") {
            return Err(format!("{:?}", String::from_utf8_lossy(&buffer[..n])));
        }
        longest = longest.max(asked.elapsed());
        served.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_millis(20)).await;
    }
    Ok(longest)
}
