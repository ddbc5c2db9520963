//! Any text is a token or is none. One that is read has exactly the parts that it was made of.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use linkbridge::edge::jwt::{MAX_BYTES, Token};

fuzz_target!(|text: &str| {
    if let Some(token) = Token::read(text) {
        assert!(text.len() <= MAX_BYTES && text.is_ascii());
        assert_eq!(text.matches('.').count(), 2);
        let _ = (token.is_own(), token.issuer());
    }
    // A line of a header and lines of claims, so that it need not find out about base64.
    if let Some((header, claims)) = text.split_once('\n') {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let made = format!("{}.{}.AA", part(header), part(claims));
        if let Some(token) = Token::read(&made) {
            let is_object = |text: &str| text.trim_start().starts_with('{');
            assert!(is_object(header) && is_object(claims));
            let _ = (token.is_own(), token.issuer());
        }
    }
});
