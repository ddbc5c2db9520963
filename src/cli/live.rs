//! What a server is made of, put together from a configuration: at its start, and again at each reload.
//!
//! A reload is all or nothing. Everything is read, checked and opened first; then the server takes it in one
//! step. Whatever is wrong leaves the server with what it has. What goes on: the store, the keys that sign
//! tokens, and the connections, caches and counts of whatever has not changed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::index::Keeper;
use super::load::{Loaded, Loader, Refused};
use super::{backend, complain, notify, observe};
use crate::config::{self, Fixed};
use crate::dialect::Dialect;
use crate::directory::Directory;
use crate::edge::authn::Clients;
use crate::edge::issuer::{self, Issuers};
use crate::edge::tokens::Tokens;
use crate::finding::{Finding, Severity};
use crate::outbound;
use crate::server::{self, Front, Listener, Parts, Passthrough, Protocol, Reloader};
use crate::telemetry::{self, metrics::Registry};

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

/// What a running server's reloads need. It holds the store open until it is dropped.
pub(super) struct Keep {
    /// What reads the configuration.
    pub(super) loader: Loader,
    /// What cannot change.
    pub(super) fixed: Fixed,
    /// What goes on.
    pub(super) live: Live,
    /// Whoever fills indexes.
    pub(super) keeper: Option<Keeper>,
    /// Where the next generation goes.
    pub(super) reloader: Reloader,
}

impl Keep {
    /// Reads everything anew, and lets the server have it if nothing is wrong.
    fn reload(&mut self) {
        notify::reloading();
        telemetry::reopen();
        match contained(|| self.try_reload()) {
            Ok(()) => {
                let version = self.reloader.version();
                tracing::info!(version, "the configuration was reloaded");
            }
            Err(refused) => {
                self.reloader.note_refused();
                let version = self.reloader.version();
                tell(&refused);
                tracing::error!(
                    version,
                    "the configuration is not reloaded, the old one holds"
                );
            }
        }
        notify::ready(&self.reloader.version().unwrap_or_default());
    }

    fn try_reload(&mut self) -> Result<(), Refused> {
        let mut loaded = self.loader.load(Some(&self.fixed))?;
        loaded.warn();
        for warning in &loaded.warnings {
            log(warning);
        }
        let directory = Arc::new(std::mem::take(&mut loaded.config.directory));
        let root = loaded.config.backend.root.clone();
        let old = &self.live;
        let open = backend::reopen(&old.open, root, &loaded.dialects, &directory);
        let open = open.map_err(Refused::Text)?;
        let tokens = old.tokens.with_settings(loaded.config.tokens.clone());
        let assembled = assemble(loaded, directory, open, tokens, Some(old));
        let (settings, parts, live) = assembled.map_err(Refused::Text)?;
        if !self.reloader.replace(settings, parts) {
            return Ok(());
        }
        self.live = live;
        self.keep_indexes();
        backend::ask_all(self.live.open.fresh(), Arc::clone(&self.live.directory));
        Ok(())
    }

    /// The old keeper stops before the new one starts: two would scan the same.
    fn keep_indexes(&mut self) {
        self.keeper = None;
        let Live {
            open, directory, ..
        } = &self.live;
        match Keeper::start(&open.leaves, &open.store, directory) {
            Ok(keeper) => self.keeper = keeper,
            Err(error) => tracing::error!(error, "indexes of accounts are not kept"),
        }
    }
}

/// A panic is a bug, and one reload that is refused: whoever takes a key away must be heard the next time.
fn contained(reload: impl FnOnce() -> Result<(), Refused>) -> Result<(), Refused> {
    let panicked = |_| Err(Refused::Text("a bug: the reload has panicked".to_owned()));
    catch_unwind(AssertUnwindSafe(reload)).unwrap_or_else(panicked)
}

/// Tells what is wrong: on standard error as at the start, and in the log, where machines read it.
fn tell(refused: &Refused) {
    complain(refused);
    match refused {
        Refused::Text(text) => tracing::error!(problem = text, "a problem with the configuration"),
        Refused::Findings(findings) => findings.iter().for_each(log),
    }
}

fn log(finding: &Finding) {
    let (line, column) = finding.position();
    let (code, file) = (finding.code, finding.source.name.as_str());
    match finding.severity {
        Severity::Error => {
            tracing::error!(code, file, line, column, "a problem with the configuration");
        }
        Severity::Warning => {
            tracing::warn!(
                code,
                file,
                line,
                column,
                "a warning about the configuration"
            );
        }
    }
}

/// The thread that reloads, one configuration at a time. Dropping it waits for a reload that is under way, and
/// lets go of the store.
pub(super) struct Reloads {
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is to do.
pub(super) enum Order {
    Reload,
    End,
}

impl Reloads {
    /// Starts it.
    ///
    /// # Errors
    /// There are no more threads.
    pub(super) fn start(keep: Keep) -> std::io::Result<Self> {
        let (orders, waiting) = channel();
        let thread = std::thread::Builder::new().name("reload".to_owned());
        let thread = thread.spawn(move || follow(keep, &waiting))?;
        Ok(Self {
            orders,
            thread: Some(thread),
        })
    }

    /// By which it is told to.
    pub(super) fn orders(&self) -> Sender<Order> {
        self.orders.clone()
    }
}

fn follow(mut keep: Keep, orders: &Receiver<Order>) {
    while let Ok(Order::Reload) = orders.recv() {
        // Of several that have come meanwhile one is enough: it reads what is there after all of them.
        let mut waiting = orders.try_iter();
        if waiting.any(|order| matches!(order, Order::End)) {
            return;
        }
        keep.reload();
    }
}

impl Drop for Reloads {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::End);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that reloads had ended with a panic");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reload_that_panics_is_refused() {
        let refused = contained(|| panic!("a bug")).unwrap_err();
        assert!(refused.to_string().contains("panicked"), "{refused}");
        assert!(contained(|| Ok(())).is_ok());
    }
}
