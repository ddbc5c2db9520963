//! What one request, or one item of one, pays at the limits that it passes.
//!
//! Limits are met in the order in which a request becomes known: everybody's and its source's first, its
//! client's once it is authenticated, those of its operation and tenant once it is decoded, those of the user
//! right before something changes. A limit that refuses it gives nothing away, and what the request has paid
//! before is given back: being refused by one limit uses up no other. A guess at a credential alone has paid for
//! its arrival and gets nothing back of that.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::class::Class;
use super::counts::Policy;
use super::limit::{Limit, Monotonic, Ticks};
use super::standing::Standing;
use super::{RateLimits, source_key};
use crate::edge::authn::ClientIndex;
use crate::model::{Failure, TenantId, UserId};

/// The most budgets that one request is told from; of a batch, the first ones.
const MOST_TOLD: usize = 32;

/// Which budgets an operation pays from, for the items of a batch to pay from too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who {
    /// The client, if there is one.
    pub client: Option<ClientIndex>,
    /// The front, by something that it has after a reload as well.
    pub front: u64,
    /// What kind of thing is done.
    pub class: Class,
}

type Paid<C> = (Arc<Limit<C>>, u64);

struct State<C: Ticks> {
    who: Option<Who>,
    paid: Vec<Paid<C>>,
    refused: Option<Standing>,
}

/// What a request has paid so far.
pub struct Toll<C: Ticks = Monotonic> {
    limits: Arc<RateLimits<C>>,
    state: Mutex<State<C>>,
}

impl<C: Ticks> Toll<C> {
    /// Of a request that has paid nothing yet.
    #[must_use]
    pub fn new(limits: &Arc<RateLimits<C>>) -> Self {
        Self {
            limits: Arc::clone(limits),
            state: Mutex::new(State {
                who: None,
                paid: Vec::new(),
                refused: None,
            }),
        }
    }

    /// At the limits of everybody and of the source.
    ///
    /// # Errors
    /// [`Failure::RateLimited`], as of every method here that pays.
    pub fn arrive(&self, source: IpAddr) -> Result<(), Failure> {
        if let Some(global) = &self.limits.global {
            self.pay(global, 0)?;
        }
        self.pay_of(&self.limits.source, source_key(source))
    }

    /// At the limit of the client.
    ///
    /// # Errors
    /// [`Failure::RateLimited`].
    pub fn client(&self, client: ClientIndex) -> Result<(), Failure> {
        match self.limits.clients.get(client.0) {
            Some(own) => self.pay(&own.all, 0),
            None => Ok(()),
        }
    }

    /// At the limits of its class: the front's and the client's.
    ///
    /// # Errors
    /// [`Failure::RateLimited`].
    pub fn operation(&self, who: Who) -> Result<(), Failure> {
        self.state().who = Some(who);
        let client = who
            .client
            .and_then(|index| self.limits.clients.get(index.0));
        if let Some(limit) = client.and_then(|own| own.of_class(who.class)) {
            self.pay(limit, 0)?;
        }
        if let Some(limit) = self.limits.of_front(who.class) {
            self.pay_of(limit, who.front)?;
        }
        Ok(())
    }

    /// At the limit of the tenant.
    ///
    /// # Errors
    /// [`Failure::RateLimited`].
    pub fn tenant(&self, tenant: &TenantId) -> Result<(), Failure> {
        match &self.limits.tenant {
            Some(limit) => self.pay_of(limit, tenant.as_str()),
            None => Ok(()),
        }
    }

    /// At the limits of changes, right before one: the user's, and the client's of what it takes away.
    ///
    /// # Errors
    /// [`Failure::RateLimited`].
    pub fn change(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        takes_away: bool,
    ) -> Result<(), Failure> {
        if let (Some(limit), Some(user)) = (&self.limits.user, user) {
            self.pay_of(limit, (tenant.as_str(), user.as_str()))?;
        }
        let client = self.state().who.and_then(|who| who.client);
        let client = client.and_then(|index| self.limits.clients.get(index.0));
        match client.and_then(|own| own.deletes.as_ref()) {
            Some(limit) if takes_away => self.pay(limit, 0),
            _ => Ok(()),
        }
    }

    /// For a failed authentication from this address. Only the failure itself is limited: a key that is known
    /// is let in however often others behind the same address have guessed, since keys are too long to be
    /// guessed at any rate, and a guesser must not be able to shut its neighbors out.
    ///
    /// # Errors
    /// [`Failure::RateLimited`], which is answered instead of the refusal.
    pub fn failed_auth(&self, source: IpAddr) -> Result<(), Failure> {
        self.fail(&self.limits.failed_auth, source_key(source))
    }

    /// For a failed attempt to get a token in the name of a client, known or not, from wherever: guesses at one
    /// name from many addresses. Here too only the failure is limited: who has the secret gets its token
    /// however often others have guessed.
    ///
    /// # Errors
    /// [`Failure::RateLimited`], which is answered instead of the refusal.
    pub fn failed_token(&self, client_id: &str) -> Result<(), Failure> {
        self.fail(&self.limits.failed_token, client_id)
    }

