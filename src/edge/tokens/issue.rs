//! Issuing: from a client that has proved who it is to a signed token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::verify::Claims;
use super::{AUDIENCE, Credential, Tokens, jws};
use crate::edge::authn::Client;
use crate::edge::jwt::OWN_TYP;
use crate::model::{MAX_TOKEN_SECONDS, Secret, TenantId, VendorName};

/// Random bytes in the name of a token.
const ID_BYTES: usize = 16;

/// What a token is issued for.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// To whom.
    pub client: &'a Client,
    /// By what the client has proved who it is: the token ends with it.
    pub credential: Credential,
    /// At the fronts of which vendor it is good.
    pub vendor: &'a VendorName,
    /// The only tenant that it is good for; `None` = those of the client.
    pub tenant: Option<&'a TenantId>,
    /// How many seconds it lives.
    pub lifetime: u32,
}

/// A token cannot be made: there are no random numbers, or no key that signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssueError;

impl Tokens {
    /// A new token. `now` is in seconds since the epoch.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue(&self, grant: &Grant<'_>, now: i64) -> Result<Secret, IssueError> {
        let mut id = [0_u8; ID_BYTES];
        getrandom::fill(&mut id).map_err(|_| IssueError)?;
        let lifetime = i64::from(grant.lifetime).min(MAX_TOKEN_SECONDS);
        let jti = URL_SAFE_NO_PAD.encode(id);
        let claims = Claims {
            iss: self.settings.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: grant.client.name.as_str().to_owned(),
            vendor: grant.vendor.as_str().to_owned(),
            tenant: grant.tenant.map(|tenant| tenant.as_str().to_owned()),
            scopes: grant.client.scopes.names(),
            iat: now,
            exp: now.saturating_add(lifetime),
            cred: grant.credential.mark(&jti),
            jti,
        };
        let ring = self.ring();
        let (kid, key) = ring.signing().ok_or(IssueError)?;
        let token = jws::write(OWN_TYP, kid, &claims, &key).ok_or(IssueError)?;
        Ok(Secret::new(token))
    }
}
