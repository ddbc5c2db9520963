//! The upstream backend under test: its IdP is another linkbridge, the real binary with its native dialect
//! over a store of its own.
//!
//! The IdP has other ids for tenants and providers than those that the facts name, so that every id is turned
//! both ways. What cannot hold over an IdP is listed in [`LACKS`], with a reason.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use linkbridge::backend::embedded::Embedded;
use linkbridge::backend::upstream::settings::{Credential, Endpoint, Keep, Residual};
use linkbridge::backend::upstream::{Caller, Parts, Settings, Upstream};
use linkbridge::backend::{Answer, Atomicity, Backend, BoxFuture};
use linkbridge::dialect::Dialect;
use linkbridge::directory::{Aliases, Directory, Tenant, Users};
use linkbridge::mapping::{self, builtin};
use linkbridge::model::{
    Failure, Operation, Provider, ProviderKind, Secret, TenantId, UserId, VendorName,
};
use linkbridge::outbound::{self, Net, Policy, Url};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::world::*;
use crate::support::config;
use crate::support::fixtures::HARNESS;
use crate::support::server::Server;

/// The name under which the IdP is known here.
const PEER: &str = "peer";

/// Runs a fact over an IdP; one that is listed must fail.
pub(super) fn with_upstream(place: &str, fact: fn(&World)) {
    let listed = lack(place);
    let world = World {
        store: Box::new(Away::start()),
    };
    let held = catch_unwind(AssertUnwindSafe(|| fact(&world)));
    match (held, listed) {
        (Ok(()), Some(why)) => panic!("this holds, but is listed as what cannot, since {why}"),
        (Err(_), Some(_)) | (Ok(()), None) => {}
        (Err(panic), None) => std::panic::resume_unwind(panic),
    }
}

/// Why the fact of this test cannot hold, if it is listed. A place is `it::backend::links::upstream::name`.
fn lack(place: &str) -> Option<&'static str> {
    let mut parts = place.rsplit("::");
    let (fact, module) = (parts.next()?, parts.nth(1)?);
    let mut lacks = LACKS.iter();
    lacks.find_map(|(of, name, why)| (*of == module && *name == fact).then_some(*why))
}

/// Every module of facts, with the facts.
const MODULES: &[(&str, &[&str])] = &[
    ("aliases", super::aliases::FACTS),
    ("batches", super::batches::FACTS),
    ("documents", super::documents::FACTS),
    ("links", super::links::FACTS),
    ("lists", super::lists::FACTS),
    ("pending", super::pending::FACTS),
    ("people", super::people::FACTS),
    ("puts", super::puts::FACTS),
    ("races", super::races::FACTS),
    ("rules", super::rules::FACTS),
    ("unlink", super::unlink::FACTS),
    ("users", super::users::FACTS),
];

#[test]
fn what_cannot_hold_is_listed_once_and_is_a_fact() {
    let mut seen = BTreeSet::new();
    for (module, fact, why) in LACKS {
        let facts = MODULES.iter().find(|(name, _)| name == module);
        let is_fact = facts.is_some_and(|(_, facts)| facts.contains(fact));
        assert!(is_fact, "there is no fact {module}::{fact}");
        assert!(
            seen.insert((module, fact)),
            "{module}::{fact} is listed twice"
        );
        assert!(!why.is_empty());
    }
}

/// What cannot hold over an IdP: module, fact, reason.
const LACKS: &[(&str, &str, &str)] = &[];

/// An upstream, and everything that it needs to be one.
struct Away {
    upstream: Arc<Upstream>,
    local: Arc<Embedded>,
    event_loop: EventLoop,
    _server: Server,
    _directory: tempfile::TempDir,
}

impl Away {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start_with(directory.path(), &|ports| {
            let there = |keys: &[String]| keys.iter().map(|key| there(key)).collect::<Vec<_>>();
            let data = directory.path().join("data");
            config::open(&there(&tenants()), &there(&providers()), ports, &data)
        });
        let server = server.unwrap_or_else(|error| panic!("{error}"));
        let local = Arc::new(embedded(&directory.path().join("local")));
        let settings = settings(&format!("http://{}", server.addr));
        let (header, scheme) = settings.dialect.credential_place().unwrap();
        let caller = Caller::new(&settings.endpoint, header, scheme).unwrap();
        let parts = Parts {
            directory: Arc::new(names()),
            aliases: local.clone(),
            local: local.clone(),
            state: local.clone(),
            pending_origin: None,
        };
        Self {
            upstream: Arc::new(Upstream::open(settings, Arc::new(caller), parts)),
            local,
            event_loop: EventLoop::start(),
            _server: server,
            _directory: directory,
        }
    }
}

