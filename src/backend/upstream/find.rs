//! Who holds an account: asked at the IdP where it can be, else found by the index and then asked.

use std::time::Duration;

use super::Upstream;
use super::links::Known;
use super::talk::is_same;
use crate::backend::Answer;
use crate::model::{
    Failure, Field, How, Instant, LinkId, Operation, OperationKind, Outcome, ProviderId, Subject,
    UserId,
};

/// How soon it may be known what is not known now.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Who holds an account.
#[derive(Debug)]
pub(super) enum Holder {
    /// Nobody.
    Nobody,
    /// This user.
    User(Box<Known>),
    /// Somebody at the IdP whom this tenant does not know.
    Stranger,
}

impl Upstream {
    /// Who holds an account.
    ///
    /// # Errors
    /// `Overloaded` while the index cannot say that nobody does: a miss is no answer then.
    pub(super) async fn holder(
        &self,
        operation: &Operation,
        provider: &ProviderId,
        subject: &Subject,
    ) -> Result<Holder, Failure> {
        // What was acknowledged a moment ago may not be found there yet, or still.
        if let Some(holder) = self.fresh_holder(operation, provider, subject).await? {
            return Ok(holder);
        }
        if self
            .settings
            .dialect
            .is_done_upstream(OperationKind::LinkFind)
        {
            return self.holder_told(operation, provider, subject).await;
        }
        self.holder_indexed(operation, provider, subject).await
    }

    /// The holder by a write that was acknowledged so short ago that the IdP may not show it.
    async fn fresh_holder(
        &self,
        operation: &Operation,
        provider: &ProviderId,
        subject: &Subject,
    ) -> Result<Option<Holder>, Failure> {
        if self.lags_until(operation.at).is_none() {
            return Ok(None);
        }
        self.confirmed(operation, provider, subject).await
    }

    /// As the IdP tells it when it is asked for the account.
    async fn holder_told(
        &self,
        operation: &Operation,
        provider: &ProviderId,
        subject: &Subject,
    ) -> Result<Holder, Failure> {
        let talk = self.talk(operation);
        let question = talk.about_account(provider, subject)?;
        let told = match talk.ask(OperationKind::LinkFind, &question).await {
            Ok(told) => told,
            Err(trouble) => {
                return match Failure::from(trouble) {
                    Failure::LinkNotFound | Failure::UserNotFound | Failure::NothingLinked => {
                        Ok(Holder::Nobody)
                    }
                    failure => Err(failure),
                };
            }
        };
        let links = told.links();
        let asked = |field| question.must.text(field).unwrap_or_default();
        let meant = links.iter().find(|link| {
            let told = |field| link.text(field).unwrap_or_default();
            is_same(told(Field::ProviderId), asked(Field::ProviderId))
                && told(Field::Subject) == subject.as_str()
        });
        let Some(record) = meant else {
            return Ok(Holder::Nobody);
        };
        let Some(vendor_user) = record.text(Field::UserId) else {
            return Ok(Holder::Stranger);
        };
        let user = match talk.user_of(vendor_user) {
            Ok(user) => user,
            Err(Failure::UserNotFound) => return Ok(Holder::Stranger),
            Err(failure) => return Err(failure),
        };
        match self.require_known(operation, &user).await {
            Ok(()) => {}
            Err(Failure::UserNotFound) => return Ok(Holder::Stranger),
            Err(failure) => return Err(failure),
        }
        let Some(mut known) = talk.link(record, &user) else {
            return Ok(Holder::Stranger);
        };
        let rows = self
            .parts
            .state
            .of_user(self.name(), &operation.tenant, &user)?;
        self.complete(&mut known, &rows);
        Ok(Holder::User(Box::new(known)))
    }

