//! Tokens that others have issued: whose are they, according to an issuer that the configuration names.
//!
//! A JSON Web Token of an issuer whose keys are known is checked here (RFC 8725: the issuer's own list of
//! algorithms, keys bound to algorithms, nothing followed that a token points at). Any other token is
//! asked about where an issuer answers such questions (RFC 7662). What comes out names a client of the
//! configuration and can only narrow what that client may do.

mod algorithm;
mod claims;
mod health;
mod introspection;
mod key_set;
mod key_source;
mod settings;

use std::sync::Arc;

pub use self::algorithm::Algorithm;
use self::claims::{Bearer, Kind};
pub use self::introspection::Endpoint;
use self::introspection::Introspector;
use self::key_set::Verdict;
use self::key_source::KeySource;
pub use self::key_source::{Keep, KeysAt};
pub use self::settings::{ClaimNames, Proof, Settings};
use super::jwt::{self, Token};
use super::keys;
use super::scope::Scopes;
use crate::model::{self, Failure, Secret};
use crate::outbound;

/// Asked before anything is called for a token: an error is answered instead.
pub type Gate<'a> = &'a (dyn Fn() -> Result<(), Failure> + Send + Sync);

/// The time, by both clocks: what tokens say is compared with the first, what is kept with the second.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Time of day.
    pub wall: model::Instant,
    /// A clock that is never set.
    pub tick: std::time::Instant,
}

/// Whose a token is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who says so.
    pub issuer: Arc<Settings>,
    /// The client's id there.
    pub client: String,
    /// What the token allows; `None` if it does not say.
    pub scopes: Option<Scopes>,
    /// The tenant that it is for, in the ids of `tenant_ids`; `None` if it does not say.
    pub tenant: Option<String>,
    /// What the issuer calls the token; `None` if it does not say.
    pub token_id: Option<String>,
}

impl Identity {
    /// What the token is called in the audit: its issuer and the start of the hash of its name, which an issuer
    /// may have made of anything.
    #[must_use]
    pub fn credential(&self) -> String {
        let name = self.token_id.as_deref().map(keys::hash);
        let hash = name.iter().flat_map(|hash| hash.iter().take(8));
        let hash: String = hash.map(|byte| format!("{byte:02x}")).collect();
        match hash.as_str() {
            "" => format!("issuer:{}", self.issuer.name),
            hash => format!("issuer:{}:{hash}", self.issuer.name),
        }
    }

    /// Whether the issuer's tokens are to say which tenant they are for, and this one does not.
    #[must_use]
    pub fn lacks_tenant(&self) -> bool {
        self.tenant.is_none() && self.issuer.claims.tenant.is_some()
    }
}

/// How often an issuer was called so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts<'i> {
    /// Its name in the configuration.
    pub issuer: &'i str,
    /// What for: `keys`, or `introspection`.
    pub how: &'static str,
    /// Calls with an answer that could be used.
    pub answered: u64,
    /// Calls without.
    pub failed: u64,
}

/// Every issuer that is configured.
#[derive(Clone, Default)]
pub struct Issuers(Vec<Issuer>);

#[derive(Clone)]
struct Issuer {
    settings: Arc<Settings>,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Signature {
        source: Arc<KeySource>,
        algorithms: Vec<Algorithm>,
        typ: Vec<String>,
    },
    Introspection(Arc<Introspector>),
}

impl Issuers {
    /// These issuers, called by `http`. The configuration has seen to it that no two of them who sign have
    /// one `iss`.
    #[must_use]
    pub fn new(issuers: Vec<Settings>, http: &outbound::Client) -> Self {
        Self::succeeding(&Self::default(), issuers, http)
    }

    /// The same; an issuer of which nothing has changed goes on with the keys and answers that it has. Those
    /// of `previous` are called as it was made, so that the way of calling must not have changed either.
    #[must_use]
    pub fn succeeding(previous: &Self, issuers: Vec<Settings>, http: &outbound::Client) -> Self {
        let issuers = issuers.into_iter().map(|settings| {
            let same = |old: &&Issuer| *old.settings == settings;
            if let Some(same) = previous.0.iter().find(same) {
                return same.clone();
            }
            let settings = Arc::new(settings);
            let way = Way::of(&settings, http);
            Issuer { settings, way }
        });
        Self(issuers.collect())
    }

