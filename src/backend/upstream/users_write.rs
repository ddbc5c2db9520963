//! Putting and deleting users over an upstream.
//!
//! An IdP that has users as clients put them gets them; else the document is kept here. New links are made
//! there. There is no transaction over both: what can be refused here is refused first, and what was done is
//! undone if a later part is refused.

use super::Upstream;
use super::create::New;
use super::links::Known;
use super::state::Mark;
use crate::backend::Answer;
use crate::model::{
    Action, Alias, DocumentChange, Failure, How, Link, NewLink, Operation, Outcome, PutMode, User,
    UserId,
};

impl Upstream {
    /// Puts a user: the document here, new links there.
    pub(super) async fn user_put(&self, operation: &Operation) -> Answer {
        let Action::UserPut {
            user_id,
            mode,
            document,
            ids,
            links,
        } = &operation.action
        else {
            return Err(Failure::UpstreamRefused);
        };
        let here = self.here(operation, user_id).await?;
        let before = match self.user(operation, user_id, false).await {
            Ok((user, _)) => Some(user),
            Err(Failure::UserNotFound) => None,
            Err(failure) => return Err(failure),
        };
        match (mode, &before) {
            (PutMode::Create, Some(_)) => return Err(Failure::LinkExists),
            (PutMode::Update, None) => return Err(Failure::UserNotFound),
            _ => {}
        }
        let _claimed = self.claim(operation, user_id, ids).await?;
        let (known, had) = (here.as_ref(), before.as_ref());
        let puts = Self::puts(known, had, user_id, document.clone(), ids);
        self.rehearse(operation, &puts).await?;
        for id in ids {
            self.require_free_id(operation, user_id, &id.vendor, &id.vendor_id)
                .await?;
        }
        let put = Put {
            user_id,
            here: known,
            before: had,
            puts,
            document: document.as_ref(),
            links,
        };
        let user = match self.is_ground(document.as_ref(), ids) {
            true => self.put_then_link(operation, put).await?,
            false => self.link_then_put(operation, put).await?,
        };
        let held = match self.links(operation, user_id).await {
            Err(Failure::UserNotFound) => Vec::new(),
            // What was written is not denied because it cannot be told.
            held => held.map_err(|_| Failure::OutcomeUnknown)?,
        };
        Ok(Outcome::User {
            user,
            links: held.into_iter().map(|known| known.link).collect(),
            created: before.is_none(),
        })
    }

    /// Whether links of the user can only be made once the user is put.
    fn is_ground(&self, document: Option<&DocumentChange>, ids: &[Alias]) -> bool {
        let is_there = self.keeps_users() && document.is_some();
        is_there || ids.iter().any(|id| id.vendor == *self.vendor())
    }

    /// The links first: if one is refused, the user is as before.
    async fn link_then_put(&self, operation: &Operation, put: Put<'_>) -> Result<User, Failure> {
        let done = self.make_all(operation, put.user_id, put.links).await?;
        match self.commit(operation, put.puts).await {
            Ok(Outcome::User { user, .. }) => Ok(user),
            Ok(_) => Err(Failure::OutcomeUnknown),
            Err(failure) => Err(self.unmade(operation, done, failure).await),
        }
    }

    /// The user first, here and there, and then the links: if one is refused, the user is put as before.
    async fn put_then_link(&self, operation: &Operation, put: Put<'_>) -> Result<User, Failure> {
        let Put {
            user_id,
            here,
            before,
            ..
        } = put;
        let written = self.commit(operation, put.puts).await?;
        let Outcome::User { user, .. } = written else {
            return Err(Failure::OutcomeUnknown);
        };
        // Who is put without a document is made known here: an IdP has nothing to make of that.
        if self.keeps_users() && put.document.is_some() {
            let there = self.put_there(operation, &user, before.is_none()).await;
            if let Err(trouble) = there {
                let failure = Failure::from(trouble);
                if failure != Failure::OutcomeUnknown {
                    self.undo(operation, user_id, here).await;
                }
                return Err(failure);
            }
        }
        if let Err(failure) = self.make_all(operation, user_id, put.links).await {
            if put.document.is_some() {
                self.undo_there(operation, user_id, before).await;
            }
            self.undo(operation, user_id, here).await;
            return Err(failure);
        }
        if !self.keeps_users() {
            return Ok(user);
        }
        match self.user(operation, user_id, false).await {
            Ok((told, _)) => Ok(told),
            Err(Failure::UserNotFound) if put.document.is_none() && put.links.is_empty() => {
                Ok(user)
            }
            Err(_) => Err(Failure::OutcomeUnknown),
        }
    }

