//! Keys that sign, and tokens written by hand: header and claims are texts, so that they can be anything.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING,
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(super) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The keys of the issuer, and some that are not.
pub(super) struct Keys {
    pub(super) rsa: RsaKeyPair,
    pub(super) other_rsa: RsaKeyPair,
    p256_pkcs8: Vec<u8>,
    p384_pkcs8: Vec<u8>,
    pub(super) ed: Ed25519KeyPair,
}

/// Made once: an RSA key takes its time.
pub(super) static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let rng = SystemRandom::new();
    let ec = |algorithm: &'static EcdsaSigningAlgorithm| {
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &rng).unwrap();
        key.as_ref().to_vec()
    };
    Keys {
        rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
        other_rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
        p256_pkcs8: ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
        p384_pkcs8: ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
        ed: Ed25519KeyPair::generate().unwrap(),
    }
});

impl Keys {
    fn ec(&self, algorithm: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
        let is_p384 = std::ptr::eq(algorithm, &ECDSA_P384_SHA384_FIXED_SIGNING);
        let pkcs8 = if is_p384 {
            &self.p384_pkcs8
        } else {
            &self.p256_pkcs8
        };
        EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).unwrap()
    }

    /// The public RSA key as a JWK with these members besides.
    pub(super) fn rsa_jwk(&self, key: &RsaKeyPair, more: &str) -> String {
        let public = key.public_key();
        let n = b64(public.modulus().big_endian_without_leading_zero());
        let e = b64(public.exponent().big_endian_without_leading_zero());
        format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"{more}}}"#)
    }

    pub(super) fn p256_jwk(&self, more: &str) -> String {
        let key = self.ec(&ECDSA_P256_SHA256_FIXED_SIGNING);
        ec_jwk("P-256", key.public_key().as_ref(), more)
    }

    pub(super) fn p384_jwk(&self, more: &str) -> String {
        let key = self.ec(&ECDSA_P384_SHA384_FIXED_SIGNING);
        ec_jwk("P-384", key.public_key().as_ref(), more)
    }

    pub(super) fn ed_jwk(&self, more: &str) -> String {
        let x = b64(self.ed.public_key().as_ref());
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"{more}}}"#)
    }

    pub(super) fn rsa_modulus(&self) -> Vec<u8> {
        let modulus = self.rsa.public_key().modulus();
        modulus.big_endian_without_leading_zero().to_vec()
    }

    /// The public RSA key as DER and as PEM: what a careless verifier would take for a shared secret.
    pub(super) fn rsa_der(&self) -> Vec<u8> {
        self.rsa.public_key().as_der().unwrap().as_ref().to_vec()
    }

    pub(super) fn rsa_pem(&self) -> String {
        let text = base64::engine::general_purpose::STANDARD.encode(self.rsa_der());
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        )
    }
}

/// An uncompressed point: a 4, then both halves.
fn ec_jwk(curve: &str, point: &[u8], more: &str) -> String {
    let (x, y) = point[1..].split_at((point.len() - 1) / 2);
    let (x, y) = (b64(x), b64(y));
    format!(r#"{{"kty":"EC","crv":"{curve}","x":"{x}","y":"{y}"{more}}}"#)
}

/// How a token is signed, whatever it says of that.
#[derive(Clone, Debug)]
pub(super) enum By {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    /// The same, but the signature as ASN.1 has it.
    Es256Der,
    Es384,
    EdDsa,
    /// RS256 by a key that the issuer does not have.
    OtherRsa,
    /// HS256 with this for a secret.
    Hs256(Vec<u8>),
    /// These bytes.
    Bytes(Vec<u8>),
}

/// A token of these two texts.
pub(super) fn token(header: &str, claims: &str, by: &By) -> String {
    let message = format!("{}.{}", b64(header), b64(claims));
    format!("{message}.{}", b64(signature(message.as_bytes(), by)))
}

pub(super) fn signature(message: &[u8], by: &By) -> Vec<u8> {
    let rsa = |key: &RsaKeyPair, padding: &'static dyn RsaEncoding| {
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(padding, &SystemRandom::new(), message, &mut signature)
            .unwrap();
        signature
    };
    let ec = |algorithm| {
        let signed = KEYS.ec(algorithm).sign(&SystemRandom::new(), message);
        signed.unwrap().as_ref().to_vec()
    };
    match by {
        By::Rs256 => rsa(&KEYS.rsa, &RSA_PKCS1_SHA256),
        By::Rs384 => rsa(&KEYS.rsa, &RSA_PKCS1_SHA384),
        By::Rs512 => rsa(&KEYS.rsa, &RSA_PKCS1_SHA512),
        By::Ps256 => rsa(&KEYS.rsa, &RSA_PSS_SHA256),
        By::Ps384 => rsa(&KEYS.rsa, &RSA_PSS_SHA384),
        By::Ps512 => rsa(&KEYS.rsa, &RSA_PSS_SHA512),
        By::OtherRsa => rsa(&KEYS.other_rsa, &RSA_PKCS1_SHA256),
        By::Es256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
        By::Es256Der => ec(&ECDSA_P256_SHA256_ASN1_SIGNING),
        By::Es384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
        By::EdDsa => KEYS.ed.sign(message).as_ref().to_vec(),
        By::Hs256(secret) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::sign(&key, message).as_ref().to_vec()
        }
        By::Bytes(bytes) => bytes.clone(),
    }
}
