//! Who is it: clients by the SHA-256 of the key that they present, or by what an issuer calls them.
//!
//! A presented key is hashed and looked up by its hash, which nobody can steer towards a stored one;
//! the comparison after the lookup takes constant time, and an unknown key costs the same work.
//!
//! What comes out is a [`Grant`]: the client with the scopes and the tenant that its credential leaves it.

mod grant;

use std::collections::HashMap;
use std::sync::Arc;

use subtle::{Choice, ConstantTimeEq};

pub use self::grant::{ClientIndex, Grant};
use super::keys::{self, KeyHash};
use super::rate_limit::{ClassRates, Rate};
use super::scope::{Scope, Scopes};
use super::tls::{CertificateName, ClientCertificate};
use super::tokens::Credential;
use super::tokens::assertion::{AssertionKey, PublicKey};
use crate::model::{ClientName, Failure, ProviderId, Secret, TenantId};

/// A caller of a front.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its name, as the configuration and the audit have it.
    pub name: ClientName,
    /// The only tenant it may act for.
    pub tenant: Option<TenantId>,
    /// The only dialects it may use; `None` = all.
    pub fronts: Option<Vec<String>>,
    /// What it may do.
    pub scopes: Scopes,
    /// The only providers it may touch; `None` = all.
    pub providers: Option<Vec<ProviderId>>,
    /// How often it may ask; `None` = the default.
    pub rate: Option<Rate>,
    /// How often it may ask for each class of operation besides.
    pub rates: ClassRates,
    /// How much it may take away; `None` = the default.
    pub delete_budget: Option<Rate>,
    /// The hashes of its keys. Two of them allow for rotation; an anonymous client has none.
    pub keys: Vec<KeyHash>,
    /// What issuers of tokens call it.
    pub identities: Vec<IssuedId>,
    /// Under which name it asks for tokens, with a key as the secret; `None` = its own.
    pub client_id: Option<String>,
    /// The public keys of its assertions.
    pub assertion_keys: Vec<AssertionKey>,
    /// What its certificates are known by.
    pub certificates: Vec<CertificateName>,
    /// Whether its keys and tokens are good over a connection with one of those certificates only.
    pub certificate_required: bool,
}

/// What an issuer of tokens calls a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IssuedId {
    /// The issuer, by its name in the configuration.
    pub issuer: String,
    /// The client's id there.
    pub id: String,
}

impl Client {
    /// The name under which it asks for tokens.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.client_id.as_deref().unwrap_or(self.name.as_str())
    }

    /// Refuses a client that lacks one of `scopes`.
    ///
    /// # Errors
    /// [`Failure::Forbidden`].
    pub fn need(&self, scopes: &[Scope]) -> Result<(), Failure> {
        if scopes.iter().all(|scope| self.scopes.has(*scope)) {
            Ok(())
        } else {
            Err(Failure::Forbidden)
        }
    }

    /// Whether it may use the front of this dialect.
    #[must_use]
    pub fn may_use(&self, dialect: &str) -> bool {
        self.fronts
            .as_ref()
            .is_none_or(|fronts| fronts.iter().any(|front| front == dialect))
    }

    /// Whether it may touch this provider.
    #[must_use]
    pub fn may_touch(&self, provider: &ProviderId) -> bool {
        self.providers
            .as_ref()
            .is_none_or(|providers| providers.contains(provider))
    }
}

/// Every client that is configured.
#[derive(Debug, Default)]
pub struct Clients {
    clients: Vec<Arc<Client>>,
    by_key: HashMap<KeyHash, usize>,
    by_identity: HashMap<IssuedId, usize>,
    by_client_id: HashMap<String, usize>,
    /// By subject and name of the key: the client, and which of its keys.
    by_assertion_key: HashMap<(String, String), (usize, usize)>,
    by_certificate: HashMap<CertificateName, usize>,
}

