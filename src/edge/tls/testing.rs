//! Certificates of an authority of the tests, made on the spot.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    SignatureAlgorithm,
};

use super::Identity;
use crate::model::Secret;

/// A certificate with its key, in PEM.
pub(crate) struct Pair {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Pair {
    pub(crate) fn identity(&self) -> Identity {
        Identity::read(&self.chain, &Secret::new(&self.key)).unwrap()
    }
}

/// Who signs them.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "authority of the tests");
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A certificate for these names.
    pub(crate) fn sign(&self, names: &[&str]) -> Pair {
        self.sign_with(names, &PKCS_ECDSA_P256_SHA256, |_| {})
    }

    /// A certificate for these names, with a key of this kind, after a change.
    pub(crate) fn sign_with(
        &self,
        names: &[&str],
        algorithm: &'static SignatureAlgorithm,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Pair {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate_for(algorithm).unwrap();
        let chain = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair {
            chain,
            key: key.serialize_pem(),
        }
    }
}
