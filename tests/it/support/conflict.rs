//! A server in this process whose backend answers every operation with a failure, a write race mostly.
//!
//! A real race cannot be timed from outside, nor a store be kept from working, so this is the one server that is not the binary. All of it
//! but the backend is: the configuration, the mappings, the walk of a request, the sockets.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use linkbridge::backend::{Answer, Atomicity, Backend, BoxFuture};
use linkbridge::config::{self, Catalog, Inputs, KnownDialect, Vars};
use linkbridge::dialect::Dialect;
use linkbridge::directory::Aliases;
use linkbridge::edge::authn::Clients;
use linkbridge::edge::issuer::Issuers;
use linkbridge::edge::overload::Counts;
use linkbridge::edge::tokens::Tokens;
use linkbridge::mapping::builtin;
use linkbridge::model::{Failure, Operation, TenantId, UserId, VendorName};
use linkbridge::server::{Front, Parts, Running, Server};

use super::config::{Ports, Profile, text};
use super::server::free_ports;

/// The server; dropping it ends it.
pub(crate) struct InProcess {
    /// Where it listens for HTTP/1.1.
    pub(crate) addr: SocketAddr,
    /// Where it listens for HTTP/2.
    pub(crate) http2: SocketAddr,
    running: Running,
}

impl InProcess {
    /// What happened at its gates.
    pub(crate) fn overload(&self) -> Arc<Counts> {
        self.running.overload()
    }
}

/// Every operation fails in one way, after some time.
struct Refuse {
    failure: Failure,
    after: Duration,
}

impl Backend for Refuse {
    fn apply(&self, _: Operation) -> BoxFuture<'_, Answer> {
        Box::pin(async {
            tokio::time::sleep(self.after).await;
            Err(self.failure.clone())
        })
    }

    fn apply_all(&self, operations: Vec<Operation>, _: Atomicity) -> BoxFuture<'_, Vec<Answer>> {
        Box::pin(async move {
            tokio::time::sleep(self.after).await;
            let answers = operations.iter().map(|_| Err(self.failure.clone()));
            answers.collect()
        })
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
    let after = Duration::ZERO;
    start_on(profile, "", Arc::new(Refuse { failure, after }))
}

/// Starts it with a backend that takes this long for everything.
pub(crate) fn start_slow(profile: &Profile, after: Duration) -> Result<InProcess, String> {
    let failure = Failure::Conflict;
    start_on(profile, "", Arc::new(Refuse { failure, after }))
}

/// Starts it over this backend, with these lines in `[limits]`.
pub(crate) fn start_on(
    profile: &Profile,
    limits: &str,
    backend: Arc<dyn Backend>,
) -> Result<InProcess, String> {
    let loaded = builtin::SOURCES
        .iter()
        .filter_map(|(name, _)| builtin::load_builtin(name)?.plan);
    let dialects: Vec<_> = loaded.map(|plan| Arc::new(Dialect::new(plan))).collect();
    let known = |dialect: &Arc<Dialect>| KnownDialect::from(&**dialect);
    let catalog = Catalog {
        odd: Vec::new(),
        dialects: dialects.iter().map(known).collect(),
    };
    let inputs = Inputs {
        vars: &Vars::default(),
        flags: &[],
        catalog: &catalog,
    };
    let ports = Ports {
        admin: 0,
        ..free_ports()
    };
    // The store is only named here: it is never opened.
    let text = text(profile, ports, Path::new("never-opened")) + limits;
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
            passthrough: None,
        })
    };
    let parts = Parts {
        version: "test".to_owned(),
        fronts: config.fronts.into_iter().filter_map(mount).collect(),
        clients: Clients::new(config.clients),
        issuers: Issuers::default(),
        tokens: Tokens::unkept(config.tokens, 0).map_err(|error| error.to_string())?,
        directory: Arc::new(config.directory),
        aliases: Arc::new(Everybody),
        backend,
        observed: linkbridge::server::Observed::default(),
    };
    let running = Server::start(config.server, parts).map_err(|error| error.to_string())?;
    let [addr, http2] = running.addresses() else {
        return Err("there should be two addresses".to_owned());
    };
    Ok(InProcess {
        addr: *addr,
        http2: *http2,
        running,
    })
}
