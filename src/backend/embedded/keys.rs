//! Where the keys of the tokens come from: the settings, or a file beside the database.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use rusqlite::{Connection, OptionalExtension};
use zeroize::Zeroizing;

use super::audit::AuditKey;
use super::files::{self, Files};
use super::seal::{Key, Keyring};
use super::settings::OpenError;
use crate::model::Secret;

/// What a usable key looks like, for messages.
const FORM: &str =
    "a key is 32 bytes, written in base64 (43 or 44 characters) or hex (64 characters)";

/// The keys of a store: those of the settings, then the one of the key file.
///
/// The key file is read beside configured keys too, so that going over to a configured key needs no
/// copying of the file's. It is made only where no key exists and no token is sealed yet: a new key
/// in place of a lost one would hide the loss until a token is wanted.
pub(super) fn load(
    files: &Files,
    configured: &[Secret],
    audit: AuditKey,
    conn: &Connection,
) -> Result<Keyring, OpenError> {
    let mut keys = Vec::with_capacity(configured.len() + 1);
    for (index, text) in configured.iter().enumerate() {
        let bytes = parse(text.expose()).ok_or_else(|| OpenError::KeyUnreadable {
            place: format!("token key {} of the configuration", index + 1),
            why: FORM.to_owned(),
        })?;
        keys.push(Key::new(&bytes));
    }
    keys.extend(read(&files.key())?.map(|bytes| Key::new(&bytes)));
    let mut keys = keys.into_iter();
    let ring = match keys.next() {
        Some(current) => Keyring::new(current, keys.collect(), audit),
        None => {
            if let Some(key) = sealing_keys(files, conn)?.first() {
                return Err(missing(files, key));
            }
            let path = files.key();
            let made = make(files, &path)?;
            tracing::info!(path = %path.display(), "made a new key for tokens; keep a copy apart from backups of the database");
            Keyring::new(Key::new(&made), Vec::new(), audit)
        }
    };
    match sealing_keys(files, conn)?.iter().find(|key| !ring.has(key)) {
        Some(key) => Err(missing(files, key)),
        None => Ok(ring),
    }
}

fn missing(files: &Files, key: &[u8]) -> OpenError {
    let key = key.iter().map(|byte| format!("{byte:02x}")).collect();
    OpenError::KeyMissing {
        key,
        path: files.key(),
    }
}

/// The keys that sealed a token which is still there.
fn sealing_keys(files: &Files, conn: &Connection) -> Result<Vec<Vec<u8>>, OpenError> {
    let ask = || -> rusqlite::Result<Vec<Vec<u8>>> {
        let mut all = conn.prepare("SELECT key_id FROM token_keys")?;
        let mut used = conn.prepare(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM links WHERE token_key = ?1) \
             OR EXISTS (SELECT 1 FROM pending WHERE token_key = ?1) \
             OR EXISTS (SELECT 1 FROM upstream_links WHERE token_key = ?1)",
        )?;
        let mut found = Vec::new();
        for key in all.query_map([], |row| row.get::<_, Vec<u8>>(0))? {
            let key = key?;
            if used.query_row([&key], |_| Ok(())).optional()?.is_some() {
                found.push(key);
            }
        }
        Ok(found)
    };
    ask().map_err(|e| OpenError::sqlite(&files.database(), &e))
}

/// The key of the audit, which is made where there is none. Losing it costs no more than that accounts in older
/// records cannot be compared with those in new ones.
pub(super) fn audit(files: &Files) -> Result<AuditKey, OpenError> {
    let path = files.audit_key();
    let bytes = match read(&path)? {
        Some(bytes) => bytes,
        None => {
            let made = make(files, &path)?;
            tracing::info!(path = %path.display(), "made a new key for accounts in the audit; keep a copy apart from backups of the database");
            made
        }
    };
    Ok(AuditKey::new(&bytes))
}

/// Reads the file of a key, if there is one.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<[u8; 32]>>, OpenError> {
    let unreadable = |why: String| OpenError::KeyUnreadable {
        place: path.display().to_string(),
        why,
    };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unreadable(e.to_string())),
    };
    if files::is_exposed(&file).map_err(|e| unreadable(e.to_string()))? {
        return Err(unreadable(
            "others than the owner may read this key; make the file readable for its owner only (chmod 600), \
             and replace the key if somebody may have read it"
                .to_owned(),
        ));
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text)
        .map_err(|e| unreadable(e.to_string()))?;
    parse(&text)
        .map(Some)
        .ok_or_else(|| unreadable(FORM.to_owned()))
}

fn make(files: &Files, path: &Path) -> Result<Zeroizing<[u8; 32]>, OpenError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|e| OpenError::Io {
        path: path.to_owned(),
        why: format!("the system gives no random bytes: {e}"),
    })?;
    let text = Zeroizing::new(general_purpose::STANDARD.encode(bytes.as_slice()) + "\n");
    files
        .replace(path, &text)
        .map_err(|e| OpenError::io(path, &e))?;
    Ok(bytes)
}

/// Reads a key in any of the forms that people paste.
fn parse(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let text = text.trim();
    let mut bytes = Zeroizing::new(Vec::new());
    if text.len() == 64 {
        for pair in text.as_bytes().chunks(2) {
            let digits = std::str::from_utf8(pair)
                .ok()
                .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        }
    } else {
        let alphabet = if text.contains(['-', '_']) {
            &alphabet::URL_SAFE
        } else {
            &alphabet::STANDARD
        };
        *bytes = GeneralPurpose::new(alphabet, CONFIG).decode(text).ok()?;
    }
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_hex_and_in_both_alphabets_of_base64() {
        let want = [0xfb; 32];
        let forms = [
            "fb".repeat(32),
            "FB".repeat(32),
            general_purpose::STANDARD.encode(want),
            general_purpose::STANDARD_NO_PAD.encode(want),
            general_purpose::URL_SAFE.encode(want),
            general_purpose::URL_SAFE_NO_PAD.encode(want) + "\n",
        ];
        for form in forms {
            assert_eq!(parse(&form).as_deref(), Some(&want), "{form}");
        }
    }

    #[test]
    fn other_lengths_and_letters_are_no_key() {
        for form in [
            "",
            "fb",
            &"+b".repeat(32),
            &"fb".repeat(31),
            &general_purpose::STANDARD.encode([1; 31]),
        ] {
            assert!(parse(form).is_none(), "{form}");
        }
    }
}
