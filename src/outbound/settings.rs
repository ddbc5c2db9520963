//! How others are called: at which addresses, by whose certificates, in which version of HTTP, and within which times.

use std::time::Duration;

use super::{Identity, Policy, Roots};

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

impl Timeouts {
    /// Times for the API of an IdP. Many close a connection that has been idle for 5 seconds, so that
    /// ours goes before.
    #[must_use]
    pub fn upstream() -> Self {
        Self {
            idle: Duration::from_secs(4),
            ..Self::default()
        }
    }
}

/// Which versions of HTTP are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocols {
    /// What the peer chooses in the TLS handshake; HTTP/1.1 without TLS.
    #[default]
    Both,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, without TLS too.
    Http2,
}

/// How to call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Which addresses may be connected to.
    pub policy: Policy,
    /// Whose certificates are trusted.
    pub roots: Roots,
    /// Who we are, for peers that ask for a certificate.
    pub identity: Option<Identity>,
    /// Which versions of HTTP are spoken.
    pub protocols: Protocols,
    /// How long things may take.
    pub timeouts: Timeouts,
}
