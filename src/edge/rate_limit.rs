//! How often: limits per client, per source address, and on failed authentication per source and name.
//!
//! The only user of `governor`. Per-source state is kept in a fixed number of buckets that addresses
//! are hashed into with a random seed, so that its memory is bounded whoever calls from wherever, and
//! is pruned besides. Two addresses that fall into one bucket share its budget; at 2^18 buckets that
//! is rare, and cannot be brought about on purpose.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::authn::ClientIndex;
use crate::model::Failure;

const SOURCE_BUCKETS: u64 = 1 << 18;

/// So many in a span, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In how long.
    pub per: Duration,
    /// How many at once.
    pub burst: NonZeroU32,
}

impl Rate {
    /// Reads `50/s`, `10/m burst 20` or `1000/h`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (count, unit) = words.next()?.split_once('/')?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return None,
        };
        let count: NonZeroU32 = count.parse().ok()?;
        let burst = match (words.next(), words.next(), words.next()) {
            (None, ..) => count,
            (Some("burst"), Some(burst), None) => burst.parse().ok()?,
            _ => return None,
        };
        Some(Self {
            count,
            per: Duration::from_secs(seconds),
            burst,
        })
    }

    fn quota(self) -> Quota {
        // Both are at least one nanosecond and at least one cell; the fallback cannot be reached.
        let each = (self.per / self.count.get()).max(Duration::from_nanos(1));
        Quota::with_period(each).map_or(Quota::per_second(self.count), |quota| {
            quota.allow_burst(self.burst)
        })
    }
}

/// The rates that hold where a client has none of its own.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Requests of one source address.
    pub source: Rate,
    /// Failed authentications of one source address.
    pub failed_auth: Rate,
    /// Failed attempts to get a token in the name of one client, from wherever.
    pub failed_token: Rate,
    /// Requests of one client.
    pub client: Rate,
}

type PerClient<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;
type PerSource<C> =
    RateLimiter<u64, DashMapStateStore<u64>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// All limits at work. Generic over the clock, so that tests move it by hand.
pub struct RateLimits<C: Clock = DefaultClock> {
    clients: Vec<PerClient<C>>,
    source: PerSource<C>,
    failed_auth: PerSource<C>,
    /// Which sources have failed too often, and until when.
    shut: Mutex<HashMap<u64, C::Instant>>,
    failed_token: PerSource<C>,
    seed: RandomState,
    clock: C,
}

impl RateLimits {
    /// Limits for clients with these rates of their own, in the order of their indexes.
    #[must_use]
    pub fn new(settings: &Settings, clients: impl Iterator<Item = Option<Rate>>) -> Self {
        Self::with_clock(settings, clients, DefaultClock::default())
    }
}

impl<C: Clock + Clone> RateLimits<C> {
    fn with_clock(
        settings: &Settings,
        clients: impl Iterator<Item = Option<Rate>>,
        clock: C,
    ) -> Self {
        let per_source = |rate: Rate| {
            RateLimiter::new(rate.quota(), DashMapStateStore::default(), clock.clone())
        };
        Self {
            clients: clients
                .map(|rate| {
                    RateLimiter::direct_with_clock(
                        rate.unwrap_or(settings.client).quota(),
                        clock.clone(),
                    )
                })
                .collect(),
            source: per_source(settings.source),
            failed_auth: per_source(settings.failed_auth),
            shut: Mutex::default(),
            failed_token: per_source(settings.failed_token),
            seed: RandomState::new(),
            clock,
        }
    }

    /// Counts a request of this client.
    ///
    /// # Errors
    /// [`Failure::RateLimited`].
    pub fn check_client(&self, client: ClientIndex) -> Result<(), Failure> {
        let Some(limiter) = self.clients.get(client.0) else {
            return Ok(());
        };
        limiter
            .check()
            .map_err(|until| limited(until.wait_time_from(self.clock.now())))
    }

    /// Counts a request from this address.
    ///
    /// # Errors
    /// [`Failure::RateLimited`].
    pub fn check_source(&self, address: IpAddr) -> Result<(), Failure> {
        self.check_bucket(&self.source, address)
    }

