//! What a server is made of, put together from a configuration: at its start, and again at each reload.
//!
//! A reload is all or nothing. Everything is read, checked and opened first; then the server takes it in one
//! step. Whatever is wrong leaves the server with what it has. What goes on: the store, the keys that sign
//! tokens, and the connections, caches and counts of whatever has not changed.

mod reloads;

use std::sync::Arc;

pub(super) use self::reloads::{Keep, Order, Reloads};
use super::load::Loaded;
use super::{backend, observe};
use crate::config;
use crate::dialect::Dialect;
use crate::directory::Directory;
use crate::edge::authn::Clients;
use crate::edge::issuer::{self, Issuers};
use crate::edge::tokens::Tokens;
use crate::outbound;
use crate::server::{self, Front, Listener, Parts, Passthrough, Protocol};
use crate::telemetry::metrics::Registry;

/// What the next generation goes on with.
pub(super) struct Live {
    /// The open backend.
    pub(super) open: backend::Open,
    /// Who may be called, and whose certificates are trusted.
    outbound: outbound::Settings,
    issuers: Issuers,
    tokens: Tokens,
    /// What is mounted.
    pub(super) fronts: Vec<Front>,
    /// Tenants and providers.
    pub(super) directory: Arc<Directory>,
    listeners: Vec<Listener>,
    /// Where metrics are registered.
    registry: Arc<Registry>,
}

/// Puts a generation together; `open` and `tokens` are there already.
///
/// # Errors
/// A sentence that says what cannot be used.
pub(super) fn assemble(
    loaded: Loaded,
    directory: Arc<Directory>,
    open: backend::Open,
    tokens: Tokens,
    previous: Option<&Live>,
) -> Result<(server::Settings, Parts, Live), String> {
    let config = loaded.config;
    let old_fronts = previous.filter(|old| old.outbound == config.outbound);
    let old_fronts = old_fronts.map_or(&[] as &[Front], |old| &old.fronts);
    let fronts = config.fronts.into_iter();
    let mounted =
        fronts.filter_map(|f| mount(f, &loaded.dialects, &config.outbound, old_fronts).transpose());
    let fronts: Vec<Front> = mounted.collect::<Result<_, _>>()?;
    let issuers = issuers(config.issuers, &config.outbound, previous)?;
    let mut settings = config.server;
    if let Some(previous) = previous {
        keep_tickets(&mut settings.listeners, &previous.listeners);
    }
    let registry = previous.map_or_else(Registry::new, |old| Arc::clone(&old.registry));
    let told = (config.shown, &*loaded.version);
    let observed = observe::observed(Arc::clone(&registry), told, &open, &fronts);
    let parts = Parts {
        fronts: fronts.clone(),
        clients: Clients::new(config.clients),
        issuers: issuers.clone(),
        tokens: tokens.clone(),
        directory: Arc::clone(&directory),
        aliases: Arc::clone(&open.aliases),
        backend: Arc::clone(&open.backend),
        version: loaded.version,
        observed,
    };
    let live = Live {
        open,
        outbound: config.outbound,
        issuers,
        tokens,
        fronts,
        directory,
        listeners: settings.listeners.clone(),
        registry,
    };
    Ok((settings, parts, live))
}

/// Whoever calls nobody needs no certificates to trust.
fn issuers(
    issuers: Vec<issuer::Settings>,
    settings: &outbound::Settings,
    previous: Option<&Live>,
) -> Result<Issuers, String> {
    if issuers.is_empty() {
        return Ok(Issuers::default());
    }
    let http = outbound::Client::new(settings).map_err(|error| error.to_string())?;
    let none = Issuers::default();
    let same = previous.filter(|old| old.outbound == *settings);
    let previous = same.map_or(&none, |old| &old.issuers);
    Ok(Issuers::succeeding(previous, issuers, &http))
}

/// Clients that have a ticket resume with it.
fn keep_tickets(listeners: &mut [Listener], previous: &[Listener]) {
    for (listener, old) in listeners.iter_mut().zip(previous) {
        if let (Protocol::Tls(tls), Protocol::Tls(old)) = (&listener.protocol, &old.protocol) {
            listener.protocol = Protocol::Tls(tls.with_tickets_of(old));
        }
    }
}

/// A front with its dialect. A way to an origin that is no other than it was keeps its connections.
///
/// # Errors
/// Its way to an origin cannot be opened.
pub(super) fn mount(
    front: config::Front,
    dialects: &[Arc<Dialect>],
    outbound: &outbound::Settings,
    previous: &[Front],
) -> Result<Option<Front>, String> {
    let config::Front {
        dialect,
        settings,
        host,
        prefix,
        anonymous,
        passthrough,
    } = front;
    let Some(dialect) = dialects.iter().find(|known| known.name() == dialect) else {
        return Ok(None);
    };
    let kin = dialects
        .iter()
        .filter(|other| other.vendor() == dialect.vendor());
    let kin: Vec<Arc<Dialect>> = kin.cloned().collect();
    let passthrough = passthrough.map(|settings| {
        let old = previous.iter().find(|old| {
            old.dialect.name() == dialect.name() && old.host == host && old.prefix == prefix
        });
        let old = old.and_then(|old| old.passthrough.as_ref());
        match old.filter(|old| old.is_of(&settings, &kin)) {
            Some(old) => Ok(Arc::clone(old)),
            None => Passthrough::new(settings, kin, outbound).map(Arc::new),
        }
    });
    let passthrough = passthrough.transpose().map_err(|error| error.to_string())?;
    Ok(Some(Front {
        dialect: Arc::clone(dialect),
        settings,
        host,
        prefix,
        anonymous,
        passthrough,
    }))
}
