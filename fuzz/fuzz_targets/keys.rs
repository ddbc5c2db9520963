//! Any text is a key, a hash, a public key or a certificate, or is none. What is read is what was written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use linkbridge::edge::keys;
use linkbridge::edge::tls::{ClientTrust, Identity};
use linkbridge::edge::tokens::assertion::PublicKey;
use linkbridge::edge::tokens::looks_like_ours;
use linkbridge::model::Secret;

fuzz_target!(|text: &str| {
    let hash = keys::hash(text);
    assert_eq!(keys::from_hex(&keys::to_hex(&hash)), Some(hash));
    if let Some(read) = keys::from_hex(text) {
        assert!(keys::to_hex(&read).eq_ignore_ascii_case(text));
    }
    assert!(!keys::is_ours(text) || text.starts_with("lb_"));
    // No text has more than eight bits in each byte, with the tenth that the estimate adds.
    assert!(u64::from(keys::estimated_bits(text)) <= text.len() as u64 * 9);
    if let Ok(Some(key)) = keys::generate(text) {
        assert!(keys::is_ours(key.expose()) && keys::estimated_bits(key.expose()) >= 128);
    }
    let _ = looks_like_ours(text);
    let _ = PublicKey::from_pem(text);
    let _ = ClientTrust::read(text, text, false);
    let _ = Identity::read(text, &Secret::new(text));
});
