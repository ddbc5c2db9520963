//! Certificates of clients (mTLS): whose signatures a listener trusts, and what a certificate says of the
//! client that has proven to hold its key.
//!
//! Whether it is a client of ours is decided for each request anew (`edge::authn`), so that one that is taken
//! out of the configuration is refused on connections that are open, too.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Whose clients a listener lets in.
#[derive(Clone)]
pub struct ClientTrust {
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
    required: bool,
}

/// Why nobody could be trusted.
#[derive(Debug, PartialEq, Eq)]
pub enum TrustFault {
    /// There is no certificate of an authority, or what is there is none.
    NoAuthority,
    /// A list of revoked certificates is not one, or not in PEM.
    BadRevocations,
}

impl std::fmt::Display for TrustFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            TrustFault::NoAuthority => "there is no certificate of an authority in it",
            TrustFault::BadRevocations => {
                "this is not a list of revoked certificates, or not in PEM"
            }
        })
    }
}

impl ClientTrust {
    /// Trusts what the authorities in `authorities` (PEM) have signed and no list in `revocations` (PEM) names.
    /// With lists, each authority of a chain must have one: what nobody can tell is refused. Without
    /// `required`, clients may come without a certificate.
    ///
    /// # Errors
    /// [`TrustFault`].
    pub fn read(authorities: &str, revocations: &str, required: bool) -> Result<Self, TrustFault> {
        Self::with_provider(
            authorities,
            revocations,
            required,
            Arc::new(super::provider()),
        )
    }

    fn with_provider(
        authorities: &str,
        revocations: &str,
        required: bool,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TrustFault> {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
            let authority = authority.map_err(|_| TrustFault::NoAuthority)?;
            roots.add(authority).map_err(|_| TrustFault::NoAuthority)?;
        }
        let revoked: Vec<_> = CertificateRevocationListDer::pem_slice_iter(revocations.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| TrustFault::BadRevocations)?;
        if revoked.is_empty() && !revocations.is_empty() {
            return Err(TrustFault::BadRevocations);
        }
        let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .with_crls(revoked);
        if !required {
            builder = builder.allow_unauthenticated();
        }
        let verifier = builder.build().map_err(|error| match error {
            rustls::server::VerifierBuilderError::InvalidCrl(_) => TrustFault::BadRevocations,
            _ => TrustFault::NoAuthority,
        })?;
        Ok(Self { verifier, required })
    }

    /// Whether nobody gets in without a certificate.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required
    }
}

impl std::fmt::Debug for ClientTrust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientTrust")
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}

/// One thing by which a certificate can be known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CertificateName {
    /// The SHA-256 of the whole certificate in DER: this one and no other.
    Sha256([u8; 32]),
    /// A DNS name among its alternative names, in lower case.
    Dns(String),
    /// A URI among its alternative names, such as a SPIFFE id.
    Uri(String),
}

/// The certificate of a client that has proven to hold its key, from an authority that is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    names: Vec<CertificateName>,
}

impl ClientCertificate {
    /// What a verified certificate says. One whose alternative names cannot be read is known by its hash alone.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        let hash = Sha256::digest(certificate.as_ref());
        let mut names = vec![CertificateName::Sha256(hash.into())];
        let parsed = Certificate::from_der(certificate).ok();
        let alternative = parsed
            .as_ref()
            .and_then(|one| one.tbs_certificate.get::<SubjectAltName>().ok()?);
        for name in alternative.iter().flat_map(|(_, all)| &all.0) {
            match name {
                GeneralName::DnsName(name) => {
                    names.push(CertificateName::Dns(name.as_str().to_ascii_lowercase()));
                }
                GeneralName::UniformResourceIdentifier(uri) => {
                    names.push(CertificateName::Uri(uri.as_str().to_owned()));
                }
                _ => {}
            }
        }
        Self { names }
    }

    /// Everything that it can be known by.
    #[must_use]
    pub fn names(&self) -> &[CertificateName] {
        &self.names
    }
}
