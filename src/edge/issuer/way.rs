//! One issuer, and the way in which its tokens are believed: by its signature, or because it says so when it is asked.

use std::sync::Arc;

use super::algorithm::Algorithm;
use super::claims::{self, Bearer, Kind};
use super::introspection::Introspector;
use super::key_set::Verdict;
use super::key_source::KeySource;
use super::{Gate, Identity, Now, Proof, Settings};
use crate::edge::jwt::Token;
use crate::model::{Failure, Secret};
use crate::outbound;

/// An issuer that is configured.
#[derive(Clone)]
pub(super) struct Issuer {
    pub(super) settings: Arc<Settings>,
    pub(super) way: Way,
}

/// How it is found out what its tokens say.
#[derive(Clone)]
pub(super) enum Way {
    Signature {
        source: Arc<KeySource>,
        algorithms: Vec<Algorithm>,
        typ: Vec<String>,
    },
    Introspection(Arc<Introspector>),
}

impl Issuer {
    pub(super) fn serves(&self, dialect: &str) -> bool {
        let fronts = self.settings.fronts.as_ref();
        fronts.is_none_or(|fronts| fronts.iter().any(|front| front == dialect))
    }

    /// `None` if the token is not one that this issuer signs.
    pub(super) async fn verify(
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
    pub(super) async fn ask(
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
    pub(super) fn of(settings: &Arc<Settings>, http: &outbound::Client) -> Self {
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
