//! Why a call brought no answer.

use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::Connected;

use super::stream::Heard;

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
    /// The connection ended before there was a byte of an answer.
    Ended,
    /// The answer is too large.
    TooLarge,
    /// The answer is in a coding that was not asked for.
    Encoded,
    /// The answer is broken off, or no HTTP.
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
            Fault::Ended => f.write_str("the connection ended before an answer"),
            Fault::TooLarge => f.write_str("the answer is too large"),
            Fault::Encoded => f.write_str("the answer is compressed, which was not asked for"),
            Fault::Broken => f.write_str("the answer is broken off, or no HTTP"),
        }
    }
}

impl std::error::Error for Fault {}

/// A call without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAnswer {
    /// Why.
    pub fault: Fault,
    /// Whether the peer may have seen the request: it had been handed to a connection. Without, nothing of
    /// it has left this process.
    pub sent: bool,
}

impl NoAnswer {
    pub(super) fn unsent(fault: Fault) -> Self {
        Self { fault, sent: false }
    }

    pub(super) fn sent(fault: Fault) -> Self {
        Self { fault, sent: true }
    }

    /// Reads what the pool says of a call, and of the connection that it had got.
    pub(super) fn of(error: &legacy::Error, connection: Option<&Connected>) -> Self {
        let mut cause = std::error::Error::source(error);
        let mut fault = match connection {
            Some(connection) if Heard::on(connection) => Fault::Broken,
            _ => Fault::Ended,
        };
        let mut is_untouched = false;
        while let Some(error) = cause {
            if let Some(own) = error.downcast_ref::<Fault>() {
                return Self::unsent(own.clone());
            }
            if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
                // A request that is canceled comes back whole: its connection had ended before the first
                // byte of it was written.
                is_untouched |= hyper.is_canceled();
                if hyper.is_parse() {
                    fault = Fault::Broken;
                }
            }
            is_untouched |= error.downcast_ref::<h2::Error>().is_some_and(is_disclaimed);
            cause = error.source();
        }
        if is_untouched {
            fault = Fault::Ended;
        }
        Self {
            fault,
            sent: connection.is_some() && !is_untouched && !error.is_connect(),
        }
    }
}

/// Whether the peer says of a stream that it has not looked at it (RFC 9113, section 8.7): it refuses it, or
/// goes away and names an earlier one as the last.
fn is_disclaimed(error: &h2::Error) -> bool {
    let is_refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
    error.is_remote() && (error.is_go_away() || error.is_reset() && is_refused)
}

/// Why there can be no client.
#[derive(Debug)]
pub struct StartFault(pub(super) String);

impl StartFault {
    /// This reason.
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl std::fmt::Display for StartFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartFault {}
