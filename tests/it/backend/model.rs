//! A model of a store that is simple enough to be read: a few lists. `scripts` compares them.

use std::collections::BTreeMap;

use linkbridge::backend::{Answer, Atomicity};
use linkbridge::model::operation::{OnMissingDelete, OnRepeat};
use linkbridge::model::{
    Action, Alias, DocumentChange, Failure, Field, How, Link, LinkId, LinkLimit, Operation,
    Outcome, PendingLink, Place, Problem, ProviderId, Secret, Subject, Target, User, UserId, Why,
};

/// A store that is a few lists. It is cloned to undo.
#[derive(Clone, Default)]
pub(super) struct Model {
    /// In the order in which they were made.
    links: Vec<Link>,
    pending: Vec<(Secret, PendingLink)>,
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

    fn some(&self, op: &Operation, fits: impl Fn(&Link) -> bool) -> Vec<Link> {
        self.links
            .iter()
            .filter(|l| l.tenant == op.tenant && fits(l))
            .cloned()
            .collect()
    }

    fn run(&mut self, op: &Operation) -> Answer {
        match &op.action {
            Action::LinkCreate {
                user_id,
                provider_id,
                subject,
                display_name,
                token,
                ..
            } => self.create(
                op,
                (user_id, provider_id, subject),
                display_name.clone(),
                token.clone(),
            ),
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
                let mut links = self.some(op, |l| l.user_id == *user_id);
                links.sort_by_key(|l| l.created_at);
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
            Action::PendingCreate {
                pending_id,
                provider_id,
                subject,
                token,
                expires_at,
                ..
            } => {
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
            } => {
                let p = self.waiting(op, pending_id)?;
                let mut answer = self.create(
                    op,
                    (user_id, &p.provider_id, &p.subject),
                    p.display_name.clone(),
                    p.token.clone(),
                )?;
                if let Outcome::Link {
                    link,
                    how: How::Existed,
                } = &mut answer
                    && (p.display_name.is_some() || p.token.is_some())
                {
                    link.display_name = p.display_name.or(link.display_name.take());
                    link.token = p.token.or(link.token.take());
                    link.updated_at = link.updated_at.max(op.at);
                    link.revision = self.bump(op, user_id);
                    let kept = self.links.iter_mut().find(|l| l.link_id == link.link_id);
                    *kept.unwrap() = link.clone();
                }
                self.pending
                    .retain(|(id, p)| id != pending_id || p.tenant != op.tenant);
                Ok(answer)
            }
            Action::UserGet { user_id, .. } => self.user(op, user_id, false),
            Action::UserPut {
                user_id,
                document,
                ids,
                ..
            } => {
                let created = self.touch(op, user_id);
                let user = self.users.get_mut(&key(op, user_id)).unwrap();
                if let Some(DocumentChange::Whole(text)) = document {
                    user.document = Some(text.clone());
                }
                ids.iter()
                    .try_for_each(|alias| self.alias(op, user_id, alias, false))?;
                self.user(op, user_id, created)
            }
            Action::UserAlias {
                user_id,
                vendor,
                vendor_id,
                rebind,
            } => {
                self.require(op, user_id)?;
                let created = self.touch(op, user_id);
                let alias = Alias {
                    vendor: vendor.clone(),
                    vendor_id: vendor_id.clone(),
                };
                self.alias(op, user_id, &alias, rebind.is_some())?;
                self.user(op, user_id, created)
            }
            Action::UserDelete { user_id } => {
                let mut gone = self
                    .users
                    .remove(&key(op, user_id))
                    .ok_or(Failure::UserNotFound)?;
                if !self.some(op, |l| l.user_id == *user_id).is_empty() {
                    self.bump(op, user_id);
                }
                self.links
                    .retain(|l| l.tenant != op.tenant || l.user_id != *user_id);
                gone.revision = self.bump(op, user_id);
                Ok(Outcome::User {
                    user: gone,
                    links: Vec::new(),
                    created: false,
                })
            }
            other => panic!("not modeled: {other:?}"),
        }
    }

    fn create(
        &mut self,
        op: &Operation,
        (user, provider, subject): (&UserId, &ProviderId, &Subject),
        display_name: Option<String>,
        token: Option<Secret>,
    ) -> Answer {
        self.require(op, user)?;
        if let Some(link) = self
            .some(op, |l| l.provider_id == *provider && l.subject == *subject)
            .pop()
        {
            return match op.rules.on_repeat {
                _ if link.user_id != *user => Err(Failure::SubjectTaken),
                OnRepeat::Error => Err(Failure::LinkExists),
                OnRepeat::Same => Ok(Outcome::Link {
                    link,
                    how: How::Existed,
                }),
            };
        }
        let held = self
            .some(op, |l| l.user_id == *user && l.provider_id == *provider)
            .len();
        if let Some(max) = op.rules.per_user_provider
            && held >= max as usize
        {
            return Err(Failure::LimitExceeded { max });
        }
        let link = Link {
            link_id: LinkId::of(&op.tenant, user, provider, subject),
            tenant: op.tenant.clone(),
            user_id: user.clone(),
            provider_id: provider.clone(),
            subject: subject.clone(),
            display_name,
            token,
            created_at: op.at,
            updated_at: op.at,
            last_login_at: None,
            revision: self.bump(op, user),
        };
        self.links.push(link.clone());
        Ok(Outcome::Link {
            link,
            how: How::Created,
        })
    }

