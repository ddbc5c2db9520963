//! One limit: a rate, and the budget of each key under it.
//!
//! `governor` decides (GCRA). What it cannot do is done beside it, on the same slots: giving back what was
//! taken for a request that another limit then refused, looking without taking, and promises. Whoever is
//! refused is told when to come back, and no two are told the same place: of several requests that are refused
//! together, each waits for an own one, so that none that obeys is refused again.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use governor::RateLimiter;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;

use super::counts::Policy;
use super::rate::Rate;
use super::slots::{Slots, Store};
use super::standing::{Standing, whole_seconds};

/// What limits go by: the clock that nobody can set. A wall clock that jumps changes nothing.
#[derive(Clone, Debug)]
pub struct Monotonic(Instant);

impl Default for Monotonic {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Monotonic {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        // 584 years from the start it stands still.
        Nanos::new(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// A clock that limits can go by.
pub trait Ticks: Clock<Instant = Nanos> + Clone {}
impl<C: Clock<Instant = Nanos> + Clone> Ticks for C {}

/// A rate for each key of some kind.
pub(super) struct Limit<C: Ticks> {
    policy: Policy,
    rate: Rate,
    limiter: RateLimiter<u64, Store, C, NoOpMiddleware<Nanos>>,
    slots: Arc<Slots>,
    seed: RandomState,
    clock: C,
    start: u64,
}

impl<C: Ticks> Limit<C> {
    pub(super) fn new(policy: Policy, rate: Rate, sets: usize, clock: &C) -> Arc<Self> {
        let slots = Slots::new(sets);
        let store = Store(Arc::clone(&slots));
        let limiter = RateLimiter::new(rate.quota(), store, clock.clone());
        Arc::new(Self {
            policy,
            rate,
            limiter,
            slots,
            seed: RandomState::new(),
            // A little after the limiter's own start: what is told is later than true, never earlier.
            start: clock.now().as_u64(),
            clock: clock.clone(),
        })
    }

    pub(super) fn policy(&self) -> Policy {
        self.policy
    }

    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    pub(super) fn kept(&self) -> usize {
        self.slots.kept()
    }

    /// What the budget of this is kept under.
    pub(super) fn key(&self, of: impl Hash) -> u64 {
        self.seed.hash_one(of)
    }

    /// Takes one, or answers how it stands.
    pub(super) fn take(&self, key: u64) -> Result<(), Standing> {
        let Err(until) = self.limiter.check_key(&key) else {
            return Ok(());
        };
        let now = self.now();
        let earliest = until
            .earliest_possible()
            .as_u64()
            .saturating_sub(self.start);
        // Whoever does not obey is promised no more than a window.
        let latest = earliest.saturating_add(self.rate.window());
        let place = self.slots.with(key, |slot| {
            let place = slot.promised.clamp(earliest, latest);
            slot.promised = place.saturating_add(self.rate.each());
            place
        });
        let wait = place.unwrap_or(earliest).saturating_sub(now);
        Err(self.standing(0, whole_seconds(Duration::from_nanos(wait)).max(1)))
    }

    /// Gives one back that was taken for a request which something else has refused.
    pub(super) fn give_back(&self, key: u64) {
        // A budget that has given way is whole.
        self.slots.with(key, |slot| {
            slot.whole_at = slot.whole_at.saturating_sub(self.rate.each());
        });
    }

    /// How it stands; takes nothing.
    pub(super) fn look(&self, key: u64) -> Standing {
        let now = self.now();
        let each = self.rate.each();
        let tolerance = self.rate.window().saturating_sub(each);
        let budget = self.slots.with(key, |slot| (slot.whole_at, slot.promised));
        let (whole_at, promised) = budget.unwrap_or_default();
        // What was promised to somebody is not there for others. A promise that is long past binds nobody.
        let promised = if promised == 0 {
            0
        } else {
            promised.saturating_add(tolerance)
        };
        let base = whole_at.max(promised).max(now);
        let room = now.saturating_add(tolerance).checked_sub(base);
        let remaining = room.map_or(0, |room| room / each + 1);
        let burst = u64::from(self.rate.burst.get());
        if remaining >= burst {
            return self.standing(burst, 0);
        }
        // When there will be one more.
        let next = base.saturating_add(remaining.saturating_mul(each));
        let wait = next.saturating_sub(tolerance).saturating_sub(now);
        self.standing(remaining, whole_seconds(Duration::from_nanos(wait)).max(1))
    }

    /// Forgets those whose budget is whole.
    pub(super) fn prune(&self) {
        self.slots.prune(self.now());
    }

    fn now(&self) -> u64 {
        self.clock.now().as_u64().saturating_sub(self.start)
    }

    fn standing(&self, remaining: u64, reset: u64) -> Standing {
        Standing {
            policy: self.policy.name(),
            quota: u64::from(self.rate.burst.get()),
            window: whole_seconds(Duration::from_nanos(self.rate.window())).max(1),
            remaining,
            reset,
        }
    }
}
