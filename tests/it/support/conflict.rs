//! A server in this process whose backend answers every operation with a write race.
//!
//! A real race cannot be timed from outside, so this is the one server that is not the binary.

use std::net::SocketAddr;

use super::config::Profile;

/// The server; dropping it ends it.
pub(crate) struct InProcess {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
}

/// Starts it: the generated configuration of `profile`, a backend that answers `Failure::Conflict`.
pub(crate) fn start(_profile: &Profile) -> Result<InProcess, String> {
    Err("the server cannot be started with a backend of the test's own yet".to_owned())
}
