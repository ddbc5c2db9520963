//! What stands for a store while a request is explained: it has the user and the link of the scene in it. Nothing
//! outside of this process is read or written.

use std::sync::{Arc, Mutex, PoisonError};

use super::stage::{Shared, seen};
use crate::backend::{Answer, Atomicity, Backend, BoxFuture};
use crate::model::{
    Action, Failure, How, Link, LinkId, Operation, Outcome, ProviderId, Subject, Target, UserId,
    Which,
};

/// A store in which the scene is so: its user is there, and its link, if it has it.
pub(super) struct Pretend {
    scene: Shared,
    holds: bool,
    /// What it has been told to hold since; `None` as long as nothing has changed.
    links: Mutex<Option<Vec<Link>>>,
    /// What it says instead of anything else.
    fault: Option<Failure>,
}

impl Pretend {
    pub(super) fn new(scene: &Shared, holds: bool) -> Self {
        Self {
            scene: Arc::clone(scene),
            holds,
            links: Mutex::default(),
            fault: None,
        }
    }

    pub(super) fn failing(scene: &Shared, fault: Option<Failure>) -> Self {
        Self {
            fault,
            ..Self::new(scene, false)
        }
    }

    fn links(&self) -> Vec<Link> {
        let changed = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let untouched = || match self.holds {
            true => vec![seen(&self.scene).link()],
            false => Vec::new(),
        };
        changed.clone().unwrap_or_else(untouched)
    }

    fn set(&self, links: Vec<Link>) {
        *self.links.lock().unwrap_or_else(PoisonError::into_inner) = Some(links);
    }

    fn add(&self, link: Link) -> Link {
        let mut links = self.links();
        links.push(link.clone());
        self.set(links);
        link
    }

    fn of_user(&self, user: &UserId) -> Vec<Link> {
        let mut links = self.links();
        links.retain(|link| link.user_id == *user);
        links
    }

    fn answer(&self, operation: &Operation) -> Answer {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let scene = seen(&self.scene);
        let found = |link: Option<Link>| {
            let link = link.ok_or(Failure::LinkNotFound)?;
            Ok(Outcome::Link {
                link,
                how: How::Found,
            })
        };
        let made = |user_id: &UserId, provider_id: &ProviderId, subject: &Subject| Link {
            link_id: LinkId::of(&operation.tenant, user_id, provider_id, subject),
            user_id: user_id.clone(),
            provider_id: provider_id.clone(),
            subject: subject.clone(),
            ..scene.link()
        };
        match &operation.action {
            Action::LinkCreate {
                user_id,
                provider_id,
                subject,
                display_name,
                token,
                ..
            } => {
                let link = Link {
                    display_name: display_name.clone(),
                    token: token.clone(),
                    ..made(user_id, provider_id, subject)
                };
                let link = self.add(link);
                Ok(Outcome::Link {
                    link,
                    how: How::Created,
                })
            }
            Action::LinkGet { link_id, .. } => {
                let mut links = self.links().into_iter();
                found(links.find(|link| link.link_id == *link_id))
            }
            Action::LinkFind {
                provider_id,
                subject,
                ..
            } => {
                let mut links = self.links().into_iter();
                found(links.find(|l| l.provider_id == *provider_id && l.subject == *subject))
            }
            Action::LinkList {
                user_id,
                provider_id,
                subject,
                ..
            } => {
                let mut links = self.of_user(user_id);
                links.retain(|link| {
                    provider_id.as_ref().is_none_or(|p| link.provider_id == *p)
                        && subject.as_ref().is_none_or(|s| link.subject == *s)
                });
                let total = links.len() as u64;
                Ok(Outcome::Links { links, total })
            }
            Action::LinkDelete(target) => self.delete(target),
            Action::PendingCreate { .. } | Action::PendingGet { .. } => {
                let pending = scene.pending().ok_or(Failure::PendingNotFound)?;
                Ok(Outcome::Pending {
                    pending,
                    link_count: Some(0),
                    limit: None,
                })
            }
            Action::PendingComplete { user_id, .. } => {
                let link = self.add(made(user_id, &scene.provider, &scene.subject));
                Ok(Outcome::Link {
                    link,
                    how: How::Created,
                })
            }
            Action::UserPut { user_id, links, .. } => {
                for link in links {
                    self.add(made(user_id, &link.provider_id, &link.subject));
                }
                Ok(Outcome::User {
                    user: scene.user(user_id),
                    links: self.of_user(user_id),
                    created: false,
                })
            }
            Action::UserGet { user_id, .. }
            | Action::UserDelete { user_id }
            | Action::UserAlias { user_id, .. } => Ok(Outcome::User {
                user: scene.user(user_id),
                links: self.of_user(user_id),
                created: false,
            }),
            Action::UserList { which, .. } => {
                let ids = match which {
                    Which::Ids(ids) => ids.clone(),
                    Which::Holder { .. } if !self.holds => Vec::new(),
                    _ => vec![scene.user.clone()],
                };
                let users = ids.iter().map(|id| (scene.user(id), self.of_user(id)));
                let users: Vec<_> = users.collect();
                let total = users.len() as u64;
                Ok(Outcome::Users {
                    users,
                    total,
                    more: false,
                })
            }
            Action::Status => Ok(Outcome::Status { ready: true }),
            action @ (Action::ProviderList { .. } | Action::ProviderGet { .. }) => {
                Err(Failure::Unsupported {
                    operation: action.kind(),
                })
            }
        }
    }

    fn delete(&self, target: &Target) -> Answer {
        let is_meant = |link: &Link| match target {
            Target::Id { link_id, .. } => link.link_id == *link_id,
            Target::Exact {
                user_id,
                provider_id,
                subject,
            } => {
                link.user_id == *user_id
                    && link.provider_id == *provider_id
                    && link.subject == *subject
            }
            Target::AtProvider {
                user_id,
                provider_id,
                ..
            } => link.user_id == *user_id && link.provider_id == *provider_id,
            Target::Among {
                user_id, account, ..
            } => {
                let is_it = |(provider, subject): &(ProviderId, Subject)| {
                    link.provider_id == *provider && link.subject == *subject
                };
                link.user_id == *user_id && account.as_ref().is_none_or(is_it)
            }
        };
        let (links, kept): (Vec<Link>, Vec<Link>) =
            self.links().into_iter().partition(|link| is_meant(link));
        self.set(kept);
        if links.is_empty() {
            return Err(Failure::LinkNotFound);
        }
        let total = links.len() as u64;
        Ok(Outcome::Links { links, total })
    }
}

impl Backend for Pretend {
    fn apply(&self, operation: Operation) -> BoxFuture<'_, Answer> {
        Box::pin(std::future::ready(self.answer(&operation)))
    }

    fn apply_all(&self, operations: Vec<Operation>, _: Atomicity) -> BoxFuture<'_, Vec<Answer>> {
        let answers = operations.iter().map(|one| self.answer(one)).collect();
        Box::pin(std::future::ready(answers))
    }

    fn ready(&self) -> bool {
        true
    }
}
