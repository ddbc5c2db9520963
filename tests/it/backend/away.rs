//! The upstream backend under test: its IdP is another linkbridge, the real binary with its native dialect
//! over a store of its own.
//!
//! The IdP has other ids for tenants and providers than those that the facts name, so that every id is turned
//! both ways. What cannot hold over an IdP is listed in [`LACKS`], with a reason.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use linkbridge::backend::embedded::Embedded;
use linkbridge::backend::upstream::settings::{Credential, Endpoint};
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

use super::idp_settings;
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
const LACKS: &[(&str, &str, &str)] = &[
    (
        "aliases",
        "a_tenant_knows_a_user_by_alias_directory_or_link",
        DIRECTORY,
    ),
    (
        "batches",
        "an_operation_sees_what_it_stands_together_with",
        TOGETHER,
    ),
    ("batches", "together_means_all_or_none", TOGETHER),
    (
        "documents",
        "an_attribute_and_its_link_are_one_write",
        TWO_PLACES,
    ),
    (
        "links",
        "every_write_that_concerns_a_user_has_a_revision_of_its_own",
        TWO_PLACES,
    ),
    (
        "lists",
        "links_are_listed_oldest_first_and_then_as_they_were_made",
        CLOCK,
    ),
    (
        "pending",
        "a_completion_that_finds_its_link_takes_the_pending_one",
        NO_CHANGE,
    ),
    (
        "pending",
        "a_found_link_keeps_what_the_pending_one_does_not_bring",
        NO_CHANGE,
    ),
    ("people", "a_page_says_whether_there_are_more", DIRECTORY),
    ("people", "everybody_is_counted_once", DIRECTORY),
    ("people", "everybody_is_listed_by_id", DIRECTORY),
    ("people", "links_are_listed_with_their_users", DIRECTORY),
    (
        "people",
        "pages_that_follow_each_other_tell_everybody_once",
        DIRECTORY,
    ),
    (
        "puts",
        "a_user_and_the_links_along_are_one_write",
        TWO_PLACES,
    ),
    (
        "puts",
        "an_alias_of_a_user_of_links_only_makes_no_new_user",
        DIRECTORY,
    ),
    (
        "puts",
        "a_user_of_links_only_does_not_become_younger",
        CLOCK,
    ),
];

const CLOCK: &str = "an IdP makes links at the time of its own clock";
const DIRECTORY: &str =
    "users of whom there are only links at the IdP are not in the directory here";
const NO_CHANGE: &str = "an IdP has no call that changes what it holds of a link";
const TOGETHER: &str = "an IdP has no transactions over several calls";
const TWO_PLACES: &str = "users are counted and dated here, their links there";

/// An IdP that several tests share, each with tenants of its own. It ends with the last of them.
struct Peer {
    server: Server,
    event_loop: EventLoop,
    _directory: tempfile::TempDir,
}

/// So many tests share one: a start is a third of what a fact costs.
const SHARES: usize = 16;

impl Peer {
    /// A running one, and the number of a share of it that nobody else has.
    fn share() -> (Arc<Self>, usize) {
        static LAST: Mutex<(Weak<Peer>, usize)> = Mutex::new((Weak::new(), 0));
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        let (peer, share) = match last.0.upgrade() {
            Some(peer) if last.1 < SHARES => (peer, last.1),
            _ => (Arc::new(Self::start()), 0),
        };
        *last = (Arc::downgrade(&peer), share + 1);
        (peer, share)
    }

    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let providers: Vec<String> = providers().map(|key| provider_there(&key)).collect();
        let tenants = (0..SHARES).flat_map(|share| tenants().map(move |key| there(&key, share)));
        let tenants: Vec<String> = tenants.collect();
        let server = Server::start_with(directory.path(), &|ports| {
            config::open(&tenants, &providers, ports, &directory.path().join("data"))
        });
        Self {
            server: server.unwrap_or_else(|error| panic!("{error}")),
            event_loop: EventLoop::start(),
            _directory: directory,
        }
    }
}

/// An upstream, and everything that it needs to be one.
struct Away {
    upstream: Arc<Upstream>,
    local: Arc<Embedded>,
    peer: Arc<Peer>,
    _directory: tempfile::TempDir,
}

impl Away {
    fn start() -> Self {
        let (peer, share) = Peer::share();
        let directory = tempfile::tempdir().unwrap();
        let local = Arc::new(embedded(directory.path()));
        let settings = settings(&format!("http://{}", peer.server.addr));
        let (header, scheme) = settings.dialect.credential_place().unwrap();
        let caller = Caller::new(&settings.endpoint, header, scheme).unwrap();
        let parts = Parts {
            directory: Arc::new(names(share)),
            aliases: local.clone(),
            local: local.clone(),
            state: local.clone(),
            pending_origin: None,
        };
        Self {
            upstream: Arc::new(Upstream::open(settings, Arc::new(caller), parts)),
            local,
            peer,
            _directory: directory,
        }
    }
}

/// Every tenant that a fact names.
fn tenants() -> impl Iterator<Item = String> {
    let named = [
        "acme",
        "other",
        "third",
        "links",
        "directory",
        "alias",
        "elsewhere",
    ];
    let numbered = (0..8).map(|n| format!("t{n}"));
    named.into_iter().map(str::to_owned).chain(numbered)
}

/// Every provider that a fact names.
fn providers() -> impl Iterator<Item = String> {
    let numbered = (0..7).map(|n| format!("p{n}"));
    let named = ["google", "github", "gitlab"].map(str::to_owned);
    named.into_iter().chain(numbered)
}

/// The id that the IdP has for a tenant of a test.
fn there(key: &str, share: usize) -> String {
    format!("{key}-{share}")
}

/// The id that the IdP has for a provider.
fn provider_there(key: &str) -> String {
    format!("{key}-there")
}

/// The tenants and providers of a test, with their ids at the IdP.
fn names(share: usize) -> Directory {
    let tenants = tenants().map(|key| Tenant {
        tenant_id: tenant(&key),
        ids: vec![alias(PEER, &there(&key, share))],
        users: Users::Open,
        link_limits: std::collections::HashMap::new(),
        pending_seconds: 3600,
    });
    let providers = providers().map(|key| Provider {
        provider_id: provider(&key),
        ids: vec![alias(PEER, &provider_there(&key))],
        name: key,
        kind: ProviderKind::Oidc,
        enabled: true,
        tenant: None,
        domains: Vec::new(),
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
        ..idp_settings::settings(dialect())
    }
}

impl Backend for Away {
    fn apply(&self, operation: Operation) -> BoxFuture<'_, Answer> {
        let upstream = Arc::clone(&self.upstream);
        let task = async move { upstream.apply(operation).await };
        let task = self.peer.event_loop.handle.spawn(task);
        Box::pin(async { task.await.unwrap() })
    }

    fn apply_all(
        &self,
        operations: Vec<Operation>,
        atomicity: Atomicity,
    ) -> BoxFuture<'_, Vec<Answer>> {
        let upstream = Arc::clone(&self.upstream);
        let task = async move { upstream.apply_all(operations, atomicity).await };
        let task = self.peer.event_loop.handle.spawn(task);
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

    fn has_their_clock(&self) -> bool {
        false
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
