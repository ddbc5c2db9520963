//! The server: listeners, connections, the walk of a request, and an orderly end.
//!
//! One thread per worker, each with its own single-threaded runtime and its own listening sockets:
//! connections never move between threads, and nothing is shared on the request path but what is
//! read only, the rate limits and the backend.

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
mod perform;
mod phase;
mod present;
mod providers;
mod reflection;
pub mod rehearsal;
mod reload;
mod respond;
mod rpc;
mod served;
mod settings;
mod tenant;
#[cfg(test)]
mod testing;
mod timed_io;
mod timed_write;
mod tokens;
mod untold;
mod walk;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};

use self::admin::Admin;
pub use self::admin::Check;
pub use self::beats::Pulse;
use self::call::World;
pub use self::front::Front;
pub use self::listen::Inherited;
use self::meters::{Meters, Series};
pub use self::passthrough::{Access, Allowed, Credential, Passthrough, PassthroughSettings};
use self::phase::{Phase, advance};
pub use self::reload::{ReloadCounts, Reloader};
pub use self::settings::{Listener, Protocol, Settings, Timeouts};
use crate::backend::Backend;
use crate::directory::{Aliases, Directory};
use crate::edge::authn::Clients;
use crate::edge::connections::{Connections, Most};
use crate::edge::http1;
use crate::edge::issuer::Issuers;
use crate::edge::overload::{Overload, connections_within, raise_descriptor_limit};
use crate::edge::rate_limit::{ClientRates, RateLimits};
use crate::edge::tokens::Tokens;
use crate::telemetry::metrics::{self, Registry};

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

/// What a request is pinned to, from its head to the end of whatever it began: a reload makes a new one.
struct Shared {
    settings: Arc<Settings>,
    fronts: Vec<Front>,
    clients: Clients,
    issuers: Issuers,
    tokens: Tokens,
    world: World,
    limits: Arc<RateLimits>,
    overload: Arc<Overload>,
    meters: Arc<Meters>,
    series: Series,
    observed: Observed,
    /// How this process is called in `Via`.
    instance: Arc<str>,
    phase: Arc<watch::Sender<Phase>>,
    /// Which configuration this is.
    version: String,
}

/// What is fixed for the life of the process, and the way to what is not.
struct Process {
    connections: Arc<Connections>,
    overload: Arc<Overload>,
    /// What was refused of HTTP/1 before it was read.
    http1: Arc<http1::Counts>,
    phase: Arc<watch::Sender<Phase>>,
    current: ArcSwap<Shared>,
    /// How reloads have ended.
    reloads: Arc<ReloadCounts>,
    /// Told after each reload.
    replaced: Notify,
    meters: Arc<Meters>,
}

impl Process {
    fn new(settings: Settings, parts: Parts) -> Arc<Self> {
        let connections = Connections::new(most_connections(&settings));
        let overload = Overload::new(&settings.overload);
        let phase = Arc::new(watch::Sender::new(Phase::Serving));
        let meters = Meters::new(settings.workers.get());
        let registry = Arc::clone(&parts.observed.registry);
        meters.register(&registry);
        registry.set("process", metrics::process(clock::now()));
        let fixed = Fixed {
            instance: passthrough::instance().into(),
            phase: Arc::clone(&phase),
            overload: Arc::clone(&overload),
            meters: Arc::clone(&meters),
        };
        let first = Arc::new(share(settings, parts, fixed, None));
        served::register(&registry, &first);
        let process = Arc::new(Self {
            connections,
            overload,
            http1: Arc::default(),
            phase,
            current: ArcSwap::new(first),
            reloads: Arc::default(),
            replaced: Notify::new(),
            meters,
        });
        gates::register(&registry, &process);
        process
    }

    /// What a request that begins now is pinned to.
    fn current(&self) -> Arc<Shared> {
        self.current.load_full()
    }
}