impl Clients {
    /// These clients. The configuration has seen to it that no two of them share a key or an id.
    #[must_use]
    pub fn new(clients: Vec<Client>) -> Self {
        let by_key = clients
            .iter()
            .enumerate()
            .flat_map(|(index, client)| client.keys.iter().map(move |key| (*key, index)))
            .collect();
        let by_identity = clients
            .iter()
            .enumerate()
            .flat_map(|(index, client)| client.identities.iter().map(move |id| (id.clone(), index)))
            .collect();
        let numbered = || clients.iter().enumerate();
        let by_client_id = numbered()
            .map(|(index, client)| (client.client_id().to_owned(), index))
            .collect();
        let by_assertion_key = numbered()
            .flat_map(|(index, client)| {
                let keys = client.assertion_keys.iter().enumerate();
                keys.map(move |(n, key)| ((key.subject.clone(), key.id.clone()), (index, n)))
            })
            .collect();
        let by_certificate = numbered()
            .flat_map(|(index, client)| {
                let names = client.certificates.iter();
                names.map(move |name| (name.clone(), index))
            })
            .collect();
        Self {
            by_client_id,
            by_certificate,
            by_assertion_key,
            clients: clients.into_iter().map(Arc::new).collect(),
            by_key,
            by_identity,
        }
    }

    /// The client that holds `key`.
    ///
    /// # Errors
    /// [`Failure::Unauthenticated`], after the same work as for a known key.
    pub fn by_key(&self, key: &Secret) -> Result<Grant, Failure> {
        let presented = keys::hash(key.expose());
        let (stored, index) = match self.by_key.get_key_value(&presented) {
            Some((stored, index)) => (*stored, *index),
            None => (KeyHash::default(), usize::MAX),
        };
        let equal: bool = stored.ct_eq(&presented).into();
        self.grant(index)
            .filter(|_| equal)
            .map(|grant| grant.known_by_key(&presented))
            .ok_or(Failure::Unauthenticated)
    }

    /// The client that an issuer calls by this id.
    ///
    /// # Errors
    /// [`Failure::Unauthenticated`].
    pub fn by_identity(&self, issuer: &str, id: &str) -> Result<Grant, Failure> {
        let identity = IssuedId {
            issuer: issuer.to_owned(),
            id: id.to_owned(),
        };
        let index = self.by_identity.get(&identity);
        index
            .and_then(|index| self.grant(*index))
            .ok_or(Failure::Unauthenticated)
    }

    /// The client that asks for a token under this id, with one of its keys as the secret; and that key.
    ///
    /// # Errors
    /// [`Failure::Unauthenticated`], after the same work as for an id that is known.
    pub fn by_secret(
        &self,
        client_id: &str,
        secret: &Secret,
    ) -> Result<(Grant, Credential), Failure> {
        let presented = keys::hash(secret.expose());
        let index = self.by_client_id.get(client_id).copied();
        let known = index.and_then(|index| self.grant(index));
        let nobody = [KeyHash::default()];
        let stored = known
            .as_ref()
            .map_or(nobody.as_slice(), |grant| grant.client().keys.as_slice());
        let is_one = stored
            .iter()
            .fold(Choice::from(0), |found, key| found | key.ct_eq(&presented));
        known
            .filter(|_| is_one.into())
            .map(|grant| (grant, Credential::key(&presented)))
            .ok_or(Failure::Unauthenticated)
    }

    /// The client whose assertions name this subject and this key, with the key.
    #[must_use]
    pub fn by_assertion_key(&self, subject: &str, id: &str) -> Option<(Grant, &PublicKey)> {
        let name = (subject.to_owned(), id.to_owned());
        let (index, n) = *self.by_assertion_key.get(&name)?;
        let key = &self.clients.get(index)?.assertion_keys.get(n)?.key;
        Some((self.grant(index)?, key))
    }

    /// The client whose certificate this is. One that is known as several clients' is nobody's.
    #[must_use]
    pub fn by_certificate(&self, certificate: &ClientCertificate) -> Option<Grant> {
        let names = certificate.names().iter();
        let mut known = names.filter_map(|name| self.by_certificate.get(name).copied());
        let first = known.next()?;
        known
            .all(|other| other == first)
            .then(|| self.grant(first))?
    }

    /// The client of this name: how a front finds its anonymous one.
    #[must_use]
    pub fn named(&self, name: &ClientName) -> Option<Grant> {
        let index = self.clients.iter().position(|c| c.name == *name)?;
        self.grant(index)
    }

    /// Every client, in the order of their indexes.
    #[must_use]
    pub fn all(&self) -> &[Arc<Client>] {
        &self.clients
    }

    fn grant(&self, index: usize) -> Option<Grant> {
        let client = Arc::clone(self.clients.get(index)?);
        Some(Grant::of(index, client))
    }
}

#[cfg(test)]
#[path = "authn_tests.rs"]
mod tests;
