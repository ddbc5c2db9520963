//! A server in this process whose backend answers every operation with a failure, a write race mostly.
//!
//! A real race cannot be timed from outside, nor a store be kept from working, so this is the one server that is not the binary. All of it
//! but the backend is: the configuration, the mappings, the walk of a request, the sockets.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use linkbridge::backend::{Answer, Atomicity, Backend, BoxFuture};
use linkbridge::config::{self, Catalog, Inputs, KnownDialect, Vars};
use linkbridge::dialect::Dialect;
use linkbridge::directory::Aliases;
use linkbridge::edge::authn::Clients;
use linkbridge::edge::tokens::Tokens;
use linkbridge::mapping::builtin;
use linkbridge::model::{Failure, Operation, TenantId, UserId, VendorName};
use linkbridge::server::{Front, Parts, Running, Server};

use super::config::{Profile, text};
use super::server::free_port;

/// The server; dropping it ends it.
pub(crate) struct InProcess {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    // Only held, so that the server lives as long as this.
    _running: Running,
}

/// Every operation fails in one way.
struct Refuse(Failure);

impl Backend for Refuse {
    fn apply(&self, _: Operation) -> BoxFuture<'_, Answer> {
        Box::pin(std::future::ready(Err(self.0.clone())))
    }

    fn apply_all(&self, operations: Vec<Operation>, _: Atomicity) -> BoxFuture<'_, Vec<Answer>> {
        Box::pin(std::future::ready(
            operations.iter().map(|_| Err(self.0.clone())).collect(),
        ))
    }

    fn ready(&self) -> bool {
        true
    }
}

/// Every id is a user's, in every tenant, as it stands.
struct Everybody;

impl Aliases for Everybody {
    fn user_of(&self, _: &TenantId, _: &VendorName, vendor_id: &str) -> Result<UserId, Failure> {
        UserId::new(vendor_id).map_err(|_| Failure::UserNotFound)
    }

    fn vendor_id_of(
        &self,
        _: &TenantId,
        _: &VendorName,
        user: &UserId,
    ) -> Result<Option<String>, Failure> {
        Ok(Some(user.as_str().to_owned()))
    }

    fn tenants_of(&self, _: &VendorName, _: &str) -> Result<Vec<TenantId>, Failure> {
        Ok(Vec::new())
    }
}

/// Starts it: the generated configuration of `profile`, a backend that answers `Failure::Conflict`.
pub(crate) fn start(profile: &Profile) -> Result<InProcess, String> {
    start_with(profile, Failure::Conflict)
}

/// Starts it with a backend that answers this failure.
pub(crate) fn start_with(profile: &Profile, failure: Failure) -> Result<InProcess, String> {
    let loaded = builtin::SOURCES
        .iter()
        .filter_map(|(name, _)| builtin::load_builtin(name)?.plan);
    let dialects: Vec<_> = loaded.map(|plan| Arc::new(Dialect::new(plan))).collect();
    let known = |dialect: &Arc<Dialect>| KnownDialect {
        name: dialect.name().to_owned(),
        vendor: dialect.vendor().as_str().to_owned(),
        options: dialect
            .plan()
            .options
            .iter()
            .map(|option| (option.name.clone(), option.values.clone()))
            .collect(),
        routes: dialect.routes(),
    };
    let catalog = Catalog {
        dialects: dialects.iter().map(known).collect(),
    };
    let inputs = Inputs {
        vars: &Vars::default(),
        flags: &[],
        catalog: &catalog,
    };
    // The store is only named here: it is never opened.
    let text = text(profile, free_port(), 0, Path::new("never-opened"));
    let (config, _) =
        config::read("generated", &text, &inputs).map_err(|findings| format!("{findings:?}"))?;
    let mount = |front: config::Front| {
        let dialect = dialects
            .iter()
            .find(|known| known.name() == front.dialect)?;
        Some(Front {
            dialect: Arc::clone(dialect),
            settings: front.settings,
            host: front.host,
            prefix: front.prefix,
            anonymous: front.anonymous,
        })
    };
    let parts = Parts {
        fronts: config.fronts.into_iter().filter_map(mount).collect(),
        clients: Clients::new(config.clients),
        tokens: Tokens::unkept(config.tokens, 0).map_err(|error| error.to_string())?,
        directory: Arc::new(config.directory),
        aliases: Arc::new(Everybody),
        backend: Arc::new(Refuse(failure)),
    };
    let running = Server::start(config.server, parts).map_err(|error| error.to_string())?;
    let addr = *running.addresses().first().ok_or("no address")?;
    Ok(InProcess {
        addr,
        _running: running,
    })
}
