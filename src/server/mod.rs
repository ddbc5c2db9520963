//! The server: listeners, connections, the walk of a request, and an orderly end.
//!
//! One thread per worker, each with its own single-threaded runtime and its own listening sockets:
//! connections never move between threads, and nothing is shared on the request path but what is
//! read only, the rate limits and the backend.

mod admin;
mod admit;
mod bind;
mod call;
mod caller;
mod carry_out;
pub mod clock;
mod connection;
mod facts;
mod front;
mod ids;
mod items;
mod line;
mod listen;
mod new_links;
mod passthrough;
mod perform;
mod phase;
mod present;
mod providers;
mod reflection;
pub mod rehearsal;
mod respond;
mod rpc;
mod tenant;
#[cfg(test)]
mod testing;
mod timed_io;
mod timed_write;
mod tokens;
mod untold;
mod walk;

use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use self::call::World;
pub use self::front::Front;
pub use self::passthrough::{Access, Allowed, Credential, Passthrough, PassthroughSettings};
use self::phase::{Phase, advance, reached};
use crate::backend::Backend;
use crate::directory::{Aliases, Directory};
use crate::edge::authn::Clients;
use crate::edge::connections::Connections;
use crate::edge::issuer::Issuers;
use crate::edge::peers::TrustedPeers;
use crate::edge::rate_limit::RateLimits;
use crate::edge::tls::Tls;
use crate::edge::tokens::Tokens;
use crate::edge::{body, head, rate_limit};

/// How often per-source limits forget quiet addresses.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked whether the key that signs tokens is old.
const ROTATE_EVERY: Duration = Duration::from_secs(3600);

/// An address to serve at.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Where.
    pub address: SocketAddr,
    /// What is spoken there.
    pub protocol: Protocol,
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
    /// The most connections of one source address.
    pub connections_per_source: usize,
    /// The most requests of one connection.
    pub connection_requests: u64,
    /// The largest request head, in bytes.
    pub head_bytes: usize,
    /// The most header fields.
    pub head_fields: usize,
    /// The most concurrent streams of an HTTP/2 connection.
    pub http2_streams: u32,
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
    /// How long things may take.
    pub timeouts: Timeouts,
}

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
}

/// What all threads share.
struct Shared {
    settings: Settings,
    fronts: Vec<Front>,
    clients: Clients,
    issuers: Issuers,
    tokens: Tokens,
    world: World,
    limits: RateLimits,
    connections: Arc<Connections>,
    /// How this process is called in `Via`.
    instance: String,
    phase: Arc<watch::Sender<Phase>>,
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
    pub fn start(settings: Settings, mut parts: Parts) -> Result<Running, StartError> {
        front::sort(&mut parts.fronts);
        untold::warn_of_gaps(&parts.fronts, &parts.directory);
        let mut workers = bind_all(&settings)?;
        let addresses = workers.first().map_or(Vec::new(), |w| w.addresses());
        let admin = settings.admin.map(bind_admin).transpose()?;
        let admin_address = admin.as_ref().and_then(|socket| socket.local_addr().ok());
        if let Some(first) = workers.first_mut() {
            first.admin = admin;
        }
        let shared = share(settings, parts);
        let mut running = Running {
            addresses,
            admin: admin_address,
            shared,
            threads: Vec::new(),
        };
        for (index, worker) in workers.into_iter().enumerate() {
            // A failure here drops `running`, which ends the threads that have started.
            let thread = worker
                .start(index, Arc::clone(&running.shared))
                .map_err(StartError::Threads)?;
            running.threads.push(thread);
        }
        Ok(running)
    }
}

fn share(settings: Settings, parts: Parts) -> Arc<Shared> {
    let rates = parts.clients.all().iter().map(|client| client.rate);
    Arc::new(Shared {
        limits: RateLimits::new(&settings.rates, rates),
        connections: Connections::new(settings.connections, settings.connections_per_source),
        instance: passthrough::instance(),
        phase: Arc::new(watch::Sender::new(Phase::Serving)),
        world: World {
            directory: parts.directory,
            aliases: parts.aliases,
            backend: parts.backend,
            untold: Arc::default(),
        },
        fronts: parts.fronts,
        clients: parts.clients,
        issuers: parts.issuers,
        tokens: parts.tokens,
        settings,
    })
}

/// A server that serves. Dropping it ends it at once.
pub struct Running {
    addresses: Vec<SocketAddr>,
    admin: Option<SocketAddr>,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
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

