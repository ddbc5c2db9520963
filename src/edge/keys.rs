//! Client keys: their form, their making, and whether an adopted one is strong enough.
//!
//! A key is `lb_<name>_<secret><checksum>`: 256 random bits in base64url (43 characters) and six
//! characters of a checksum, so that a scanner recognizes a leaked key offline. Only its SHA-256 is
//! ever kept; a slow hash would add nothing to 256 random bits and would be a lever for overload.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::model::Secret;

/// The key of `config.example.toml`. It is public, so it works on loopback listeners only.
pub const EXAMPLE_KEY: &str = "lb_example_4UgqBPmk2Ka1h0UAtkX59Rr3UPoSCFcx8l5XxndStdog4qeqT";

/// The least entropy of an adopted key, in bits.
pub const MIN_BITS: u32 = 128;

const SECRET_BYTES: usize = 32;
const SECRET_CHARS: usize = 43;
const CHECKSUM_CHARS: usize = 6;

/// The SHA-256 of a key: all that linkbridge keeps of it.
pub type KeyHash = [u8; 32];

/// The hash that the configuration names a key by.
#[must_use]
pub fn hash(key: &str) -> KeyHash {
    Sha256::digest(key.as_bytes()).into()
}

/// A hash as the configuration writes it.
#[must_use]
pub fn to_hex(hash: &KeyHash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads 64 hexadecimal digits.
#[must_use]
pub fn from_hex(text: &str) -> Option<KeyHash> {
    let mut hash = KeyHash::default();
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != hash.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
        let digit = |c: u8| {
            char::from(c)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(hash)
}

/// Whether `hash` is that of the published example key.
#[must_use]
pub fn is_example(hash: &KeyHash) -> bool {
    *hash == self::hash(EXAMPLE_KEY)
}

/// A new key for `name`; `None` if the name is not made of letters, digits and hyphens.
///
/// # Errors
/// If the operating system has no random numbers.
pub fn generate(name: &str) -> Result<Option<Secret>, getrandom::Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Ok(None);
    }
    let mut bytes = [0_u8; SECRET_BYTES];
    getrandom::fill(&mut bytes)?;
    let body = format!("lb_{name}_{}", URL_SAFE_NO_PAD.encode(bytes));
    let checksum = checksum(&body);
    Ok(Some(Secret::new(body + &checksum)))
}

/// 256 random bits as text: the id of a pending link.
///
/// # Errors
/// If the operating system has no random numbers.
pub fn random_id() -> Result<Secret, getrandom::Error> {
    let mut bytes = [0_u8; SECRET_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

/// Whether `key` has our form and a right checksum.
#[must_use]
pub fn is_ours(key: &str) -> bool {
    let Some(split) = key.len().checked_sub(CHECKSUM_CHARS) else {
        return false;
    };
    let (Some(body), Some(given)) = (key.get(..split), key.get(split..)) else {
        return false;
    };
    body.starts_with("lb_") && body.len() > SECRET_CHARS && checksum(body) == given
}

fn checksum(body: &str) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(hash(body));
    text.truncate(CHECKSUM_CHARS);
    text
}

/// An estimate of a key's entropy in bits, from its characters' own frequencies. A key of our own making
/// has the bits that went into it, whatever they look like.
///
/// A pattern such as `abcabc…` counts once, and a text without a digit counts as words, at two bits
/// a character: a long but guessable phrase must not pass for a random key.
#[must_use]
pub fn estimated_bits(key: &str) -> u32 {
    if is_ours(key) {
        return u32::try_from(SECRET_BYTES * 8).unwrap_or(u32::MAX);
    }
    let unrepeated = shortest_period(key.as_bytes());
    if !unrepeated.iter().any(u8::is_ascii_digit) {
        return u32::try_from(unrepeated.len() * 2).unwrap_or(u32::MAX);
    }
    let mut counts = [0_u32; 256];
    for byte in unrepeated {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = unrepeated.len() as f64;
    let bits: f64 = counts
        .iter()
        .filter(|n| **n > 0)
        .map(|n| f64::from(*n))
        .map(|n| n * (total / n).log2())
        .sum();
    // A random sample shows less variety than its alphabet has; a tenth makes up for that. Were it
    // left out, 32 random hexadecimal digits would seldom reach 128 bits.
    (bits * 1.1).floor().max(0.0) as u32
}

fn shortest_period(bytes: &[u8]) -> &[u8] {
    for period in 1..=bytes.len() / 2 {
        let repeats = bytes
            .iter()
            .zip(bytes.iter().skip(period))
            .all(|(a, b)| a == b);
        if repeats {
            return bytes.get(..period).unwrap_or(bytes);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_has_the_published_form_and_enough_entropy() {
        let key = generate("billing").unwrap().unwrap();
        assert!(is_ours(key.expose()));
        assert_eq!(
            key.expose().len(),
            "lb_billing_".len() + SECRET_CHARS + CHECKSUM_CHARS
        );
        assert!(estimated_bits(key.expose()) >= MIN_BITS);
        assert!(generate("no_underscore").unwrap().is_none());
    }

    /// One key in some four thousand has no digit, and would count as words.
    #[test]
    fn a_key_of_ours_is_strong_without_a_digit() {
        let key = ('A'..='Z')
            .map(|first| format!("lb_x_{first}{}", "QkZtWpLs_v".repeat(5)))
            .map(|body| body.chars().take(5 + SECRET_CHARS).collect::<String>())
            .map(|body| body.clone() + &checksum(&body))
            .find(|key| !key.bytes().any(|c| c.is_ascii_digit()))
            .unwrap();
        assert!(is_ours(&key));
        assert!(estimated_bits(&key) >= MIN_BITS, "{key}");
        assert!(estimated_bits(&key.replace("lb_x_", "lb_y_")) < MIN_BITS);
    }

    #[test]
    fn the_example_key_is_a_valid_key() {
        assert!(is_ours(EXAMPLE_KEY));
        assert!(is_example(&hash(EXAMPLE_KEY)));
        assert!(!is_ours(&EXAMPLE_KEY.replace("example", "exemple")));
    }

    #[test]
    fn a_hash_survives_its_text() {
        let digest = hash("a key");
        assert_eq!(from_hex(&to_hex(&digest)), Some(digest));
        assert_eq!(from_hex("xyz"), None);
        assert_eq!(from_hex(&"é".repeat(32)), None);
    }

    #[test]
    fn weak_keys_are_told_from_random_ones() {
        for weak in [
            "",
            "secret",
            "correct horse battery staple, said the very old horse",
            &"abcdef0123".repeat(20),
            &"a".repeat(99),
        ] {
            assert!(
                estimated_bits(weak) < MIN_BITS,
                "{weak:?} passes for random"
            );
        }
        for strong in [
            "bf69486b-4733-4470-a592-f1bfce7af580x8Kd",
            "5EU_q-5Rr9p2O0hrl2SPpXVuZQ3rz7Gh0GBpO9Qe",
        ] {
            assert!(
                estimated_bits(strong) >= MIN_BITS,
                "{strong:?} passes for weak"
            );
        }
    }
}
