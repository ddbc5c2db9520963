//! The model's users: who exists, what is told of them, and how they change.

use linkbridge::backend::Answer;
use linkbridge::model::{
    Action, Alias, DocumentChange, Failure, Operation, Outcome, PutMode, User, UserId, Which,
};
use serde_json::Value;

use super::links::Made;
use super::{Model, key};

impl Model {
    /// The user as told, if there is one.
    pub(super) fn view(&self, op: &Operation, user: &UserId) -> Option<User> {
        let links = self.some(op, |l| l.user_id == *user);
        let mut found = match self.users.get(&key(op, user)) {
            Some(found) => found.clone(),
            None if op.rules.known_users => return None,
            None => User {
                user_id: user.clone(),
                tenant: op.tenant.clone(),
                ids: vec![],
                document: None,
                created_at: links.iter().map(|l| l.created_at).min()?,
                updated_at: links.iter().map(|l| l.updated_at).max()?,
                revision: 0,
            },
        };
        found.revision = self.revisions[&key(op, user)];
        Some(found)
    }

    /// The user's entry in the directory, made if there is none, and noted as changed.
    pub(super) fn enlist(&mut self, op: &Operation, user: &UserId) -> &mut User {
        let links = self.some(op, |l| l.user_id == *user);
        let oldest = links.iter().map(|l| l.created_at).min();
        let newest = links.iter().map(|l| l.updated_at).max();
        let entry = self.users.entry(key(op, user)).or_insert_with(|| User {
            user_id: user.clone(),
            tenant: op.tenant.clone(),
            ids: vec![],
            document: None,
            created_at: oldest.map_or(Some(op.at), |at| at.min(Some(op.at))),
            updated_at: newest.unwrap_or(Some(op.at)),
            revision: 0,
        });
        entry.updated_at = entry.updated_at.max(Some(op.at));
        entry
    }

    fn written(&self, op: &Operation, user: &UserId, links: bool, created: bool) -> Outcome {
        Outcome::User {
            user: self.view(op, user).unwrap(),
            links: self.some(op, |l| links && l.user_id == *user),
            created,
        }
    }

    pub(super) fn put(&mut self, op: &Operation, user: &UserId) -> Answer {
        let Action::UserPut {
            mode,
            document,
            ids,
            links,
            ..
        } = &op.action
        else {
            unreachable!()
        };
        let is_there = self.view(op, user).is_some();
        match mode {
            PutMode::Create if is_there => return Err(Failure::LinkExists),
            PutMode::Update if !is_there => return Err(Failure::UserNotFound),
            _ => {}
        }
        let changed = document
            .as_ref()
            .map(|c: &DocumentChange| self.changed(op, user, c));
        let changed = changed.transpose()?;
        let revision = self.bump(op, user);
        let entry = self.enlist(op, user);
        entry.document = changed.or(entry.document.take());
        for alias in ids {
            self.alias(op, user, alias, false)?;
        }
        for link in links {
            let made = Made {
                provider: link.provider_id.clone(),
                subject: link.subject.clone(),
                display_name: link.display_name.clone(),
                token: link.token.clone(),
                limit: link.limit,
            };
            self.link(op, user, made, Some(revision))?;
        }
        Ok(self.written(op, user, true, !is_there))
    }

    pub(super) fn name(&mut self, op: &Operation, user: &UserId) -> Answer {
        let Action::UserAlias {
            vendor,
            vendor_id,
            rebind,
            ..
        } = &op.action
        else {
            unreachable!()
        };
        self.require(op, user)?;
        let is_there = self.view(op, user).is_some();
        self.bump(op, user);
        self.enlist(op, user);
        let alias = Alias {
            vendor: vendor.clone(),
            vendor_id: vendor_id.clone(),
        };
        self.alias(op, user, &alias, rebind.is_some())?;
        Ok(self.written(op, user, false, !is_there))
    }

    pub(super) fn remove(&mut self, op: &Operation, user: &UserId) -> Answer {
        let mut gone = self.view(op, user).ok_or(Failure::UserNotFound)?;
        let links = self.some(op, |l| l.user_id == *user);
        self.cut(op, links);
        self.users.remove(&key(op, user));
        gone.revision = self.bump(op, user);
        Ok(Outcome::User {
            user: gone,
            links: vec![],
            created: false,
        })
    }

    pub(super) fn list(&self, op: &Operation) -> Outcome {
        let Action::UserList {
            which,
            after,
            page,
            links,
        } = &op.action
        else {
            unreachable!()
        };
        let listed = self.users.values().filter(|u| u.tenant == op.tenant);
        let holding = self.links.iter().filter(|l| l.tenant == op.tenant);
        let mut ids: Vec<UserId> = listed.map(|u| u.user_id.clone()).collect();
        ids.extend(holding.map(|l| l.user_id.clone()));
        ids.sort();
        ids.dedup();
        let mut users: Vec<User> = ids.iter().filter_map(|id| self.view(op, id)).collect();
        users.retain(|user| match which {
            Which::All => true,
            Which::Ids(ids) => ids.contains(&user.user_id),
            Which::Holder {
                provider_id,
                subject,
            } => self.links.iter().any(|l| {
                (&l.tenant, &l.user_id, &l.provider_id, &l.subject)
                    == (&op.tenant, &user.user_id, provider_id, subject)
            }),
            Which::Named(name) => {
                let text = user.document.as_deref().unwrap_or("null");
                let document: Value = serde_json::from_str(text).unwrap();
                document["username"].as_str() == Some(name)
            }
            Which::External(name) => {
                let text = user.document.as_deref().unwrap_or("null");
                let document: Value = serde_json::from_str(text).unwrap();
                document["external_id"].as_str() == Some(name)
            }
        });
        let total = users.len() as u64;
        users.retain(|user| after.as_ref().is_none_or(|after| user.user_id > *after));
        let rest: Vec<User> = users.into_iter().skip(page.offset as usize).collect();
        let limit = page.limit.map_or(usize::MAX, |n| n as usize);
        let of = |user: &User| self.some(op, |l| *links && l.user_id == user.user_id);
        Outcome::Users {
            more: rest.len() > limit,
            users: rest
                .into_iter()
                .take(limit)
                .map(|u| (u.clone(), of(&u)))
                .collect(),
            total,
        }
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
                self.bump(op, holder);
                self.enlist(op, holder).ids.retain(|a| a != alias);
            }
            None => {}
        }
        let ids = &mut self.users.get_mut(&key(op, user)).unwrap().ids;
        ids.retain(|a| a.vendor != alias.vendor);
        ids.push(alias.clone());
        ids.sort_by(|a, b| a.vendor.cmp(&b.vendor));
        Ok(())
    }
}
