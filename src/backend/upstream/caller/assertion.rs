//! Assertions: tokens that we sign ourselves to say who we are (RFC 7523).

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use zeroize::Zeroizing;

use crate::backend::upstream::settings::{Assertion, TokenRequest};
use crate::outbound::StartFault;

/// How long an assertion is good: long enough for clocks that differ, short for whoever finds one.
const SECONDS: u64 = 240;

pub(super) struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    header: String,
    client_id: String,
    audience: String,
}

impl Signer {
    /// # Errors
    /// If the key does not serve the algorithm.
    pub(super) fn new(request: &TokenRequest, of: &Assertion) -> Result<Self, StartFault> {
        let algorithm = algorithm(&of.algorithm).ok_or_else(|| {
            StartFault::new(format!(
                "assertions cannot be signed by `{}`: RS256, ES256 or EdDSA, for example",
                of.algorithm
            ))
        })?;
        let key = key(of.key.expose().as_bytes(), algorithm)?;
        // A key that does not fit is found now, not by the first call.
        crypto::sign(b"", &key, algorithm).map_err(|_| {
            StartFault::new(format!(
                "the private key does not serve {} (keys of curves are to be in PKCS #8)",
                of.algorithm
            ))
        })?;
        let mut header = json!({ "alg": of.algorithm, "typ": "JWT" });
        if let (Some(id), Some(header)) = (&of.key_id, header.as_object_mut()) {
            header.insert("kid".to_owned(), id.as_str().into());
        }
        let audience = of.audience.clone();
        Ok(Self {
            key,
            algorithm,
            header: URL_SAFE_NO_PAD.encode(header.to_string()),
            client_id: request.client_id.clone(),
            audience: audience.unwrap_or_else(|| request.url.to_string()),
        })
    }

    /// A new assertion; `None` if the system has no randomness or the key fails.
    pub(super) fn sign(&self) -> Option<Zeroizing<String>> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).ok()?;
        let now = now();
        let claims = json!({
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "iat": now,
            "exp": now + SECONDS,
            "jti": URL_SAFE_NO_PAD.encode(id),
        });
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let message = format!("{}.{claims}", self.header);
        let signature = crypto::sign(message.as_bytes(), &self.key, self.algorithm).ok()?;
        Some(Zeroizing::new(format!("{message}.{signature}")))
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "an assertion tells another machine what time it is here; no decision of ours depends on it"
)]
fn now() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.map_or(0, |elapsed| elapsed.as_secs())
}

/// The algorithm of this name. None with a shared secret: that is what the other credentials are for.
fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "PS256" => Algorithm::PS256,
        "PS384" => Algorithm::PS384,
        "PS512" => Algorithm::PS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        "EdDSA" => Algorithm::EdDSA,
        _ => return None,
    })
}

fn key(pem: &[u8], algorithm: Algorithm) -> Result<EncodingKey, StartFault> {
    let der = PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| StartFault::new("this is not a private key in PEM"))?;
    let bytes = der.secret_der();
    Ok(match algorithm {
        Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_der(bytes),
        Algorithm::EdDSA => EncodingKey::from_ed_der(bytes),
        _ => EncodingKey::from_rsa_der(match &der {
            PrivateKeyDer::Pkcs8(_) => inside(bytes).unwrap_or(bytes),
            _ => bytes,
        }),
    })
}

/// The key inside of PKCS #8 (RFC 5958): the text of bytes behind version and algorithm.
fn inside(pkcs8: &[u8]) -> Option<&[u8]> {
    const INTEGER: u8 = 0x02;
    const TEXT: u8 = 0x04;
    const SEQUENCE: u8 = 0x30;
    let (whole, _) = part(pkcs8, SEQUENCE)?;
    let (_, rest) = part(whole, INTEGER)?;
    let (_, rest) = part(rest, SEQUENCE)?;
    part(rest, TEXT).map(|(key, _)| key)
}

