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
mod way;

use std::sync::Arc;

pub use self::algorithm::Algorithm;
pub use self::introspection::Endpoint;
pub use self::key_source::{Keep, KeysAt};
pub use self::settings::{ClaimNames, Proof, Settings};
use self::way::{Issuer, Way};
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

impl std::fmt::Debug for Issuers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Issuers").field(&self.0.len()).finish()
    }
}
