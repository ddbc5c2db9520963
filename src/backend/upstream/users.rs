//! Users over an upstream: their documents and ids are kept here, their links there.
//!
//! Where users are open, who is unknown here exists if the IdP says so: it tells the user, or links of theirs.

use std::time::Duration;

use super::Upstream;
use super::links::Known;
use crate::backend::Answer;
use crate::model::{
    Action, Alias, Failure, Field, Instant, Link, Operation, OperationKind, Outcome, Record, User,
    UserId, Value, Which,
};

impl Upstream {
    /// Gives a user an id, here. Then the IdP is asked under that id what the user has: an index must know it
    /// before anybody is told. Where that fails the id stands, and giving it once more is no change.
    pub(super) async fn user_alias(&self, operation: &Operation, user_id: &UserId) -> Answer {
        let given = match &operation.action {
            Action::UserAlias {
                vendor, vendor_id, ..
            } => vec![Alias {
                vendor: vendor.clone(),
                vendor_id: vendor_id.clone(),
            }],
            _ => Vec::new(),
        };
        let claimed = self.claim(operation, user_id, &given).await?;
        let answer = self.parts.local.apply(operation.clone()).await?;
        drop(claimed);
        if self.needs_index() {
            self.require_indexed(operation, user_id).await?;
        }
        Ok(answer)
    }

    async fn require_indexed(&self, operation: &Operation, user: &UserId) -> Result<(), Failure> {
        let held = match self.links(operation, user).await {
            Err(Failure::UserNotFound) => return Ok(()),
            held => held?,
        };
        let state = &self.parts.state;
        let rows = state.of_user(self.name(), &operation.tenant, user)?;
        let is_noted = |known: &Known| {
            let mut rows = rows.iter();
            rows.any(|row| known.is(&row.provider_id, &row.subject))
        };
        if held.iter().all(is_noted) {
            return Ok(());
        }
        Err(Failure::Overloaded {
            retry_after: Duration::from_secs(1),
        })
    }

    pub(super) async fn user_get(
        &self,
        operation: &Operation,
        user_id: &UserId,
        links: bool,
    ) -> Answer {
        let (user, held) = self.user(operation, user_id, links).await?;
        Ok(Outcome::User {
            user,
            links: held.into_iter().map(|known| known.link).collect(),
            created: false,
        })
    }

    /// Whether the IdP has users as clients put them, with their documents: then that is where they are.
    pub(super) fn keeps_users(&self) -> bool {
        use OperationKind as K;
        let needed = [K::UserGet, K::UserCreate, K::UserUpdate, K::UserDelete];
        let dialect = &self.settings.dialect;
        needed.iter().all(|kind| dialect.is_done_upstream(*kind))
    }

    /// Fails if there is no such user, here or there.
    pub(super) async fn require_user(
        &self,
        operation: &Operation,
        user_id: &UserId,
    ) -> Result<(), Failure> {
        self.user(operation, user_id, false).await.map(|_| ())
    }

    /// A user, with the links if they are asked for.
    pub(super) async fn user(
        &self,
        operation: &Operation,
        user_id: &UserId,
        links: bool,
    ) -> Result<(User, Vec<Known>), Failure> {
        let look = Action::UserGet {
            user_id: user_id.clone(),
            links: false,
        };
        let here = match self.local(operation, look).await {
            Ok(Outcome::User { user, .. }) => Some(user),
            Ok(_) => None,
            Err(Failure::UserNotFound) if !operation.rules.known_users => None,
            Err(failure) => return Err(failure),
        };
        let has_document = here.as_ref().is_some_and(|user| user.document.is_some());
        let keeps_users = self.keeps_users();
        let there = match has_document && !keeps_users {
            true => None,
            false => self.user_told(operation, user_id).await?,
        };
        if keeps_users && there.is_none() {
            return Err(Failure::UserNotFound);
        }
        let is_somewhere = here.is_some() || there.is_some();
        let held = match links || !is_somewhere {
            false => Vec::new(),
            true => match self.links(operation, user_id).await {
                // Who has no link there yet need not be known there.
                Err(Failure::UserNotFound) if is_somewhere => Vec::new(),
                held => held?,
            },
        };
        if !is_somewhere && held.is_empty() {
            return Err(Failure::UserNotFound);
        }
        let instant = |field| {
            there
                .as_ref()
                .and_then(|record| record.int(field))
                .map(Instant)
        };
        let (created_at, updated_at) = (instant(Field::CreatedAt), instant(Field::UpdatedAt));
        let document = there.as_ref().and_then(document);
        let mut user = here.unwrap_or_else(|| User {
            user_id: user_id.clone(),
            tenant: operation.tenant.clone(),
            ids: Vec::new(),
            document: None,
            created_at,
            updated_at,
            revision: 0,
        });
        user.document = match keeps_users {
            true => document,
            false => user.document.or(document),
        };
        Ok((user, if links { held } else { Vec::new() }))
    }

