//! Verifying tokens of our own: by the keys of this deployment alone, without a look at any store.

use jsonwebtoken::Algorithm;
use serde::{Deserialize, Serialize};

use super::{AUDIENCE, Credential, Tokens};
use crate::edge::authn::Grant;
use crate::edge::jwt::{OWN_TYP, Token};
use crate::edge::scope::{Scope, Scopes};
use crate::model::{MAX_TOKEN_SECONDS, TenantId, VendorName};

/// What a token says. A member that is there twice, or that is not known, makes it no token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Which deployment has issued it.
    pub iss: String,
    /// For whom it is: always linkbridge itself.
    pub aud: String,
    /// The name of the client.
    pub sub: String,
    /// The vendor at whose fronts it is good.
    pub vendor: String,
    /// The only tenant that it is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What the client could do when it was issued.
    pub scopes: Vec<String>,
    /// When it was issued, in seconds since the epoch.
    pub iat: i64,
    /// When it ends.
    pub exp: i64,
    /// The mark of the credential that it was issued for. One without is of an early version, and none: nobody could
    /// tell which credential it ends with.
    pub cred: String,
    /// Its name.
    pub jti: String,
}

/// Whether a credential says of itself that it is a token of ours: then it is for [`Tokens::verify`] to
/// decide, and for nobody else.
#[must_use]
pub fn looks_like_ours(credential: &str) -> bool {
    Token::read(credential).is_some_and(|token| token.is_own())
}

impl Tokens {
    /// What a token says, if this deployment has issued it for the fronts of this vendor, and it is good at
    /// this time, in seconds since the epoch. Who the client is, is for the caller to look up.
    #[must_use]
    pub fn verify(&self, token: &str, vendor: &VendorName, now: i64) -> Option<Claims> {
        let token = Token::read(token).filter(|token| token.typ.as_deref() == Some(OWN_TYP))?;
        let key = self.ring().public(token.kid.as_deref()?)?;
        if token.alg != "EdDSA" || !token.is_signed_by(&key, Algorithm::EdDSA) {
            return None;
        }
        let claims: Claims = token.claims_as()?;
        let is_for_us = claims.iss == self.settings.issuer && claims.aud == AUDIENCE;
        let lives = claims.exp.saturating_sub(claims.iat);
        let is_good_now = claims.iat <= now.saturating_add(self.leeway()) && now < claims.exp;
        let is_good = is_for_us
            && claims.vendor == vendor.as_str()
            && is_good_now
            && lives <= MAX_TOKEN_SECONDS;
        is_good.then_some(claims)
    }
}

impl Claims {
    /// What the token leaves of its client: scopes that both have, and the tenant that it names. `None` if
    /// the client has since been locked to another one, or no longer has the credential that the token was
    /// issued for.
    #[must_use]
    pub fn narrow(&self, client: Grant) -> Option<Grant> {
        if !Credential::is_still_of(client.client(), &self.jti, &self.cred) {
            return None;
        }
        let then: Scopes = self.scopes.iter().filter_map(|n| Scope::named(n)).collect();
        let tenant = self.tenant.as_deref().map(TenantId::new);
        client.narrowed(Some(then), tenant.transpose().ok()?).ok()
    }
}
