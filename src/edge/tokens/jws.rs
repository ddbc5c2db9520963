//! Writing signed tokens in their compact form (RFC 7515).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde::Serialize;

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
