//! Operations on users.
//!
//! A user has a row once something is kept of the user beyond links. Where users are open, a user
//! without a row exists for as long as there are links; what is told of such a user comes from them.

use super::audit::{Said, json};
use super::document::{self, Document};
use super::links::New;
use super::rows::{self, SELECT_USER};
use super::task::{Entry, Step, Stop, Task, counter};
use crate::model::{
    Action, Alias, Attribute, DocumentChange, Failure, Instant, NewLink, Outcome, PutMode, User,
    UserId,
};

impl Task<'_> {
    pub(super) fn user_get(&self, user: &UserId, links: bool) -> Step<Outcome> {
        Ok(Outcome::User {
            user: self.user(user)?.ok_or(Failure::UserNotFound)?,
            links: if links {
                self.links_of(user)?
            } else {
                Vec::new()
            },
            created: false,
        })
    }

    pub(super) fn user_put(&self) -> Step<Outcome> {
        let Action::UserPut {
            user_id: user,
            mode,
            document,
            ids,
            links,
        } = &self.operation.action
        else {
            return Err(Stop::Damaged("this is not user.put"));
        };
        let is_there = self.exists(user)?;
        let listed = self.document_of(user)?;
        match (mode, is_there) {
            (PutMode::Create, true) => return Err(Failure::LinkExists.into()),
            (PutMode::Update, false) => return Err(Failure::UserNotFound.into()),
            _ => {}
        }
        let document = document
            .as_ref()
            .map(|change| self.changed_document(user, change))
            .transpose()?;
        let revision = self.touch(user, document.as_ref())?;
        for alias in ids {
            self.add_alias(user, &alias.vendor, &alias.vendor_id, None)?;
        }
        for link in links {
            self.make_link(&new_link(user, link), Some(revision), None)?;
        }
        self.audit_put(user, listed.as_ref(), document.as_ref())?;
        Ok(Outcome::User {
            user: self.written(user)?,
            links: self.links_of(user)?,
            created: !is_there,
        })
    }

    pub(super) fn user_delete(&self, user: &UserId) -> Step<Outcome> {
        let mut gone = self.user(user)?.ok_or(Failure::UserNotFound)?;
        self.remove(self.links_of(user)?)?;
        let key = (self.tenant(), user.as_str());
        self.change(
            "DELETE FROM user_aliases WHERE tenant = ?1 AND user_id = ?2",
            key,
        )?;
        self.change("DELETE FROM users WHERE tenant = ?1 AND user_id = ?2", key)?;
        let before = self.told(&gone);
        gone.revision = self.next_revision(user)?;
        self.audit(&Entry {
            user: Some(user),
            before: Some(before),
            ..Entry::default()
        })?;
        Ok(Outcome::User {
            user: gone,
            links: Vec::new(),
            created: false,
        })
    }

    /// Writes attributes along with a link that was just made; its revision is theirs.
    pub(super) fn write_attributes(&self, user: &UserId, attributes: &[Attribute]) -> Step<()> {
        let listed = self.document_of(user)?;
        let old = listed.as_ref().and_then(Option::as_deref);
        let Some(document) = document::with_attributes(old, attributes)? else {
            return Ok(());
        };
        self.write_user(user, Some(&document))?;
        self.audit_put(user, listed.as_ref(), Some(&document))
    }

    /// Writes into the audit that a user was put into the directory, or changed there. `listed` is the document
    /// that was there before, if the user was.
    pub(super) fn audit_put(
        &self,
        user: &UserId,
        listed: Option<&Option<String>>,
        document: Option<&Document>,
    ) -> Step<()> {
        let key = self.keys.audit();
        let changed = document.map(|document| document.text.as_str());
        let old = |old: &Option<String>| key.user(changed.and(old.as_deref()));
        self.audit(&Entry {
            user: Some(user),
            before: listed.map(old),
            after: Some(key.user(changed)),
            ..Entry::default()
        })?;
        Ok(())
    }

    /// What the audit says of a user who is gone: the document, and the ids.
    fn told(&self, user: &User) -> String {
        let document = self.keys.audit().document(user.document.as_deref());
        let ids = user.ids.iter();
        let ids: serde_json::Map<_, _> = ids
            .map(|alias| (alias.vendor.to_string(), alias.vendor_id.clone().into()))
            .collect();
        let ids = serde_json::Value::Object(ids).to_string();
        json(&[("document", document), ("ids", Said::Json(&ids))])
    }

    /// The document of a user of the directory, if there is one; `None` if the user is not in the directory.
    pub(super) fn document_of(&self, user: &UserId) -> Step<Option<Option<String>>> {
        self.first(
            "SELECT document FROM users WHERE tenant = ?1 AND user_id = ?2",
            (self.tenant(), user.as_str()),
            |row| row.get(0),
        )
    }

    /// Counts a change of the user and puts the user into the directory; answers the revision.
    pub(super) fn touch(&self, user: &UserId, document: Option<&Document>) -> Step<u64> {
        let revision = self.next_revision(user)?;
        self.write_user(user, document)?;
        Ok(revision)
    }

    /// Writes the row of a user. A new row begins when the oldest link of the user did: a user who was
    /// told of before does not become younger.
    pub(super) fn write_user(&self, user: &UserId, document: Option<&Document>) -> Step<()> {
        let params = (
            self.tenant(),
            user.as_str(),
            document.map(|d| d.text.as_str()),
            document.and_then(|d| d.username.as_deref()),
            self.at().0,
            document.and_then(|d| d.external_id.as_deref()),
        );
        let changed = self.change(
            "UPDATE users SET document = coalesce(?3, document), username = iif(?3 IS NULL, username, ?4), \
             external_id = iif(?3 IS NULL, external_id, ?6), updated_at = max(updated_at, ?5) WHERE tenant = ?1 AND user_id = ?2",
            params,
        )?;
        if changed == 0 {
            self.change(
                "INSERT INTO users (tenant, user_id, document, username, external_id, created_at, updated_at) \
                 SELECT ?1, ?2, ?3, ?4, ?6, min(?5, coalesce(min(created_at), ?5)), max(?5, coalesce(max(updated_at), ?5)) \
                 FROM links WHERE tenant = ?1 AND user_id = ?2",
                params,
            )?;
        }
        Ok(())
    }

    fn changed_document(&self, user: &UserId, change: &DocumentChange) -> Step<Document> {
        let old = match change {
            DocumentChange::Whole(_) => None,
            DocumentChange::Members { .. } | DocumentChange::Patch(_) => self.document(user)?,
        };
        document::changed(old.as_deref(), change)
    }

    fn document(&self, user: &UserId) -> Step<Option<String>> {
        Ok(self.document_of(user)?.flatten())
    }

    pub(super) fn written(&self, user: &UserId) -> Step<User> {
        self.user(user)?
            .ok_or(Stop::Damaged("a user was written and cannot be read"))
    }

    /// The user, if there is one.
    pub(super) fn user(&self, user: &UserId) -> Step<Option<User>> {
        let found = self.rows(SELECT_USER, (self.tenant(), user.as_str()), rows::user)?;
        let found = match found.into_iter().next() {
            Some(found) => Some(found),
            None if self.operation.rules.known_users => None,
            None => self.user_of_links(user)?,
        };
        found
            .map(|found| {
                Ok(User {
                    ids: self.ids(user)?,
                    ..found
                })
            })
            .transpose()
    }

    /// A user of whom nothing is kept but links.
    fn user_of_links(&self, user: &UserId) -> Step<Option<User>> {
        let found = self.first(
            "SELECT min(l.created_at), max(l.updated_at), r.revision FROM links l \
             JOIN revisions r ON r.tenant = l.tenant AND r.user_id = l.user_id \
             WHERE l.tenant = ?1 AND l.user_id = ?2 GROUP BY l.user_id",
            (self.tenant(), user.as_str()),
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let Some((created_at, updated_at, revision)) = found else {
            return Ok(None);
        };
        Ok(Some(User {
            user_id: user.clone(),
            tenant: self.operation.tenant.clone(),
            ids: Vec::new(),
            document: None,
            created_at: Some(Instant(created_at)),
            updated_at: Some(Instant(updated_at)),
            revision: counter(revision)?,
        }))
    }

    fn ids(&self, user: &UserId) -> Step<Vec<Alias>> {
        self.rows(
            "SELECT vendor, vendor_id FROM user_aliases WHERE tenant = ?1 AND user_id = ?2 ORDER BY vendor",
            (self.tenant(), user.as_str()),
            rows::alias,
        )
    }
}

/// A link that is put along with its user: under the rules of any other, and its own limit.
fn new_link<'a>(user: &'a UserId, link: &'a NewLink) -> New<'a> {
    New {
        user,
        provider: &link.provider_id,
        subject: &link.subject,
        display_name: link.display_name.as_deref(),
        token: link.token.as_ref(),
        limit: link.limit,
    }
}
