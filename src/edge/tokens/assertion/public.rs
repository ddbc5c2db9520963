//! Public keys of clients: RSA, P-256 and Ed25519, each bound to one algorithm.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::crypto::aws_lc;
use jsonwebtoken::{Algorithm, DecodingKey};
use sha2::{Digest, Sha256};

/// The least size of an RSA key, in bits.
const MIN_RSA_BITS: usize = 2048;
/// The largest, in bits: a larger one would make each verification dear.
const MAX_RSA_BITS: usize = 8192;

/// What stands before the point of a P-256 key: the algorithm, the curve, the length (RFC 5480).
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// What stands before the bytes of an Ed25519 key (RFC 8410).
const ED25519: &[u8] = &[
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A public key with the only algorithm that it is used with.
#[derive(Clone)]
pub struct PublicKey {
    key: DecodingKey,
    algorithm: Algorithm,
    digest: [u8; 32],
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({})", self.algorithm_name())
    }
}

/// Why a text is not a key that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKeyFault {
    /// It is not a public key in PEM.
    NotPem,
    /// It is a private key, which only its owner should have.
    Private,
    /// It is of another kind.
    Kind,
    /// It is an RSA key of so many bits.
    Bits(usize),
}

impl std::fmt::Display for PublicKeyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotPem => f.write_str("this is no public key in PEM (BEGIN PUBLIC KEY)"),
            Self::Private => f.write_str("this is a private key, which only its owner may have"),
            Self::Kind => f.write_str("this key is neither RSA nor P-256 nor Ed25519"),
            Self::Bits(bits) => write!(
                f,
                "this RSA key has {bits} bits, and only {MIN_RSA_BITS} to {MAX_RSA_BITS} are used"
            ),
        }
    }
}

impl PublicKey {
    /// Reads a key in PEM (SubjectPublicKeyInfo).
    ///
    /// # Errors
    /// [`PublicKeyFault`].
    pub fn from_pem(text: &str) -> Result<Self, PublicKeyFault> {
        if text.contains("PRIVATE KEY") {
            return Err(PublicKeyFault::Private);
        }
        let body = text
            .trim()
            .strip_prefix("-----BEGIN PUBLIC KEY-----")
            .and_then(|rest| rest.strip_suffix("-----END PUBLIC KEY-----"))
            .ok_or(PublicKeyFault::NotPem)?;
        let base64: String = body.split_ascii_whitespace().collect();
        let der = STANDARD
            .decode(base64)
            .map_err(|_| PublicKeyFault::NotPem)?;
        Self::from_der(&der)
    }

    fn from_der(der: &[u8]) -> Result<Self, PublicKeyFault> {
        let (key, algorithm) = if let Some(bytes) = der.strip_prefix(ED25519) {
            is(bytes.len() == 32)?;
            (DecodingKey::from_ed_der(bytes), Algorithm::EdDSA)
        } else if let Some(point) = der.strip_prefix(P256) {
            is(point.len() == 65 && point.first() == Some(&4))?;
            (DecodingKey::from_ec_der(point), Algorithm::ES256)
        } else {
            (rsa(der)?, Algorithm::RS256)
        };
        Ok(Self {
            key,
            algorithm,
            digest: Sha256::digest(der).into(),
        })
    }

    /// The SHA-256 of the key in DER: this key and no other.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The key, for verifying.
    pub(super) fn verifying(&self) -> &DecodingKey {
        &self.key
    }

    /// The algorithm that it is used with.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name of that algorithm in the header of an assertion.
    #[must_use]
    pub fn algorithm_name(&self) -> &'static str {
        match self.algorithm {
            Algorithm::RS256 => "RS256",
            Algorithm::ES256 => "ES256",
            _ => "EdDSA",
        }
    }
}

fn is(sound: bool) -> Result<(), PublicKeyFault> {
    sound.then_some(()).ok_or(PublicKeyFault::Kind)
}

