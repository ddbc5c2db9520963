//! The key of the hashes that stand for accounts, names and documents.
//!
//! It is in a file of its own beside the database: whoever has the database alone cannot test guesses. A
//! record names the key that its hashes were made with.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The key.
pub(in crate::backend::embedded) struct AuditKey {
    id: [u8; 8],
    mac: Hmac<Sha256>,
}

impl AuditKey {
    pub(in crate::backend::embedded) fn new(bytes: &Zeroizing<[u8; 32]>) -> Self {
        let hash: [u8; 32] = Sha256::new()
            .chain_update(b"linkbridge audit key id\0")
            .chain_update(bytes.as_slice())
            .finalize()
            .into();
        let mut id = [0; 8];
        id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        // A key is as long as a block; HMAC fills a shorter one up with zeros.
        let mut block = Zeroizing::new([0; 64]);
        block
            .iter_mut()
            .zip(bytes.iter())
            .for_each(|(to, from)| *to = *from);
        let mac = Hmac::new((&*block).into());
        Self { id, mac }
    }

    /// A key for what is never committed.
    pub(in crate::backend::embedded) fn passing() -> Self {
        Self::new(&Zeroizing::new([0; 32]))
    }

    /// How records name it: the start of a hash, which says nothing about the key.
    pub(in crate::backend::embedded) fn id(&self) -> &[u8; 8] {
        &self.id
    }

    /// What stands for a text. `kind` says what it is, so that a name that is somebody's subject does not show.
    pub(in crate::backend::embedded) fn keyed(&self, kind: &str, text: &str) -> [u8; 32] {
        self.keyed_digest(kind, &Sha256::digest(text.as_bytes()).into())
    }

    /// The same of a text whose SHA-256 is all that is known: that of an older record, or of a pending link.
    pub(in crate::backend::embedded) fn keyed_digest(
        &self,
        kind: &str,
        sha256: &[u8; 32],
    ) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(sha256);
        mac.finalize().into_bytes().into()
    }

    /// What stands for an account's id.
    pub(in crate::backend::embedded) fn subject(&self, subject: &str) -> [u8; 32] {
        self.keyed("subject", subject)
    }
}