    /// As the index says, and the IdP confirms.
    async fn holder_indexed(
        &self,
        operation: &Operation,
        provider: &ProviderId,
        subject: &Subject,
    ) -> Result<Holder, Failure> {
        if let Some(holder) = self.confirmed(operation, provider, subject).await? {
            return Ok(holder);
        }
        let status = self
            .parts
            .state
            .index_status(self.name(), &operation.tenant)?;
        let oldest = i64::try_from(self.settings.index_max_age.as_millis()).unwrap_or(i64::MAX);
        let oldest = Instant(operation.at.0.saturating_sub(oldest));
        match status.complete_since {
            Some(since) if since >= oldest => Ok(Holder::Nobody),
            _ => {
                tracing::warn!(
                    upstream = self.name(),
                    tenant = operation.tenant.as_str(),
                    "the index is incomplete or too old: a miss in it says nothing"
                );
                Err(Failure::Overloaded {
                    retry_after: RETRY_AFTER,
                })
            }
        }
    }

    /// The user whom a row names as the holder, if the IdP says so too.
    pub(super) async fn confirmed(
        &self,
        operation: &Operation,
        provider: &ProviderId,
        subject: &Subject,
    ) -> Result<Option<Holder>, Failure> {
        let tenant = &operation.tenant;
        let rows = self
            .parts
            .state
            .of_account(self.name(), tenant, provider, subject, false)?;
        for row in rows {
            if self.require_known(operation, &row.user_id).await == Err(Failure::UserNotFound) {
                continue;
            }
            let held = match self.links(operation, &row.user_id).await {
                Ok(held) => held,
                Err(Failure::UserNotFound) => continue,
                Err(failure) => return Err(failure),
            };
            if let Some(known) = held.into_iter().find(|known| known.is(provider, subject)) {
                return Ok(Some(Holder::User(Box::new(known))));
            }
        }
        Ok(None)
    }

    pub(super) async fn link_find(
        &self,
        operation: &Operation,
        provider: &ProviderId,
        subject: &Subject,
        guard: Option<&UserId>,
    ) -> Answer {
        // Who is named is asked for: that is an answer whatever an index knows.
        if let Some(user) = guard {
            let mut held = self.held(operation, user).await?.into_iter();
            return found(held.find(|known| known.is(provider, subject)));
        }
        match self.holder(operation, provider, subject).await? {
            Holder::User(known) => found(Some(*known)),
            Holder::Nobody | Holder::Stranger => Err(Failure::LinkNotFound),
        }
    }

    pub(super) async fn link_get(
        &self,
        operation: &Operation,
        link_id: LinkId,
        guard: Option<&UserId>,
    ) -> Answer {
        found(self.by_id(operation, link_id, guard).await?)
    }

    /// The link of an id. Ids are made of what they mean, so that a user's links tell theirs; whose it is when no
    /// user is named is known of every link that was ever told.
    pub(super) async fn by_id(
        &self,
        operation: &Operation,
        link_id: LinkId,
        guard: Option<&UserId>,
    ) -> Result<Option<Known>, Failure> {
        let row = match guard {
            Some(_) => None,
            None => {
                let state = &self.parts.state;
                state.of_link(self.name(), &operation.tenant, link_id)?
            }
        };
        let Some(user) = guard.or(row.as_ref().map(|row| &row.user_id)) else {
            return Ok(None);
        };
        let held = self.held(operation, user).await?;
        Ok(held.into_iter().find(|known| known.link.link_id == link_id))
    }

    /// The links of a user; nobody holds none.
    async fn held(&self, operation: &Operation, user: &UserId) -> Result<Vec<Known>, Failure> {
        let held = match self.require_known(operation, user).await {
            Ok(()) => self.links(operation, user).await,
            Err(failure) => Err(failure),
        };
        match held {
            Err(Failure::UserNotFound) => Ok(Vec::new()),
            held => held,
        }
    }
}

fn found(known: Option<Known>) -> Answer {
    let known = known.ok_or(Failure::LinkNotFound)?;
    Ok(Outcome::Link {
        link: known.link,
        how: How::Found,
    })
}
