//! What a client has proven by its certificate, for as long as its listener trusts in that.
//!
//! A handshake is not the only place where it has to be verified. rustls takes the certificate of a resumed session
//! over from its ticket unseen, and tickets beget tickets. And a connection may outlast what was trusted when it was
//! opened: an authority that is taken out of the configuration, a list of revoked certificates that has grown.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;
use rustls::{HandshakeKind, ServerConnection};

use super::{ClientCertificate, Tls};

/// A certificate whose key its client holds, with what leads from it to an authority.
pub struct Proof {
    certificate: Arc<ClientCertificate>,
    chain: Vec<CertificateDer<'static>>,
    /// Who has verified it last, and what came of it.
    verdict: Mutex<(Arc<dyn ClientCertVerifier>, bool)>,
}

impl Proof {
    /// What the certificate says.
    #[must_use]
    pub fn certificate(&self) -> &Arc<ClientCertificate> {
        &self.certificate
    }
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Proof").field(&self.certificate).finish()
    }
}

impl Tls {
    /// What whoever has shaken hands has proven.
    pub(super) fn proof(&self, session: &ServerConnection) -> std::io::Result<Option<Proof>> {
        let chain = session.peer_certificates().unwrap_or_default();
        let (Some(verifier), Some(first)) = (&self.verifier, chain.first()) else {
            return Ok(None);
        };
        if session.handshake_kind() == Some(HandshakeKind::Resumed) {
            let verified = self.verify(verifier, chain);
            verified.map_err(|e| std::io::Error::new(std::io::ErrorKind::InvalidData, e))?;
        }
        Ok(Some(Proof {
            certificate: Arc::new(ClientCertificate::of(first)),
            chain: chain.to_vec(),
            verdict: Mutex::new((Arc::clone(verifier), true)),
        }))
    }

    /// Whether a handshake with this certificate would succeed now. Costs a look, and a verification after a
    /// reload.
    #[must_use]
    pub fn still_trusts(&self, proof: &Proof) -> bool {
        let Some(verifier) = &self.verifier else {
            return false;
        };
        let verdict = proof.verdict.lock();
        let mut verdict = verdict.unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&verdict.0, verifier) {
            let is_good = self.verify(verifier, &proof.chain).is_ok();
            *verdict = (Arc::clone(verifier), is_good);
        }
        verdict.1
    }

    fn verify(
        &self,
        verifier: &Arc<dyn ClientCertVerifier>,
        chain: &[CertificateDer<'_>],
    ) -> Result<(), rustls::Error> {
        let none = rustls::Error::NoCertificatesPresented;
        let (first, others) = chain.split_first().ok_or(none)?;
        let now = self.acceptor.config().time_provider.current_time();
        let now = now.ok_or(rustls::Error::FailedToGetCurrentTime)?;
        verifier.verify_client_cert(first, others, now).map(|_| ())
    }
}
