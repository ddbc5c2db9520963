//! The server: listeners, connections, the walk of a request, and an orderly end.
//!
//! One thread per worker, each with its own single-threaded runtime and its own listening sockets:
//! connections never move between threads, and nothing is shared on the request path but what is
//! read only, the rate limits and the backend.

mod accept;
mod admin;
mod admit;
mod beats;
mod bind;
mod call;
mod caller;
mod carry_out;
mod chores;
pub mod clock;
mod closing;
mod connection;
mod facts;
mod front;
mod gates;
mod held;
mod http1_io;
mod ids;
mod items;
mod kept;
mod line;
mod listen;
mod meters;
mod new_links;
mod overload;
mod passthrough;
mod payload;
mod perform;
mod phase;
mod present;
mod process;
mod providers;
mod reflection;
pub mod rehearsal;
mod reload;
mod respond;
mod rpc;
mod running;
mod served;
mod settings;
mod start;
mod target;
mod tenant;
#[cfg(test)]
mod testing;
mod timed_io;
mod timed_write;
mod tokens;
mod untold;
mod walk;
mod worker;

use std::sync::Arc;

pub use self::admin::Check;
pub use self::beats::Pulse;
pub use self::front::Front;
pub use self::listen::Inherited;
pub use self::passthrough::{Access, Allowed, Credential, Passthrough, PassthroughSettings};
use self::process::{Process, Shared};
pub use self::reload::{ReloadCounts, Reloader};
pub use self::running::{Control, Running};
pub use self::settings::{Listener, Protocol, Settings, Timeouts};
pub use self::start::{Server, StartError};
use crate::backend::Backend;
use crate::directory::{Aliases, Directory};
use crate::edge::authn::Clients;
use crate::edge::issuer::Issuers;
use crate::edge::tokens::Tokens;
use crate::telemetry::metrics::Registry;

/// What a server works with.
pub struct Parts {
    /// The dialects and where they are mounted.
    pub fronts: Vec<Front>,
    /// Who may call.
    pub clients: Clients,
    /// Whose tokens are taken.
    pub issuers: Issuers,
    /// What clients get at token endpoints.
    pub tokens: Tokens,
    /// Tenants and providers.
    pub directory: Arc<Directory>,
    /// Users' ids.
    pub aliases: Arc<dyn Aliases>,
    /// Where operations are carried out.
    pub backend: Arc<dyn Backend>,
    /// Which configuration all of this is from.
    pub version: String,
    /// What it tells of itself.
    pub observed: Observed,
}

/// What a server tells of itself at its admin listener, beside what it knows by itself.
#[derive(Debug, Default)]
pub struct Observed {
    /// Where metrics are registered; the server adds its own.
    pub registry: Arc<Registry>,
    /// The configuration in effect as JSON, without anything secret.
    pub configuration: String,
    /// More questions of readiness.
    pub checks: Vec<Check>,
}

#[cfg(test)]
mod deletes_tests;
#[cfg(test)]
mod ends_tests;
#[cfg(test)]
mod http2_tests;
#[cfg(test)]
mod joins_tests;
#[cfg(test)]
mod rpc_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
#[cfg(test)]
mod untold_tests;
#[cfg(test)]
mod users_tests;
#[cfg(test)]
mod walk_tests;
