//! Calls to an IdP, over real sockets, against a server that misbehaves as it is told.

mod breaker;
mod http2;
mod matrix;
mod pool;
mod tls;
mod tokens;
mod turns;
mod wire;

use std::time::{Duration, Instant};

use http::{HeaderName, Method};
use linkbridge::backend::upstream::caller::Caller;
use linkbridge::backend::upstream::exchange::{Effect, Exchange, Unanswered};
use linkbridge::backend::upstream::settings::{Credential, Endpoint};
use linkbridge::model::{OwnedRequest, Response, Secret};
use linkbridge::outbound::{self, Net, Policy, Timeouts, Url};
use tokio::runtime::Runtime;

/// What answers are allowed to have, in bytes.
const MAX_ANSWER: usize = 50_000;
/// What a call may take, and what a busy machine may add to it.
const TOTAL: Duration = Duration::from_millis(1200);
const SLACK: Duration = Duration::from_millis(1500);

/// An endpoint with short times and a static token.
fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        base_url: Url::parse(url).unwrap(),
        credential: Credential::Static {
            token: Secret::new("canary"),
        },
        http: outbound::Settings {
            policy: Policy {
                allowed: vec![Net::parse("127.0.0.0/8").unwrap()],
            },
            timeouts: Timeouts {
                connect: Duration::from_millis(150),
                tls: Duration::from_millis(500),
                first_byte: Duration::from_millis(500),
                total: TOTAL,
                ..Timeouts::upstream()
            },
            ..outbound::Settings::default()
        },
        max_in_flight: 16,
        queue: Duration::from_millis(100),
        max_answer_bytes: MAX_ANSWER,
        retry_percent: 100,
        breaker_failures: 0,
        breaker_open: Duration::from_secs(1),
    }
}

/// A caller with the runtime that it runs on.
struct World {
    runtime: Runtime,
    caller: Caller,
}

impl World {
    fn new(endpoint: &Endpoint) -> Self {
        let header = HeaderName::from_static("authorization");
        let caller = Caller::new(endpoint, header, Some("Bearer".to_owned())).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self { runtime, caller }
    }

    fn at(url: &str) -> Self {
        Self::new(&endpoint(url))
    }

    /// Sends a read or a write; no call may take longer than its total time.
    fn send(&self, effect: Effect) -> Result<Response, Unanswered> {
        let began = Instant::now();
        let request = request(effect);
        let answer = self
            .runtime
            .block_on(self.caller.exchange(&request, effect));
        let took = began.elapsed();
        assert!(took < TOTAL + SLACK, "{took:?}: {answer:?}");
        answer
    }

    /// Lets time pass, in which connections end and tokens come.
    fn pause(&self, time: Duration) {
        self.runtime
            .block_on(async { tokio::time::sleep(time).await });
    }

    fn read(&self) -> Result<Response, Unanswered> {
        self.send(Effect::Reads)
    }

    fn write(&self) -> Result<Response, Unanswered> {
        self.send(Effect::Writes)
    }
}

fn request(effect: Effect) -> OwnedRequest {
    let is_write = effect == Effect::Writes;
    OwnedRequest {
        method: if is_write { Method::POST } else { Method::GET },
        path: "/v2/links".to_owned(),
        query: String::new(),
        headers: http::HeaderMap::new(),
        body: if is_write { b"{}".to_vec() } else { Vec::new() },
    }
}

fn status(answer: &Result<Response, Unanswered>) -> Option<u16> {
    answer.as_ref().ok().map(|answer| answer.status)
}
