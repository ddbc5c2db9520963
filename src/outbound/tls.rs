//! TLS of outgoing connections.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::StartFault;

/// Whose certificates are trusted.
#[derive(Clone, Debug, Default)]
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

/// TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1, no client certificate.
pub(super) fn client(roots: &Roots) -> Result<Arc<ClientConfig>, StartFault> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StartFault(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(store(roots)?)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
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
