//! How often: per source address, client, tenant, front, class of operation and user, and on failed
//! authentication per source and name.
//!
//! The only user of `governor`, which decides; `limit` adds what it lacks. Budgets are kept in tables of a
//! fixed size (`slots`), so memory is bounded whoever calls from wherever. What one request pays at which
//! limits is its [`Toll`]: refused by one, it gets back what it has paid at the others. What a client is told
//! is its [`Standing`] with the limit that is nearest to refuse it.

mod class;
mod counts;
mod limit;
mod rate;
mod settings;
mod slots;
mod standing;
#[cfg(test)]
mod tests;
mod toll;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

pub use self::class::{Class, ClassRates};
pub use self::counts::{Counts, Policy};
use self::limit::Limit;
pub use self::limit::{Monotonic, Ticks};
pub use self::rate::Rate;
pub use self::settings::{ClientRates, Settings};
pub use self::standing::{LIMIT, POLICY, Standing};
pub use self::toll::{Toll, Who};

/// Sets of eight for source addresses: a quarter of a million of them at the same time, in 7 MB.
const SOURCES: usize = 1 << 15;
/// For names in which tokens are asked for.
const NAMES: usize = 1 << 13;
/// For users that change: half a million at the same time, in 15 MB.
const USERS: usize = 1 << 16;
/// For tenants and fronts, which are configured and not many.
const CONFIGURED: usize = 1 << 12;
/// For a limit with one budget.
const ONE: usize = 1;

/// What a client is limited by.
struct OfClient<C: Ticks> {
    all: Arc<Limit<C>>,
    read: Option<Arc<Limit<C>>>,
    create: Option<Arc<Limit<C>>>,
    delete: Option<Arc<Limit<C>>>,
    deletes: Option<Arc<Limit<C>>>,
}

/// All limits at work. Generic over the clock, so that tests move it by hand.
pub struct RateLimits<C: Ticks = Monotonic> {
    global: Option<Arc<Limit<C>>>,
    source: Arc<Limit<C>>,
    failed_auth: Arc<Limit<C>>,
    failed_token: Arc<Limit<C>>,
    clients: Vec<OfClient<C>>,
    /// The places of clients by name: who a client is over a reload.
    names: HashMap<String, usize>,
    tenant: Option<Arc<Limit<C>>>,
    front_read: Option<Arc<Limit<C>>>,
    front_create: Option<Arc<Limit<C>>>,
    front_delete: Option<Arc<Limit<C>>>,
    front_other: Option<Arc<Limit<C>>>,
    user: Option<Arc<Limit<C>>>,
    counts: Arc<Counts>,
    clock: C,
}

/// A limit of this rate: the one that there was if its rate was the same, so that a reload refills nothing.
fn kept<C: Ticks>(
    previous: Option<&Arc<Limit<C>>>,
    (policy, sets): (Policy, usize),
    rate: Rate,
    clock: &C,
) -> Arc<Limit<C>> {
    match previous.filter(|limit| limit.rate() == rate) {
        Some(limit) => Arc::clone(limit),
        None => Limit::new(policy, rate, sets, clock),
    }
}

impl RateLimits {
    /// Limits for these clients, in the order of their indexes. What has the same rate in `previous`, client
    /// by client of the same name, goes on with the budgets that it has there.
    #[must_use]
    pub fn new<'c>(
        settings: &Settings,
        clients: impl Iterator<Item = ClientRates<'c>>,
        previous: Option<&RateLimits>,
    ) -> Self {
        let clock = previous.map_or_else(Monotonic::default, |limits| limits.clock.clone());
        Self::with_clock(settings, clients, previous, clock)
    }
}

