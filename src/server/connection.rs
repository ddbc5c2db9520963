//! Connections: accepted, admitted, served by hyper, ended in order.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use super::line::Peer;
use super::phase::{Phase, reached};
use super::respond::Payload;
use super::timed_io::{Activity, Deadlines, TimedIo};
use super::timed_write::TimedWrite;
use super::walk::{self, Alive};
use super::{Protocol, Shared, Timeouts};
use crate::edge::connections::Slot;
use crate::edge::tls::Tls;

/// How long accepting rests after an error, which mostly is that there are no file descriptors left.
const BACK_OFF: Duration = Duration::from_millis(75);

/// What an HTTP/2 client says first. Until it is complete, hyper has no timer that runs.
const HTTP2_PREFACE_BYTES: usize = 24;

/// Accepts connections until the server drains. No error ends it before that.
pub(super) async fn accept(
    shared: Arc<Shared>,
    listener: TcpListener,
    protocol: Protocol,
    alive: Alive,
) {
    let mut draining = pin!(reached(&shared.phase, Phase::Draining));
    loop {
        let accepted = tokio::select! {
            biased;
            () = draining.as_mut() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => admit(&shared, stream, peer, &protocol, &alive),
            Err(error) if is_peers_fault(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections for now");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
    // Closing a listener resets the connections that wait in its queue: they are taken in first.
    let Ok(listener) = listener.into_std() else {
        return;
    };
    while let Ok((stream, peer)) = listener.accept() {
        if stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            admit(&shared, stream, peer, &protocol, &alive);
        }
    }
}

fn is_peers_fault(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionAborted | K::ConnectionReset | K::ConnectionRefused | K::Interrupted
    )
}

fn admit(
    shared: &Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    protocol: &Protocol,
    alive: &Alive,
) {
    let Some(slot) = shared.connections.admit(peer.ip()) else {
        tracing::debug!("too many connections, one was closed");
        return;
    };
    // Answers are small and written at once; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let connection = Connection {
        shared: Arc::clone(shared),
        peer,
        tls: None,
        alive: alive.clone(),
        _slot: slot,
    };
    let stream = TimedWrite::new(stream, shared.settings.timeouts.write_stall);
    // Every future here can be sent between threads, so that plain `spawn` does on a runtime of one
    // thread; a local executor would save nothing.
    match protocol {
        Protocol::Http1 => tokio::spawn(connection.serve_http1(stream)),
        Protocol::Http2 => tokio::spawn(connection.serve_http2(stream)),
        Protocol::Tls(tls) => tokio::spawn(connection.serve_tls(stream, tls.clone())),
    };
}

/// What HTTP is spoken over: the socket, or TLS over it.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

struct Connection {
    shared: Arc<Shared>,
    peer: SocketAddr,
    /// The version of TLS, if that is spoken.
    tls: Option<&'static str>,
    alive: Alive,
    _slot: Slot,
}

impl Connection {
    /// Shakes hands, here and not where connections are accepted, so that nobody waits for anybody else's
    /// handshake. The time that it may take begins with the connection.
    async fn serve_tls<S: Stream>(mut self, stream: S, tls: Tls) {
        let time = self.shared.settings.timeouts.tls_handshake;
        match tokio::time::timeout(time, tls.accept(stream)).await {
            Ok(Ok(accepted)) => {
                self.tls = Some(accepted.version);
                match accepted.http2 {
                    true => self.serve_http2(accepted.stream).await,
                    false => self.serve_http1(accepted.stream).await,
                }
            }
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn serve_http1<S: Stream>(self, stream: S) {
        let timeouts = &self.shared.settings.timeouts;
        let activity = Arc::new(Activity::default());
        let io = TokioIo::new(TimedIo::new(
            stream,
            Arc::clone(&activity),
            deadlines(timeouts, true),
        ));
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            // The same timer covers the time between requests; heads have their own in `TimedIo`.
            .header_read_timeout(timeouts.idle.max(timeouts.head))
            // As the vendors' servers send them: some clients look names up as they stand.
            .title_case_headers(true)
            .max_buf_size(self.shared.settings.head_bytes)
            .max_headers(self.shared.settings.head_fields);
        let connection = builder.serve_connection(io, self.service(&activity));
        self.drive(connection, &activity, |connection| {
            connection.graceful_shutdown()
        })
        .await;
    }

    async fn serve_http2<S: Stream>(self, stream: S) {
        let timeouts = &self.shared.settings.timeouts;
        let activity = Arc::new(Activity::default());
        let io = TokioIo::new(TimedIo::new(
            stream,
            Arc::clone(&activity),
            deadlines(timeouts, false),
        ));
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.shared.settings.http2_streams)
            .initial_stream_window_size(64 * 1024)
            .initial_connection_window_size(1024 * 1024)
            .max_send_buf_size(64 * 1024)
            .max_header_list_size(16 * 1024)
            .max_frame_size(16 * 1024)
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10));
        let connection = builder.serve_connection(io, self.service(&activity));
        self.drive(connection, &activity, |connection| {
            connection.graceful_shutdown()
        })
        .await;
    }

    fn service(
        &self,
        activity: &Arc<Activity>,
    ) -> impl hyper::service::Service<
        http::Request<hyper::body::Incoming>,
        Response = http::Response<Payload>,
        Error = std::convert::Infallible,
        Future: Send + 'static,
    > + Send
    + use<> {
        let (shared, alive, activity) = (
            Arc::clone(&self.shared),
            self.alive.clone(),
            Arc::clone(activity),
        );
        let peer = Peer {
            address: self.peer.ip(),
            tls: self.tls,
        };
        service_fn(move |request| {
            let in_flight = activity.begin(shared.settings.connection_requests);
            let (shared, alive) = (Arc::clone(&shared), alive.clone());
            async move {
                let mut response =
                    walk::answer(&shared, peer, request, &alive, in_flight.is_last).await;
                response.body_mut().keep(in_flight);
                Ok(response)
            }
        })
    }

    /// Runs a connection until it ends, or asks it to end once it has had its time.
    async fn drive<C: Future>(
        &self,
        connection: C,
        activity: &Activity,
        end: impl FnOnce(Pin<&mut C>),
    ) {
        let mut connection = pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            () = reached(&self.shared.phase, Phase::Draining) => {}
            () = activity.exhausted() => {}
            () = tokio::time::sleep(self.age()) => {}
        }
        end(connection.as_mut());
        let _ = connection.await;
    }

    /// How long the connection may live: spread by a tenth up and down, so that those which were
    /// opened together do not all come back together.
    fn age(&self) -> Duration {
        let permille = 900 + RandomState::new().hash_one(self.peer) % 200;
        self.shared
            .settings
            .timeouts
            .connection_age
            .mul_f64(permille as f64 / 1000.0)
    }
}

fn deadlines(timeouts: &Timeouts, http1: bool) -> Deadlines {
    Deadlines {
        first_byte: timeouts.first_byte,
        first_bytes: if http1 { 1 } else { HTTP2_PREFACE_BYTES },
        head: http1.then_some(timeouts.head),
    }
}
