//! A model of a store that is simple enough to be read: a few lists. `scripts` compares them.

mod documents;
mod links;
mod users;

use std::collections::BTreeMap;

use linkbridge::backend::{Answer, Atomicity};
use linkbridge::model::{
    Action, Failure, How, Link, LinkLimit, Operation, Outcome, PendingLink, Secret, User, UserId,
};

use self::links::Made;

/// A store that is a few lists. It is cloned to undo.
#[derive(Clone, Default)]
pub(super) struct Model {
    /// In the order in which they were made.
    links: Vec<Link>,
    pending: Vec<(Secret, PendingLink)>,
    /// Users of the directory, by tenant and id.
    users: BTreeMap<(String, String), User>,
    revisions: BTreeMap<(String, String), u64>,
}

fn key(op: &Operation, user: &UserId) -> (String, String) {
    (op.tenant.as_str().to_owned(), user.as_str().to_owned())
}

impl Model {
    pub(super) fn batch(&mut self, operations: &[Operation], atomicity: Atomicity) -> Vec<Answer> {
        let before = self.clone();
        let answers: Vec<Answer> = operations.iter().map(|op| self.apply(op)).collect();
        match answers.iter().find_map(|answer| answer.as_ref().err()) {
            Some(failure) if atomicity == Atomicity::Together => {
                *self = before;
                vec![Err(failure.clone()); operations.len()]
            }
            _ => answers,
        }
    }

    fn apply(&mut self, op: &Operation) -> Answer {
        let before = self.clone();
        let answer = self.run(op);
        if answer.is_err() {
            *self = before;
        }
        answer
    }

    fn bump(&mut self, op: &Operation, user: &UserId) -> u64 {
        let revision = self.revisions.entry(key(op, user)).or_default();
        *revision += 1;
        *revision
    }

    fn require(&self, op: &Operation, user: &UserId) -> Result<(), Failure> {
        let is_there = !op.rules.known_users || self.users.contains_key(&key(op, user));
        is_there.then_some(()).ok_or(Failure::UserNotFound)
    }

    /// The links of the tenant that fit, oldest first.
    fn some(&self, op: &Operation, fits: impl Fn(&Link) -> bool) -> Vec<Link> {
        let of_tenant = self.links.iter().filter(|l| l.tenant == op.tenant);
        let mut links: Vec<Link> = of_tenant.filter(|l| fits(l)).cloned().collect();
        links.sort_by_key(|l| l.created_at);
        links
    }

    fn run(&mut self, op: &Operation) -> Answer {
        match &op.action {
            Action::LinkCreate { user_id, .. } => self.create(op, user_id),
            Action::LinkGet { link_id, user_id } => {
                self.one(op, user_id.as_ref(), |l| l.link_id == *link_id)
            }
            Action::LinkFind {
                provider_id,
                subject,
                user_id,
            } => self.one(op, user_id.as_ref(), |l| {
                l.provider_id == *provider_id && l.subject == *subject
            }),
            Action::LinkList { user_id, page, .. } => {
                self.require(op, user_id)?;
                let links = self.some(op, |l| l.user_id == *user_id);
                let total = links.len() as u64;
                let part = links.into_iter().skip(page.offset as usize);
                Ok(Outcome::Links {
                    links: part
                        .take(page.limit.map_or(usize::MAX, |n| n as usize))
                        .collect(),
                    total,
                })
            }
            Action::LinkDelete(target) => self.delete(op, target),
            Action::PendingCreate { .. } => self.keep(op),
            Action::PendingGet {
                pending_id,
                user_id,
            } => {
                let pending = self.waiting(op, pending_id)?;
                let mut count = None;
                if let Some(user) = user_id {
                    self.require(op, user)?;
                    let at = |l: &Link| l.user_id == *user && l.provider_id == pending.provider_id;
                    count = Some(self.some(op, at).len() as u64);
                }
                Ok(outcome(op, pending, count))
            }
            Action::PendingComplete {
                pending_id,
                user_id,
            } => self.complete(op, pending_id, user_id),
            Action::UserGet { user_id, links } => {
                let user = self.view(op, user_id).ok_or(Failure::UserNotFound)?;
                let links = self.some(op, |l| *links && l.user_id == *user_id);
                Ok(Outcome::User {
                    user,
                    links,
                    created: false,
                })
            }
            Action::UserPut { user_id, .. } => self.put(op, user_id),
            Action::UserAlias { user_id, .. } => self.name(op, user_id),
            Action::UserDelete { user_id } => self.remove(op, user_id),
            Action::UserList { .. } => Ok(self.list(op)),
            other => panic!("not modeled: {other:?}"),
        }
    }

    fn keep(&mut self, op: &Operation) -> Answer {
        let Action::PendingCreate {
            pending_id,
            provider_id,
            subject,
            token,
            expires_at,
            ..
        } = &op.action
        else {
            unreachable!()
        };
        let pending = PendingLink {
            tenant: op.tenant.clone(),
            client: op.client.clone(),
            provider_id: provider_id.clone(),
            subject: subject.clone(),
            display_name: Some("Shown".to_owned()),
            email: Some("a@example.com".to_owned()),
            username: None,
            token: token.clone(),
            expires_at: *expires_at,
        };
        self.pending.push((pending_id.clone(), pending.clone()));
        Ok(outcome(op, pending, None))
    }

    fn complete(&mut self, op: &Operation, pending_id: &Secret, user: &UserId) -> Answer {
        let p = self.waiting(op, pending_id)?;
        self.require(op, user)?;
        let made = Made {
            provider: p.provider_id.clone(),
            subject: p.subject.clone(),
            display_name: p.display_name.clone(),
            token: p.token.clone(),
            limit: op.rules.per_user_provider,
        };
        let (mut link, how) = self.link(op, user, made, None)?;
        if how == How::Existed && (p.display_name.is_some() || p.token.is_some()) {
            link.display_name = p.display_name.or(link.display_name.take());
            link.token = p.token.or(link.token.take());
            link.updated_at = link.updated_at.max(Some(op.at));
            link.revision = self.bump(op, user);
            let kept = self.links.iter_mut().find(|l| l.link_id == link.link_id);
            *kept.unwrap() = link.clone();
        }
        self.pending
            .retain(|(id, p)| id != pending_id || p.tenant != op.tenant);
        Ok(Outcome::Link { link, how })
    }

    fn waiting(&self, op: &Operation, pending_id: &Secret) -> Result<PendingLink, Failure> {
        let mut all = self.pending.iter();
        let found =
            all.find(|(id, p)| id == pending_id && p.tenant == op.tenant && p.expires_at > op.at);
        found
            .map(|(_, p)| p.clone())
            .ok_or(Failure::PendingNotFound)
    }
}

fn outcome(op: &Operation, pending: PendingLink, link_count: Option<u64>) -> Outcome {
    Outcome::Pending {
        pending,
        link_count,
        limit: op.rules.per_user_provider.map(|max| LinkLimit { max }),
    }
}
