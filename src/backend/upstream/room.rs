//! Whether a link may be made: nobody else holds the account, and the user has room for it.

use super::Upstream;
use super::create::New;
use super::find::Holder;
use super::links::Known;
use crate::model::operation::{SubjectCase, UniqueScope};
use crate::model::{Failure, Operation, Subject, UserId};

impl Upstream {
    /// Fails if another user holds the account.
    pub(super) async fn require_free(
        &self,
        operation: &Operation,
        new: &New<'_>,
    ) -> Result<(), Failure> {
        match self.holder(operation, new.provider, new.subject).await? {
            Holder::Nobody => Ok(()),
            Holder::User(known) if known.link.user_id == *new.user => Ok(()),
            Holder::User(_) | Holder::Stranger => Err(Failure::SubjectTaken),
        }
    }

    /// Where the front compares accounts in any case, or over all tenants, and the vendor does not: the links
    /// that are known here are asked for.
    pub(super) async fn require_free_in_wider_sense(
        &self,
        operation: &Operation,
        new: &New<'_>,
        held: &[Known],
    ) -> Result<(), Failure> {
        let (wanted, own) = (&operation.rules, &self.rules);
        let folds = wanted.subject_case == SubjectCase::Fold;
        let spans = wanted.unique_scope == UniqueScope::Instance;
        let is_decided_there = (!folds || own.subject_case == SubjectCase::Fold)
            && (!spans || own.unique_scope == UniqueScope::Instance);
        if is_decided_there {
            return Ok(());
        }
        let is_same = |subject: &Subject| match folds {
            true => subject.as_str().to_lowercase() == new.subject.as_str().to_lowercase(),
            false => subject == new.subject,
        };
        for tenant in self.parts.directory.tenants() {
            if !spans && tenant.tenant_id != operation.tenant {
                continue;
            }
            let elsewhere = Operation {
                tenant: tenant.tenant_id.clone(),
                ..operation.clone()
            };
            let rows = self.parts.state.of_account(
                self.name(),
                &tenant.tenant_id,
                new.provider,
                new.subject,
                folds,
            )?;
            let is_self = |user: &UserId| tenant.tenant_id == operation.tenant && user == new.user;
            // Somebody else's claim is told before one's own.
            for row in rows.iter().filter(|row| !is_self(&row.user_id)) {
                let held = match self.links(&elsewhere, &row.user_id).await {
                    Ok(held) => held,
                    Err(Failure::UserNotFound) => continue,
                    Err(failure) => return Err(failure),
                };
                let is_taken = |known: &Known| {
                    known.link.provider_id == *new.provider && is_same(&known.link.subject)
                };
                if held.iter().any(is_taken) {
                    return Err(Failure::SubjectTaken);
                }
            }
        }
        let is_own =
            |known: &Known| known.link.provider_id == *new.provider && is_same(&known.link.subject);
        match held.iter().any(is_own) {
            true => Err(Failure::LinkExists),
            false => Ok(()),
        }
    }

    /// Fails if the user has as many links as the front's rules or the vendor's allow.
    pub(super) fn room(
        &self,
        operation: &Operation,
        new: &New<'_>,
        held: &[Known],
    ) -> Result<(), Failure> {
        let stricter =
            |one: Option<u32>, other: Option<u32>| [one, other].into_iter().flatten().min();
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        if let Some(max) = stricter(operation.rules.per_user, self.rules.per_user)
            && count(held.len()) >= u64::from(max)
        {
            return Err(Failure::UserAlreadyLinked);
        }
        let here = held
            .iter()
            .filter(|known| known.link.provider_id == *new.provider);
        if let Some(max) = stricter(new.limit, self.rules.per_user_provider)
            && count(here.count()) >= u64::from(max)
        {
            return Err(Failure::LimitExceeded { max });
        }
        Ok(())
    }
}
