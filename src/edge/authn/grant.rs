//! A grant: a client as one request has it, which only ever loses.

use std::fmt::Write as _;
use std::sync::Arc;

use super::Client;
use crate::edge::keys::KeyHash;
use crate::edge::scope::Scopes;
use crate::model::{Failure, TenantId};

/// A client's place in [`Clients`](super::Clients): what its rate limit is kept under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientIndex(pub usize);

/// What an authenticated request may do: its client, with no more scopes and tenants than its credential
/// leaves. The walk asks this client, never the configured one.
#[derive(Clone, Debug)]
pub struct Grant {
    index: ClientIndex,
    client: Arc<Client>,
    credential: Option<Arc<str>>,
}

impl Grant {
    /// All that the client at this place may do.
    pub(super) fn of(index: usize, client: Arc<Client>) -> Self {
        Self {
            index: ClientIndex(index),
            client,
            credential: None,
        }
    }

    /// By what the client was known: the first eight digits of its key's hash, or the name of a token. It says
    /// which credential it was to whoever has the configuration, and gives nobody one.
    #[must_use]
    pub fn credential(&self) -> Option<&Arc<str>> {
        self.credential.as_ref()
    }

    /// The same, known by this credential.
    #[must_use]
    pub fn known_by(self, credential: &str) -> Self {
        Self {
            credential: Some(credential.into()),
            ..self
        }
    }

    pub(super) fn known_by_key(self, hash: &KeyHash) -> Self {
        let mut name = "key:".to_owned();
        for byte in hash.iter().take(4) {
            let _ = write!(name, "{byte:02x}");
        }
        self.known_by(&name)
    }

    /// What the client's rate limit is kept under.
    #[must_use]
    pub fn index(&self) -> ClientIndex {
        self.index
    }

    /// The client as this request has it.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether it may be used on a connection that has been proven to be `proven`'s: by a certificate of the
    /// same client; without any, unless the client must have one.
    #[must_use]
    pub fn agrees_with(&self, proven: Option<&Grant>) -> bool {
        match proven {
            Some(proven) => proven.index == self.index,
            None => !self.client.certificate_required,
        }
    }

    /// The same with the scopes that are among `scopes` too, and for `tenant` only. `None` leaves things
    /// as they are; nothing is ever added.
    ///
    /// # Errors
    /// [`Failure::Forbidden`] if the client is locked to another tenant.
    pub fn narrowed(
        self,
        scopes: Option<Scopes>,
        tenant: Option<TenantId>,
    ) -> Result<Self, Failure> {
        if scopes.is_none() && tenant.is_none() {
            return Ok(self);
        }
        let client = &*self.client;
        let is_other = |lock: &TenantId| tenant.as_ref().is_some_and(|tenant| tenant != lock);
        if client.tenant.as_ref().is_some_and(is_other) {
            return Err(Failure::Forbidden);
        }
        let client = Client {
            scopes: scopes.map_or(client.scopes, |scopes| client.scopes.and(scopes)),
            tenant: tenant.or_else(|| client.tenant.clone()),
            ..client.clone()
        };
        Ok(Self {
            client: Arc::new(client),
            ..self
        })
    }
}
