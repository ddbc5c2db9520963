//! Whose user a vendor's id means, where several tenants are behind one credential and requests do not say
//! which of them asks: the one that has it first. Else who may put users could make another tenant's user an
//! own one, and link to it.

use tokio::sync::MutexGuard;

use super::Upstream;
use crate::model::{Action, Alias, Failure, Operation, TenantId, UserId};

impl Upstream {
    /// The same upstream for the links of these tenants.
    #[must_use]
    pub fn shared_by(mut self, tenants: Vec<TenantId>) -> Self {
        // An IdP that is told the tenant tells users apart itself.
        if !self.settings.dialect.tenants().needed {
            self.sharing = tenants;
        }
        self
    }

    /// Fails if one of the ids that a user is given here, or the one that is meant without them, is a user's of
    /// another tenant. Until the guard is dropped no other id is given.
    ///
    /// # Errors
    /// `SubjectTaken`; what can go wrong in the store.
    pub(super) async fn claim(
        &self,
        operation: &Operation,
        user: &UserId,
        given: &[Alias],
    ) -> Result<Option<MutexGuard<'_, ()>>, Failure> {
        if self.sharing.len() < 2 {
            return Ok(None);
        }
        let given = given.iter().find(|alias| alias.vendor == *self.vendor());
        if given.is_none() && self.is_of(operation, &operation.tenant, user).await? {
            return Ok(None);
        }
        let id = match given {
            Some(alias) => alias.vendor_id.clone(),
            None => match self.talk(operation).user_id(user) {
                Ok(id) => id,
                // Who has no id there is nobody there.
                Err(Failure::UserNotFound) => return Ok(None),
                Err(failure) => return Err(failure),
            },
        };
        let guard = self.claims.lock().await;
        for other in self
            .sharing
            .iter()
            .filter(|other| **other != operation.tenant)
        {
            let theirs = match self.parts.aliases.user_of(other, self.vendor(), &id) {
                Ok(theirs) => theirs,
                Err(Failure::UserNotFound) => continue,
                Err(failure) => return Err(failure),
            };
            if self.is_of(operation, other, &theirs).await? {
                tracing::warn!(
                    upstream = self.name(),
                    tenant = operation.tenant.as_str(),
                    holder = other.as_str(),
                    "a user was not taken over: the id at the IdP is one of another tenant's user"
                );
                return Err(Failure::SubjectTaken);
            }
        }
        Ok(Some(guard))
    }

    /// Whether a tenant knows a user.
    async fn is_of(
        &self,
        operation: &Operation,
        tenant: &TenantId,
        user: &UserId,
    ) -> Result<bool, Failure> {
        let look = Action::UserGet {
            user_id: user.clone(),
            links: false,
        };
        let there = Operation {
            tenant: tenant.clone(),
            ..operation.clone()
        };
        match self.local(&there, look).await {
            Ok(_) => Ok(true),
            Err(Failure::UserNotFound) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}
