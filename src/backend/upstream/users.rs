//! Users over an upstream: their documents and ids are kept here, their links there.
//!
//! Where users are open, who is unknown here exists if the IdP says so: it tells the user, or links of theirs.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Upstream;
use super::links::Known;
use crate::backend::Answer;
use crate::model::{
    Action, Alias, Failure, Field, Instant, Link, Operation, OperationKind, Outcome, Page, Record,
    User, UserId, Value, Which,
};

impl Upstream {
    /// Gives a user an id, here. Then the IdP is asked under that id what the user has: an index must know it
    /// before anybody is told. Where that fails the id stands, and giving it once more is no change.
    pub(super) async fn user_alias(&self, operation: &Operation) -> Answer {
        let Action::UserAlias {
            user_id,
            vendor,
            vendor_id,
            rebind,
        } = &operation.action
        else {
            return Err(Failure::UpstreamRefused);
        };
        // With a reason, an id is taken from whomever it means.
        if rebind.is_none() {
            self.require_free_id(operation, user_id, vendor, vendor_id)
                .await?;
        }
        // In another tenant nobody may have it, whatever the reason.
        let given = [Alias {
            vendor: vendor.clone(),
            vendor_id: vendor_id.clone(),
        }];
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
        let here = self.here(operation, user_id).await?;
        if here.is_none() && operation.rules.known_users {
            return Err(Failure::UserNotFound);
        }
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
        let document = there.as_ref().and_then(document);
        let mut user = match here {
            Some(here) => here,
            None => {
                let links = held.iter().map(|known| &known.link);
                told(operation, user_id, there.as_ref(), links)
            }
        };
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
                cut(holder.into_iter().collect(), after.as_ref(), *page)
            }
            Which::Ids(ids) => {
                let ids: BTreeSet<&UserId> = ids.iter().collect();
                let mut there: Vec<UserId> = Vec::new();
                for id in ids {
                    match self.require_user(operation, id).await {
                        Ok(()) => there.push(id.clone()),
                        Err(Failure::UserNotFound) => {}
                        Err(failure) => return Err(failure),
                    }
                }
                cut(there, after.as_ref(), *page)
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
        let mut users: Vec<(User, Vec<Link>)> = Vec::new();
        for id in found {
            match self.user(operation, &id, *links).await {
                Ok((user, held)) => {
                    users.push((user, held.into_iter().map(|known| known.link).collect()));
                }
                // Who is known here and not there has gone meanwhile.
                Err(Failure::UserNotFound) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(Outcome::Users { users, total, more })
    }
}

/// A page of users in the order of their ids, with the number of all and whether there are more.
fn cut(all: Vec<UserId>, after: Option<&UserId>, page: Page) -> (Vec<UserId>, u64, bool) {
    let whole = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let total = all.len() as u64;
    let is_after = |user: &UserId| after.is_none_or(|after| user > after);
    let rest = all.into_iter().filter(is_after).skip(whole(page.offset));
    let rest: Vec<UserId> = rest.collect();
    let limit = page.limit.map_or(usize::MAX, whole);
    let more = rest.len() > limit;
    (rest.into_iter().take(limit).collect(), total, more)
}

/// A user of whom nothing is kept here: as the IdP tells them, or else their links.
fn told<'a>(
    operation: &Operation,
    user_id: &UserId,
    there: Option<&Record>,
    links: impl Iterator<Item = &'a Link> + Clone,
) -> User {
    let instant = |field| there.and_then(|record| record.int(field)).map(Instant);
    let revision = there.and_then(|record| record.int(Field::Revision));
    let revision = revision.and_then(|n| u64::try_from(n).ok());
    let of_links = || links.clone().map(|link| link.revision).max();
    let oldest = links.clone().filter_map(|link| link.created_at).min();
    let newest = links.clone().filter_map(|link| link.updated_at).max();
    User {
        user_id: user_id.clone(),
        tenant: operation.tenant.clone(),
        ids: Vec::new(),
        document: None,
        created_at: instant(Field::CreatedAt).or(oldest),
        updated_at: instant(Field::UpdatedAt).or(newest),
        revision: revision.or_else(of_links).unwrap_or(0),
    }
}

/// What the IdP tells of a user beyond links.
fn document(record: &Record) -> Option<String> {
    match record.value(Field::Document) {
        Some(Value::Json(json)) => Some(json.to_string()),
        _ => None,
    }
}
