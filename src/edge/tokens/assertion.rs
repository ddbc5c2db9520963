//! Assertions: what a client signs with its own key, and sends to the token endpoint instead of a secret
//! (RFC 7523).
//!
//! A client has one name as issuer and subject. Who is not known costs the same work as who is: a signature
//! is verified in any case, with a key of the kind that the assertion speaks of.

mod public;

use serde::Deserialize;

use self::public::stand_in;
pub use self::public::{PublicKey, PublicKeyFault};
use super::Credential;
use crate::edge::authn::{Clients, Grant};
use crate::edge::jwt::Token;

/// The longest that an assertion may live from now on, in seconds.
const MAX_SECONDS: i64 = 3600;

/// A public key of a client.
#[derive(Clone, Debug)]
pub struct AssertionKey {
    /// The name of the key, as assertions have it.
    pub id: String,
    /// Whom assertions name as issuer and subject.
    pub subject: String,
    /// The key.
    pub key: PublicKey,
}

/// Why an assertion does not tell who its sender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not one, or nobody known has signed it. Which of these is not told.
    Unknown,
    /// Issuer and subject are not the client.
    Subject,
    /// It is for somebody else.
    Audience,
    /// It has expired.
    Expired,
    /// It lives too long; how many seconds are allowed.
    TooLong(u64),
    /// It is of a time to come.
    Early,
}

/// `aud`: one, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// The claims that count. One that is there twice makes it no assertion.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    nbf: Option<f64>,
}

/// Whom an assertion says to be from, before anything is verified: what guesses are counted by.
#[must_use]
pub fn named(assertion: &str) -> Option<String> {
    let claims: Claims = Token::read(assertion)?.claims_as()?;
    Some(claims.iss)
}

/// The client that has signed an assertion for one of `audiences`, and with which key.
///
/// # Errors
/// [`Refusal`]; particulars are told only to who has the key.
pub fn check(
    assertion: &str,
    clients: &Clients,
    audiences: &[&str],
    (now, leeway): (i64, i64),
) -> Result<(Grant, Credential), Refusal> {
    let token = Token::read(assertion).ok_or(Refusal::Unknown)?;
    let claims: Option<Claims> = token.claims_as();
    let known = claims.as_ref().zip(token.kid.as_deref());
    let known = known.and_then(|(claims, kid)| clients.by_assertion_key(&claims.iss, kid));
    let fitting = known.filter(|(_, key)| key.algorithm_name() == token.alg);
    let key = match &fitting {
        Some((_, key)) => *key,
        None => stand_in(&token.alg).ok_or(Refusal::Unknown)?,
    };
    let is_signed = token.is_signed_by(key.verifying(), key.algorithm());
    let (Some(claims), Some((grant, _)), true) = (claims, fitting, is_signed) else {
        return Err(Refusal::Unknown);
    };
    claims.check(audiences, now, leeway)?;
    Ok((grant, Credential::public_key(key)))
}

impl Claims {
    fn check(&self, audiences: &[&str], now: i64, leeway: i64) -> Result<(), Refusal> {
        // Whole seconds; what is beyond all numbers is cut to the last.
        let whole = |seconds: f64| seconds.floor() as i64;
        if self.sub != self.iss {
            return Err(Refusal::Subject);
        }
        if !self.aud.is_one_of(audiences) {
            return Err(Refusal::Audience);
        }
        let expires = whole(self.exp);
        if expires <= now {
            return Err(Refusal::Expired);
        }
        if expires > now.saturating_add(MAX_SECONDS).saturating_add(leeway) {
            return Err(Refusal::TooLong(MAX_SECONDS.unsigned_abs()));
        }
        let latest = now.saturating_add(leeway);
        let is_early = |at: Option<f64>| at.is_some_and(|at| whole(at) > latest);
        if is_early(self.iat) || is_early(self.nbf) {
            return Err(Refusal::Early);
        }
        Ok(())
    }
}

impl Audience {
    fn is_one_of(&self, known: &[&str]) -> bool {
        // Clients write the address as they were given it, with or without a slash at its end.
        let bare = |address: &str| address.strip_suffix('/').unwrap_or(address).to_owned();
        let is_known = |given: &String| known.iter().any(|known| bare(known) == bare(given));
        match self {
            Audience::One(given) => is_known(given),
            Audience::Several(given) => given.iter().any(is_known),
        }
    }
}

#[cfg(test)]
#[path = "assertion_tests.rs"]
mod tests;
