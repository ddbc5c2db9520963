//! The token that we have at an IdP: kept, replaced before it ends, asked for once however many calls wait
//! for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout_at};

use super::credential::header_value;
use super::grant::{Given, Grant, Refusal};
use super::pools::Pools;
use crate::model::Failure;

/// A token is replaced when so much of its life is over, in percent.
const REFRESH_AT: u32 = 80;
/// It is not used in the last of its time: at most so long, and at most a tenth of its life.
const MARGIN: Duration = Duration::from_secs(10);
/// After a refusal nobody asks for a second; for longer after each further one, up to this.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A token that an IdP refuses is replaced at most so often: an IdP that refuses every token must not
/// double as load on the token endpoint.
const RENEW_EVERY: Duration = Duration::from_secs(10);

pub(super) struct Tokens {
    /// Of whom, for the log.
    name: String,
    grant: Grant,
    pools: Pools,
    /// What stands before the token in the header.
    scheme: Option<String>,
    kept: Mutex<Kept>,
    /// Held by whoever asks for a token.
    flight: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Kept {
    token: Option<Token>,
    /// How many tokens there were.
    number: u64,
    refused: Option<Refused>,
    renewed_at: Option<Instant>,
}

struct Refused {
    failure: Failure,
    in_a_row: u32,
    until: Instant,
}

/// A token as it is sent.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) value: HeaderValue,
    number: u64,
    refresh_at: Instant,
    ends_at: Instant,
}

impl Tokens {
    pub(super) fn new(name: String, grant: Grant, pools: Pools, scheme: Option<String>) -> Self {
        Self {
            name,
            grant,
            pools,
            scheme,
            kept: Mutex::default(),
            flight: Arc::default(),
        }
    }

    /// The token, which is asked for if there is none.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn get(self: &Arc<Self>, deadline: Instant) -> Result<Token, Failure> {
        let now = Instant::now();
        match self.usable(now) {
            Some(token) => {
                if now >= token.refresh_at {
                    self.refresh(now);
                }
                Ok(token)
            }
            None => self.fetched(None, deadline).await,
        }
    }

    /// Another token than this one, which the IdP refuses; `None` if there is none to be had.
    pub(super) async fn renewed(self: &Arc<Self>, old: &Token, deadline: Instant) -> Option<Token> {
        let now = Instant::now();
        if let Some(token) = self.usable(now).filter(|token| token.number != old.number) {
            return Some(token);
        }
        {
            let mut kept = self.lock();
            let was_just_now = |at: Instant| now.saturating_duration_since(at) < RENEW_EVERY;
            if kept.renewed_at.is_some_and(was_just_now) {
                return None;
            }
            kept.renewed_at = Some(now);
        }
        self.fetched(Some(old.number), deadline).await.ok()
    }

    /// Asks for a token, or waits for who does. The question goes on when its caller goes away.
    async fn fetched(
        self: &Arc<Self>,
        refused: Option<u64>,
        deadline: Instant,
    ) -> Result<Token, Failure> {
        let turn = timeout_at(deadline, Arc::clone(&self.flight).lock_owned());
        let guard = turn.await.map_err(|_| Failure::UpstreamTimeout)?;
        let now = Instant::now();
        let is_other = |token: &Token| Some(token.number) != refused;
        if let Some(token) = self.usable(now).filter(is_other) {
            return Ok(token);
        }
        if let Some(failure) = self.paused(now) {
            return Err(failure);
        }
        let asked = tokio::spawn(Arc::clone(self).ask(guard));
        match timeout_at(deadline, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Failure::UpstreamDown),
            Err(_) => Err(Failure::UpstreamTimeout),
        }
    }

    /// Replaces the token while it can still be used, unless somebody is about to.
    fn refresh(self: &Arc<Self>, now: Instant) {
        if self.paused(now).is_none()
            && let Ok(guard) = Arc::clone(&self.flight).try_lock_owned()
        {
            tokio::spawn(Arc::clone(self).ask(guard));
        }
    }

    async fn ask(self: Arc<Self>, guard: OwnedMutexGuard<()>) -> Result<Token, Failure> {
        let began = Instant::now();
        let asked = self.grant.ask(&self.pools.here()).await;
        let kept = match asked {
            Ok(given) => self.keep(&given, began),
            Err(refusal) => Err(refusal),
        };
        let told = kept.map_err(|refusal| self.note(refusal, Instant::now()));
        drop(guard);
        told
    }

    fn keep(&self, given: &Given, began: Instant) -> Result<Token, Refusal> {
        let scheme = self.scheme.as_deref();
        let value = header_value(scheme, &given.token).ok_or_else(|| Refusal {
            failure: Failure::UpstreamRefused,
            why: "the token cannot be sent".to_owned(),
        })?;
        let mut kept = self.lock();
        kept.number += 1;
        let token = Token {
            value,
            number: kept.number,
            refresh_at: began + given.life * REFRESH_AT / 100,
            ends_at: began + given.life - MARGIN.min(given.life / 10),
        };
        kept.token = Some(token.clone());
        kept.refused = None;
        Ok(token)
    }

    fn note(&self, refusal: Refusal, now: Instant) -> Failure {
        let mut kept = self.lock();
        let before = kept.refused.as_ref().map_or(0, |old| old.in_a_row);
        let pause = FIRST_PAUSE.saturating_mul(1 << before.min(5));
        kept.refused = Some(Refused {
            failure: refusal.failure.clone(),
            in_a_row: before.saturating_add(1),
            until: now + pause.min(LONGEST_PAUSE),
        });
        drop(kept);
        tracing::error!(
            upstream = self.name,
            why = refusal.why,
            "there is no token for the upstream"
        );
        refusal.failure
    }

    /// Why nobody asks now.
    fn paused(&self, now: Instant) -> Option<Failure> {
        let kept = self.lock();
        let refused = kept.refused.as_ref().filter(|refused| now < refused.until);
        refused.map(|refused| refused.failure.clone())
    }

    fn usable(&self, now: Instant) -> Option<Token> {
        let kept = self.lock();
        kept.token
            .as_ref()
            .filter(|token| now < token.ends_at)
            .cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
