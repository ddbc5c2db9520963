//! A server that serves, and the handles by which others end it, renew it and look at it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::admin::Admin;
use super::phase::{Phase, advance};
use super::process::Process;
use super::{Pulse, Reloader};
use crate::edge::connections::Connections;
use crate::edge::http1;

/// A server that serves. Dropping it ends it at once.
pub struct Running {
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) admin: Option<SocketAddr>,
    pub(super) process: Arc<Process>,
    pub(super) threads: Vec<JoinHandle<()>>,
    pub(super) admin_thread: Option<Admin>,
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