impl<C: Ticks> RateLimits<C> {
    fn with_clock<'c>(
        settings: &Settings,
        clients: impl Iterator<Item = ClientRates<'c>>,
        previous: Option<&RateLimits<C>>,
        clock: C,
    ) -> Self {
        let clock = &clock;
        let need =
            |of: fn(&Self) -> &Arc<Limit<C>>, kind, rate| kept(previous.map(of), kind, rate, clock);
        let may = |of: fn(&Self) -> &Option<Arc<Limit<C>>>, kind, rate: Option<Rate>| {
            rate.map(|rate| kept(previous.and_then(|p| of(p).as_ref()), kind, rate, clock))
        };
        let (mut of_clients, mut names) = (Vec::new(), HashMap::new());
        for rates in clients {
            let before = previous.and_then(|limits| limits.of_name(rates.name));
            names.insert(rates.name.to_owned(), of_clients.len());
            of_clients.push(OfClient::new(&rates, settings, before, clock));
        }
        let front = &settings.front;
        Self {
            global: may(|l| &l.global, (Policy::Global, ONE), settings.global),
            source: need(|l| &l.source, (Policy::Source, SOURCES), settings.source),
            failed_auth: need(
                |l| &l.failed_auth,
                (Policy::FailedAuth, SOURCES),
                settings.failed_auth,
            ),
            failed_token: need(
                |l| &l.failed_token,
                (Policy::FailedToken, NAMES),
                settings.failed_token,
            ),
            clients: of_clients,
            names,
            tenant: may(|l| &l.tenant, (Policy::Tenant, CONFIGURED), settings.tenant),
            front_read: may(
                |l| &l.front_read,
                (Policy::FrontRead, CONFIGURED),
                front.read,
            ),
            front_create: may(
                |l| &l.front_create,
                (Policy::FrontCreate, CONFIGURED),
                front.create,
            ),
            front_delete: may(
                |l| &l.front_delete,
                (Policy::FrontDelete, CONFIGURED),
                front.delete,
            ),
            front_other: may(
                |l| &l.front_other,
                (Policy::FrontOther, CONFIGURED),
                front.other,
            ),
            user: may(|l| &l.user, (Policy::User, USERS), settings.user),
            counts: previous.map_or_else(Arc::default, |limits| Arc::clone(&limits.counts)),
            clock: clock.clone(),
        }
    }

    fn of_name(&self, name: &str) -> Option<&OfClient<C>> {
        self.clients.get(*self.names.get(name)?)
    }

    fn of_front(&self, class: Class) -> Option<&Arc<Limit<C>>> {
        match class {
            Class::Read => self.front_read.as_ref(),
            Class::Create => self.front_create.as_ref(),
            Class::Delete => self.front_delete.as_ref(),
            Class::Other => self.front_other.as_ref(),
        }
    }

    /// How often each limit has refused. The counts live on over a reload.
    #[must_use]
    pub fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// How many keys (addresses, names, users, tenants) have a budget that is not whole, as of the last
    /// [`prune`](Self::prune) and what has come since.
    #[must_use]
    pub fn keys_kept(&self) -> usize {
        self.shared().map(|limit| limit.kept()).sum()
    }

    /// Forgets keys whose budgets are whole. Takes milliseconds at worst: keep it off the request path.
    pub fn prune(&self) {
        self.shared().for_each(|limit| limit.prune());
    }

    /// The limits with a table of keys.
    fn shared(&self) -> impl Iterator<Item = &Arc<Limit<C>>> {
        let all = [&self.source, &self.failed_auth, &self.failed_token];
        let some = [
            &self.tenant,
            &self.front_read,
            &self.front_create,
            &self.front_delete,
            &self.front_other,
            &self.user,
        ];
        all.into_iter()
            .chain(some.into_iter().filter_map(Option::as_ref))
    }
}

impl<C: Ticks> OfClient<C> {
    fn new(rates: &ClientRates<'_>, settings: &Settings, before: Option<&Self>, clock: &C) -> Self {
        let may = |of: fn(&Self) -> &Option<Arc<Limit<C>>>, policy, rate: Option<Rate>| {
            let before = before.and_then(|client| of(client).as_ref());
            rate.map(|rate| kept(before, (policy, ONE), rate, clock))
        };
        let rate = rates.rate.unwrap_or(settings.client);
        let classes = &rates.classes;
        let deletes = rates.deletes.or(settings.deletes);
        Self {
            all: kept(before.map(|c| &c.all), (Policy::Client, ONE), rate, clock),
            read: may(|c| &c.read, Policy::ClientRead, classes.read),
            create: may(|c| &c.create, Policy::ClientCreate, classes.create),
            delete: may(|c| &c.delete, Policy::ClientDelete, classes.delete),
            deletes: may(|c| &c.deletes, Policy::Deletes, deletes),
        }
    }

    fn of_class(&self, class: Class) -> Option<&Arc<Limit<C>>> {
        match class {
            Class::Read => self.read.as_ref(),
            Class::Create => self.create.as_ref(),
            Class::Delete => self.delete.as_ref(),
            Class::Other => None,
        }
    }
}

impl<C: Ticks> std::fmt::Debug for RateLimits<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimits")
            .field("clients", &self.clients.len())
            .finish_non_exhaustive()
    }
}

/// What counts as one source: an IPv4 address, or the /64 of an IPv6 one, which is one household.
#[must_use]
pub fn source_key(address: IpAddr) -> (bool, u64) {
    match address.to_canonical() {
        IpAddr::V4(v4) => (false, u64::from(u32::from(v4))),
        IpAddr::V6(v6) => (true, (u128::from(v6) >> 64) as u64),
    }
}
