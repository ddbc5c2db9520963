//! Where the keys of an issuer come from, and how long they are kept.
//!
//! Loaded when first needed, one load at a time; loaded anew ahead of their time while the old ones go on
//! serving, and for a key that is not known, at most every 30 seconds. Where the source cannot be reached
//! the last keys serve on. Time is handed in.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderValue, Method, StatusCode};

use super::Gate;
use super::algorithm::Algorithm;
use super::key_set::KeySet;
use crate::model::Failure;
use crate::outbound::{self, Url};

/// The largest key set.
const MAX_BYTES: usize = 512 * 1024;
/// The least time between two loads, where there are keys and where there are none yet.
const BETWEEN_LOADS: Duration = Duration::from_secs(30);
const BETWEEN_FIRST_LOADS: Duration = Duration::from_secs(5);

/// Where the keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeysAt {
    /// At a URL.
    Url(Url),
    /// In a file, which is read again when it has changed.
    File(PathBuf),
}

/// How long keys are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Until they are loaded anew.
    pub fresh: Duration,
    /// Until they no longer serve, if they cannot be loaded anew.
    pub stale: Duration,
}

pub(super) struct KeySource {
    issuer: String,
    at: KeysAt,
    algorithms: Vec<Algorithm>,
    keep: Keep,
    http: outbound::Client,
    pools: outbound::OfRuntime<outbound::Client>,
    state: Mutex<State>,
    /// Held by whoever loads.
    flight: Arc<tokio::sync::Mutex<()>>,
    /// Loads that succeeded, and that did not.
    loads: [AtomicU64; 2],
}

#[derive(Clone, Default)]
struct State {
    keys: Option<Arc<KeySet>>,
    loaded: Option<Instant>,
    tried: Option<Instant>,
    /// What the file was when it was read.
    stamp: Option<Stamp>,
}

type Stamp = (Option<SystemTime>, u64);

impl KeySource {
    pub(super) fn new(
        issuer: &str,
        at: KeysAt,
        algorithms: Vec<Algorithm>,
        keep: Keep,
        http: outbound::Client,
    ) -> Self {
        // A file costs nothing to look at.
        let keep = match at {
            KeysAt::Url(_) => keep,
            KeysAt::File(_) => Keep {
                fresh: BETWEEN_LOADS,
                ..keep
            },
        };
        Self {
            issuer: issuer.to_owned(),
            at,
            algorithms,
            keep,
            http,
            pools: outbound::OfRuntime::default(),
            state: Mutex::default(),
            flight: Arc::default(),
            loads: Default::default(),
        }
    }

    /// The keys.
    ///
    /// # Errors
    /// `Overloaded` if there are none, or only ones that are too old; what the gate says, if they would
    /// have to be loaded.
    pub(super) async fn keys(
        self: &Arc<Self>,
        now: Instant,
        gate: Gate<'_>,
    ) -> Result<Arc<KeySet>, Failure> {
        let state = self.state();
        let age = state.loaded.map(|at| now.saturating_duration_since(at));
        match (state.keys, age) {
            (Some(keys), Some(age)) if age < self.keep.fresh / 5 * 4 => return Ok(keys),
            (Some(keys), Some(age)) if age < self.keep.fresh => {
                if self.is_due(now) && self.may_load(gate).is_ok() {
                    let source = Arc::clone(self);
                    drop(tokio::spawn(async move { source.load_once(now).await }));
                }
                return Ok(keys);
            }
            (Some(_), _) => {
                if self.is_due(now) && self.may_load(gate).is_ok() {
                    self.load_once(now).await;
                }
            }
            (None, _) => {
                if self.is_due(now) {
                    self.may_load(gate)?;
                }
                self.load_once(now).await;
            }
        }
        self.usable(now)
    }

    /// How many loads have succeeded, and how many have not.
    pub(super) fn loads(&self) -> [u64; 2] {
        let [loaded, failed] = &self.loads;
        [loaded, failed].map(|count| count.load(Ordering::Relaxed))
    }

    /// Keys that are newer than those that did not know a key; `None` if there are none.
    ///
    /// # Errors
    /// What the gate says.
    pub(super) async fn newer(
        self: &Arc<Self>,
        than: &Arc<KeySet>,
        now: Instant,
        gate: Gate<'_>,
    ) -> Result<Option<Arc<KeySet>>, Failure> {
        let other = |keys: &Arc<KeySet>| !Arc::ptr_eq(keys, than);
        if let Some(keys) = self.state().keys.filter(other) {
            return Ok(Some(keys));
        }
        if self.is_due(now) {
            self.may_load(gate)?;
        }
        self.load_once(now).await;
        Ok(self.state().keys.filter(other))
    }

