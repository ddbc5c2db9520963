//! What belongs to one request wherever it goes: its id, its place in a trace, its spans, and what it has
//! cost elsewhere.
//!
//! It goes along with the task that serves the request, so that those who call an IdP need to know neither
//! server nor telemetry. Where nobody wants traces, nothing is recorded. Names of spans and attributes are
//! closed lists: nothing that a client has sent can become one.

mod context;
mod open;
mod spans;

use std::future::Future;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::HeaderValue;

pub use self::context::{Parent, SpanId, TRACEPARENT, TRACESTATE, TraceId};
pub use self::open::{Open, span};
pub use self::spans::{Finished, Key, Kind, Name, Span, Value};

/// The most spans that are kept of a request; a list of many pages could have any number.
const MAX_SPANS: usize = 128;

tokio::task_local! {
    static HERE: Here;
}

#[derive(Clone)]
struct Here {
    request: Arc<Request>,
    /// The span that the next ones are within.
    within: SpanId,
}

/// Takes the spans of requests that are over. It must not wait.
pub trait Sink: Send + Sync + std::fmt::Debug {
    /// Takes them.
    fn take(&self, finished: Finished);
}

/// Decides which requests are recorded.
#[derive(Clone, Debug)]
pub struct Tracer {
    /// Who takes what is recorded.
    pub sink: Arc<dyn Sink>,
    /// Of so many traces that begin here one is recorded; 0 = none. For the others their beginning decides.
    pub one_in: u32,
}

/// One request.
#[derive(Debug)]
pub struct Request {
    id: String,
    trace: Option<TraceId>,
    root: SpanId,
    parent: Option<SpanId>,
    state: Option<HeaderValue>,
    sampled: bool,
    /// There only if traces are wanted; then what is called is told of the trace.
    sink: Option<Arc<dyn Sink>>,
    began: (SystemTime, Instant),
    spans: Mutex<Vec<Span>>,
    lost: AtomicU32,
    /// The tenant, once it is known.
    tenant: OnceLock<String>,
    upstream: OnceLock<String>,
    attempts: AtomicU32,
    upstream_us: AtomicU64,
    limit: OnceLock<&'static str>,
    queued: OnceLock<Duration>,
}

impl Request {
    /// A request of this id that has come now.
    #[must_use]
    pub fn begin(
        id: String,
        parent: Option<Parent>,
        tracer: Option<&Tracer>,
        now: SystemTime,
    ) -> Arc<Self> {
        let wanted = tracer.is_some();
        let (trace, caller, state, decided) = match parent {
            Some(parent) => {
                let Parent {
                    trace,
                    span,
                    sampled,
                    state,
                } = parent;
                (Some(trace), Some(span), state, Some(sampled))
            }
            None => (wanted.then(random).flatten().map(TraceId), None, None, None),
        };
        let root = match wanted {
            true => random().map_or(SpanId([0; 8]), SpanId),
            false => SpanId([0; 8]),
        };
        let chosen = || {
            let (one_in, trace) = (tracer.map_or(0, |t| t.one_in), trace?);
            (one_in > 0).then(|| trace.low() % u64::from(one_in) == 0)
        };
        let has_ids = trace.is_some() && root != SpanId([0; 8]);
        Arc::new(Self {
            sampled: has_ids && decided.or_else(chosen).unwrap_or(false),
            sink: tracer
                .filter(|_| has_ids)
                .map(|tracer| Arc::clone(&tracer.sink)),
            id,
            trace,
            root,
            parent: caller,
            state,
            began: (now, Instant::now()),
            spans: Mutex::default(),
            lost: AtomicU32::new(0),
            tenant: OnceLock::new(),
            upstream: OnceLock::new(),
            attempts: AtomicU32::new(0),
            upstream_us: AtomicU64::new(0),
            limit: OnceLock::new(),
            queued: OnceLock::new(),
        })
    }

    /// Its id: the one of its log line, of its audit records, and of its answer where the vendor tells one.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The trace that it is part of.
    #[must_use]
    pub fn trace(&self) -> Option<TraceId> {
        self.trace
    }

