//! What a server needs to know before it starts, and may be told anew at a reload.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::edge::overload::Settings as OverloadSettings;
use crate::edge::peers::TrustedPeers;
use crate::edge::tls::Tls;
use crate::edge::{body, head, http1, http2, rate_limit};

/// An address to serve at.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Where.
    pub address: SocketAddr,
    /// What is spoken there.
    pub protocol: Protocol,
}

impl Listener {
    /// Whether it asks clients for certificates.
    #[must_use]
    pub fn asks_clients(&self) -> bool {
        matches!(&self.protocol, Protocol::Tls(tls) if tls.asks_clients().is_some())
    }
}

/// What a listener speaks. Never HTTP/1.1 or HTTP/2 by whatever comes first: telling them apart by the
/// first bytes is what lets a silent client hold a connection.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// HTTP/1.1 without TLS.
    Http1,
    /// HTTP/2 by prior knowledge, without TLS.
    Http2,
    /// TLS, in which the client chooses between the two.
    Tls(Tls),
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// The handshake of TLS, which begins with the connection.
    pub tls_handshake: Duration,
    /// Until a connection's first byte; with TLS, from the end of its handshake.
    pub first_byte: Duration,
    /// A request's head, from its first byte to its last.
    pub head: Duration,
    /// Between two requests of a connection.
    pub idle: Duration,
    /// A peer that does not read its answer.
    pub write_stall: Duration,
    /// From a request's complete body to its answer.
    pub request: Duration,
    /// A connection in all, give or take a tenth.
    pub connection_age: Duration,
    /// How long a leaving server goes on serving, so that load balancers notice.
    pub drain_delay: Duration,
    /// How long open connections may take to end after that.
    pub drain: Duration,
}

/// What a server needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where clients are served.
    pub listeners: Vec<Listener>,
    /// Where health is told.
    pub admin: Option<SocketAddr>,
    /// How many threads.
    pub workers: NonZeroUsize,
    /// The most connections.
    pub connections: usize,
    /// The most connections of one listener.
    pub connections_per_listener: usize,
    /// The most connections of one source address.
    pub connections_per_source: usize,
    /// The most requests of one connection.
    pub connection_requests: u64,
    /// The largest request head, in bytes.
    pub head_bytes: usize,
    /// The most concurrent streams of an HTTP/2 connection.
    pub http2_streams: u32,
    /// How many frames that are no request an HTTP/2 connection may send.
    pub http2_frames: http2::Allowance,
    /// Who is believed about where a request has come from.
    pub trusted_peers: TrustedPeers,
    /// How long clients are told to come over TLS only, where they have; zero = not at all.
    pub hsts: Duration,
    /// What a head may look like.
    pub head: head::Settings,
    /// How large and slow a body may be.
    pub body: body::Settings,
    /// How often anybody may ask.
    pub rates: rate_limit::Settings,
    /// When what is too much is too much.
    pub overload: OverloadSettings,
    /// How long things may take.
    pub timeouts: Timeouts,
}

impl Settings {
    /// What HTTP/1 may look like, byte for byte.
    pub(super) fn http1_limits(&self) -> http1::Limits {
        http1::Limits {
            head_bytes: self.head_bytes,
            fields: self.head.fields,
            target_bytes: self.head.target_bytes,
            field_bytes: self.head.field_bytes,
        }
    }
}
