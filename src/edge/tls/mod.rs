//! TLS of a listener: certificates in, encrypted streams out.
//!
//! Protocols, suites and groups are those of Mozilla's *intermediate* profile that rustls has (it has none
//! with a Diffie-Hellman group of RSA's time), and X25519MLKEM768, which keeps what is recorded today from
//! being read by a quantum computer. Each is named here, so that an update of rustls changes none of them.
//!
//! ALPN alone decides between HTTP/2 and HTTP/1.1; a client that does not speak it gets HTTP/1.1. Clients
//! are asked for certificates where the listener has authorities for them.

mod choice;
mod client;
mod identity;
mod proof;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, Ticketer, cipher_suite as suite, kx_group};
use rustls::server::NoClientAuth;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ServerConfig, version};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use self::choice::Choice;
pub use self::client::{CertificateName, ClientCertificate, ClientTrust, TrustFault};
pub use self::identity::{Fault, Identity};
pub use self::proof::Proof;
use crate::model::Instant;

const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// What a listener needs for TLS. Shared by all workers, so that a ticket that one of them gave is good
/// for all of them.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    names: Arc<[String]>,
    asks_clients: Option<bool>,
    /// Who verifies the certificates of clients, where they are asked for.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    ends: Instant,
}

/// A connection whose handshake is done.
pub struct Accepted<S> {
    /// What it carries.
    pub stream: TlsStream<S>,
    /// Whether the client and we have agreed on HTTP/2.
    pub http2: bool,
    /// Who the client has proven to be, if it was asked and has answered.
    pub proof: Option<Proof>,
    /// The version of TLS.
    pub version: &'static str,
}

impl Tls {
    /// TLS with these certificates. The first is for clients that name no server, or none of ours. With
    /// `trust`, clients are asked for theirs.
    ///
    /// # Errors
    /// [`Fault::NoCertificate`] without any; [`Fault::Unusable`] if there is no randomness.
    pub fn new(identities: Vec<Identity>, trust: Option<ClientTrust>) -> Result<Self, Fault> {
        if identities.is_empty() {
            return Err(Fault::NoCertificate);
        }
        let ends = identities.iter().map(Identity::not_after).min();
        let ends = ends.ok_or(Fault::NoCertificate)?;
        let names = identities.iter().flat_map(Identity::names).cloned();
        let names = names.collect();
        let asks_clients = trust.as_ref().map(ClientTrust::is_required);
        let verifier = trust.map(|trust| trust.verifier);
        let asked = verifier.clone();
        let asked = asked.unwrap_or_else(|| Arc::new(NoClientAuth));
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(Fault::Unusable)?
            .with_client_cert_verifier(asked)
            .with_cert_resolver(Arc::new(Choice::new(identities)));
        config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
        // Tickets instead of a memory of sessions: nothing grows with the clients. Their key changes by itself.
        config.ticketer = Ticketer::new().map_err(Fault::Unusable)?;
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            names,
            asks_clients,
            verifier,
            ends,
        })
    }

    /// Whether clients are asked for certificates, and then whether they must have one.
    #[must_use]
    pub fn asks_clients(&self) -> Option<bool> {
        self.asks_clients
    }

    /// The same certificates with the tickets of another: clients that have one from there resume. But not where
    /// clients are asked for certificates: who resumes is not verified again, by whomever is trusted now.
    #[must_use]
    pub fn with_tickets_of(&self, other: &Self) -> Self {
        if self.asks_clients.is_some() {
            return self.clone();
        }
        let mut config = ServerConfig::clone(self.acceptor.config());
        config.ticketer = Arc::clone(&other.acceptor.config().ticketer);
        Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            names: Arc::clone(&self.names),
            asks_clients: self.asks_clients,
            verifier: self.verifier.clone(),
            ends: self.ends,
        }
    }

    /// The names that the certificates are for.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// When the first of the certificates ceases to be good.
    #[must_use]
    pub fn ends(&self) -> Instant {
        self.ends
    }

    /// Shakes hands. Has no deadline of its own.
    ///
    /// # Errors
    /// Whatever keeps the handshake from being done; the client was told, if it still listens.
    pub async fn accept<S>(&self, stream: S) -> std::io::Result<Accepted<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let stream = self.acceptor.accept(stream).await?;
        let session = stream.get_ref().1;
        let http2 = session.alpn_protocol() == Some(HTTP2);
        let proof = self.proof(session)?;
        let version = match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "1.3",
            _ => "1.2",
        };
        Ok(Accepted {
            stream,
            http2,
            proof,
            version,
        })
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("names", &self.names).finish()
    }
}

fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            suite::TLS13_AES_128_GCM_SHA256,
            suite::TLS13_AES_256_GCM_SHA384,
            suite::TLS13_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![
            kx_group::X25519MLKEM768,
            kx_group::X25519,
            kx_group::SECP256R1,
            kx_group::SECP384R1,
        ],
        ..aws_lc_rs::default_provider()
    }
}

#[cfg(test)]
mod resumption_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