    /// Counts a failed authentication from this address. Only the failure itself is limited: a key that
    /// is known is let in however often others behind the same address have guessed, since keys are too
    /// long to be guessed at any rate, and a guesser must not be able to shut its neighbors out.
    ///
    /// # Errors
    /// [`Failure::RateLimited`], which is answered instead of the refusal.
    pub fn check_failed_auth(&self, address: IpAddr) -> Result<(), Failure> {
        let bucket = self.bucket(address);
        self.failed_auth.check_key(&bucket).map_err(|until| {
            let mut shut = self.shut.lock().unwrap_or_else(PoisonError::into_inner);
            shut.insert(bucket, until.earliest_possible());
            limited(until.wait_time_from(self.clock.now()))
        })
    }

    /// Refuses what costs a call to somebody else, from an address that has failed to authenticate too
    /// often. Counts nothing: whether it fails is known only afterwards.
    ///
    /// # Errors
    /// [`Failure::RateLimited`].
    pub fn check_costly(&self, address: IpAddr) -> Result<(), Failure> {
        let shut = self.shut.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        match shut.get(&self.bucket(address)) {
            Some(until) if *until > now => Err(limited(until.duration_since(now).into())),
            _ => Ok(()),
        }
    }

    /// Counts a failed attempt to get a token in the name of a client, known or not, from wherever: guesses
    /// at one name from many addresses. Here too only the failure is limited: who has the secret gets its
    /// token however often others have guessed.
    ///
    /// # Errors
    /// [`Failure::RateLimited`], which is answered instead of the refusal.
    pub fn check_failed_token(&self, client_id: &str) -> Result<(), Failure> {
        let bucket = self.seed.hash_one(client_id) % SOURCE_BUCKETS;
        self.check_cell(&self.failed_token, bucket)
    }

    fn check_bucket(&self, limiter: &PerSource<C>, address: IpAddr) -> Result<(), Failure> {
        self.check_cell(limiter, self.bucket(address))
    }

    fn check_cell(&self, limiter: &PerSource<C>, bucket: u64) -> Result<(), Failure> {
        limiter
            .check_key(&bucket)
            .map_err(|until| limited(until.wait_time_from(self.clock.now())))
    }

    /// Forgets addresses that have been quiet. Takes milliseconds at worst: keep it off the request path.
    pub fn prune(&self) {
        for limiter in [&self.source, &self.failed_auth, &self.failed_token] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        let now = self.clock.now();
        let mut shut = self.shut.lock().unwrap_or_else(PoisonError::into_inner);
        shut.retain(|_, until| *until > now);
    }

    fn bucket(&self, address: IpAddr) -> u64 {
        self.seed.hash_one(source_key(address)) % SOURCE_BUCKETS
    }
}

