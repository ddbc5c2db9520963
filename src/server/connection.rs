//! One connection: its handshake, served by hyper, ended in order.

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

use super::http1_io::{self, Http1Io};
use super::kept::Kept;
use super::line::Peer;
use super::meters::Open;
use super::overload;
use super::payload::Payload;
use super::phase::{Phase, reached};
use super::timed_io::{Activity, Deadlines, TimedIo};
use super::walk::{self, Alive};
use super::{Process, Protocol, Settings, Shared};
use crate::edge::connections::Slot;
use crate::edge::http2::{FRAME_BYTES, Guarded, Quiet, Settings as Http2Settings};
use crate::edge::overload::Stage;
use crate::edge::tls::{ClientCertificate, Proof, Tls};

/// How long a connection may go on that waits for its next request when the server drains: a client that is
/// about to send one gets its answer, and with it the word that it is the last.
const LINGER: Duration = Duration::from_millis(250);
/// The same for one that has not brought its first request yet.
const LINGER_FRESH: Duration = Duration::from_secs(1);

/// What an HTTP/2 client says first. Until it is complete, hyper has no timer that runs.
const HTTP2_PREFACE_BYTES: usize = 24;

/// A peer of HTTP/2 that has been silent for this long is asked whether it is there.
const HTTP2_PING_AFTER: Duration = Duration::from_secs(20);
/// How long it may take to answer.
const HTTP2_PONG_WITHIN: Duration = Duration::from_secs(10);

/// What HTTP is spoken over: the socket, or TLS over it.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// A connection, and what goes with it.
pub(super) struct Connection {
    pub(super) process: Arc<Process>,
    /// What was set when the connection came: its own limits hold for as long as it lives, while each of its
    /// requests goes by what is configured then.
    pub(super) settings: Arc<Settings>,
    pub(super) peer: SocketAddr,
    /// The place of its listener among all.
    pub(super) listener: usize,
    /// The version of TLS, if that is spoken.
    pub(super) tls: Option<&'static str>,
    pub(super) alive: Alive,
    /// Who the client has proven to be by TLS.
    pub(super) proof: Option<Arc<Proof>>,
    /// Its place among those that there may be.
    pub(super) _slot: Slot,
    /// Counts it while it is open.
    pub(super) open: Open,
}

impl Connection {
    /// Shakes hands, here and not where connections are accepted, so that nobody waits for anybody else's
    /// handshake. The time that it may take begins with the connection.
    pub(super) async fn serve_tls<S: Stream>(mut self, stream: S, tls: Tls) {
        let time = self.settings.timeouts.tls_handshake;
        match tokio::time::timeout(time, tls.accept(stream)).await {
            Ok(Ok(accepted)) => {
                self.proof = accepted.proof.map(Arc::new);
                self.tls = Some(accepted.version);
                if accepted.http2 {
                    self.serve_http2(accepted.stream).await;
                } else {
                    self.serve_http1(accepted.stream).await;
                }
            }
            Ok(Err(error)) => {
                self.open.handshake_failed(&error);
                tracing::debug!(%error, "a TLS handshake failed");
            }
            Err(_) => {
                self.open.handshake_slow();
                tracing::debug!("a TLS handshake took too long");
            }
        }
    }

    fn peer(&self) -> Peer {
        Peer {
            address: self.peer.ip(),
            tls: self.tls,
        }
    }

    pub(super) async fn serve_http1<S: Stream>(self, stream: S) {
        let timeouts = &self.settings.timeouts;
        let activity = Arc::new(Activity::default());
        let io = TokioIo::new(Http1Io::new(
            stream,
            Arc::clone(&activity),
            (Arc::clone(&self.process.http1), self.peer()),
            http1_io::Deadlines {
                first_byte: timeouts.first_byte,
                head: timeouts.head,
                idle: timeouts.idle,
            },
            self.settings.http1_limits(),
        ));
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            // Its one timer covers heads and the time between requests alike; `Http1Io` has one for each.
            .header_read_timeout(None)
            // As the vendors' servers send them: some clients look names up as they stand.
            .title_case_headers(true)
            .max_buf_size(self.settings.head_bytes)
            .max_headers(self.settings.head.fields);
        let connection = builder.serve_connection(io, self.service(&activity));
        // Between two requests the timer of `Http1Io` runs.
        let idle = std::future::pending();
        self.drive(connection, &activity, idle, |connection| {
            connection.graceful_shutdown()
        })
        .await;
    }