    /// The user as the IdP tells it, if it can be asked and knows the user.
    async fn user_told(
        &self,
        operation: &Operation,
        user_id: &UserId,
    ) -> Result<Option<Record>, Failure> {
        if !self
            .settings
            .dialect
            .is_done_upstream(OperationKind::UserGet)
        {
            return Ok(None);
        }
        let talk = self.talk(operation);
        let question = match talk.about(user_id) {
            Ok(question) => question,
            // Who has no id there is nobody there.
            Err(Failure::UserNotFound) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        match talk.ask(OperationKind::UserGet, &question).await {
            Ok(mut told) => {
                let Some(Value::Record(user)) = told.reply.take(Field::User) else {
                    return Ok(None);
                };
                let is_ours = match (user.text(Field::Tenant), talk.tenant_id()) {
                    (Some(told), Some(own)) => super::talk::is_same(told, own),
                    _ => true,
                };
                Ok(is_ours.then_some(user))
            }
            Err(trouble) => match Failure::from(trouble) {
                Failure::UserNotFound | Failure::LinkNotFound => Ok(None),
                failure => Err(failure),
            },
        }
    }

    /// Users of the local store; whoever holds an account is asked for at the IdP.
    pub(super) async fn user_list(&self, operation: &Operation) -> Answer {
        let Action::UserList {
            which,
            after,
            page,
            links,
        } = &operation.action
        else {
            return Err(Failure::UpstreamRefused);
        };
        let mut users: Vec<(User, Vec<Link>)> = Vec::new();
        let (found, total, more) = match which {
            Which::Holder {
                provider_id,
                subject,
            } => {
                let found = self.link_find(operation, provider_id, subject, None).await;
                let holder = match found {
                    Ok(Outcome::Link { link, .. }) => Some(link.user_id),
                    Ok(_) | Err(Failure::LinkNotFound) => None,
                    Err(failure) => return Err(failure),
                };
                let is_after = |user: &UserId| after.as_ref().is_none_or(|after| user > after);
                let ids: Vec<UserId> = holder.into_iter().filter(is_after).collect();
                let total = ids.len() as u64;
                (ids, total, false)
            }
            Which::Ids(ids) => {
                let mut there: Vec<UserId> = Vec::new();
                for id in ids {
                    match self.require_user(operation, id).await {
                        Ok(()) => there.push(id.clone()),
                        Err(Failure::UserNotFound) => {}
                        Err(failure) => return Err(failure),
                    }
                }
                let total = there.len() as u64;
                there.retain(|id| after.as_ref().is_none_or(|after| id > after));
                let skip = usize::try_from(page.offset).unwrap_or(usize::MAX);
                let limit = page.limit.and_then(|n| usize::try_from(n).ok());
                let rest = there.len().saturating_sub(skip);
                let more = limit.is_some_and(|limit| rest > limit);
                let page = there
                    .into_iter()
                    .skip(skip)
                    .take(limit.unwrap_or(usize::MAX));
                (page.collect(), total, more)
            }
            _ => {
                let local = Action::UserList {
                    which: which.clone(),
                    after: after.clone(),
                    page: *page,
                    links: false,
                };
                let Outcome::Users { users, total, more } = self.local(operation, local).await?
                else {
                    return Err(Failure::UpstreamRefused);
                };
                let ids = users.into_iter().map(|(user, _)| user.user_id).collect();
                (ids, total, more)
            }
        };
        for id in found {
            let (user, held) = self.user(operation, &id, *links).await?;
            users.push((user, held.into_iter().map(|known| known.link).collect()));
        }
        Ok(Outcome::Users { users, total, more })
    }
}

/// What the IdP tells of a user beyond links.
fn document(record: &Record) -> Option<String> {
    match record.value(Field::Document) {
        Some(Value::Json(json)) => Some(json.to_string()),
        _ => None,
    }
}
