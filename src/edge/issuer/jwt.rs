//! Reading a JSON Web Token (RFC 7519, in the compact form of RFC 7515), before anything of it is believed.
//!
//! What is read here is what is checked later: nothing looks at the text a second time. Strict where
//! RFC 8725 is: three parts, base64url without padding, no name twice, no header that changes how the
//! rest is to be understood.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::json;

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
    pub(super) signed: &'t str,
    /// The third part.
    pub(super) signature: &'t str,
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
    pub(super) claims: Map<String, Value>,
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
    pub(super) fn has_typ_of(&self, allowed: &[String]) -> bool {
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