    /// Whether nobody's tokens are taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How often each issuer was called.
    pub fn counts(&self) -> impl Iterator<Item = Counts<'_>> {
        self.0.iter().map(|issuer| {
            let (how, [answered, failed]) = match &issuer.way {
                Way::Signature { source, .. } => ("keys", source.loads()),
                Way::Introspection(introspector) => ("introspection", introspector.questions()),
            };
            Counts {
                issuer: &issuer.settings.name,
                how,
                answered,
                failed,
            }
        })
    }

    /// Loads the keys that there are to load, so that the first token need not wait for them.
    pub async fn warm(&self, tick: std::time::Instant) {
        for issuer in &self.0 {
            if let Way::Signature { source, .. } = &issuer.way {
                // What cannot be loaded is in the log, and is tried again when a token comes.
                let _ = source.keys(tick, &|| Ok(())).await;
            }
        }
    }

    /// Whose a token is, at the front of this dialect.
    ///
    /// # Errors
    /// `Unauthenticated`, without a reason; `Overloaded` where an issuer cannot be asked; what the gate
    /// says.
    pub async fn identify(
        &self,
        token: &Secret,
        dialect: &str,
        now: Now,
        gate: Gate<'_>,
    ) -> Result<Identity, Failure> {
        let text = token.expose();
        if self.0.is_empty() || !may_be_token(text) {
            return Err(Failure::Unauthenticated);
        }
        let read = Token::read(text);
        if read.as_ref().is_some_and(Token::is_own) {
            return Err(Failure::Unauthenticated);
        }
        let here = || self.0.iter().filter(|issuer| issuer.serves(dialect));
        if let Some(token) = &read {
            for issuer in &self.0 {
                if let Some(verified) = issuer.verify(token, dialect, now, gate).await {
                    return verified;
                }
            }
        }
        let mut failure = Failure::Unauthenticated;
        for issuer in here() {
            match issuer.ask(token, now, gate).await {
                Some(Ok(identity)) => return Ok(identity),
                Some(Err(Failure::Unauthenticated)) | None => {}
                // Another issuer may know it; if none does, nobody can say that it is nobody's.
                Some(Err(other)) => failure = other,
            }
        }
        Err(failure)
    }
}

/// What nobody can have issued as a bearer token, and our own keys, are sent to nobody.
fn may_be_token(text: &str) -> bool {
    let fits = (1..=jwt::MAX_BYTES).contains(&text.len());
    fits && text.bytes().all(|b| b.is_ascii_graphic()) && !keys::is_ours(text)
}

impl Issuer {
    fn serves(&self, dialect: &str) -> bool {
        let fronts = self.settings.fronts.as_ref();
        fronts.is_none_or(|fronts| fronts.iter().any(|front| front == dialect))
    }

    /// `None` if the token is not one that this issuer signs.
    async fn verify(
        &self,
        token: &Token<'_>,
        dialect: &str,
        now: Now,
        gate: Gate<'_>,
    ) -> Option<Result<Identity, Failure>> {
        let Way::Signature {
            source,
            algorithms,
            typ,
        } = &self.way
        else {
            return None;
        };
        if token.issuer() != Some(&self.settings.issuer) {
            return None;
        }
        let nobody = Some(Err(Failure::Unauthenticated));
        let named = Algorithm::named(&token.alg);
        let Some(algorithm) = named.filter(|named| algorithms.contains(named)) else {
            return nobody;
        };
        if !self.serves(dialect) || !token.has_typ_of(typ) {
            return nobody;
        }
        // What costs least comes first: an old token fetches no keys.
        let claims = claims::check(&self.settings, &token.claims, Kind::Token, now.wall);
        let Some(bearer) = claims else {
            return nobody;
        };
        Some(match signed(source, token, algorithm, now, gate).await {
            Ok(true) => Ok(self.identity(bearer)),
            Ok(false) => Err(Failure::Unauthenticated),
            Err(failure) => Err(failure),
        })
    }

    /// `None` if this issuer is not to be asked.
    async fn ask(
        &self,
        token: &Secret,
        now: Now,
        gate: Gate<'_>,
    ) -> Option<Result<Identity, Failure>> {
        let Way::Introspection(introspector) = &self.way else {
            return None;
        };
        let asked = introspector.ask(token, now, gate).await;
        Some(asked.map(|bearer| self.identity(bearer)))
    }

    fn identity(&self, bearer: Bearer) -> Identity {
        Identity {
            issuer: Arc::clone(&self.settings),
            client: bearer.client,
            scopes: bearer.scopes,
            tenant: bearer.tenant,
            token_id: bearer.token_id,
        }
    }
}

impl Way {
    fn of(settings: &Arc<Settings>, http: &outbound::Client) -> Self {
        match &settings.proof {
            Proof::Signature {
                keys,
                algorithms,
                typ,
                keep,
            } => Way::Signature {
                source: Arc::new(KeySource::new(
                    &settings.name,
                    keys.clone(),
                    algorithms.clone(),
                    *keep,
                    http.clone(),
                )),
                algorithms: algorithms.clone(),
                typ: typ.clone(),
            },
            Proof::Introspection(endpoint) => {
                let asks = Introspector::new(Arc::clone(settings), endpoint.clone(), http.clone());
                Way::Introspection(Arc::new(asks))
            }
        }
    }
}

/// Whether the issuer has signed the token. A key that is not known may be a new one.
async fn signed(
    source: &Arc<KeySource>,
    token: &Token<'_>,
    algorithm: Algorithm,
    now: Now,
    gate: Gate<'_>,
) -> Result<bool, Failure> {
    let keys = source.keys(now.tick, gate).await?;
    match keys.verdict(token, algorithm) {
        Verdict::Signed => Ok(true),
        Verdict::Forged => Ok(false),
        Verdict::Unknown => {
            let newer = source.newer(&keys, now.tick, gate).await?;
            let verdict = newer.map(|keys| keys.verdict(token, algorithm));
            Ok(verdict == Some(Verdict::Signed))
        }
    }
}

impl std::fmt::Debug for Issuers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Issuers").field(&self.0.len()).finish()
    }
}
