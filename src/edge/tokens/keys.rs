//! The signing keys: made here, kept in a file of the data directory, changed from time to time.
//!
//! One key signs. A key that no longer does is kept without its private part for as long as its last token
//! can live. The file is replaced as a whole: after a crash there is the old one or the new one.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::aws_lc;
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::seconds;
use crate::model::MAX_TOKEN_SECONDS;

/// The version of the file.
const FORMAT: u32 = 1;
/// How many characters of a key's hash are its name.
const ID_CHARS: usize = 16;
/// Before the 32 bytes of a private key, so that the whole is PKCS #8 (RFC 8410, section 7).
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Why the signing keys cannot be used.
#[derive(Debug)]
pub struct KeyError {
    path: PathBuf,
    why: String,
}

impl KeyError {
    fn new(path: &Path, why: impl std::fmt::Display) -> Self {
        Self {
            path: path.to_owned(),
            why: why.to_string(),
        }
    }
}

impl std::fmt::Display for KeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path.display();
        write!(f, "the keys that sign tokens ({path}): {}", self.why)
    }
}

impl std::error::Error for KeyError {}

/// A key of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    made: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retired: Option<i64>,
    /// The private key, of the one that signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
    public: String,
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    keys: Vec<Stored>,
}

/// A key at work.
#[derive(Clone)]
struct Key {
    id: String,
    made: i64,
    /// When it signed last; `None` = it signs.
    retired: Option<i64>,
    public: Vec<u8>,
    seed: Option<Zeroizing<[u8; 32]>>,
}

/// All keys: at most one signs.
#[derive(Clone, Default)]
pub(super) struct Ring(Vec<Key>);

impl Ring {
    /// The key that signs, and its name.
    pub(super) fn signing(&self) -> Option<(&str, EncodingKey)> {
        let key = self.0.iter().find(|key| key.retired.is_none())?;
        let seed = key.seed.as_ref()?;
        Some((&key.id, EncodingKey::from_ed_der(&pkcs8(seed))))
    }

    /// The public part of the key of this name.
    pub(super) fn public(&self, id: &str) -> Option<DecodingKey> {
        let key = self.0.iter().find(|key| key.id == id)?;
        Some(DecodingKey::from_ed_der(&key.public))
    }

    /// The keys from now on; `None` if they stay as they are.
    pub(super) fn next(&self, now: i64, rotate: Duration) -> Result<Option<Self>, KeyError> {
        let is_live = |key: &&Key| {
            // A token may have been issued in the last moment of its key.
            let last = key.retired.map(|at| at.saturating_add(MAX_TOKEN_SECONDS));
            last.is_none_or(|last| now <= last)
        };
        let mut keys: Vec<Key> = self.0.iter().filter(is_live).cloned().collect();
        let is_young = |key: &Key| now < key.made.saturating_add(seconds(rotate));
        let signs = |key: &Key| key.retired.is_none() && key.seed.is_some() && is_young(key);
        if !keys.iter().any(signs) {
            for key in keys.iter_mut().filter(|key| key.retired.is_none()) {
                key.retired = Some(now);
                key.seed = None;
            }
            keys.insert(0, Key::generate(now)?);
        } else if keys.len() == self.0.len() {
            return Ok(None);
        }
        Ok(Some(Self(keys)))
    }

    #[cfg(test)]
    pub(super) fn ids(&self) -> Vec<String> {
        self.0.iter().map(|key| key.id.clone()).collect()
    }
}

impl Key {
    fn generate(now: i64) -> Result<Self, KeyError> {
        let nowhere = |why: &dyn std::fmt::Display| KeyError::new(Path::new("a new key"), why);
        let mut seed = Zeroizing::new([0_u8; 32]);
        getrandom::fill(seed.as_mut_slice()).map_err(|e| nowhere(&e))?;
        let public = public_of(&seed).ok_or_else(|| nowhere(&"it cannot be made"))?;
        Ok(Self {
            id: id_of(&public),
            made: now,
            retired: None,
            public,
            seed: Some(seed),
        })
    }

