//! Tokens at rest: XChaCha20-Poly1305, bound to the row that they belong to.
//!
//! A sealed token is a random 24-byte nonce and the ciphertext with its tag. The tenant and the id of
//! the row are authenticated with it, so that a token cannot be moved to another link or tenant by
//! somebody who can write to the database but has no key.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::audit::AuditKey;
use super::task::{Step, Stop};
use crate::model::Secret;

const NONCE: usize = 24;

/// How the database names a key: the start of a hash, which says nothing about the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyId(pub(super) [u8; 8]);

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One key.
pub(super) struct Key {
    id: KeyId,
    cipher: XChaCha20Poly1305,
}

impl Key {
    pub(super) fn new(bytes: &Zeroizing<[u8; 32]>) -> Self {
        let hash: [u8; 32] = Sha256::new()
            .chain_update(b"linkbridge token key id\0")
            .chain_update(bytes.as_slice())
            .finalize()
            .into();
        let mut id = [0; 8];
        id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Self {
            id: KeyId(id),
            cipher: XChaCha20Poly1305::new((&**bytes).into()),
        }
    }
}

/// The row that a token belongs to.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// Which table, so that a pending link's token does not open as a link's.
    pub(super) table: &'static str,
    /// Whose.
    pub(super) tenant: &'a str,
    /// The id of the link, or the hash of the id of the pending link.
    pub(super) id: &'a [u8],
}

impl Row<'_> {
    /// Every part is prefixed with its length, so that no two rows give the same bytes.
    fn associated(&self) -> Vec<u8> {
        let parts = [self.table.as_bytes(), self.tenant.as_bytes(), self.id];
        let mut data = Vec::with_capacity(parts.iter().map(|p| p.len() + 8).sum());
        for part in parts {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part);
        }
        data
    }
}

/// A token as the database keeps it.
pub(super) struct Sealed {
    pub(super) key: KeyId,
    pub(super) bytes: Vec<u8>,
}

/// Every key of the store: one that seals, others that only open, and the one of the audit.
pub(super) struct Keyring {
    current: Key,
    older: Vec<Key>,
    audit: AuditKey,
}

impl Keyring {
    pub(super) fn new(current: Key, older: Vec<Key>, audit: AuditKey) -> Self {
        Self {
            current,
            older,
            audit,
        }
    }

    /// The key of the audit.
    pub(super) fn audit(&self) -> &AuditKey {
        &self.audit
    }

    /// The key that seals.
    pub(super) fn current(&self) -> KeyId {
        self.current.id
    }

    /// Whether a token that this key sealed can be opened.
    pub(super) fn has(&self, id: &[u8]) -> bool {
        self.find(id).is_some()
    }

    fn find(&self, id: &[u8]) -> Option<&Key> {
        std::iter::once(&self.current)
            .chain(&self.older)
            .find(|key| key.id.0 == id)
    }

    pub(super) fn seal(&self, row: Row<'_>, token: &Secret) -> Step<Sealed> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce)
            .map_err(|_| Stop::Damaged("the system gives no random bytes"))?;
        let payload = Payload {
            msg: token.expose().as_bytes(),
            aad: &row.associated(),
        };
        let sealed = self
            .current
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Stop::Damaged("a token cannot be sealed"))?;
        Ok(Sealed {
            key: self.current.id,
            bytes: [nonce.as_slice(), &sealed].concat(),
        })
    }

    pub(super) fn open(&self, row: Row<'_>, key: &[u8], sealed: &[u8]) -> Step<Secret> {
        let key = self
            .find(key)
            .ok_or(Stop::Damaged("a token names a key that is not here"))?;
        let (nonce, sealed) = sealed
            .split_first_chunk::<NONCE>()
            .ok_or(Stop::Damaged("a sealed token is too short"))?;
        let payload = Payload {
            msg: sealed,
            aad: &row.associated(),
        };
        let token = key
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| Stop::Damaged("a sealed token does not open"))?;
        String::from_utf8(token)
            .map(Secret::new)
            .map_err(|_| Stop::Damaged("an opened token is no text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(byte: u8) -> Keyring {
        Keyring::new(
            Key::new(&Zeroizing::new([byte; 32])),
            Vec::new(),
            AuditKey::passing(),
        )
    }

    fn row<'a>(tenant: &'a str, id: &'a [u8]) -> Row<'a> {
        Row {
            table: "links",
            tenant,
            id,
        }
    }

    #[test]
    fn a_token_opens_in_its_own_row_only() {
        let keys = ring(1);
        let token = Secret::new("opaque-1");
        let sealed = keys.seal(row("acme", b"id-1"), &token).ok().unwrap();
        let open = |row| keys.open(row, &sealed.key.0, &sealed.bytes).ok();
        assert_eq!(open(row("acme", b"id-1")), Some(token));
        assert_eq!(open(row("acme", b"id-2")), None);
        assert_eq!(open(row("acmei", b"d-1")), None);
        assert_eq!(
            open(Row {
                table: "pending",
                ..row("acme", b"id-1")
            }),
            None
        );
    }

    #[test]
    fn the_same_token_is_never_sealed_to_the_same_bytes() {
        let keys = ring(1);
        let seal = || {
            keys.seal(row("acme", b"id-1"), &Secret::new("opaque-1"))
                .ok()
                .unwrap()
                .bytes
        };
        assert_ne!(seal(), seal());
    }

    #[test]
    fn two_keys_have_two_names() {
        assert_ne!(ring(1).current(), ring(2).current());
        assert!(!ring(1).has(&ring(2).current().0));
    }
}