    fn one(&self, op: &Operation, guard: Option<&UserId>, fits: impl Fn(&Link) -> bool) -> Answer {
        let link = self
            .some(op, |l| fits(l) && guard.is_none_or(|u| l.user_id == *u))
            .pop();
        let is_visible = guard.is_none_or(|u| self.require(op, u).is_ok());
        Ok(Outcome::Link {
            link: link.filter(|_| is_visible).ok_or(Failure::LinkNotFound)?,
            how: How::Found,
        })
    }

    fn delete(&mut self, op: &Operation, target: &Target) -> Answer {
        let mut links = match target {
            Target::Id { link_id, user_id } => self.some(op, |l| {
                l.link_id == *link_id && user_id.as_ref().is_none_or(|u| l.user_id == *u)
            }),
            Target::Exact {
                user_id,
                provider_id,
                subject,
            } => self.some(op, |l| {
                (&l.user_id, &l.provider_id, &l.subject) == (user_id, provider_id, subject)
            }),
            Target::AtProvider {
                user_id,
                provider_id,
                ..
            } => self.some(op, |l| {
                l.user_id == *user_id && l.provider_id == *provider_id
            }),
            Target::Among { .. } => Vec::new(),
        };
        links.sort_by_key(|l| l.created_at);
        if links.len() > 1 && matches!(target, Target::AtProvider { all: false, .. }) {
            let (place, field, why) = (Place::Query, Some(Field::Many), Why::Missing);
            return Err(Failure::Invalid(vec![Problem {
                place,
                at: "many".to_owned(),
                field,
                why,
                max: None,
            }]));
        }
        if links.is_empty() && op.rules.on_missing_delete == OnMissingDelete::Error {
            return Err(Failure::LinkNotFound);
        }
        if let Some(user) = links.first().map(|l| l.user_id.clone()) {
            let revision = self.bump(op, &user);
            self.links
                .retain(|l| links.iter().all(|gone| gone.link_id != l.link_id));
            links.iter_mut().for_each(|l| l.revision = revision);
        }
        let total = links.len() as u64;
        Ok(Outcome::Links { links, total })
    }

    fn waiting(&self, op: &Operation, pending_id: &Secret) -> Result<PendingLink, Failure> {
        let mut all = self.pending.iter();
        let found =
            all.find(|(id, p)| id == pending_id && p.tenant == op.tenant && p.expires_at > op.at);
        found
            .map(|(_, p)| p.clone())
            .ok_or(Failure::PendingNotFound)
    }

    fn touch(&mut self, op: &Operation, user: &UserId) -> bool {
        self.bump(op, user);
        let created = !self.users.contains_key(&key(op, user));
        let entry = self.users.entry(key(op, user)).or_insert_with(|| User {
            user_id: user.clone(),
            tenant: op.tenant.clone(),
            ids: vec![],
            document: None,
            created_at: op.at,
            updated_at: op.at,
            revision: 0,
        });
        entry.updated_at = entry.updated_at.max(op.at);
        created
    }

    fn alias(
        &mut self,
        op: &Operation,
        user: &UserId,
        alias: &Alias,
        rebind: bool,
    ) -> Result<(), Failure> {
        let mut of_tenant = self.users.values().filter(|u| u.tenant == op.tenant);
        let holder = of_tenant
            .find(|u| u.ids.contains(alias))
            .map(|u| u.user_id.clone());
        // Without an alias an id is that of the user who has it as the canonical one and no other.
        let is_known = |u: &UserId| {
            self.users.contains_key(&key(op, u)) || !self.some(op, |l| l.user_id == *u).is_empty()
        };
        let is_unnamed = |u: &UserId| {
            let named = self.users.get(&key(op, u));
            named.is_none_or(|u| u.ids.iter().all(|a| a.vendor != alias.vendor))
        };
        let natural = UserId::new(&alias.vendor_id).unwrap();
        let is_taken = natural != *user && is_known(&natural) && is_unnamed(&natural);
        let has_other = self.users[&key(op, user)]
            .ids
            .iter()
            .any(|a| a.vendor == alias.vendor);
        match &holder {
            Some(holder) if holder == user => return Ok(()),
            Some(_) if !rebind => return Err(Failure::SubjectTaken),
            None if is_taken && !rebind => return Err(Failure::SubjectTaken),
            None if has_other && !rebind => return Err(Failure::LinkExists),
            Some(holder) => {
                self.touch(op, holder);
                self.users
                    .get_mut(&key(op, holder))
                    .unwrap()
                    .ids
                    .retain(|a| a != alias);
            }
            None => {}
        }
        let ids = &mut self.users.get_mut(&key(op, user)).unwrap().ids;
        ids.retain(|a| a.vendor != alias.vendor);
        ids.push(alias.clone());
        ids.sort_by(|a, b| a.vendor.cmp(&b.vendor));
        Ok(())
    }

    fn user(&self, op: &Operation, user: &UserId, created: bool) -> Answer {
        let mut found = self
            .users
            .get(&key(op, user))
            .cloned()
            .ok_or(Failure::UserNotFound)?;
        found.revision = self.revisions[&key(op, user)];
        Ok(Outcome::User {
            user: found,
            links: Vec::new(),
            created,
        })
    }
}

fn outcome(op: &Operation, pending: PendingLink, link_count: Option<u64>) -> Outcome {
    Outcome::Pending {
        pending,
        link_count,
        limit: op.rules.per_user_provider.map(|max| LinkLimit { max }),
    }
}