/// Every tenant that a fact names.
fn tenants() -> Vec<String> {
    let named = [
        "acme",
        "other",
        "third",
        "links",
        "directory",
        "alias",
        "elsewhere",
    ];
    let numbered = (0..64).map(|n| format!("t{n}"));
    named
        .into_iter()
        .map(str::to_owned)
        .chain(numbered)
        .collect()
}

/// Every provider that a fact names.
fn providers() -> Vec<String> {
    let named = ["google", "github", "gitlab"];
    let numbered = (0..7).map(|n| format!("p{n}"));
    named
        .into_iter()
        .map(str::to_owned)
        .chain(numbered)
        .collect()
}

/// The id that the IdP has for a tenant or provider.
fn there(key: &str) -> String {
    format!("{key}-there")
}

/// The tenants and providers with their ids at the IdP.
fn names() -> Directory {
    let tenants = tenants().into_iter().map(|key| Tenant {
        tenant_id: tenant(&key),
        ids: vec![alias(PEER, &there(&key))],
        users: Users::Open,
        link_limits: std::collections::HashMap::new(),
        pending_seconds: 3600,
    });
    let providers = providers().into_iter().map(|key| Provider {
        provider_id: provider(&key),
        name: key.clone(),
        kind: ProviderKind::Oidc,
        enabled: true,
        tenant: None,
        domains: Vec::new(),
        ids: vec![alias(PEER, &there(&key))],
    });
    Directory::new(tenants.collect(), providers.collect()).unwrap()
}

/// The native dialect, of a vendor whose ids are not the canonical ones.
fn dialect() -> Arc<Dialect> {
    let text = builtin::text("linkbridge.toml").unwrap();
    let text = text.replace("vendor = \"linkbridge\"", &format!("vendor = \"{PEER}\""));
    let loaded = mapping::load(PEER, "peer.toml", &text, &|_| None);
    Arc::new(Dialect::new(loaded.plan.unwrap()))
}

fn settings(base_url: &str) -> Settings {
    let http = outbound::Settings {
        policy: Policy {
            allowed: vec![Net::parse("127.0.0.0/8").unwrap()],
        },
        ..outbound::Settings::default()
    };
    Settings {
        name: "main".to_owned(),
        dialect: dialect(),
        options: std::collections::BTreeMap::new(),
        endpoint: Endpoint {
            base_url: Url::parse(base_url).unwrap(),
            credential: Credential::Static {
                token: Secret::new(HARNESS),
            },
            http,
            max_in_flight: 64,
            queue: Duration::from_secs(5),
            max_answer_bytes: 1024 * 1024,
            retry_percent: 10,
            breaker_failures: 10,
            breaker_open: Duration::from_secs(1),
        },
        residual: Residual {
            token: Keep::Keep,
            display_name: Keep::Keep,
            instants: Keep::Keep,
        },
        index_max_age: Duration::from_secs(3600),
        pending_origin: None,
    }
}

impl Backend for Away {
    fn apply(&self, operation: Operation) -> BoxFuture<'_, Answer> {
        let upstream = Arc::clone(&self.upstream);
        let task = async move { upstream.apply(operation).await };
        let task = self.event_loop.handle.spawn(task);
        Box::pin(async { task.await.unwrap() })
    }

    fn apply_all(
        &self,
        operations: Vec<Operation>,
        atomicity: Atomicity,
    ) -> BoxFuture<'_, Vec<Answer>> {
        let upstream = Arc::clone(&self.upstream);
        let task = async move { upstream.apply_all(operations, atomicity).await };
        let task = self.event_loop.handle.spawn(task);
        Box::pin(async { task.await.unwrap() })
    }

    fn ready(&self) -> bool {
        self.upstream.ready()
    }
}

impl Aliases for Away {
    fn user_of(
        &self,
        tenant: &TenantId,
        vendor: &VendorName,
        vendor_id: &str,
    ) -> Result<UserId, Failure> {
        self.local.user_of(tenant, vendor, vendor_id)
    }

    fn vendor_id_of(
        &self,
        tenant: &TenantId,
        vendor: &VendorName,
        user: &UserId,
    ) -> Result<Option<String>, Failure> {
        self.local.vendor_id_of(tenant, vendor, user)
    }

    fn tenants_of(&self, vendor: &VendorName, vendor_id: &str) -> Result<Vec<TenantId>, Failure> {
        self.local.tenants_of(vendor, vendor_id)
    }
}

impl Store for Away {
    fn rounds(&self, n: usize) -> usize {
        n.div_ceil(20)
    }
}

/// A thread on which calls are made. It ends with its owner.
struct EventLoop {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl EventLoop {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || drop(runtime.block_on(stopped)));
        Self {
            handle,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