    /// A handle that can end the server.
    #[must_use]
    pub fn control(&self) -> Control {
        Control(Arc::clone(&self.shared.phase))
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
        n_failed == 0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.control().abort();
        self.join();
    }
}

/// What one thread serves.
#[derive(Default)]
struct Worker {
    sockets: Vec<(TcpListener, Listener)>,
    admin: Option<TcpListener>,
}

fn bind_all(settings: &Settings) -> Result<Vec<Worker>, StartError> {
    let mut workers: Vec<Worker> = (0..settings.workers.get())
        .map(|_| Worker::default())
        .collect();
    for listener in &settings.listeners {
        let address = listener.address;
        let sockets = listen::bind(address, workers.len())
            .map_err(|error| StartError::Bind { address, error })?;
        for (worker, socket) in workers.iter_mut().zip(sockets) {
            worker.sockets.push((socket, listener.clone()));
        }
    }
    Ok(workers)
}

fn bind_admin(address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound =
        TcpListener::bind(address).and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
    bound.map_err(|error| StartError::Bind { address, error })
}

impl Worker {
    fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets
            .iter()
            .filter_map(|(socket, _)| socket.local_addr().ok())
            .collect()
    }

    fn start(self, index: usize, shared: Arc<Shared>) -> std::io::Result<JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new().name(format!("worker-{index}"));
        thread.spawn(move || self.run(&runtime, &shared, index == 0))
    }

    /// Serves until the server has drained, or must end. Dropping the runtime ends what is left.
    fn run(self, runtime: &Runtime, shared: &Arc<Shared>, is_first: bool) {
        runtime.block_on(async {
            let (alive, mut all_ended) = mpsc::channel::<()>(1);
            for (socket, listener) in self.sockets {
                match tokio::net::TcpListener::from_std(socket) {
                    Ok(socket) => {
                        let accept = connection::accept(
                            Arc::clone(shared),
                            socket,
                            listener.protocol,
                            alive.clone(),
                        );
                        drop(tokio::spawn(accept));
                    }
                    Err(error) => tracing::error!(%error, "a listener was lost at the start"),
                }
            }
            if let Some(Ok(socket)) = self.admin.map(tokio::net::TcpListener::from_std) {
                drop(tokio::spawn(admin::serve(Arc::clone(shared), socket)));
            }
            if is_first {
                drop(tokio::spawn(prune(Arc::clone(shared))));
                drop(tokio::spawn(rotate(Arc::clone(shared))));
                drop(tokio::spawn(leave(Arc::clone(shared))));
                drop(tokio::spawn(warm(Arc::clone(shared))));
            }
            reached(&shared.phase, Phase::Draining).await;
            drop(alive);
            tokio::select! {
                // Nobody ever sends: it answers when the last one who could is gone.
                _ = all_ended.recv() => {}
                () = reached(&shared.phase, Phase::Aborted) => {}
                () = tokio::time::sleep(shared.settings.timeouts.drain) => {
                    tracing::warn!("connections were still open at the end of the drain");
                }
            }
        });
    }
}

/// Turns a leaving server into a draining one, after its delay.
async fn leave(shared: Arc<Shared>) {
    reached(&shared.phase, Phase::Leaving).await;
    tokio::time::sleep(shared.settings.timeouts.drain_delay).await;
    advance(&shared.phase, Phase::Draining);
}

/// Does ahead what the first requests would have to wait for.
async fn warm(shared: Arc<Shared>) {
    shared.issuers.warm(std::time::Instant::now()).await;
}

/// Keeps the limits' memory small, on a thread where it delays no request.
async fn prune(shared: Arc<Shared>) {
    let mut every = tokio::time::interval(PRUNE_EVERY);
    loop {
        every.tick().await;
        let shared = Arc::clone(&shared);
        let _ = tokio::task::spawn_blocking(move || shared.limits.prune()).await;
    }
}

/// Changes the key that signs tokens when it is time, on a thread where it delays no request. What fails is
/// tried again; until then the old key signs.
async fn rotate(shared: Arc<Shared>) {
    let mut every = tokio::time::interval(ROTATE_EVERY);
    loop {
        every.tick().await;
        let shared = Arc::clone(&shared);
        let rotated = tokio::task::spawn_blocking(move || {
            shared.tokens.rotate(tokens::seconds(clock::now()))
        });
        match rotated.await {
            Ok(Ok(true)) => tracing::info!("the keys that sign tokens have changed"),
            Ok(Err(error)) => {
                tracing::error!(%error, "the keys that sign tokens cannot be changed")
            }
            Ok(Ok(false)) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod deletes_tests;
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
