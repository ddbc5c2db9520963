//! HTTP Basic authentication of clients (RFC 7617, as RFC 6749 section 2.3.1 has it): name and secret are
//! encoded as in a form, then joined by a colon, then written in base64.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use zeroize::Zeroizing;

use super::form;
use crate::model::Why;

/// The scheme word, compared without regard to case.
const SCHEME: &str = "Basic";

/// Clients differ in whether they write the padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The name and the secret of a header; `None` if it is of another scheme.
pub(super) fn read(header: &str) -> Option<Result<(String, String), Why>> {
    let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return None;
    }
    Some(pair(rest.trim()).ok_or(Why::Malformed))
}

fn pair(encoded: &str) -> Option<(String, String)> {
    let bytes = Zeroizing::new(LENIENT.decode(encoded).ok()?);
    let text = std::str::from_utf8(&bytes).ok()?;
    let (name, secret) = text.split_once(':')?;
    let (name, secret) = (form::decode(name)?, form::decode(secret)?);
    (!name.is_empty()).then_some((name, secret))
}

/// The header of a name and a secret.
pub(super) fn write(name: &str, secret: &str) -> String {
    let pair = Zeroizing::new(format!("{}:{}", form::encode(name), form::encode(secret)));
    format!("{SCHEME} {}", STANDARD.encode(&*pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn got(header: &str) -> Option<Result<(String, String), Why>> {
        read(header)
    }

    #[test]
    fn the_example_of_rfc_7617_is_read() {
        let pair = ("Aladdin".to_owned(), "open sesame".to_owned());
        for header in [
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "basic QWxhZGRpbjpvcGVuIHNlc2FtZQ",
        ] {
            assert_eq!(got(header), Some(Ok(pair.clone())));
        }
    }

    #[test]
    fn name_and_secret_are_encoded_as_in_a_form() {
        // printf 'a%%3Ab:x%%2By+z' | base64
        let pair = ("a:b".to_owned(), "x+y z".to_owned());
        assert_eq!(got("Basic YSUzQWI6eCUyQnkreg=="), Some(Ok(pair)));
        let written = write("a:b", "x+y z");
        assert_eq!(written, "Basic YSUzQWI6eCUyQnkreg==");
    }

    #[test]
    fn another_scheme_is_nothing_and_a_broken_one_is_a_problem() {
        assert_eq!(got("Bearer abc"), None);
        // Without a colon, without a name, no base64, no UTF-8 (twice), nothing.
        for bad in ["YWJj", "OmFiYw==", "!!", "/zph", "JWZmOmE=", ""] {
            assert_eq!(
                got(&format!("Basic {bad}")),
                Some(Err(Why::Malformed)),
                "{bad}"
            );
        }
    }
}
