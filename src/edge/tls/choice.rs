//! Which certificate a client gets: by the name that it asks for, and by what it can verify.

use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::identity::Identity;

/// The certificates of a listener, in the order of the configuration.
#[derive(Debug)]
pub(super) struct Choice(Vec<Identity>);

impl Choice {
    pub(super) fn new(identities: Vec<Identity>) -> Self {
        Self(identities)
    }

    /// The certificate with just the name; else one whose wildcard covers it; else the first. Of several that
    /// would do, the first that the client can verify: one name may have a certificate for each kind of key.
    /// A client that can verify none gets one all the same, and with it the alert that fits.
    pub(super) fn choose(
        &self,
        name: Option<&str>,
        schemes: &[SignatureScheme],
    ) -> Option<&Identity> {
        let verifiable = |identity: &&Identity| {
            let key = &identity.certified.key;
            key.choose_scheme(schemes).is_some()
        };
        let of = |has: fn(&Identity, &str) -> bool| {
            let name = name?;
            let mut named = self.0.iter().filter(|identity| has(identity, name));
            named.find(verifiable)
        };
        of(Identity::is_named)
            .or_else(|| of(Identity::covers))
            .or_else(|| self.0.iter().find(verifiable))
            .or_else(|| self.0.first())
    }
}

impl ResolvesServerCert for Choice {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let identity = self.choose(hello.server_name(), hello.signature_schemes())?;
        Some(Arc::clone(&identity.certified))
    }
}