    /// The key of its tenant, once it is known.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.get().map(String::as_str)
    }

    /// The IdP that was called for it, how many tries that took, and how long all of them together.
    #[must_use]
    pub fn upstream(&self) -> Option<(&str, u32, Duration)> {
        let name = self.upstream.get()?;
        let took = Duration::from_micros(self.upstream_us.load(Ordering::Relaxed));
        Some((name, self.attempts.load(Ordering::Relaxed), took))
    }

    /// Which limit, or which reason for shedding, has refused it.
    #[must_use]
    pub fn limit(&self) -> Option<&'static str> {
        self.limit.get().copied()
    }

    /// How long it has waited for its turn.
    #[must_use]
    pub fn queued(&self) -> Option<Duration> {
        self.queued.get().copied()
    }

    /// Whether its spans are kept.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.sampled && self.sink.is_some()
    }

    /// Records the request itself, when it is over.
    pub fn finish(&self, mut attributes: Vec<(Key, Value)>, error: Option<&'static str>) {
        if let Some(error) = error {
            attributes.push((Key::ErrorType, Value::Word(error)));
        }
        self.keep(Span {
            id: self.root,
            within: self.parent,
            name: Name::Server,
            kind: Kind::Server,
            start: self.nanos(self.began.1),
            end: self.nanos(Instant::now()),
            attributes,
            failed: error.is_some(),
        });
    }

    fn keep(&self, span: Span) {
        if !self.is_recorded() {
            return;
        }
        let Ok(mut spans) = self.spans.lock() else {
            return;
        };
        // The request itself always has room.
        if spans.len() < MAX_SPANS || span.kind == Kind::Server {
            spans.push(span);
        } else {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An instant as nanoseconds since 1970: monotonic within the request, whatever the wall clock does.
    fn nanos(&self, at: Instant) -> u64 {
        let (wall, begin) = self.began;
        let wall = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = wall + at.saturating_duration_since(begin);
        u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A write may go on when its request has been answered: the last one who is here hands over.
impl Drop for Request {
    fn drop(&mut self) {
        let spans = self.spans.get_mut().map(std::mem::take).unwrap_or_default();
        if let (Some(sink), Some(trace), false) = (&self.sink, self.trace, spans.is_empty()) {
            sink.take(Finished {
                trace,
                state: self.state.take(),
                spans,
                lost: *self.lost.get_mut(),
            });
        }
    }
}

fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).ok()?;
    (bytes != [0; N]).then_some(bytes)
}

/// Serves a request: everything within it belongs to the request.
pub async fn serve<F: Future>(request: Arc<Request>, work: F) -> F::Output {
    let within = request.root;
    HERE.scope(Here { request, within }, work).await
}

/// Takes the request along into a task of its own.
pub fn along<F: Future>(work: F) -> impl Future<Output = F::Output> + use<F> {
    let here = HERE.try_with(Here::clone).ok();
    async move {
        match here {
            Some(here) => HERE.scope(here, work).await,
            None => work.await,
        }
    }
}

/// The request that is served here.
#[must_use]
pub fn current() -> Option<Arc<Request>> {
    HERE.try_with(|here| Arc::clone(&here.request)).ok()
}

/// Notes whose data the request is about.
pub fn note_tenant(key: &str) {
    let _ = HERE.try_with(|here| here.request.tenant.set(key.to_owned()));
}

/// Notes which limit, or which reason for shedding, refuses the request.
pub fn note_limit(name: &'static str) {
    let _ = HERE.try_with(|here| here.request.limit.set(name));
}

/// Notes how long the request has waited for its turn.
pub fn note_queued(time: Duration) {
    let _ = HERE.try_with(|here| here.request.queued.set(time));
}

/// Notes a try to call an IdP, and how long it took.
pub fn note_upstream(name: &str, took: Duration) {
    let _ = HERE.try_with(|here| {
        here.request.upstream.get_or_init(|| name.to_owned());
        here.request.attempts.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        here.request
            .upstream_us
            .fetch_add(micros, Ordering::Relaxed);
    });
}

#[cfg(test)]
mod tests;
