//! Who is it: clients by the SHA-256 of the key that they present.
//!
//! A presented key is hashed and looked up by its hash, which nobody can steer towards a stored one;
//! the comparison after the lookup takes constant time, and an unknown key costs the same work.

use std::collections::HashMap;

use subtle::ConstantTimeEq;

use super::keys::{self, KeyHash};
use super::rate_limit::Rate;
use super::scope::{Scope, Scopes};
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
    /// The hashes of its keys. Two of them allow for rotation; an anonymous client has none.
    pub keys: Vec<KeyHash>,
}

impl Client {
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

/// A client's place in [`Clients`]: what its rate limit is kept under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientIndex(pub usize);

/// Every client that is configured.
#[derive(Debug, Default)]
pub struct Clients {
    clients: Vec<Client>,
    by_key: HashMap<KeyHash, usize>,
}

impl Clients {
    /// These clients. The configuration has seen to it that no two of them share a key.
    #[must_use]
    pub fn new(clients: Vec<Client>) -> Self {
        let by_key = clients
            .iter()
            .enumerate()
            .flat_map(|(index, client)| client.keys.iter().map(move |key| (*key, index)))
            .collect();
        Self { clients, by_key }
    }

    /// The client that holds `key`.
    ///
    /// # Errors
    /// [`Failure::Unauthenticated`], after the same work as for a known key.
    pub fn by_key(&self, key: &Secret) -> Result<(ClientIndex, &Client), Failure> {
        let presented = keys::hash(key.expose());
        let (stored, index) = match self.by_key.get_key_value(&presented) {
            Some((stored, index)) => (*stored, *index),
            None => (KeyHash::default(), usize::MAX),
        };
        let equal: bool = stored.ct_eq(&presented).into();
        self.clients
            .get(index)
            .filter(|_| equal)
            .map(|client| (ClientIndex(index), client))
            .ok_or(Failure::Unauthenticated)
    }

    /// The client of this name: how a front finds its anonymous one.
    #[must_use]
    pub fn named(&self, name: &ClientName) -> Option<(ClientIndex, &Client)> {
        self.clients
            .iter()
            .enumerate()
            .find(|(_, c)| c.name == *name)
            .map(|(i, c)| (ClientIndex(i), c))
    }

    /// Every client, in the order of their indexes.
    #[must_use]
    pub fn all(&self) -> &[Client] {
        &self.clients
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(name: &str, keys: &[&str]) -> Client {
        Client {
            name: ClientName::new(name).unwrap(),
            tenant: None,
            fronts: Some(vec!["acme-api".to_owned()]),
            scopes: [Scope::LinksRead].into_iter().collect(),
            providers: None,
            rate: None,
            keys: keys.iter().map(|key| keys::hash(key)).collect(),
        }
    }

    #[test]
    fn each_of_several_keys_names_its_client() {
        let clients = Clients::new(vec![
            client("a", &["one"]),
            client("b", &["two", "three"]),
            client("anon", &[]),
        ]);
        for (key, name) in [("one", "a"), ("two", "b"), ("three", "b")] {
            assert_eq!(
                clients.by_key(&Secret::new(key)).unwrap().1.name.as_str(),
                name
            );
        }
    }

    #[test]
    fn an_unknown_or_empty_key_is_nobody() {
        let clients = Clients::new(vec![client("a", &["one"]), client("anon", &[])]);
        for key in ["", "two", "One", "one "] {
            assert_eq!(
                clients.by_key(&Secret::new(key)).unwrap_err(),
                Failure::Unauthenticated
            );
        }
    }

    #[test]
    fn a_scope_or_front_that_is_not_given_is_not_allowed() {
        let client = client("a", &[]);
        assert_eq!(client.need(&[]), Ok(()));
        assert_eq!(client.need(&[Scope::LinksRead]), Ok(()));
        for scopes in [
            &[Scope::LinksCreate][..],
            &[Scope::LinksRead, Scope::LinksCreate],
        ] {
            assert_eq!(client.need(scopes), Err(Failure::Forbidden));
        }
        assert!(client.may_use("acme-api") && !client.may_use("other"));
    }
}
