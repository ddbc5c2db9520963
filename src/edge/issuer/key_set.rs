//! The public keys of an issuer (RFC 7517), each bound to the algorithms that it may be used with.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::algorithm::{Algorithm, Kind};
use crate::edge::jwt::Token;
use crate::json;

/// The most keys of a set that are looked at.
const MAX_KEYS: usize = 100;
/// The most keys that one token is tried with.
const MAX_TRIED: usize = 8;
/// RSA keys that are large enough, and small enough to be checked in time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Members that only a private or shared key has.
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Keys that can be used.
pub(super) struct KeySet(Vec<Key>);

struct Key {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// What a set says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A key of the set has signed it.
    Signed,
    /// The set has the key that the token names, and it has not signed it.
    Forged,
    /// The set has no such key, or the token names none: a newer set may know.
    Unknown,
}

impl KeySet {
    /// Reads a set. Keys that cannot be used here are left out: a set may hold keys for other purposes.
    pub(super) fn read(bytes: &[u8], allowed: &[Algorithm]) -> Option<Self> {
        let set = json::object(bytes)?;
        let keys = set.get("keys")?.as_array()?;
        let objects = keys.iter().take(MAX_KEYS).filter_map(Value::as_object);
        Some(Self(
            objects.filter_map(|jwk| Key::read(jwk, allowed)).collect(),
        ))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a key of this set has signed the token by this algorithm.
    pub(super) fn verdict(&self, token: &Token<'_>, algorithm: Algorithm) -> Verdict {
        let is_meant = |key: &&Key| token.kid.is_none() || key.kid == token.kid;
        let mut meant = self.0.iter().filter(is_meant).peekable();
        if meant.peek().is_none() {
            return Verdict::Unknown;
        }
        let fitting = meant.filter(|key| key.algorithms.contains(&algorithm));
        let is_signed = fitting
            .take(MAX_TRIED)
            .any(|key| key.has_signed(token, algorithm));
        match (is_signed, &token.kid) {
            (true, _) => Verdict::Signed,
            (false, Some(_)) => Verdict::Forged,
            (false, None) => Verdict::Unknown,
        }
    }
}

impl Key {
    fn read(jwk: &Map<String, Value>, allowed: &[Algorithm]) -> Option<Self> {
        let says = |name: &str| jwk.get(name).map(Value::as_str);
        if PRIVATE.iter().any(|name| jwk.contains_key(*name)) || !may_verify(jwk) {
            return None;
        }
        let (kind, key) = material(jwk)?;
        let bound = match says("alg") {
            Some(alg) => Some(Algorithm::named(alg?)?),
            None => None,
        };
        let fits = |a: &Algorithm| a.kind() == kind && bound.is_none_or(|bound| bound == *a);
        let algorithms: Vec<_> = allowed.iter().copied().filter(fits).collect();
        let kid = match says("kid") {
            Some(kid) => Some(kid?.to_owned()),
            None => None,
        };
        (!algorithms.is_empty()).then_some(Self {
            kid,
            algorithms,
            key,
        })
    }

    fn has_signed(&self, token: &Token<'_>, algorithm: Algorithm) -> bool {
        token.is_signed_by(&self.key, algorithm.jose())
    }
}

/// Whether the key is for signatures, as far as it says.
fn may_verify(jwk: &Map<String, Value>) -> bool {
    let use_fits = jwk.get("use").is_none_or(|u| u.as_str() == Some("sig"));
    let ops_fit = jwk.get("key_ops").is_none_or(|ops| {
        let ops = ops.as_array();
        ops.is_some_and(|ops| ops.iter().any(|op| op.as_str() == Some("verify")))
    });
    use_fits && ops_fit
}

fn material(jwk: &Map<String, Value>) -> Option<(Kind, DecodingKey)> {
    let text = |name: &str| jwk.get(name)?.as_str();
    match (text("kty")?, text("crv")) {
        ("RSA", _) => Some((Kind::Rsa, rsa(&bytes(text("n")?)?, &bytes(text("e")?)?)?)),
        ("EC", Some("P-256")) => Some((Kind::P256, point(text("x")?, text("y")?, 32)?)),
        ("EC", Some("P-384")) => Some((Kind::P384, point(text("x")?, text("y")?, 48)?)),
        ("OKP", Some("Ed25519")) => {
            let x = text("x").filter(|x| bytes(x).is_some_and(|x| x.len() == 32))?;
            Some((Kind::Ed25519, DecodingKey::from_ed_components(x).ok()?))
        }
        _ => None,
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<DecodingKey> {
    let modulus = without_zeros(modulus);
    let exponent = without_zeros(exponent);
    let top = modulus.first()?.leading_zeros() as usize;
    let bits = modulus.len() * 8 - top;
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    // An exponent of one would let everybody sign.
    let exponent_fits = exponent.len() <= 4 && is_odd(exponent) && exponent != [1];
    let fits = RSA_BITS.contains(&bits) && is_odd(modulus) && exponent_fits;
    fits.then(|| DecodingKey::from_rsa_raw_components(modulus, exponent))
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn point(x: &str, y: &str, length: usize) -> Option<DecodingKey> {
    let fits = |text: &str| bytes(text).is_some_and(|bytes| bytes.len() == length);
    if !fits(x) || !fits(y) {
        return None;
    }
    DecodingKey::from_ec_components(x, y).ok()
}
