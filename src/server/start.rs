//! Starting a server: every address is bound before anybody is let in.

use std::net::SocketAddr;
use std::sync::Arc;

use super::admin::Admin;
use super::process::Process;
use super::{Inherited, Parts, Running, Settings, front, untold, worker};

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
