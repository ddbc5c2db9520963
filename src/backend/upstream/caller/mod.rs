//! Calls to one IdP: who we are there, how many calls at once, what is repeated, and when the IdP is left
//! alone.
//!
//! Whatever happens, a call ends within the total time of its endpoint: waiting for a turn, for a token and
//! between tries included. A write is repeated only if nothing of it was sent, or if it was answered by a
//! 401, which did nothing.

mod assertion;
mod breaker;
mod credential;
mod grant;
mod pools;
mod retry;
mod seldom;
mod target;
mod tokens;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderName, Method, StatusCode};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout_at};

use self::breaker::Breaker;
use self::credential::{Shown, Source};
use self::pools::Pools;
use self::retry::Budget;
use self::seldom::Seldom;
use self::target::{Base, Call};
use super::exchange::{Effect, Exchange, Unanswered};
use super::settings::Endpoint;
use crate::backend::BoxFuture;
use crate::backend::tally::{Read, TIMES, Tally};
use crate::model::{Failure, OwnedRequest, Response};
use crate::outbound::{self, Answer, Fault, NoAnswer, StartFault};
use crate::trace::{self, Key, Kind, Name, Value};

/// When to come back after all turns were taken.
const COME_BACK: Duration = Duration::from_secs(1);

/// Calls one IdP.
pub struct Caller {
    name: String,
    base: Base,
    header: HeaderName,
    credential: Source,
    pools: Pools,
    timeouts: outbound::Timeouts,
    max_answer_bytes: usize,
    turns: Semaphore,
    queue: Duration,
    budget: Budget,
    breaker: Breaker,
    counters: Counters,
    refused_us: Seldom,
    failed: Seldom,
    strayed: Seldom,
}

/// How often things have happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that were asked for.
    pub calls: u64,
    /// Tries besides the first of a call.
    pub retries: u64,
    /// Tries that failed: no answer, or one that says that the IdP is broken.
    pub failures: u64,
    /// How often the circuit opened.
    pub opens: u64,
}

/// Everything that a caller can tell of itself, for metrics.
#[derive(Clone, Debug)]
pub struct Reading {
    /// How often things have happened.
    pub counts: Counts,
    /// How long calls took, retries and waiting included.
    pub duration: Read,
    /// Calls that are under way or wait for their turn.
    pub in_flight: i64,
    /// Calls that had to wait for their turn.
    pub waits: u64,
    /// Calls that were given up because no turn came.
    pub turned_away: u64,
    /// Answers that refused our credential (401, 403).
    pub credential_refused: u64,
    /// Whether no call is made now.
    pub is_open: bool,
}

struct Counters {
    calls: AtomicU64,
    retries: AtomicU64,
    failures: AtomicU64,
    duration: Tally,
    in_flight: AtomicI64,
    waits: AtomicU64,
    turned_away: AtomicU64,
    credential_refused: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            calls: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            duration: Tally::new(TIMES),
            in_flight: AtomicI64::new(0),
            waits: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
            credential_refused: AtomicU64::new(0),
        }
    }
}

/// A call under way: it is one less when this goes, also when whoever waits for it has gone.
struct UnderWay<'c> {
    counters: &'c Counters,
    since: Instant,
}

impl<'c> UnderWay<'c> {
    fn new(counters: &'c Counters) -> Self {
        counters.in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            counters,
            since: Instant::now(),
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.counters.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.counters.duration.took(self.since.elapsed());
    }
}

/// What came of one try.
enum Tried {
    Answered(Answer),
    NoAnswer(NoAnswer),
    /// It was not made: the circuit is open.
    Open,
}

impl Caller {
    /// A caller that shows its credential in this header, behind this scheme word. Calls nobody yet.
    ///
    /// # Errors
    /// If certificates, keys or the credential cannot be used.
    pub fn new(
        endpoint: &Endpoint,
        header: HeaderName,
        scheme: Option<String>,
    ) -> Result<Self, StartFault> {
        let name = endpoint.base_url.to_string();
        Ok(Self {
            base: Base::new(&endpoint.base_url),
            header,
            credential: Source::new(endpoint, scheme)?,
            pools: Pools::new(&endpoint.http)?,
            timeouts: endpoint.http.timeouts,
            max_answer_bytes: endpoint.max_answer_bytes,
            turns: Semaphore::new(endpoint.max_in_flight.clamp(1, Semaphore::MAX_PERMITS)),
            queue: endpoint.queue,
            budget: Budget::new(endpoint.retry_percent, Instant::now()),
            breaker: Breaker::new(
                name.clone(),
                endpoint.breaker_failures,
                endpoint.breaker_open,
            ),
            name,
            counters: Counters::default(),
            refused_us: Seldom::default(),
            failed: Seldom::default(),
            strayed: Seldom::default(),
        })
    }