    /// Makes links, all or none as far as the IdP lets them be taken away again. Answers those that are new.
    async fn make_all(
        &self,
        operation: &Operation,
        user: &UserId,
        links: &[NewLink],
    ) -> Result<Vec<Link>, Failure> {
        let mut done: Vec<Link> = Vec::new();
        for link in links {
            let new = New {
                user,
                provider: &link.provider_id,
                subject: &link.subject,
                display_name: link.display_name.as_deref(),
                token: link.token.as_ref(),
                limit: link.limit,
            };
            match self.make(operation, &new).await {
                Ok((link, How::Created)) => done.push(link),
                Ok(_) => {}
                Err(failure) => return Err(self.unmade(operation, done, failure).await),
            }
        }
        Ok(done)
    }

    /// Takes new links away again, and tells why; if that cannot be done, nobody knows what there is.
    async fn unmade(&self, operation: &Operation, done: Vec<Link>, why: Failure) -> Failure {
        let done = done.into_iter().map(|link| Known {
            link,
            vendor_link_id: None,
        });
        let undone = self.remove_all(operation, done.collect()).await;
        undone.map_or(Failure::OutcomeUnknown, |_| why)
    }

    /// Puts what is kept here of a user as it was before.
    async fn undo(&self, operation: &Operation, user_id: &UserId, before: Option<&User>) {
        let action = match before {
            None => Action::UserDelete {
                user_id: user_id.clone(),
            },
            Some(user) => Action::UserPut {
                user_id: user_id.clone(),
                mode: PutMode::Either,
                document: user.document.clone().map(DocumentChange::Whole),
                ids: Vec::new(),
                links: Vec::new(),
            },
        };
        if let Err(failure) = self.local(operation, action).await {
            let failure = failure.kind().name();
            tracing::error!(
                upstream = self.name(),
                failure,
                "a user cannot be put back as it was"
            );
        }
    }

    /// Takes a user away: the links there, then what is kept here.
    pub(super) async fn user_delete(&self, operation: &Operation, user_id: &UserId) -> Answer {
        // No link is made in between, and left behind.
        let (tenant, id) = (operation.tenant.as_str(), user_id.as_str());
        let _locked = self.locks.take(&[("user", tenant, id)]).await;
        let (user, held) = self.user(operation, user_id, true).await?;
        if self.keeps_users() {
            let rows = held
                .iter()
                .map(|known| known.row(Mark::Candidate))
                .collect();
            self.delete_there(operation, user_id, rows).await?;
        } else {
            self.remove_all(operation, held).await?;
        }
        let delete = Action::UserDelete {
            user_id: user_id.clone(),
        };
        match self.local(operation, delete).await {
            Ok(outcome) => Ok(outcome),
            // Who was known there only is gone with the last link.
            Err(Failure::UserNotFound) => Ok(Outcome::User {
                user,
                links: Vec::new(),
                created: false,
            }),
            Err(_) => Err(Failure::OutcomeUnknown),
        }
    }
}

/// A user who is about to be put.
struct Put<'a> {
    user_id: &'a UserId,
    /// What is kept here.
    here: Option<&'a User>,
    /// What is known, here or there.
    before: Option<&'a User>,
    /// What puts the user here.
    puts: Vec<Action>,
    document: Option<&'a DocumentChange>,
    links: &'a [NewLink],
}
