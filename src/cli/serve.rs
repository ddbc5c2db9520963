//! `serve`: from a configuration to a running server, and to its orderly end.

mod told;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use self::told::{Told, guide, listening};
use super::index::Keeper;
use super::live::{Keep, Order, Reloads, assemble};
use super::load::{Loaded, Loader};
use super::signals::{Heard, Signals};
use super::{Exit, backend, complain, notify, say};
use crate::backend::embedded::OpenError;
use crate::config::{Fixed, Vars};
use crate::edge::tokens::Tokens;
use crate::server::{Inherited, Running, Server, StartError, clock};
use crate::telemetry;

/// What to serve.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration file; config.example.toml documents every key. Else LINKBRIDGE_CONFIG names it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Listen at this address instead of the one that is configured.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Keep the embedded store's data in this directory.
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<String>,
    /// What is logged, such as `info` or `warn,access=info`.
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

impl Arguments {
    /// The flags that were given, by the keys that they stand for.
    fn flags(&self) -> Vec<(&'static str, String)> {
        let given = [
            ("server.listen", &self.listen),
            ("server.data", &self.data),
            ("server.log", &self.log),
        ];
        given
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.clone()?)))
            .collect()
    }
}

pub(super) fn run(arguments: &Arguments, vars: &Vars) -> Exit {
    let loader = Loader::new(arguments.config.as_deref(), &arguments.flags(), vars);
    let loaded = loader.and_then(|mut loader| Ok((loader.load(None)?, loader)));
    let (loaded, loader) = match loaded {
        Ok(loaded) => loaded,
        Err(refused) => {
            complain(refused);
            return Exit::BadUsage;
        }
    };
    loaded.warn();
    if let Err(text) = telemetry::start(&loaded.config.telemetry) {
        complain(format!("error: {text}"));
        return Exit::CouldNotRun;
    }
    match try_run(loaded, loader) {
        Ok(exit) => exit,
        Err(trouble) => {
            complain(format!("error: {}", trouble.text));
            trouble.exit
        }
    }
}

/// Why nothing is served.
struct Trouble {
    text: String,
    exit: Exit,
}

impl From<String> for Trouble {
    fn from(text: String) -> Self {
        let exit = Exit::CouldNotRun;
        Self { text, exit }
    }
}

impl From<backend::Fault> for Trouble {
    fn from(fault: backend::Fault) -> Self {
        let exit = match &fault {
            backend::Fault::Store(OpenError::Locked { .. }) => Exit::StoreLocked,
            backend::Fault::Store(OpenError::Corrupt { .. }) => Exit::StoreDamaged,
            backend::Fault::Store(_) | backend::Fault::Other(_) => Exit::CouldNotRun,
        };
        let text = fault.to_string();
        Self { text, exit }
    }
}

impl From<StartError> for Trouble {
    fn from(error: StartError) -> Self {
        let exit = match &error {
            StartError::Bind { .. } => Exit::NoAddress,
            StartError::Threads(_) => Exit::CouldNotRun,
        };
        let text = error.to_string();
        Self { text, exit }
    }
}

fn try_run(loaded: Loaded, loader: Loader) -> Result<Exit, Trouble> {
    let inherited = notify::inherited()?;
    let unheard = |error| format!("signals cannot be handled: {error}");
    let signals = Signals::catch().map_err(unheard)?;
    let hangups = signals.catch_hangups().map_err(unheard)?;
    let (running, keep) = start(loaded, loader, inherited)?;
    let pulse = running.pulse();
    let alive = move |patience| pulse.beats_within(patience);
    let no_thread = |error| format!("no thread can be started: {error}");
    notify::watch(alive).map_err(no_thread)?;
    let version = keep.reloader.version().unwrap_or_default();
    let reloads = Reloads::start(keep).map_err(no_thread)?;
    notify::ready(&version);
    let (control, orders) = (running.control(), reloads.orders());
    let mut is_leaving = false;
    let hear = move |heard| match heard {
        Heard::End if is_leaving => {
            tracing::warn!("ending at once");
            control.abort();
        }
        Heard::End => {
            is_leaving = true;
            tracing::info!("draining");
            notify::stopping();
            control.drain();
        }
        // Whoever is about to end has nothing to begin.
        Heard::Reload if is_leaving => {}
        Heard::Reload => drop(orders.send(Order::Reload)),
    };
    signals.tell(hangups, hear).map_err(unheard)?;
    let ended = running.wait();
    drop(reloads);
    Ok(if ended { Exit::Fine } else { Exit::CouldNotRun })
}

/// Opens the backend, then the listeners: nobody is let in before everything else has succeeded.
fn start(loaded: Loaded, loader: Loader, inherited: Inherited) -> Result<(Running, Keep), Trouble> {
    let Loaded {
        mut config,
        dialects,
        own,
        version,
        warnings,
    } = loaded;
    let fixed = Fixed::of(&config);
    let described = backend::describe(&config.backend);
    let data = config.backend.directory().to_owned();
    let directory = Arc::new(std::mem::take(&mut config.directory));
    let open = backend::open(config.backend.clone(), &dialects, &directory)?;
    // The store holds the lock of the directory: no other process writes keys there.
    let now = clock::now().0.div_euclid(1000);
    let tokens = Tokens::open(config.tokens.clone(), &data, now).map_err(|e| e.to_string())?;
    let told = Told::of(&config);
    let loaded = Loaded {
        config,
        dialects,
        own,
        version: version.clone(),
        warnings,
    };
    let (settings, parts, live) = assemble(loaded, directory, open, tokens, None)?;
    let listeners = settings.listeners.clone();
    let running = Server::start_on(settings, parts, inherited)?;
    say(told.process);
    say(format!("configuration {version}"));
    for (address, listener) in running.addresses().iter().zip(&listeners) {
        say(listening(*address, &listener.protocol));
    }
    match running.admin_address() {
        Some(address) => say(format!("health at http://{address}/readyz")),
        None => say("health is off"),
    }
    say(format!("backend: {described}"));
    let keeper = Keeper::start(&live.open.leaves, &live.open.store, &live.directory)?;
    if keeper.is_some() {
        say("indexes of accounts are filled and renewed (`linkbridge index status` shows them)");
    }
    backend::ask_all(live.open.leaves.clone(), Arc::clone(&live.directory));
    for issuer in told.issuers {
        say(issuer);
    }
    guide(&live.fronts, &live.directory, told.has_example_key);
    let reloader = running.reloader();
    let keep = Keep {
        loader,
        fixed,
        live,
        keeper,
        reloader,
    };
    Ok((running, keep))
}
