//! A server in this process whose backend answers every operation with a write race.
//!
//! A real race cannot be timed from outside, so this is the one server that is not the binary.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use linkbridge::backend::embedded::{self, Embedded};
use linkbridge::backend::{Answer, Atomicity, Backend, BoxFuture};
use linkbridge::config::{self, Catalog, Inputs, KnownDialect, Vars};
use linkbridge::dialect::Dialect;
use linkbridge::edge::authn::Clients;
use linkbridge::finding::render;
use linkbridge::mapping::builtin;
use linkbridge::model::{Failure, Operation};
use linkbridge::server::{Front, Parts, Running, Server};

use super::config::{Profile, text};

/// The server; dropping it ends it.
pub(crate) struct InProcess {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    // Only held, so that they live as long as the server does; in this order.
    _running: Running,
    _dir: tempfile::TempDir,
}

/// Every operation lost a race.
struct Racing;

impl Backend for Racing {
    fn apply(&self, _: Operation) -> BoxFuture<'_, Answer> {
        Box::pin(std::future::ready(Err(Failure::Conflict)))
    }

    fn apply_all(&self, operations: Vec<Operation>, _: Atomicity) -> BoxFuture<'_, Vec<Answer>> {
        let answers = operations.iter().map(|_| Err(Failure::Conflict)).collect();
        Box::pin(std::future::ready(answers))
    }

    fn ready(&self) -> bool {
        true
    }
}

/// Starts it: the generated configuration of `profile`, a backend that answers `Failure::Conflict`.
/// Users' ids are in a store of their own, as ever.
pub(crate) fn start(profile: &Profile) -> Result<InProcess, String> {
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let dialects = dialects();
    let (config, _) = read(profile, dir.path(), &dialects)?;
    let store = Embedded::open(embedded::Settings::new(dir.path())).map_err(|e| e.to_string())?;
    let parts = Parts {
        fronts: config
            .fronts
            .into_iter()
            .map(|front| mount(front, &dialects))
            .collect(),
        clients: Clients::new(config.clients),
        directory: Arc::new(config.directory),
        aliases: Arc::new(store),
        backend: Arc::new(Racing),
    };
    let running = Server::start(config.server, parts).map_err(|e| e.to_string())?;
    let addr = running.addresses()[0];
    Ok(InProcess {
        addr,
        _running: running,
        _dir: dir,
    })
}

fn dialects() -> Vec<Arc<Dialect>> {
    let plans = builtin::SOURCES
        .iter()
        .filter_map(|(name, _)| builtin::load_builtin(name)?.plan);
    plans.map(|plan| Arc::new(Dialect::new(plan))).collect()
}

fn read(
    profile: &Profile,
    dir: &Path,
    dialects: &[Arc<Dialect>],
) -> Result<(config::Config, Vec<linkbridge::finding::Finding>), String> {
    let known = |dialect: &Arc<Dialect>| KnownDialect {
        name: dialect.name().to_owned(),
        vendor: dialect.vendor().to_string(),
        options: Default::default(),
    };
    let catalog = Catalog {
        dialects: dialects.iter().map(known).collect(),
        other_vendors: Vec::new(),
    };
    let inputs = Inputs {
        vars: &Vars::default(),
        flags: &[],
        catalog: &catalog,
    };
    // Port 0: the system chooses, and the server knows.
    let text = text(profile, 0, 0, dir);
    config::read("config.toml", &text, &inputs)
        .map_err(|findings| findings.iter().map(render).collect())
}

fn mount(front: config::Front, dialects: &[Arc<Dialect>]) -> Front {
    let dialect = dialects
        .iter()
        .find(|dialect| dialect.name() == front.dialect)
        .unwrap();
    Front {
        dialect: Arc::clone(dialect),
        settings: front.settings,
        host: front.host,
        prefix: front.prefix,
        anonymous: front.anonymous,
    }
}
