//! `serve`: from a configuration to a running server, and to its orderly end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::index::Keeper;
use super::signals::Signals;
use super::{Exit, backend, complain, dialects, say};
use crate::config::{self, Config, Inputs, Vars};
use crate::dialect::Dialect;
use crate::edge::authn::{Client, Clients};
use crate::edge::issuer::{self, Issuers, KeysAt, Proof};
use crate::edge::keys;
use crate::edge::tokens::Tokens;
use crate::finding::{Finding, render};
use crate::outbound;
use crate::server::{Front, Parts, Passthrough, Protocol, Running, Server, clock};
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
    let dialects = dialects::built_in();
    let config = match load(
        arguments.config.as_deref(),
        &arguments.flags(),
        vars,
        &dialects,
    ) {
        Ok(config) => config,
        Err(text) => {
            complain(text);
            return Exit::BadUsage;
        }
    };
    if let Err(text) = telemetry::start(&config.telemetry) {
        complain(format!("error: {text}"));
        return Exit::CouldNotRun;
    }
    let signals = Signals::catch().map_err(|error| format!("signals cannot be handled: {error}"));
    match signals.and_then(|signals| Ok((start(config, &dialects)?, signals))) {
        Ok(((running, keeper), signals)) => {
            let exit = until_the_end(running, signals);
            drop(keeper);
            exit
        }
        Err(text) => {
            complain(format!("error: {text}"));
            Exit::CouldNotRun
        }
    }
}

