//! Asking an issuer about a token (RFC 7662), and remembering the answer for a short time.
//!
//! What is remembered is under the SHA-256 of the token: a good answer for a minute at most, and not
//! beyond the token's own end; a bad one for ten seconds; that there was none for one second. One question
//! per token at a time, and not more than a few at all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::claims::{self, Bearer, Kind};
use super::health::Health;
use super::{Gate, Now, Settings};
use crate::edge::keys::{self, KeyHash};
use crate::json;
use crate::model::{Failure, Secret};
use crate::outbound::{self, Url};

/// How long answers are remembered.
const KEEP_GOOD: Duration = Duration::from_secs(60);
const KEEP_BAD: Duration = Duration::from_secs(10);
const KEEP_NONE: Duration = Duration::from_secs(1);
/// The most answers that are remembered.
const MAX_REMEMBERED: usize = 10_000;
/// The most questions at once, and how long one waits for its turn.
const MAX_ASKED: usize = 32;
const MAX_WAIT: Duration = Duration::from_millis(100);
/// The largest answer.
const MAX_BYTES: usize = 64 * 1024;

/// What `application/x-www-form-urlencoded` leaves as it is.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*');

/// Where an issuer answers, and who we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Where.
    pub url: Url,
    /// Our name there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Secret,
}

pub(super) struct Introspector {
    settings: Arc<Settings>,
    endpoint: Endpoint,
    http: outbound::Client,
    pools: outbound::OfRuntime<outbound::Client>,
    remembered: Mutex<HashMap<KeyHash, Remembered>>,
    /// Held by whoever asks about a token.
    flights: Mutex<HashMap<KeyHash, Arc<tokio::sync::Mutex<()>>>>,
    turns: Semaphore,
    health: Health,
    /// Questions that were answered, and that were not.
    questions: [AtomicU64; 2],
}

#[derive(Clone)]
struct Remembered {
    answer: Answer,
    until: Instant,
}

/// What came of a question.
#[derive(Clone)]
enum Answer {
    Good(Bearer),
    Bad,
    /// Nobody knows: the issuer did not answer, or not to us.
    None,
}

impl Introspector {
    pub(super) fn new(settings: Arc<Settings>, endpoint: Endpoint, http: outbound::Client) -> Self {
        Self {
            settings,
            endpoint,
            http,
            pools: outbound::OfRuntime::default(),
            remembered: Mutex::default(),
            flights: Mutex::default(),
            turns: Semaphore::new(MAX_ASKED),
            health: Health::default(),
            questions: Default::default(),
        }
    }