    /// How often things have happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            calls: self.counters.calls.load(Ordering::Relaxed),
            retries: self.counters.retries.load(Ordering::Relaxed),
            failures: self.counters.failures.load(Ordering::Relaxed),
            opens: self.breaker.opens(),
        }
    }

    /// Everything that there is to tell.
    #[must_use]
    pub fn reading(&self) -> Reading {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reading {
            counts: self.counts(),
            duration: self.counters.duration.read(),
            in_flight: self.counters.in_flight.load(Ordering::Relaxed),
            waits: read(&self.counters.waits),
            turned_away: read(&self.counters.turned_away),
            credential_refused: read(&self.counters.credential_refused),
            is_open: self.breaker.is_open(Instant::now()),
        }
    }

    async fn carry(&self, request: &OwnedRequest, effect: Effect) -> Result<Response, Unanswered> {
        let deadline = Instant::now() + self.timeouts.total;
        self.counters.calls.fetch_add(1, Ordering::Relaxed);
        self.budget.earn();
        let Some(call) = self.base.call(request) else {
            if self.strayed.is_time(Instant::now()) {
                tracing::warn!(
                    upstream = self.name,
                    "a request was not sent: its path or query could be read in two ways"
                );
            }
            return Err(Unanswered::NotSent(Failure::UpstreamRefused));
        };
        if self.breaker.is_open(Instant::now()) {
            return Err(Unanswered::NotSent(Failure::UpstreamDown));
        }
        let _under_way = UnderWay::new(&self.counters);
        let _turn = self.turn(deadline).await?;
        let shown = self.credential.shown(deadline).await;
        let shown = shown.map_err(Unanswered::NotSent)?;
        let tried = self.repeatedly(&call, effect, shown, deadline).await;
        self.told(tried)
    }

    async fn turn(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, Unanswered> {
        if let Ok(turn) = self.turns.try_acquire() {
            return Ok(turn);
        }
        self.counters.waits.fetch_add(1, Ordering::Relaxed);
        let until = deadline.min(Instant::now() + self.queue);
        match timeout_at(until, self.turns.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => {
                self.counters.turned_away.fetch_add(1, Ordering::Relaxed);
                Err(Unanswered::NotSent(Failure::Overloaded {
                    retry_after: COME_BACK,
                }))
            }
        }
    }

    async fn repeatedly(
        &self,
        call: &Call,
        effect: Effect,
        mut shown: Shown,
        deadline: Instant,
    ) -> Tried {
        let mut retries = 0;
        let mut is_renewed = false;
        let mut has_passed = false;
        loop {
            let tried = self.once(call, &shown, deadline).await;
            let pause = match &tried {
                Tried::Answered(answer) if answer.status == StatusCode::UNAUTHORIZED => {
                    if is_renewed {
                        return tried;
                    }
                    is_renewed = true;
                    let Some(other) = self.credential.renewed(&shown, deadline).await else {
                        return tried;
                    };
                    shown = other;
                    self.counters.retries.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                Tried::Answered(_) if has_passed => None,
                Tried::Answered(answer) => {
                    has_passed = true;
                    retry::after_answer(answer, effect, retries)
                }
                Tried::NoAnswer(no_answer) => retry::after_no_answer(no_answer, effect, retries),
                Tried::Open => None,
            };
            let Some(pause) = pause.filter(|_| retries < retry::MAX_RETRIES) else {
                return tried;
            };
            let now = Instant::now();
            let is_late = now + pause >= deadline;
            if is_late || self.breaker.is_open(now) || !self.budget.spend(now) {
                return tried;
            }
            retries += 1;
            self.counters.retries.fetch_add(1, Ordering::Relaxed);
            sleep(pause).await;
            // What the first tries have shown is more than that the circuit has opened since.
            if self.breaker.is_open(Instant::now()) {
                return tried;
            }
        }
    }

    async fn once(&self, call: &Call, shown: &Shown, deadline: Instant) -> Tried {
        let Some(pass) = self.breaker.enter(Instant::now()) else {
            return Tried::Open;
        };
        let credential = shown.value.clone().map(|value| (&self.header, value));
        let mut request = call.with(credential, self.max_answer_bytes);
        let mut span = trace::span(Name::Attempt, Kind::Client);
        if let Some((parent, state)) = span.outgoing() {
            request.headers.push((trace::TRACEPARENT, parent));
            let state = state.map(|state| (trace::TRACESTATE, state));
            request.headers.extend(state);
        }
        span.set(Key::Method, || method_word(&request.method));
        span.set(Key::ServerAddress, || {
            Value::Text(request.url.host().to_owned().into())
        });
        let began = Instant::now();
        let within = deadline.saturating_duration_since(began);
        let tried = self.pools.here().send(request, within).await;
        let now = Instant::now();
        trace::note_upstream(&self.name, now - began);
        match &tried {
            Ok(answer) => {
                let status = answer.status.as_u16();
                span.set(Key::Status, || Value::Number(status.into()));
                if status >= 400 {
                    span.fail("status");
                }
            }
            Err(_) => span.fail("no_answer"),
        }
        drop(span);
        let has_failed = match tried.as_ref().map_err(|no_answer| &no_answer.fault) {
            Ok(answer) => Some(is_broken(answer.status)),
            // Who was given too little time has not failed, nor shown that it works.
            Err(Fault::TimedOut(_)) if within < self.timeouts.first_byte => None,
            Err(fault) => Some(!matches!(fault, Fault::TooLarge | Fault::Encoded)),
        };
        match has_failed {
            Some(has_failed) => pass.note(has_failed, now),
            None => drop(pass),
        }
        if has_failed == Some(true) {
            self.counters.failures.fetch_add(1, Ordering::Relaxed);
        }
        match tried {
            Ok(answer) => Tried::Answered(answer),
            Err(no_answer) => {
                if self.failed.is_time(now) {
                    let (why, sent) = (no_answer.fault.to_string(), no_answer.sent);
                    tracing::warn!(upstream = self.name, why, sent, "no answer of the upstream");
                }
                Tried::NoAnswer(no_answer)
            }
        }
    }

    fn told(&self, tried: Tried) -> Result<Response, Unanswered> {
        match tried {
            Tried::Answered(answer) => {
                let status = answer.status;
                let is_refusal = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
                if is_refusal {
                    self.counters
                        .credential_refused
                        .fetch_add(1, Ordering::Relaxed);
                }
                if is_refusal && self.refused_us.is_time(Instant::now()) {
                    tracing::error!(
                        upstream = self.name,
                        status = status.as_u16(),
                        "the upstream refuses our credential"
                    );
                }
                Ok(Response {
                    status: status.as_u16(),
                    headers: answer.headers,
                    body: answer.body.to_vec(),
                })
            }
            Tried::NoAnswer(NoAnswer { fault, sent }) => {
                let failure = failure_of(&fault);
                Err(if sent {
                    Unanswered::Lost(failure)
                } else {
                    Unanswered::NotSent(failure)
                })
            }
            Tried::Open => Err(Unanswered::NotSent(Failure::UpstreamDown)),
        }
    }
}

impl Exchange for Caller {
    fn exchange<'a>(
        &'a self,
        request: &'a OwnedRequest,
        effect: Effect,
    ) -> BoxFuture<'a, Result<Response, Unanswered>> {
        Box::pin(async move {
            let mut span = trace::span(Name::Call, Kind::Internal);
            let carried = span.inside(self.carry(request, effect)).await;
            if carried.is_err() {
                span.fail("no_answer");
            }
            carried
        })
    }

    fn can_send(&self, request: &OwnedRequest) -> bool {
        self.base.call(request).is_some()
    }

    fn reading(&self) -> Option<Reading> {
        Some(self.reading())
    }

    fn ready(&self) -> bool {
        !self.breaker.is_open(Instant::now())
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A method as a span tells it.
fn method_word(method: &Method) -> Value {
    Value::Text(method.as_str().to_owned().into())
}

/// What an IdP says that cannot serve anybody now.
fn is_broken(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// What a client is told of a call without an answer.
fn failure_of(fault: &Fault) -> Failure {
    match fault {
        Fault::Unresolved | Fault::Unreachable | Fault::Ended | Fault::ForbiddenAddress(_) => {
            Failure::UpstreamDown
        }
        Fault::TimedOut(_) => Failure::UpstreamTimeout,
        Fault::Tls(_) | Fault::TooLarge | Fault::Encoded | Fault::Broken => {
            Failure::UpstreamRefused
        }
    }
}
