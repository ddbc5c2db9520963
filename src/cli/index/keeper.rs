//! Indexes of a running server: filled when they are missing, renewed before they are too old.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use super::build::why;
use crate::backend::embedded::Embedded;
use crate::backend::upstream::Upstream;
use crate::backend::upstream::scan::{Manner, Pace};
use crate::cli::backend::{self, Leaf};
use crate::directory::Directory;
use crate::model::TenantId;
use crate::server::clock;

/// The most requests in a second: clients come first.
const RATE: NonZeroU32 = NonZeroU32::new(50).expect("fifty is not zero");
/// How often it is looked whether an index is due.
const EVERY: Duration = Duration::from_secs(60);
/// How long an upstream is left alone that a scan stopped at.
const PAUSE: Duration = Duration::from_secs(600);

/// The thread that keeps indexes. Dropping it interrupts a scan, and waits for that.
pub(in crate::cli) struct Keeper {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts to keep the indexes of these upstreams, if one of them needs any.
    ///
    /// # Errors
    /// A sentence that says why it cannot be done.
    pub(in crate::cli) fn start(
        leaves: &[Leaf],
        store: &Arc<Embedded>,
        directory: &Arc<Directory>,
    ) -> Result<Option<Self>, String> {
        let mut kept = Vec::new();
        for leaf in leaves {
            // Connections belong to the threads that serve: this one has its own.
            let upstream = backend::upstream(leaf, store, directory)?;
            if upstream.needs_index() {
                kept.push((upstream, leaf.tenants.clone()));
            }
        }
        if kept.is_empty() {
            return Ok(None);
        }
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let work = move || runtime.block_on(until(stopped, keep_all(&kept)));
        let thread = std::thread::Builder::new().name("index".to_owned());
        let thread = thread.spawn(work).map_err(|error| error.to_string())?;
        Ok(Some(Self {
            stop,
            thread: Some(thread),
        }))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that keeps indexes had ended with a panic");
        }
    }
}

async fn until(mut stopped: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

/// Never ends by itself.
async fn keep_all(kept: &[(Upstream, Vec<TenantId>)]) {
    loop {
        let mut pause = EVERY;
        for (upstream, tenants) in kept {
            for tenant in tenants {
                if !keep(upstream, tenant).await {
                    pause = PAUSE;
                }
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// Scans if it is time to; answers whether all is well.
async fn keep(upstream: &Upstream, tenant: &TenantId) -> bool {
    let (name, tenant_key) = (upstream.name(), tenant.as_str());
    if !upstream.is_scan_due(tenant, clock::now()).unwrap_or(false) {
        return true;
    }
    if !upstream.can_scan_all(tenant) {
        tracing::warn!(
            upstream = name,
            tenant = tenant_key,
            "the index cannot become complete: the IdP does not list its users, and the tenant's users are open"
        );
        return false;
    }
    tracing::info!(upstream = name, tenant = tenant_key, "filling the index");
    let manner = Manner {
        pace: Pace::new(RATE),
        restart: false,
        clock: &clock::now,
    };
    match upstream.scan(tenant, manner, &mut |_| ()).await {
        Ok(status) => {
            let (users, links) = (status.users, status.links);
            tracing::info!(
                upstream = name,
                tenant = tenant_key,
                users,
                links,
                "the index is complete"
            );
            true
        }
        Err(stopped) => {
            let cause = why(&stopped);
            tracing::warn!(
                upstream = name,
                tenant = tenant_key,
                cause,
                "the index is not filled"
            );
            false
        }
    }
}