fn rsa(der: &[u8]) -> Result<DecodingKey, PublicKeyFault> {
    let utils = &aws_lc::DEFAULT_PROVIDER.key_utils;
    let (modulus, exponent) =
        (utils.rsa_pub_components_from_public_key)(der).map_err(|_| PublicKeyFault::Kind)?;
    let leading = modulus.iter().take_while(|byte| **byte == 0).count();
    let first = modulus.get(leading).map_or(0, |byte| byte.leading_zeros());
    let bits = ((modulus.len() - leading) * 8).saturating_sub(first as usize);
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(PublicKeyFault::Bits(bits));
    }
    Ok(DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

/// Keys that nobody has the private part of, one of each kind: verified with where nobody is known.
static STAND_INS: LazyLock<Vec<PublicKey>> = LazyLock::new(|| {
    let texts = [STAND_IN_RSA, STAND_IN_P256, STAND_IN_ED25519];
    let keys = texts.into_iter().filter_map(|text| {
        let der = STANDARD.decode(text).ok()?;
        PublicKey::from_der(&der).ok()
    });
    keys.collect()
});

/// A key to verify with in the place of one that is not known; `None` if no key is used with the algorithm.
pub(super) fn stand_in(algorithm: &str) -> Option<&'static PublicKey> {
    let mut all = STAND_INS.iter();
    all.find(|key| key.algorithm_name() == algorithm)
}

const STAND_IN_RSA: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0yJUecuNUsw1WRnU1iya\
    fN/v115nTUDZJq1Q6kob04CC3WS7+OQ60JDhfSINZOydESNjlFu6ZnfEmuxKCwPh\
    /8bdrTiLRN5lLqzpSci6JaAmiJGdrFE0YmICv31+EutCODoGhSTBmF2nIYFRXSQD\
    XniZlmgCWDC5Z2GT6/Kb254eINfwLURxEeUJpYG77znzZDQO0JYWXzmQaM8yhYYw\
    x9MF3AuB8OIH+bv8aGfQ3ZnsbqIw//jHPoIxBoV0Ei9plc+0AVYwxRs5b35Py5FJ\
    cKhGcAILCBeTHQHeoh0Z3QE07Ew7F8e7M8g3SlKKJ4IVO1TUbzMLAp36QVKdzhhP\
    pwIDAQAB";
const STAND_IN_P256: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEXJKwyAaHnI7F/rSI8nfvdZwp2oCv\
    90+vB5wrp7k7bs5vwOOHOw/xOF1L6RdaPlFedZwiAh62DRrs/raGVDG3rg==";
const STAND_IN_ED25519: &str = "MCowBQYDK2VwAyEAVCNhXPVNEbdXE9TbxAMbtNQV7MYtL83yqVcroIImBY8=";

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(base64: &str) -> String {
        format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n")
    }

    #[test]
    fn a_key_of_each_kind_is_bound_to_its_algorithm() {
        for (text, algorithm) in [
            (STAND_IN_RSA, "RS256"),
            (STAND_IN_P256, "ES256"),
            (STAND_IN_ED25519, "EdDSA"),
        ] {
            let key = PublicKey::from_pem(&pem(text)).unwrap();
            assert_eq!(key.algorithm_name(), algorithm);
            assert_eq!(stand_in(algorithm).unwrap().algorithm(), key.algorithm());
        }
        for other in ["none", "HS256", "RS512", "PS256", "rs256", ""] {
            assert!(stand_in(other).is_none(), "{other}");
        }
    }

    #[test]
    fn what_is_no_key_to_use_is_refused_with_its_reason() {
        // openssl genrsa 1024 | openssl rsa -pubout
        let weak = include_str!("../../../../tests/keys/weak-rsa-1024.pub.pem");
        let fault = |text: &str| PublicKey::from_pem(text).unwrap_err();
        assert_eq!(fault(weak), PublicKeyFault::Bits(1024));
        assert_eq!(fault(""), PublicKeyFault::NotPem);
        assert_eq!(fault(STAND_IN_RSA), PublicKeyFault::NotPem);
        assert_eq!(fault(&pem("????")), PublicKeyFault::NotPem);
        assert_eq!(fault(&pem("AAAA")), PublicKeyFault::Kind);
        assert_eq!(fault(&pem("")), PublicKeyFault::Kind);
        let private = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----";
        assert_eq!(fault(private), PublicKeyFault::Private);
        // A point that is not written in full, and a byte that is missing.
        let p384 = include_str!("../../../../tests/keys/other-p384.pub.pem");
        assert_eq!(fault(p384), PublicKeyFault::Kind);
        assert_eq!(
            fault(&pem("MCowBQYDK2VwAyEAVCNhXPVNEbdXE9Tb")),
            PublicKeyFault::Kind
        );
    }
}