/// The content of the first value of DER, if it is of this type, and what follows it.
fn part(der: &[u8], of: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        let number = |sum: usize, digit: &u8| (sum << 8) | usize::from(*digit);
        (digits.iter().fold(0, number), rest)
    };
    (first == of).then(|| rest.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::DecodingKey;
    use serde_json::Value;

    use super::*;
    use crate::backend::upstream::settings::AssertionGrant;
    use crate::model::Secret;
    use crate::outbound::Url;

    fn file(name: &str) -> String {
        let path = format!("{}/tests/keys/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    }

    fn signer(key: &str, algorithm: &str) -> Result<Signer, StartFault> {
        let request = TokenRequest {
            url: Url::parse("https://login.example.com/token").unwrap(),
            client_id: "app".to_owned(),
            scope: None,
            audience: None,
        };
        let assertion = Assertion {
            key: Secret::new(key),
            key_id: Some("k1".to_owned()),
            algorithm: algorithm.to_owned(),
            audience: None,
            grant: AssertionGrant::ClientCredentials,
        };
        Signer::new(&request, &assertion)
    }

    fn json(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    /// The bytes of a public key, as the verifier wants them: behind the algorithm in SPKI.
    fn public(name: &str) -> Vec<u8> {
        let pem = file(name);
        let spki =
            rustls::pki_types::SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).unwrap();
        let (whole, _) = part(&spki, 0x30).unwrap();
        let (_, rest) = part(whole, 0x30).unwrap();
        part(rest, 0x03).unwrap().0[1..].to_vec()
    }

    #[test]
    fn assertions_are_signed_and_say_what_they_must() {
        for (key, public_key, algorithm, decoding) in [
            (
                "test-only-rsa.pem",
                "test-only-rsa.pub.pem",
                "RS256",
                DecodingKey::from_rsa_der as fn(&[u8]) -> DecodingKey,
            ),
            (
                "test-only-p256.pem",
                "test-only-p256.pub.pem",
                "ES256",
                DecodingKey::from_ec_der,
            ),
            (
                "test-only-ed25519.pem",
                "test-only-ed25519.pub.pem",
                "EdDSA",
                DecodingKey::from_ed_der,
            ),
        ] {
            let signer = signer(&file(key), algorithm).unwrap();
            let (first, second) = (signer.sign().unwrap(), signer.sign().unwrap());
            let (message, signature) = first.rsplit_once('.').unwrap();
            let verified = crypto::verify(
                signature,
                message.as_bytes(),
                &decoding(&public(public_key)),
                signer.algorithm,
            );
            assert!(verified.unwrap(), "{algorithm}");
            let (header, claims) = message.split_once('.').unwrap();
            let (header, claims) = (json(header), json(claims));
            assert_eq!(
                header,
                json!({ "alg": algorithm, "typ": "JWT", "kid": "k1" })
            );
            assert_eq!(claims["iss"], "app");
            assert_eq!(claims["sub"], "app");
            assert_eq!(claims["aud"], "https://login.example.com/token");
            let (iat, exp) = (
                claims["iat"].as_u64().unwrap(),
                claims["exp"].as_u64().unwrap(),
            );
            assert!(iat <= now() && now() - iat < 60 && exp > now() && exp - iat <= 300);
            let other = json(second.split('.').nth(1).unwrap());
            assert_ne!(claims["jti"], other["jti"]);
        }
    }

    #[test]
    fn an_rsa_key_may_be_in_pkcs_8() {
        use aws_lc_rs::encoding::AsDer;
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        assert!(signer(&pem, "RS256").unwrap().sign().is_some());
        assert!(signer(&pem, "PS256").unwrap().sign().is_some());
        assert!(signer(&pem, "ES256").is_err());
    }

    #[test]
    fn keys_that_do_not_serve_are_refused_without_being_shown() {
        let p256 = file("test-only-p256.pem");
        for (key, algorithm) in [
            (p256.as_str(), "RS256"),
            (p256.as_str(), "EdDSA"),
            (p256.as_str(), "ES384"),
            (p256.as_str(), "HS256"),
            (p256.as_str(), "none"),
            (p256.as_str(), "rs256"),
            ("canary", "RS256"),
            ("", "RS256"),
            (
                "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n",
                "RS256",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
                "RS256",
            ),
        ] {
            let Err(fault) = signer(key, algorithm) else {
                panic!("{algorithm} with {key}");
            };
            assert!(!fault.to_string().contains("canary"));
        }
    }
}
