//! What is fixed for the life of a process, and the generations of what is not: a reload makes a new one.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};

use super::call::World;
use super::front::Front;
use super::meters::{Meters, Series};
use super::phase::Phase;
use super::{Observed, Parts, ReloadCounts, Settings, clock, gates, passthrough, served};
use crate::edge::authn::Clients;
use crate::edge::connections::{Connections, Most};
use crate::edge::http1;
use crate::edge::issuer::Issuers;
use crate::edge::overload::{Overload, connections_within, raise_descriptor_limit};
use crate::edge::rate_limit::{ClientRates, RateLimits};
use crate::edge::tokens::Tokens;
use crate::telemetry::metrics;

/// What a request is pinned to, from its head to the end of whatever it began: a reload makes a new one.
pub(super) struct Shared {
    pub(super) settings: Arc<Settings>,
    pub(super) fronts: Vec<Front>,
    pub(super) clients: Clients,
    pub(super) issuers: Issuers,
    pub(super) tokens: Tokens,
    pub(super) world: World,
    pub(super) limits: Arc<RateLimits>,
    pub(super) overload: Arc<Overload>,
    pub(super) meters: Arc<Meters>,
    pub(super) series: Series,
    pub(super) observed: Observed,
    /// How this process is called in `Via`.
    pub(super) instance: Arc<str>,
    pub(super) phase: Arc<watch::Sender<Phase>>,
    /// Which configuration this is.
    pub(super) version: String,
}

/// What is fixed for the life of the process, and the way to what is not.
pub(super) struct Process {
    pub(super) connections: Arc<Connections>,
    pub(super) overload: Arc<Overload>,
    /// What was refused of HTTP/1 before it was read.
    pub(super) http1: Arc<http1::Counts>,
    pub(super) phase: Arc<watch::Sender<Phase>>,
    pub(super) current: ArcSwap<Shared>,
    /// How reloads have ended.
    pub(super) reloads: Arc<ReloadCounts>,
    /// Told after each reload.
    pub(super) replaced: Notify,
    pub(super) meters: Arc<Meters>,
}

impl Process {
    pub(super) fn new(settings: Settings, parts: Parts) -> Arc<Self> {
        let connections = Connections::new(most_connections(&settings));
        let overload = Overload::new(&settings.overload);
        let phase = Arc::new(watch::Sender::new(Phase::Serving));
        let meters = Meters::new(settings.workers.get());
        let registry = Arc::clone(&parts.observed.registry);
        meters.register(&registry);
        registry.set("process", metrics::process(clock::now()));
        let fixed = Fixed {
            instance: passthrough::instance().into(),
            phase: Arc::clone(&phase),
            overload: Arc::clone(&overload),
            meters: Arc::clone(&meters),
        };
        let first = Arc::new(share(settings, parts, fixed, None));
        served::register(&registry, &first);
        let process = Arc::new(Self {
            connections,
            overload,
            http1: Arc::default(),
            phase,
            current: ArcSwap::new(first),
            reloads: Arc::default(),
            replaced: Notify::new(),
            meters,
        });
        gates::register(&registry, &process);
        process
    }

    /// What a request that begins now is pinned to.
    pub(super) fn current(&self) -> Arc<Shared> {
        self.current.load_full()
    }
}

/// What every generation has of the process.
pub(super) struct Fixed {
    pub(super) instance: Arc<str>,
    pub(super) phase: Arc<watch::Sender<Phase>>,
    pub(super) overload: Arc<Overload>,
    pub(super) meters: Arc<Meters>,
}

/// Puts a generation together; what the one before has counted and noted goes on.
pub(super) fn share(
    settings: Settings,
    parts: Parts,
    fixed: Fixed,
    previous: Option<&Shared>,
) -> Shared {
    let clients = parts.clients.all().iter();
    let rates = clients.map(|client| ClientRates::from(&**client));
    let untold = previous.map(|previous| Arc::clone(&previous.world.untold));
    Shared {
        series: fixed.meters.series(&parts.fronts, &parts.clients),
        meters: fixed.meters,
        observed: parts.observed,
        // A reload is no refill.
        limits: Arc::new(RateLimits::new(
            &settings.rates,
            rates,
            previous.map(|previous| &*previous.limits),
        )),
        instance: fixed.instance,
        phase: fixed.phase,
        overload: fixed.overload,
        world: World {
            directory: parts.directory,
            aliases: parts.aliases,
            backend: parts.backend,
            untold: untold.unwrap_or_default(),
        },
        fronts: parts.fronts,
        clients: parts.clients,
        issuers: parts.issuers,
        tokens: parts.tokens,
        version: parts.version,
        settings: Arc::new(settings),
    }
}

/// How many connections there may be, of those that are wanted.
fn most_connections(settings: &Settings) -> Most {
    let descriptors = raise_descriptor_limit();
    let total = connections_within(settings.connections, descriptors);
    if total < settings.connections {
        tracing::warn!(
            wanted = settings.connections,
            connections = total,
            "fewer connections than are configured: half of the open files that the process may have"
        );
    }
    Most {
        total,
        per_listener: settings.connections_per_listener,
        per_source: settings.connections_per_source,
    }
}
