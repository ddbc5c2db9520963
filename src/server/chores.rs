//! What a server does beside serving, on the first worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::phase::{Phase, advance, reached};
use super::{Process, clock, tokens};
use crate::edge::overload::SAMPLE_EVERY;

/// How often per-source limits forget quiet addresses.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked whether the key that signs tokens is old.
const ROTATE_EVERY: Duration = Duration::from_secs(3600);

/// Turns a leaving server into a draining one, after its delay.
pub(super) async fn leave(process: Arc<Process>) {
    reached(&process.phase, Phase::Leaving).await;
    let delay = process.current().settings.timeouts.drain_delay;
    tokio::time::sleep(delay).await;
    advance(&process.phase, Phase::Draining);
}

/// Does ahead what the first requests would have to wait for, those after a reload, too.
pub(super) async fn warm(process: Arc<Process>) {
    loop {
        process.current().issuers.warm(Instant::now()).await;
        process.replaced.notified().await;
    }
}

/// Looks how much memory and how many connections are left.
pub(super) async fn watch_memory(process: Arc<Process>) {
    let mut every = tokio::time::interval(SAMPLE_EVERY);
    loop {
        every.tick().await;
        let (connections, most) = process.connections.used();
        process.overload.look(connections, most);
    }
}

/// Keeps the limits' memory small, on a thread where it delays no request.
pub(super) async fn prune(process: Arc<Process>) {
    let mut every = tokio::time::interval(PRUNE_EVERY);
    loop {
        every.tick().await;
        let shared = process.current();
        let _ = tokio::task::spawn_blocking(move || shared.limits.prune()).await;
    }
}

/// Changes the key that signs tokens when it is time, on a thread where it delays no request. What fails is
/// tried again; until then the old key signs.
pub(super) async fn rotate(process: Arc<Process>) {
    let mut every = tokio::time::interval(ROTATE_EVERY);
    loop {
        every.tick().await;
        let shared = process.current();
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