/// Why a server did not start.
#[derive(Debug)]
pub enum StartError {
    /// An address cannot be served at.
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// No thread or no runtime could be made.
    Threads(std::io::Error),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StartError::Bind { address, error } => write!(f, "cannot listen at {address}: {error}"),
            StartError::Threads(error) => write!(f, "cannot start a worker: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// Starts servers.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Binds every address and serves. When this returns, connections are accepted.
    ///
    /// # Errors
    /// [`StartError`]; then nothing is left running.
    pub fn start(settings: Settings, parts: Parts) -> Result<Running, StartError> {
        Self::start_on(settings, parts, Inherited::default())
    }

    /// The same, at the sockets that are there already where one has the address of a listener.
    ///
    /// # Errors
    /// [`StartError`]; then nothing is left running.
    pub fn start_on(
        settings: Settings,
        mut parts: Parts,
        mut inherited: Inherited,
    ) -> Result<Running, StartError> {
        front::sort(&mut parts.fronts);
        untold::warn_of_gaps(&parts.fronts, &parts.directory);
        let workers = worker::bind_all(&settings, &mut inherited)?;
        let addresses = workers.first().map_or(Vec::new(), |w| w.addresses());
        let admin = settings
            .admin
            .map(|address| worker::bind_admin(address, &mut inherited));
        let admin = admin.transpose()?;
        for address in inherited.addresses() {
            tracing::warn!(%address, "a socket that was passed on fits no listener, it is closed");
        }
        let admin_address = admin.as_ref().and_then(|socket| socket.local_addr().ok());
        let process = Process::new(settings, parts);
        let mut running = Running {
            addresses,
            admin: admin_address,
            process,
            threads: Vec::new(),
            admin_thread: None,
        };
        if let Some(socket) = admin {
            let started = Admin::start(Arc::clone(&running.process), socket);
            running.admin_thread = Some(started.map_err(StartError::Threads)?);
        }
        for (index, worker) in workers.into_iter().enumerate() {
            // A failure here drops `running`, which ends the threads that have started.
            let thread = worker
                .start(index, Arc::clone(&running.process))
                .map_err(StartError::Threads)?;
            running.threads.push(thread);
        }
        Ok(running)
    }
}

/// What every generation has of the process.
struct Fixed {
    instance: Arc<str>,
    phase: Arc<watch::Sender<Phase>>,
    overload: Arc<Overload>,
    meters: Arc<Meters>,
}

/// Puts a generation together; what the one before has counted and noted goes on.
fn share(settings: Settings, parts: Parts, fixed: Fixed, previous: Option<&Shared>) -> Shared {
    let clients = parts.clients.all().iter();
    let rates = clients.map(|client| ClientRates::from(&**client));
    let untold = previous.map(|previous| Arc::clone(&previous.world.untold));
    Shared {
        series: fixed.meters.series(&parts.fronts, &parts.clients),
        meters: fixed.meters,
        observed: parts.observed,
        // A reload is no refill.
        limits: Arc::new(RateLimits::new(
            &settings.rates,
            rates,
            previous.map(|previous| &*previous.limits),
        )),
        instance: fixed.instance,
        phase: fixed.phase,
        overload: fixed.overload,
        world: World {
            directory: parts.directory,
            aliases: parts.aliases,
            backend: parts.backend,
            untold: untold.unwrap_or_default(),
        },
        fronts: parts.fronts,
        clients: parts.clients,
        issuers: parts.issuers,
        tokens: parts.tokens,
        version: parts.version,
        settings: Arc::new(settings),
    }
}

/// How many connections there may be, of those that are wanted.
fn most_connections(settings: &Settings) -> Most {
    let descriptors = raise_descriptor_limit();
    let total = connections_within(settings.connections, descriptors);
    if total < settings.connections {
        tracing::warn!(
            wanted = settings.connections,
            connections = total,
            "fewer connections than are configured: half of the open files that the process may have"
        );
    }
    Most {
        total,
        per_listener: settings.connections_per_listener,
        per_source: settings.connections_per_source,
    }
}

/// A server that serves. Dropping it ends it at once.
pub struct Running {
    addresses: Vec<SocketAddr>,
    admin: Option<SocketAddr>,
    process: Arc<Process>,
    threads: Vec<JoinHandle<()>>,
    admin_thread: Option<Admin>,
}

/// Ends a server from elsewhere: from a signal, say. It keeps nothing of the server alive, so that the
/// backend is closed when the server has ended.
#[derive(Clone)]
pub struct Control(Arc<watch::Sender<Phase>>);

impl Control {
    /// Lets open requests end, then the server.
    pub fn drain(&self) {
        advance(&self.0, Phase::Leaving);
    }

    /// Ends the server at once.
    pub fn abort(&self) {
        advance(&self.0, Phase::Aborted);
    }
}

impl Running {
    /// Where clients are served, in the order of the settings, with the ports that were chosen.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where health is told.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// A handle that can replace what requests are pinned to.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        Reloader::new(&self.process)
    }

    /// Whether the event loops turn.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        Pulse::new(&self.process)
    }

    /// What happened at the gates against overload, for metrics.
    #[must_use]
    pub fn overload(&self) -> Arc<crate::edge::overload::Counts> {
        Arc::clone(self.process.overload.counts())
    }

    /// What was refused of HTTP/1 before it was read, in numbers.
    #[must_use]
    pub fn http1_counts(&self) -> &http1::Counts {
        &self.process.http1
    }

    /// How many connections there are, and how many were not taken, for metrics.
    #[must_use]
    pub fn connections(&self) -> Arc<Connections> {
        Arc::clone(&self.process.connections)
    }

    /// A handle that can end the server.
    #[must_use]
    pub fn control(&self) -> Control {
        Control(Arc::clone(&self.process.phase))
    }

    /// Waits until the server has ended; blocks the thread. Answers whether every worker ended in order.
    #[must_use]
    pub fn wait(mut self) -> bool {
        self.join()
    }

    /// Drains the server and waits until it has ended; blocks the thread.
    #[must_use]
    pub fn shutdown(self) -> bool {
        self.control().drain();
        self.wait()
    }

    fn join(&mut self) -> bool {
        // Counted, so that each of them is waited for.
        let n_failed = self
            .threads
            .drain(..)
            .map(JoinHandle::join)
            .filter(Result::is_err)
            .count();
        // It tells of the end until there is nothing left to tell of.
        self.admin_thread = None;
        n_failed == 0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.control().abort();
        self.join();
    }
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