/// The configuration; warnings are told and do not stop the start.
pub(super) fn load(
    path: Option<&Path>,
    flags: &[(&'static str, String)],
    vars: &Vars,
    dialects: &[Arc<Dialect>],
) -> Result<Config, String> {
    let named = || vars.value("LINKBRIDGE_CONFIG").map(PathBuf::from);
    let path = path.map(Path::to_owned).or_else(named);
    let path =
        path.ok_or("error: which configuration? Give `--config FILE`, or set LINKBRIDGE_CONFIG")?;
    let text = std::fs::read_to_string(&path)
        .map_err(|e| format!("error: {} cannot be read: {e}", path.display()))?;
    let catalog = dialects::catalog(dialects);
    let inputs = Inputs {
        vars,
        flags,
        catalog: &catalog,
    };
    match config::read(&path.display().to_string(), &text, &inputs) {
        Ok((config, warnings)) => {
            if !warnings.is_empty() {
                complain(rendered(&warnings));
            }
            Ok(config)
        }
        Err(findings) => Err(rendered(&findings)),
    }
}

fn rendered(findings: &[Finding]) -> String {
    findings.iter().map(render).collect::<Vec<_>>().join("\n")
}

/// Opens the backend, then the listeners: nobody is let in before everything else has succeeded.
fn start(config: Config, dialects: &[Arc<Dialect>]) -> Result<(Running, Option<Keeper>), String> {
    let described = backend::describe(&config.backend);
    let data = config.backend.directory().to_owned();
    let directory = Arc::new(config.directory);
    let open = backend::open(config.backend, dialects, &directory)?;
    // The store holds the lock of the directory: no other process writes keys there.
    let now = clock::now().0.div_euclid(1000);
    let tokens = Tokens::open(config.tokens, &data, now).map_err(|error| error.to_string())?;
    let fronts = config.fronts.into_iter();
    let mounted = fronts.filter_map(|front| mount(front, dialects, &config.outbound).transpose());
    let fronts: Vec<Front> = mounted.collect::<Result<_, _>>()?;
    let mounted = fronts.clone();
    let n_clients = config.clients.len();
    let has_example_key = has_example_key(&config.clients);
    let trusted: Vec<String> = config.issuers.iter().map(describe).collect();
    let issuers = issuers(config.issuers, &config.outbound)?;
    let parts = Parts {
        fronts,
        clients: Clients::new(config.clients),
        issuers,
        tokens,
        directory: Arc::clone(&directory),
        aliases: open.aliases,
        backend: open.backend,
    };
    let listeners = config.server.listeners.clone();
    let workers = config.server.workers;
    let running = Server::start(config.server, parts).map_err(|error| error.to_string())?;
    say(format!(
        "linkbridge {}, {workers} workers, {n_clients} clients",
        env!("CARGO_PKG_VERSION")
    ));
    for (address, listener) in running.addresses().iter().zip(&listeners) {
        say(listening(*address, &listener.protocol));
    }
    match running.admin_address() {
        Some(address) => say(format!("health at http://{address}/readyz")),
        None => say("health is off"),
    }
    say(format!("backend: {described}"));
    let keeper = Keeper::start(&open.leaves, &open.store, &directory)?;
    if keeper.is_some() {
        say("indexes of accounts are filled and renewed (`linkbridge index status` shows them)");
    }
    backend::ask_all(open.leaves, Arc::clone(&directory));
    for issuer in trusted {
        say(issuer);
    }
    let mut guide = dialects::Guide::new(&directory);
    for front in &mounted {
        tell(front);
        if has_example_key {
            for command in guide.commands(&front.dialect, &front.settings) {
                say(format!("  {command}"));
            }
        }
    }
    if !has_example_key {
        say("commands to try are shown with the example configuration only: they need its key");
    }
    Ok((running, keeper))
}

fn listening(address: SocketAddr, protocol: &Protocol) -> String {
    match protocol {
        Protocol::Http1 => format!("listening at {address} (HTTP/1.1, no TLS)"),
        Protocol::Http2 => {
            format!("listening at {address} (HTTP/2 by prior knowledge, no TLS)")
        }
        Protocol::Tls(tls) => {
            let names = tls.names().join(", ");
            let end = if names.is_empty() { "" } else { " as " };
            format!("listening at https://{address} (HTTP/2 or HTTP/1.1){end}{names}")
        }
    }
}

/// An issuer in a few words, for the start.
fn describe(issuer: &issuer::Settings) -> String {
    let proof = match &issuer.proof {
        Proof::Signature { keys, .. } => match keys {
            KeysAt::Url(url) => format!("keys at {url}"),
            KeysAt::File(path) => format!("keys in {}", path.display()),
        },
        Proof::Introspection(endpoint) => format!("asked at {}", endpoint.url),
    };
    format!("tokens of {} ({}), {proof}", issuer.name, issuer.issuer)
}

/// Whoever calls nobody needs no certificates to trust.
fn issuers(
    issuers: Vec<issuer::Settings>,
    settings: &outbound::Settings,
) -> Result<Issuers, String> {
    if issuers.is_empty() {
        return Ok(Issuers::default());
    }
    let http = outbound::Client::new(settings).map_err(|error| error.to_string())?;
    Ok(Issuers::new(issuers, &http))
}

/// Whether the public key, with which commands can be shown, opens anything here.
fn has_example_key(clients: &[Client]) -> bool {
    clients
        .iter()
        .any(|client| client.keys.iter().any(keys::is_example))
}

pub(super) fn mount(
    front: config::Front,
    dialects: &[Arc<Dialect>],
    outbound: &outbound::Settings,
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
    let passthrough = passthrough
        .map(|settings| Passthrough::new(settings, kin.cloned().collect(), outbound))
        .transpose()
        .map_err(|error| error.to_string())?
        .map(Arc::new);
    Ok(Some(Front {
        dialect: Arc::clone(dialect),
        settings,
        host,
        prefix,
        anonymous,
        passthrough,
    }))
}

fn tell(front: &Front) {
    say(format!(
        "dialect {} at {}",
        front.dialect.name(),
        front.settings.origin
    ));
    if let Some(client) = &front.anonymous {
        say(format!("  without a credential: client {client}"));
    }
    if let Some(passthrough) = &front.passthrough {
        say(format!("  passes on {passthrough}"));
    }
}

/// Serves until a signal; the second one does not wait.
fn until_the_end(running: Running, signals: Signals) -> Exit {
    let (control, same) = (running.control(), running.control());
    let drain = move || {
        tracing::info!("draining");
        control.drain();
    };
    let abort = move || {
        tracing::warn!("ending at once");
        same.abort();
    };
    if let Err(error) = signals.watch(drain, abort) {
        complain(format!("error: signals cannot be handled: {error}"));
        return Exit::CouldNotRun;
    }
    if running.wait() {
        Exit::Fine
    } else {
        Exit::CouldNotRun
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::scope::Scopes;
    use crate::model::ClientName;

    #[test]
    fn commands_are_shown_for_the_example_key_only() {
        let client = |keys: &[&str]| Client {
            name: ClientName::new("a").unwrap(),
            tenant: None,
            fronts: None,
            scopes: Scopes::default(),
            providers: None,
            rate: None,
            keys: keys.iter().map(|key| keys::hash(key)).collect(),
            identities: Vec::new(),
            client_id: None,
            assertion_keys: Vec::new(),
        };
        assert!(!has_example_key(&[]));
        assert!(!has_example_key(&[client(&["another"]), client(&[])]));
        let both = client(&["another", keys::EXAMPLE_KEY]);
        assert!(has_example_key(&[client(&[]), both]));
    }
}
