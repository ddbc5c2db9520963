//! A certificate chain and its private key, from PEM; and what the certificate says of itself.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::time::Time;
use zeroize::Zeroize;

use crate::model::{Instant, Secret};

/// Who a server can prove to be.
pub struct Identity {
    pub(super) certified: Arc<CertifiedKey>,
    names: Vec<String>,
    not_before: Instant,
    not_after: Instant,
}

/// Why there is no identity.
#[derive(Debug)]
pub enum Fault {
    /// There is no certificate in the chain.
    NoCertificate,
    /// The chain is not PEM, or the first certificate is none.
    BadCertificate,
    /// There is no private key; one that is encrypted with a password counts as none.
    NoKey,
    /// It is not a key of a kind that is used for TLS.
    BadKey,
    /// The key is not that of the chain's first certificate.
    Mismatch,
    /// The cryptography refuses to work.
    Unusable(rustls::Error),
}

impl Fault {
    /// Whether it is the key that has to be put right.
    #[must_use]
    pub fn is_of_key(&self) -> bool {
        matches!(self, Fault::NoKey | Fault::BadKey | Fault::Mismatch)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = match self {
            Fault::NoCertificate => "there is no certificate in it",
            Fault::BadCertificate => "this is not a certificate, or not in PEM",
            Fault::NoKey => "there is no private key in it that can be used without a password",
            Fault::BadKey => "this is not a private key for TLS",
            Fault::Mismatch => "the key is not that of the certificate",
            Fault::Unusable(error) => return write!(f, "TLS cannot be used: {error}"),
        };
        f.write_str(words)
    }
}

impl Identity {
    /// Reads a chain, the server's own certificate first, and its key.
    ///
    /// # Errors
    /// [`Fault`]; it holds nothing of the key.
    pub fn read(chain: &str, key: &Secret) -> Result<Self, Fault> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| Fault::BadCertificate)?;
        let first = chain.first().ok_or(Fault::NoCertificate)?;
        let parsed = Certificate::from_der(first).map_err(|_| Fault::BadCertificate)?;
        let validity = parsed.tbs_certificate.validity;
        let names = names(&parsed)?;
        let mut der = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(key_fault)?;
        let signing = any_supported_type(&der);
        der.zeroize();
        let certified = CertifiedKey::new(chain, signing.map_err(|_| Fault::BadKey)?);
        certified.keys_match().map_err(|_| Fault::Mismatch)?;
        Ok(Self {
            certified: Arc::new(certified),
            names,
            not_before: instant(validity.not_before),
            not_after: instant(validity.not_after),
        })
    }

    /// The DNS names of the certificate, in lower case; with a `*.` at the start they are for one more label.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// When it begins to be good.
    #[must_use]
    pub fn not_before(&self) -> Instant {
        self.not_before
    }

    /// When it ceases to be good.
    #[must_use]
    pub fn not_after(&self) -> Instant {
        self.not_after
    }

    /// Whether the certificate has just this name.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Whether a wildcard of the certificate covers this name.
    pub(super) fn covers(&self, name: &str) -> bool {
        let Some((_, parent)) = name.split_once('.') else {
            return false;
        };
        let mut wild = self.names.iter().filter_map(|own| own.strip_prefix("*."));
        wild.any(|own| own.eq_ignore_ascii_case(parent))
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

fn key_fault(error: rustls::pki_types::pem::Error) -> Fault {
    match error {
        rustls::pki_types::pem::Error::NoItemsFound => Fault::NoKey,
        _ => Fault::BadKey,
    }
}

fn names(certificate: &Certificate) -> Result<Vec<String>, Fault> {
    let alternative = certificate.tbs_certificate.get::<SubjectAltName>();
    let Some((_, alternative)) = alternative.map_err(|_| Fault::BadCertificate)? else {
        return Ok(Vec::new());
    };
    let dns = alternative.0.iter().filter_map(|name| match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        _ => None,
    });
    Ok(dns.collect())
}

fn instant(time: Time) -> Instant {
    let millis = time.to_unix_duration().as_millis();
    Instant(i64::try_from(millis).unwrap_or(i64::MAX))
}