    /// A key of the file; `None` if it is not one.
    fn read(stored: &Stored) -> Option<Self> {
        let public = URL_SAFE_NO_PAD.decode(&stored.public).ok()?;
        let seed = match &stored.seed {
            Some(text) => {
                let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
                let seed = Zeroizing::new(<[u8; 32]>::try_from(bytes.as_slice()).ok()?);
                // The two parts belong together, else what is signed could not be verified.
                (public_of(&seed)? == public).then_some(seed)
            }
            None if stored.retired.is_none() => return None,
            None => None,
        };
        let is_whole = public.len() == 32 && seed.is_some() == stored.retired.is_none();
        is_whole.then(|| Self {
            id: id_of(&public),
            made: stored.made,
            retired: stored.retired,
            public,
            seed,
        })
    }

    fn stored(&self) -> Stored {
        let seed = self.seed.as_ref();
        Stored {
            made: self.made,
            retired: self.retired,
            seed: seed.map(|seed| URL_SAFE_NO_PAD.encode(seed.as_slice())),
            public: URL_SAFE_NO_PAD.encode(&self.public),
        }
    }
}

fn pkcs8(seed: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let mut der = Zeroizing::new(Vec::with_capacity(PKCS8.len() + seed.len()));
    der.extend_from_slice(&PKCS8);
    der.extend_from_slice(seed);
    der
}

fn public_of(seed: &[u8; 32]) -> Option<Vec<u8>> {
    let utils = &aws_lc::DEFAULT_PROVIDER.key_utils;
    (utils.ed_pub_components_from_private_key)(&pkcs8(seed), &EllipticCurve::Ed25519).ok()
}

fn id_of(public: &[u8]) -> String {
    let mut id = URL_SAFE_NO_PAD.encode(Sha256::digest(public));
    id.truncate(ID_CHARS);
    id
}

/// The keys of a file; none if there is no file.
pub(super) fn read(path: &Path) -> Result<Ring, KeyError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Ring::default()),
        Err(e) => return Err(KeyError::new(path, e)),
    };
    if is_exposed(&file).map_err(|e| KeyError::new(path, e))? {
        let why = "others than the owner may read them; make the file readable for its owner only (chmod 600), or \
                   remove it if somebody may have read it: new keys are made, and clients ask for new tokens";
        return Err(KeyError::new(path, why));
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text)
        .map_err(|e| KeyError::new(path, e))?;
    parse(&text).ok_or_else(|| {
        let why = "this is not a file of keys as linkbridge writes it; if it is removed, new keys are made, and \
                   clients ask for new tokens";
        KeyError::new(path, why)
    })
}

fn parse(text: &str) -> Option<Ring> {
    let document: Document = serde_json::from_str(text).ok()?;
    let keys: Option<Vec<Key>> = document.keys.iter().map(Key::read).collect();
    let ring = Ring(keys.filter(|_| document.format == FORMAT)?);
    let n_signing = ring.0.iter().filter(|key| key.retired.is_none()).count();
    (n_signing <= 1).then_some(ring)
}

/// Replaces the file.
pub(super) fn write(path: &Path, ring: &Ring) -> Result<(), KeyError> {
    let document = Document {
        format: FORMAT,
        keys: ring.0.iter().map(Key::stored).collect(),
    };
    let text = serde_json::to_vec(&document).map_err(|e| KeyError::new(path, e))?;
    replace(path, &Zeroizing::new(text)).map_err(|e| KeyError::new(path, e))
}

fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("keys.new");
    // One that a crash has left behind may have other permissions.
    match std::fs::remove_file(&draft) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = private().write(true).create_new(true).open(&draft)?;
    file.write_all(text)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    match path.parent() {
        Some(directory) if cfg!(unix) => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

/// Options that give a new file to its owner only.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Whether somebody else than the owner may read the file, by its permission bits.
fn is_exposed(file: &File) -> std::io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        Ok(false)
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
