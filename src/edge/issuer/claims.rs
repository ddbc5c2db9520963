//! What a token or an introspection says of itself: is it for us, is it valid now, and whose is it.

use serde_json::{Map, Value};

use super::Settings;
use crate::edge::scope::{Scope, Scopes};
use crate::model::Instant;

/// How far clocks may be apart, in seconds, where a token says when it began. When it ends is exact.
const LEEWAY: i64 = 60;
/// The last second of the year 9999: later dates are mistakes.
const LAST_SECOND: i64 = 253_402_300_799;
/// The longest id of a client or tenant.
const MAX_ID_BYTES: usize = 1024;

/// Whose a token is, as its issuer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bearer {
    /// The client, by its id at the issuer.
    pub(super) client: String,
    /// What the token allows; `None` if it does not say.
    pub(super) scopes: Option<Scopes>,
    /// The tenant that it is for; `None` if it does not say.
    pub(super) tenant: Option<String>,
    /// When it ends, in seconds since the epoch.
    pub(super) ends: Option<i64>,
    /// The name of the token, if it has one.
    pub(super) token_id: Option<String>,
}

/// Whether the claims must say what a token has to say for itself. An introspection may leave it out,
/// since the issuer has been asked about this very token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Token,
    Introspection,
}

/// Checks claims; `None` refuses them.
pub(super) fn check(
    settings: &Settings,
    claims: &Map<String, Value>,
    kind: Kind,
    now: Instant,
) -> Option<Bearer> {
    let may_lack = kind == Kind::Introspection;
    match claims.get("iss") {
        Some(issuer) => (issuer.as_str()? == settings.issuer).then_some(())?,
        None => may_lack.then_some(())?,
    }
    let asks_audience = !(may_lack && settings.audience.is_empty());
    if asks_audience && !is_for(claims.get("aud")?, &settings.audience)? {
        return None;
    }
    let ends = during(claims, may_lack, now)?;
    // Not asked for, since not every issuer tells it; but it is a text or a broken token.
    claims
        .get("sub")
        .is_none_or(Value::is_string)
        .then_some(())?;
    let names = &settings.claims;
    let scopes = match claims.get(&names.scopes) {
        Some(claim) => Some(scopes(settings, claim)?),
        None => None,
    };
    let tenant = names.tenant.as_ref().and_then(|name| claims.get(name));
    Some(Bearer {
        client: id(claims.get(&names.client)?)?,
        scopes,
        tenant: match tenant {
            Some(claim) => Some(id(claim)?),
            None => None,
        },
        ends,
        token_id: claims.get("jti").and_then(id),
    })
}

/// Whether one of `audience` is meant; `None` if the claim is neither a text nor a list of texts.
fn is_for(claim: &Value, audience: &[String]) -> Option<bool> {
    let is_us = |text: &str| audience.iter().any(|own| own == text);
    Some(texts(claim)?.into_iter().any(is_us))
}

/// A text, or a list of nothing but texts.
fn texts(claim: &Value) -> Option<Vec<&str>> {
    match claim {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// When the claims end, if they hold now.
fn during(claims: &Map<String, Value>, may_lack_end: bool, now: Instant) -> Option<Option<i64>> {
    let now = now.0.div_euclid(1000);
    for name in ["nbf", "iat"] {
        if let Some(claim) = claims.get(name)
            && date(claim)? > now.saturating_add(LEEWAY)
        {
            return None;
        }
    }
    match claims.get("exp") {
        Some(claim) => {
            let ends = date(claim)?;
            (now < ends).then_some(Some(ends))
        }
        None => may_lack_end.then_some(None),
    }
}

/// A whole number of seconds since the epoch. Fractions are refused: nobody needs them, and readers
/// differ in them.
fn date(claim: &Value) -> Option<i64> {
    claim
        .as_i64()
        .filter(|date| (0..=LAST_SECOND).contains(date))
}

fn id(claim: &Value) -> Option<String> {
    let text = claim.as_str()?;
    let fits = !text.trim().is_empty() && text.len() <= MAX_ID_BYTES && !text.contains('\0');
    fits.then(|| text.to_owned())
}

/// The scopes that a claim gives: words with blanks between them, or a list. A word that means none of
/// ours gives nothing.
fn scopes(settings: &Settings, claim: &Value) -> Option<Scopes> {
    let words = texts(claim)?.into_iter().flat_map(str::split_whitespace);
    let given = words.flat_map(|word| match &settings.scopes {
        Some(translated) => translated.get(word).map_or(&[][..], Vec::as_slice).to_vec(),
        None => Scope::named(word).into_iter().collect(),
    });
    Some(given.collect())
}