impl<C: Clock> std::fmt::Debug for RateLimits<C> {
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

fn limited(wait: Duration) -> Failure {
    Failure::RateLimited { retry_after: wait }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limits(
        client_rates: Vec<Option<Rate>>,
    ) -> (RateLimits<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let settings = Settings {
            source: Rate::parse("4/s").unwrap(),
            failed_auth: Rate::parse("6/m burst 3").unwrap(),
            failed_token: Rate::parse("6/m burst 2").unwrap(),
            client: Rate::parse("2/s").unwrap(),
        };
        (
            RateLimits::with_clock(&settings, client_rates.into_iter(), clock.clone()),
            clock,
        )
    }

    fn retry_after(answer: Result<(), Failure>) -> Duration {
        match answer {
            Err(Failure::RateLimited { retry_after }) => retry_after,
            other => panic!("not limited: {other:?}"),
        }
    }

    #[test]
    fn rates_are_read_as_written() {
        let rate = |n, per, burst| Rate {
            count: NonZeroU32::new(n).unwrap(),
            per: Duration::from_secs(per),
            burst: NonZeroU32::new(burst).unwrap(),
        };
        assert_eq!(Rate::parse("50/s burst 100"), Some(rate(50, 1, 100)));
        assert_eq!(Rate::parse("10/m"), Some(rate(10, 60, 10)));
        for bad in [
            "",
            "50",
            "0/s",
            "5/d",
            "5/s burst",
            "5/s burst 0",
            "5/s burst 1 x",
            "-1/s",
        ] {
            assert_eq!(Rate::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_client_that_waits_as_told_is_let_in() {
        let (limits, clock) = limits(vec![None, Rate::parse("1/s burst 5")]);
        assert_eq!(limits.check_client(ClientIndex(0)), Ok(()));
        assert_eq!(limits.check_client(ClientIndex(0)), Ok(()));
        let wait = retry_after(limits.check_client(ClientIndex(0)));
        clock.advance(wait);
        assert_eq!(limits.check_client(ClientIndex(0)), Ok(()));
        // The other client has its own rate and its own budget.
        assert!((0..5).all(|_| limits.check_client(ClientIndex(1)).is_ok()));
        retry_after(limits.check_client(ClientIndex(1)));
    }

    #[test]
    fn an_ipv6_network_is_one_source() {
        let (limits, _) = limits(vec![]);
        for host in 0..4 {
            assert_eq!(
                limits.check_source(format!("2001:db8::{host}").parse().unwrap()),
                Ok(())
            );
        }
        retry_after(limits.check_source("2001:db8::ffff".parse().unwrap()));
        assert_eq!(
            limits.check_source("2001:db8:0:1::1".parse().unwrap()),
            Ok(())
        );
        assert_eq!(
            source_key("::ffff:10.0.0.1".parse().unwrap()),
            source_key("10.0.0.1".parse().unwrap())
        );
    }

    #[test]
    fn guessing_limits_the_guesses_of_its_own_source_and_nothing_else() {
        let (limits, clock) = limits(vec![]);
        let guesser = "127.0.0.2".parse().unwrap();
        for _ in 0..3 {
            assert_eq!(limits.check_failed_auth(guesser), Ok(()));
        }
        let wait = retry_after(limits.check_failed_auth(guesser));
        assert_eq!(limits.check_source(guesser), Ok(()));
        let other = "127.0.0.3".parse().unwrap();
        assert_eq!(limits.check_failed_auth(other), Ok(()));
        clock.advance(wait);
        assert_eq!(limits.check_failed_auth(guesser), Ok(()));
    }

    #[test]
    fn a_source_that_fails_too_often_is_known_without_being_counted() {
        let (limits, clock) = limits(vec![]);
        let (guesser, neighbor) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..3 {
            assert_eq!(limits.check_costly(guesser), Ok(()));
            assert_eq!(limits.check_failed_auth(guesser), Ok(()));
        }
        let wait = retry_after(limits.check_failed_auth(guesser));
        for _ in 0..10 {
            assert_eq!(retry_after(limits.check_costly(guesser)), wait);
        }
        assert_eq!(limits.check_costly(neighbor), Ok(()));
        clock.advance(wait);
        assert_eq!(limits.check_costly(guesser), Ok(()));
        limits.prune();
        assert!(limits.shut.lock().unwrap().is_empty());
    }

    #[test]
    fn guesses_at_one_client_are_limited_whoever_makes_them() {
        let (limits, clock) = limits(vec![]);
        assert_eq!(limits.check_failed_token("billing"), Ok(()));
        assert_eq!(limits.check_failed_token("billing"), Ok(()));
        let wait = retry_after(limits.check_failed_token("billing"));
        assert_eq!(limits.check_failed_token("other"), Ok(()));
        clock.advance(wait);
        assert_eq!(limits.check_failed_token("billing"), Ok(()));
    }

    #[test]
    fn quiet_sources_are_forgotten() {
        let (limits, clock) = limits(vec![]);
        for n in 0..100_u8 {
            limits.check_source(IpAddr::from([10, 0, 0, n])).unwrap();
            limits
                .check_failed_auth(IpAddr::from([10, 0, 0, n]))
                .unwrap();
        }
        limits.check_failed_token("billing").unwrap();
        clock.advance(Duration::from_secs(120));
        limits.prune();
        let lengths = [&limits.source, &limits.failed_auth, &limits.failed_token];
        assert_eq!(lengths.map(|limiter| limiter.len()), [0, 0, 0]);
    }
}