    /// Whose a token is.
    ///
    /// # Errors
    /// `Unauthenticated`; `Overloaded` if the issuer cannot be asked; what the gate says.
    pub(super) async fn ask(
        self: &Arc<Self>,
        token: &Secret,
        now: Now,
        gate: Gate<'_>,
    ) -> Result<Bearer, Failure> {
        let hash = keys::hash(token.expose());
        if let Some(answer) = self.remembered(&hash, now) {
            return told(answer);
        }
        gate()?;
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            if flights.len() > MAX_REMEMBERED {
                // Callers that went away before they could ask have left theirs behind.
                flights.retain(|_, flight| Arc::strong_count(flight) > 1);
            }
            Arc::clone(flights.entry(hash).or_default())
        };
        let guard = flight.lock_owned().await;
        if let Some(answer) = self.remembered(&hash, now) {
            return told(answer);
        }
        let (this, token) = (Arc::clone(self), token.clone());
        // Goes on when its caller goes away, so that the answer is there when it comes back.
        let asked = tokio::spawn(async move {
            let answer = this.answer(&token, now).await;
            this.count(&answer);
            this.remember(hash, answer.clone(), now);
            let mut flights = this.flights.lock().unwrap_or_else(PoisonError::into_inner);
            flights.remove(&hash);
            drop(flights);
            drop(guard);
            answer
        });
        told(asked.await.unwrap_or(Answer::None))
    }

    fn count(&self, answer: &Answer) {
        let [answered, failed] = &self.questions;
        let count = match answer {
            Answer::Good(_) | Answer::Bad => answered,
            Answer::None => failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// How many questions were answered, and how many were not.
    pub(super) fn questions(&self) -> [u64; 2] {
        let [answered, failed] = &self.questions;
        [answered, failed].map(|count| count.load(Ordering::Relaxed))
    }

    async fn answer(&self, token: &Secret, now: Now) -> Answer {
        let issuer = self.settings.name.as_str();
        if !self.health.may_try(now.tick) {
            return Answer::None;
        }
        let turn = tokio::time::timeout(MAX_WAIT, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            tracing::warn!(issuer, "too many questions about tokens at once");
            return Answer::None;
        };
        let fetched = self.fetch(token).await;
        self.health.note(fetched.is_ok(), now.tick);
        let why = match fetched {
            Ok((StatusCode::OK, body)) => return self.judge(&body, now),
            Ok((status, _)) => format!("the answer is {}", status.as_u16()),
            Err(fault) => fault,
        };
        tracing::error!(issuer, why, "an issuer cannot be asked about tokens");
        Answer::None
    }

    fn judge(&self, body: &[u8], now: Now) -> Answer {
        let Some(claims) = json::object(body) else {
            let issuer = self.settings.name.as_str();
            tracing::error!(issuer, "an issuer's answer about a token cannot be read");
            return Answer::None;
        };
        if claims.get("active") != Some(&serde_json::Value::Bool(true)) {
            return Answer::Bad;
        }
        claims::check(&self.settings, &claims, Kind::Introspection, now.wall)
            .map_or(Answer::Bad, Answer::Good)
    }

    async fn fetch(&self, token: &Secret) -> Result<(StatusCode, Bytes), String> {
        let json = HeaderValue::from_static("application/json");
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let authorization = self
            .authorization()
            .ok_or("our own credential cannot be sent")?;
        let body = Zeroizing::new(
            format!(
                "token={}&token_type_hint=access_token",
                utf8_percent_encode(token.expose(), FORM)
            )
            .into_bytes(),
        );
        let request = outbound::Request {
            method: Method::POST,
            url: &self.endpoint.url,
            headers: vec![
                (ACCEPT, json),
                (CONTENT_TYPE, form),
                (AUTHORIZATION, authorization),
            ],
            body: Bytes::from_owner(body),
            max_bytes: MAX_BYTES,
        };
        let http = self.pools.here(|| self.http.apart());
        let answer = http.call(request).await.map_err(|f| f.to_string())?;
        Ok((answer.status, answer.body))
    }

    /// Basic, each half as a form has it (RFC 6749, section 2.3.1).
    fn authorization(&self) -> Option<HeaderValue> {
        let Endpoint {
            client_id,
            client_secret,
            ..
        } = &self.endpoint;
        let secret = utf8_percent_encode(client_secret.expose(), FORM);
        let pair = Zeroizing::new(format!("{}:{secret}", utf8_percent_encode(client_id, FORM)));
        let basic = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        let mut value = HeaderValue::from_str(&basic).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    fn remembered(&self, hash: &KeyHash, now: Now) -> Option<Answer> {
        let remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Remembered { answer, until } = remembered.get(hash)?.clone();
        let has_ended = |ends: i64| now.wall.0.div_euclid(1000) >= ends;
        match &answer {
            Answer::Good(bearer) if bearer.ends.is_some_and(has_ended) => None,
            _ => (now.tick < until).then_some(answer),
        }
    }

    /// Remembers an answer from the moment of its question on.
    fn remember(&self, hash: KeyHash, answer: Answer, now: Now) {
        let keep = match answer {
            Answer::Good(_) => KEEP_GOOD,
            Answer::Bad => KEEP_BAD,
            Answer::None => KEEP_NONE,
        };
        let until = now.tick + keep;
        let mut remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.retain(|_, old| now.tick < old.until);
        }
        // What is forgotten is asked again, so that it does not matter which it is.
        if remembered.len() >= MAX_REMEMBERED
            && let Some(any) = remembered.keys().next().copied()
        {
            remembered.remove(&any);
        }
        remembered.insert(hash, Remembered { answer, until });
    }
}

fn told(answer: Answer) -> Result<Bearer, Failure> {
    match answer {
        Answer::Good(bearer) => Ok(bearer),
        Answer::Bad => Err(Failure::Unauthenticated),
        Answer::None => Err(Failure::Overloaded {
            retry_after: KEEP_NONE,
        }),
    }
}
