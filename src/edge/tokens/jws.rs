//! Signed tokens in their compact form (RFC 7515), read strictly, and their signatures.
//!
//! Who signed is not known before the signature was verified: until then nothing but the header's hints and
//! the name of the key to try is taken from a token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

/// The longest token that is looked at, in bytes.
const MAX_BYTES: usize = 8192;

/// The members of a header that mean something here; a second one of the same name is refused. A key or an
/// address of one in a header is never followed.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    #[serde(default)]
    pub(super) kid: Option<String>,
    #[serde(default)]
    pub(super) typ: Option<String>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

/// A token that has the right form. Nothing of it has been verified.
pub(super) struct Unverified<'t> {
    pub(super) header: Header,
    payload: Vec<u8>,
    message: &'t str,
    signature: &'t str,
}

impl<'t> Unverified<'t> {
    /// Reads a token; `None` if it has not the form of one, or wants something that is not understood.
    pub(super) fn read(token: &'t str) -> Option<Self> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        let is_signature = !signature.is_empty() && URL_SAFE_NO_PAD.decode(signature).is_ok();
        if payload.contains('.') || !is_signature {
            return None;
        }
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        // What is critical must be understood, and nothing is.
        header.crit.is_none().then_some(())?;
        Some(Self {
            header,
            payload: URL_SAFE_NO_PAD.decode(payload).ok()?,
            message,
            signature,
        })
    }

    /// The claims, as the type has them. Nobody vouches for them yet.
    pub(super) fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.payload).ok()
    }

    /// Whether the holder of this key has signed it with this algorithm. What the header says of the
    /// algorithm does not count.
    pub(super) fn is_signed_by(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        let message = self.message.as_bytes();
        crypto::verify(self.signature, message, key, algorithm).unwrap_or(false)
    }
}

/// What stands in the header of a token of ours.
#[derive(Serialize)]
struct OwnHeader<'a> {
    typ: &'a str,
    alg: &'a str,
    kid: &'a str,
}

/// Writes a token and signs it with Ed25519; `None` if it cannot be signed.
pub(super) fn write<T: Serialize>(
    typ: &str,
    kid: &str,
    claims: &T,
    key: &EncodingKey,
) -> Option<String> {
    let part = |json: Vec<u8>| URL_SAFE_NO_PAD.encode(json);
    let header = OwnHeader {
        typ,
        alg: "EdDSA",
        kid,
    };
    let header = part(serde_json::to_vec(&header).ok()?);
    let message = format!("{header}.{}", part(serde_json::to_vec(claims).ok()?));
    let signature = crypto::sign(message.as_bytes(), key, Algorithm::EdDSA).ok()?;
    Some(format!("{message}.{signature}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, payload: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", part(header), part(payload))
    }

    #[test]
    fn what_has_not_the_form_of_a_token_is_none() {
        let plain = token(r#"{"alg":"EdDSA"}"#, "{}");
        assert!(Unverified::read(&plain).is_some());
        let padded = plain.replacen('.', "=.", 1);
        let (head, _) = plain.rsplit_once('.').unwrap();
        for bad in [
            "",
            ".",
            "..",
            "a.b.c",
            head,
            &format!("{head}."),
            &format!("{plain}.x"),
            &format!("{plain} "),
            &padded,
            &token("[]", "{}"),
            &token("{}", "{}"),
            &token(r#"{"alg":"EdDSA","crit":["exp"]}"#, "{}"),
            &token(r#"{"alg":"EdDSA","crit":[]}"#, "{}"),
            &token(r#"{"alg":"EdDSA","alg":"none"}"#, "{}"),
            &token(r#"{"alg":"EdDSA","kid":"a","kid":"b"}"#, "{}"),
            &token(r#"{"alg":7}"#, "{}"),
            &"a".repeat(9000),
        ] {
            assert!(Unverified::read(bad).is_none(), "{bad}");
        }
    }
}