    fn usable(&self, now: Instant) -> Result<Arc<KeySet>, Failure> {
        let state = self.state();
        let is_usable = |at| now.saturating_duration_since(at) < self.keep.stale;
        let keys = state.keys.filter(|_| state.loaded.is_some_and(is_usable));
        keys.ok_or(Failure::Overloaded {
            retry_after: BETWEEN_FIRST_LOADS,
        })
    }

    /// To read a file calls nobody.
    fn may_load(&self, gate: Gate<'_>) -> Result<(), Failure> {
        match self.at {
            KeysAt::Url(_) => gate(),
            KeysAt::File(_) => Ok(()),
        }
    }

    /// Whether enough time has passed since the last load, or the last try.
    fn is_due(&self, now: Instant) -> bool {
        let state = self.state();
        let least = match state.keys {
            Some(_) => BETWEEN_LOADS,
            None => BETWEEN_FIRST_LOADS,
        };
        let passed = state.tried.map(|at| now.saturating_duration_since(at));
        passed.is_none_or(|passed| passed >= least)
    }

    /// Waits for the load that is under way, or loads if that is due. The load goes on when its caller
    /// goes away: else clients that do so could keep it from ever ending.
    async fn load_once(self: &Arc<Self>, now: Instant) {
        let guard = Arc::clone(&self.flight).lock_owned().await;
        if !self.is_due(now) {
            return;
        }
        self.change(|state| state.tried = Some(now));
        let source = Arc::clone(self);
        let load = tokio::spawn(async move {
            source.load(now).await;
            drop(guard);
        });
        // A load that panicked has loaded nothing.
        let _ = load.await;
    }

    async fn load(&self, now: Instant) {
        let issuer = self.issuer.as_str();
        let read = self.read().await;
        let [loaded, failed] = &self.loads;
        let count = if read.is_ok() { loaded } else { failed };
        count.fetch_add(1, Ordering::Relaxed);
        match read {
            Ok(None) => self.change(|state| state.loaded = Some(now)),
            Ok(Some((keys, stamp))) => {
                let n = keys.len();
                if n == 0 {
                    tracing::warn!(issuer, "the issuer has no key that can be used");
                }
                tracing::info!(issuer, keys = n, "the keys of an issuer were loaded");
                self.change(|state| {
                    state.keys = Some(Arc::new(keys));
                    state.loaded = Some(now);
                    state.stamp = stamp;
                });
            }
            Err(why) => {
                tracing::error!(issuer, why, "the keys of an issuer cannot be loaded");
            }
        }
    }

    /// The keys as they are now; `None` if they are those that there are already.
    async fn read(&self) -> Result<Option<(KeySet, Option<Stamp>)>, String> {
        let (bytes, stamp) = match &self.at {
            KeysAt::Url(url) => (self.fetch(url).await?, None),
            KeysAt::File(path) => {
                let (path, known) = (path.clone(), self.state().stamp);
                let read = tokio::task::spawn_blocking(move || read_file(&path, known));
                match read.await.map_err(|e| e.to_string())?? {
                    Some((bytes, stamp)) => (bytes, Some(stamp)),
                    None => return Ok(None),
                }
            }
        };
        let keys = KeySet::read(&bytes, &self.algorithms).ok_or("this is not a key set")?;
        Ok(Some((keys, stamp)))
    }

    async fn fetch(&self, url: &Url) -> Result<Bytes, String> {
        let accept = HeaderValue::from_static("application/jwk-set+json, application/json");
        let request = outbound::Request {
            method: Method::GET,
            url,
            headers: vec![(ACCEPT, accept)],
            body: Bytes::new(),
            max_bytes: MAX_BYTES,
        };
        let http = self.pools.here(|| self.http.apart());
        let answer = http.call(request).await.map_err(|f| f.to_string())?;
        if answer.status == StatusCode::OK {
            Ok(answer.body)
        } else {
            Err(format!("the answer is {}", answer.status.as_u16()))
        }
    }

    fn state(&self) -> State {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn read_file(path: &PathBuf, known: Option<Stamp>) -> Result<Option<(Bytes, Stamp)>, String> {
    let found = std::fs::metadata(path).map_err(|e| e.to_string())?;
    let stamp = (found.modified().ok(), found.len());
    if known == Some(stamp) {
        return Ok(None);
    }
    if found.len() > MAX_BYTES as u64 {
        return Err("the file is too large".to_owned());
    }
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    Ok(Some((Bytes::from(bytes), stamp)))
}
