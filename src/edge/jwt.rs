//! Reading a JSON Web Token (RFC 7519, in the compact form of RFC 7515), before anything of it is believed.
//!
//! What is read here is what is checked later: nothing looks at the text a second time. Strict where
//! RFC 8725 is: three parts, base64url without padding, no name twice, no header that changes how the
//! rest is to be understood.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::json;

/// The longest token that is looked at.
pub const MAX_BYTES: usize = 8 * 1024;
/// The `typ` of tokens that linkbridge issues itself. No other issuer can vouch for one.
pub const OWN_TYP: &str = "linkbridge+jwt";

/// The longest `kid`, `alg` or `typ`.
const MAX_WORD_BYTES: usize = 512;
/// Headers that would change how the token is to be read. Each is refused, whatever it says. Those that
/// bring or point at a key (`jku`, `jwk`, `x5u`, `x5c`) are not looked at.
const REFUSED_HEADERS: &[&str] = &["crit", "b64", "zip", "enc"];

/// A token that can be read. Its signature has not been checked.
pub struct Token<'t> {
    /// What is signed: the first two parts with their dot.
    pub(in crate::edge) signed: &'t str,
    /// The third part.
    pub(in crate::edge) signature: &'t str,
    pub(in crate::edge) alg: String,
    pub(in crate::edge) kid: Option<String>,
    pub(in crate::edge) typ: Option<String>,
    pub(in crate::edge) claims: Map<String, Value>,
}

impl<'t> Token<'t> {
    /// Reads a token; `None` if it is not exactly one.
    #[must_use]
    pub fn read(text: &'t str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if payload.contains('.') || signature.is_empty() {
            return None;
        }
        // Decoded for its form; the signature is compared elsewhere, from the same text.
        URL_SAFE_NO_PAD.decode(signature).ok()?;
        let header = json::object(&URL_SAFE_NO_PAD.decode(header).ok()?)?;
        if REFUSED_HEADERS
            .iter()
            .any(|name| header.contains_key(*name))
        {
            return None;
        }
        // A token inside of a token.
        let content = word(&header, "cty")?;
        if content.is_some_and(|cty| media_type(&cty) == "jwt") {
            return None;
        }
        Some(Self {
            signed,
            signature,
            alg: word(&header, "alg")??,
            kid: word(&header, "kid")?,
            typ: word(&header, "typ")?,
            claims: json::object(&URL_SAFE_NO_PAD.decode(payload).ok()?)?,
        })
    }

    /// The claims, as the type has them; `None` if they are not so. Nobody vouches for them yet.
    pub(in crate::edge) fn claims_as<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(Value::Object(self.claims.clone())).ok()
    }

    /// Whether the holder of this key has signed it with this algorithm. What the header says of the
    /// algorithm does not count.
    pub(in crate::edge) fn is_signed_by(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        let signed = self.signed.as_bytes();
        crypto::verify(self.signature, signed, key, algorithm).unwrap_or(false)
    }

    /// Whether it says that linkbridge has issued it.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.typ
            .as_deref()
            .is_some_and(|typ| media_type(typ) == OWN_TYP)
    }

    /// Who it says has issued it.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss")?.as_str()
    }

    /// Whether its `typ` is among these; none of them asks for nothing.
    pub(in crate::edge) fn has_typ_of(&self, allowed: &[String]) -> bool {
        let is_given = |typ: &String| {
            let given = self.typ.as_deref().map(media_type);
            given.is_some_and(|given| given == media_type(typ))
        };
        allowed.is_empty() || allowed.iter().any(is_given)
    }
}

/// Never shows the token.
impl std::fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(***)")
    }
}

/// A header that is a text of bearable length. The outer `None` means that it is something else.
fn word(header: &Map<String, Value>, name: &str) -> Option<Option<String>> {
    match header.get(name) {
        None => Some(None),
        Some(Value::String(text)) if text.len() <= MAX_WORD_BYTES => Some(Some(text.clone())),
        Some(_) => None,
    }
}

/// A media type of RFC 7515: in any case, and `application/` may be left out.
fn media_type(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    match lower.strip_prefix("application/") {
        Some(rest) if !rest.contains('/') => rest.to_owned(),
        _ => lower,
    }
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
        assert!(Token::read(&plain).is_some());
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
            assert!(Token::read(bad).is_none(), "{bad}");
        }
    }
}
