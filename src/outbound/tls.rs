//! TLS of outgoing connections.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};

use super::{Protocols, Settings, StartFault};

/// Whose certificates are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// Those that the operating system trusts.
    #[default]
    System,
    /// These, in PEM, and no others.
    Pem(Vec<u8>),
}

impl Roots {
    /// Whether these are certificates in PEM, at least one of them.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(pem: &[u8]) -> Result<(), StartFault> {
        store(&Roots::Pem(pem.to_vec())).map(drop)
    }
}

/// A certificate with its key, for peers that ask who calls. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// Reads a chain of certificates, ours first, and the key of the first one, all in PEM.
    ///
    /// # Errors
    /// What is wrong, without the key.
    pub fn parse(chain: &[u8], key: &[u8]) -> Result<Self, StartFault> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let certificates =
            certificates.map_err(|e| StartFault(format!("not PEM certificates: {e}")))?;
        if certificates.is_empty() {
            return Err(StartFault("there is no certificate to show".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| StartFault("this is not a private key in PEM".to_owned()))?;
        let own = CertifiedKey::from_der(certificates, key, &provider())
            .map_err(|e| StartFault(format!("certificate and key cannot be used: {e}")))?;
        Ok(Self(Arc::new(own)))
    }
}

/// The certificate tells the key: another key would need another certificate.
impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.0.cert == other.0.cert
    }
}

impl Eq for Identity {}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Identity").finish_non_exhaustive()
    }
}

fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

/// TLS 1.2 and 1.3, with a client certificate if there is one; the versions of HTTP in order of preference.
pub(super) fn client(settings: &Settings) -> Result<Arc<ClientConfig>, StartFault> {
    let builder = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| StartFault(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(store(&settings.roots)?);
    let mut config = match &settings.identity {
        None => builder.with_no_client_auth(),
        Some(Identity(own)) => {
            let own = SingleCertAndKey::from(Arc::clone(own));
            builder.with_client_cert_resolver(Arc::new(own))
        }
    };
    let names: &[&[u8]] = match settings.protocols {
        Protocols::Both => &[b"h2", b"http/1.1"],
        Protocols::Http1 => &[b"http/1.1"],
        Protocols::Http2 => &[b"h2"],
    };
    config.alpn_protocols = names.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

fn store(roots: &Roots) -> Result<RootCertStore, StartFault> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::System => {
            // A machine may trust certificates that rustls does not read; the others do. Without any,
            // plain HTTP still works, and every TLS handshake says what is missing.
            let found = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(found.certs);
            if store.is_empty() {
                tracing::warn!("the system trusts no certificate: calls over https will fail");
            }
        }
        Roots::Pem(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate =
                    certificate.map_err(|e| StartFault(format!("not PEM certificates: {e}")))?;
                let added = store.add(certificate);
                added.map_err(|e| StartFault(format!("a certificate cannot be trusted: {e}")))?;
            }
            if store.is_empty() {
                return Err(StartFault("there is no certificate to trust".to_owned()));
            }
        }
    }
    Ok(store)
}