    /// Refuses what costs a call to somebody else, from an address that has failed to authenticate as often as
    /// it may. Takes nothing: whether it fails is known only afterwards.
    ///
    /// # Errors
    /// [`Failure::RateLimited`].
    pub fn costly(&self, source: IpAddr) -> Result<(), Failure> {
        let limit = &self.limits.failed_auth;
        let standing = limit.look(limit.key(source_key(source)));
        if standing.remaining > 0 {
            return Ok(());
        }
        Err(self.refuse_guess(limit, standing))
    }

    /// The toll of one item of a batch: it pays at the limits of client, class and tenant as a request of its
    /// own would, and what it is refused with is its own. The first item is paid for by the request.
    ///
    /// # Errors
    /// [`Failure::RateLimited`], for this item.
    pub fn item(&self, index: usize, tenant: Option<&TenantId>) -> Result<Self, Failure> {
        let item = Self::new(&self.limits);
        let who = self.state().who;
        let paid = match who {
            None => Ok(()),
            Some(who) if index == 0 => {
                item.state().who = Some(who);
                Ok(())
            }
            Some(who) => {
                let client = who.client.map_or(Ok(()), |client| item.client(client));
                let operation = client.and_then(|()| item.operation(who));
                operation.and_then(|()| tenant.map_or(Ok(()), |tenant| item.tenant(tenant)))
            }
        };
        match paid {
            Ok(()) => Ok(item),
            Err(failure) => {
                self.add(&item);
                Err(failure)
            }
        }
    }

    /// Takes an item's limits into account for what the client is told.
    pub fn add(&self, item: &Self) {
        let (paid, refused) = {
            let mut item = item.state();
            (std::mem::take(&mut item.paid), item.refused.take())
        };
        let mut state = self.state();
        for (limit, key) in paid {
            let is_known = |(known, of): &Paid<C>| Arc::ptr_eq(known, &limit) && *of == key;
            if state.paid.len() < MOST_TOLD && !state.paid.iter().any(is_known) {
                state.paid.push((limit, key));
            }
        }
        if let Some(refused) = refused {
            let before = state.refused.take();
            state.refused = Some(before.map_or(refused, |before| before.tighter(refused)));
        }
    }

    /// How the request stands with the limit that is nearest to refuse another one like it, or that has
    /// refused it.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        let state = self.state();
        if state.refused.is_some() {
            return state.refused;
        }
        let paid = state.paid.iter();
        paid.map(|(limit, key)| limit.look(*key))
            .reduce(Standing::tighter)
    }

    /// Whether some limit has refused it.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.state().refused.is_some()
    }

    /// A guess has been made, whatever is answered: it counts at every limit of failures, and is never given back.
    fn fail(&self, limit: &Arc<Limit<C>>, of: impl std::hash::Hash) -> Result<(), Failure> {
        let failed = limit.take(limit.key(of));
        failed.map_err(|standing| self.refuse_guess(limit, standing))
    }

    fn pay_of(&self, limit: &Arc<Limit<C>>, of: impl std::hash::Hash) -> Result<(), Failure> {
        self.pay(limit, limit.key(of))
    }

    fn pay(&self, limit: &Arc<Limit<C>>, key: u64) -> Result<(), Failure> {
        match limit.take(key) {
            Ok(()) => {
                self.state().paid.push((Arc::clone(limit), key));
                Ok(())
            }
            Err(standing) => Err(self.refuse(limit, standing)),
        }
    }

    fn refuse(&self, limit: &Limit<C>, standing: Standing) -> Failure {
        self.refuse_keeping(limit, standing, |_| false)
    }

    /// Refuses whoever guesses: that was a request of its source all the same. Guesses above the limit would else
    /// be the only requests that anybody may make as often as he likes.
    fn refuse_guess(&self, limit: &Limit<C>, standing: Standing) -> Failure {
        let of_arrival = |policy| matches!(policy, Policy::Global | Policy::Source);
        self.refuse_keeping(limit, standing, of_arrival)
    }

    /// Refuses, and gives back what was paid but at the limits that are named.
    fn refuse_keeping(
        &self,
        limit: &Limit<C>,
        standing: Standing,
        keeps: impl Fn(Policy) -> bool,
    ) -> Failure {
        let count = self.limits.counts.of(limit.policy());
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut state = self.state();
        for (paid, key) in state.paid.drain(..) {
            if !keeps(paid.policy()) {
                paid.give_back(key);
            }
        }
        state.refused = Some(standing);
        Failure::RateLimited {
            retry_after: Duration::from_secs(standing.reset),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Ticks> std::fmt::Debug for Toll<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Toll").finish_non_exhaustive()
    }
}