    pub(super) async fn serve_http2<S: Stream>(self, stream: S) {
        let settings = &self.settings;
        let timeouts = &settings.timeouts;
        let activity = Arc::new(Activity::default());
        let quiet = Arc::new(Quiet::default());
        let guarded = Guarded::new(stream, http2_settings(settings), Arc::clone(&quiet));
        let deadlines = Deadlines {
            first_byte: timeouts.first_byte,
            first_bytes: HTTP2_PREFACE_BYTES,
        };
        let io = TokioIo::new(TimedIo::new(guarded, deadlines));
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(settings.http2_streams)
            .initial_stream_window_size(64 * 1024)
            .initial_connection_window_size(1024 * 1024)
            .max_send_buf_size(64 * 1024)
            .max_header_list_size(u32::try_from(settings.head_bytes).unwrap_or(u32::MAX))
            .max_frame_size(FRAME_BYTES)
            // Resets of streams that nobody has looked at yet, and resets that the peer brings us to: a
            // connection that goes beyond is ended. The second has room for a client that opens many more
            // streams than there may be before it has read our SETTINGS.
            .max_pending_accept_reset_streams(20)
            .max_local_error_reset_streams(1024)
            .keep_alive_interval(HTTP2_PING_AFTER)
            .keep_alive_timeout(HTTP2_PONG_WITHIN);
        let connection = builder.serve_connection(io, self.service(&activity));
        let idle = quiet.lasts(timeouts.idle);
        self.drive(connection, &activity, idle, |connection| {
            connection.graceful_shutdown()
        })
        .await;
    }

    fn service(
        &self,
        activity: &Arc<Activity>,
    ) -> impl hyper::service::Service<
        http::Request<hyper::body::Incoming>,
        Response = http::Response<Kept<Payload>>,
        Error = std::convert::Infallible,
        Future: Send + 'static,
    > + Send
    + use<> {
        let most = self.settings.connection_requests;
        let (process, alive, activity) = (
            Arc::clone(&self.process),
            self.alive.clone(),
            Arc::clone(activity),
        );
        let peer = self.peer();
        let (proof, listener) = (self.proof.clone(), self.listener);
        service_fn(move |mut request: http::Request<_>| {
            let proof = proof.clone();
            let in_flight = activity.begin(most);
            // The one place where a request is pinned to a configuration.
            let (shared, alive) = (process.current(), alive.clone());
            let is_last = in_flight.is_last
                || *process.phase.borrow() >= Phase::Draining
                || process.overload.stage() >= Stage::NoKeepAlive;
            async move {
                let certificate = proof
                    .as_ref()
                    .map(|proof| trusted(&shared, listener, proof));
                let is_last = is_last || matches!(certificate, Some(None));
                if let Some(certificate) = certificate.flatten() {
                    request.extensions_mut().insert(certificate);
                }
                let response = walk::answer(&shared, peer, request, &alive, is_last).await;
                Ok(response.map(|body| Kept::new(body, in_flight)))
            }
        })
    }

    /// Runs a connection until it ends, or asks it to end once it has had its time.
    async fn drive<C: Future>(
        &self,
        connection: C,
        activity: &Activity,
        idle: impl Future<Output = ()>,
        end: impl FnOnce(Pin<&mut C>),
    ) {
        let (mut connection, mut idle) = (pin!(connection), pin!(idle));
        let mut is_idle = false;
        tokio::select! {
            _ = connection.as_mut() => return,
            () = self.drained(activity) => {}
            () = activity.exhausted() => {}
            () = overload::pressed(&self.process.overload, activity) => {}
            () = tokio::time::sleep(self.age()) => {}
            () = idle.as_mut() => is_idle = true,
        }
        // Who has begun to ask is still answered: hyper would not know, since it gets complete heads only. Who
        // always has begun is not waited for.
        let head = tokio::time::timeout(self.settings.timeouts.head, activity.between_heads());
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = head => {}
        }
        end(connection.as_mut());
        if is_idle {
            // There is nothing to end but the connection; a peer that does not answer is not waited for.
            let _ = tokio::time::timeout(HTTP2_PONG_WITHIN, connection).await;
        } else {
            // HTTP/2 waits for a PONG to its last word: a peer that sends none goes when it is idle.
            tokio::select! {
                _ = connection => {}
                () = idle => {}
            }
        }
    }

    /// Waits until the server drains, and then a little: a client does not know yet, and may be sending. What
    /// it sends in that time is answered.
    async fn drained(&self, activity: &Activity) {
        reached(&self.process.phase, Phase::Draining).await;
        let linger = if activity.is_fresh() {
            LINGER_FRESH
        } else {
            LINGER
        };
        tokio::time::sleep(linger).await;
    }

    /// How long the connection may live: spread by a tenth up and down, so that those which were
    /// opened together do not all come back together.
    fn age(&self) -> Duration {
        let permille = 900 + RandomState::new().hash_one(self.peer) % 200;
        self.settings
            .timeouts
            .connection_age
            .mul_f64(permille as f64 / 1000.0)
    }
}

/// The certificate that was proven, if the listener as it is configured now would take it.
fn trusted(
    shared: &Shared,
    listener: usize,
    proof: &crate::edge::tls::Proof,
) -> Option<Arc<ClientCertificate>> {
    let listener = shared.settings.listeners.get(listener)?;
    match &listener.protocol {
        Protocol::Tls(tls) if tls.still_trusts(proof) => Some(Arc::clone(proof.certificate())),
        _ => None,
    }
}

fn http2_settings(settings: &Settings) -> Http2Settings {
    Http2Settings {
        frames: settings.http2_frames,
        streams: settings.http2_streams,
        stall: settings.timeouts.write_stall,
        head: settings.timeouts.head,
    }
}
