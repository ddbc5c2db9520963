//! Which credential of its client a token was issued for, so that it ends with that credential.
//!
//! A token carries a mark: a hash over what the configuration has of the credential and over the token's own
//! name. Nobody learns a credential or its hash from it, two tokens of one credential have nothing in common,
//! and whoever has the configuration can tell whether the credential still is the client's.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::assertion::PublicKey;
use crate::edge::authn::Client;
use crate::edge::keys::KeyHash;

/// What stands before everything that is hashed here: no hash means anything elsewhere.
const PURPOSE: &[u8] = b"linkbridge token credential\0";
/// Bytes of a mark. The signature keeps it from being chosen, so that it only must not be another's by chance.
const MARK_BYTES: usize = 16;

/// A credential by which a client gets tokens, as far as it can be told from others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credential([u8; 32]);

/// Not shown: who has it can tell the tokens that were issued for it.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(***)")
    }
}

impl Credential {
    /// A key, which is a client's secret too.
    #[must_use]
    pub fn key(hash: &KeyHash) -> Self {
        Self::of(b"key\0", hash)
    }

    /// A public key of assertions. What it is called and whom it is for does not count: another key under an old
    /// name is another credential.
    #[must_use]
    pub fn public_key(key: &PublicKey) -> Self {
        Self::of(b"public key\0", key.digest())
    }

    fn of(kind: &[u8], what: &[u8; 32]) -> Self {
        let hash = Sha256::new().chain_update(PURPOSE).chain_update(kind);
        Self(hash.chain_update(what).finalize().into())
    }

    /// Everything by which a client gets tokens.
    fn all_of(client: &Client) -> impl Iterator<Item = Self> {
        let keys = client.keys.iter().map(Self::key);
        let signs = client.assertion_keys.iter();
        keys.chain(signs.map(|one| Self::public_key(&one.key)))
    }

    /// What the token of this name carries.
    pub(super) fn mark(&self, token: &str) -> String {
        let hash = Sha256::new().chain_update(PURPOSE).chain_update(self.0);
        let hash: [u8; 32] = hash.chain_update(token.as_bytes()).finalize().into();
        let (mark, _) = hash.split_at(MARK_BYTES);
        URL_SAFE_NO_PAD.encode(mark)
    }

    /// Whether one that the client has now is the one that the token of this name has the mark of.
    pub(super) fn is_still_of(client: &Client, token: &str, mark: &str) -> bool {
        Self::all_of(client).any(|credential| credential.mark(token) == mark)
    }
}
