//! Operations on users and their ids at vendors.
//!
//! Aliases are authority: whoever writes one decides whose links a vendor's id means. They are
//! therefore insert-only, and only an explicit reason moves one. The same goes for the id that a user
//! has without an alias, the canonical one.

use super::aliases;
use super::rows::{self, select_users};
use super::task::{Entry, Step, Stop, Task, number};
use crate::directory::CANONICAL_VENDOR;
use crate::model::id::uuid_in_lower_case;
use crate::model::{
    Alias, Failure, Field, Outcome, Page, Place, Problem, User, UserId, VendorName, Why,
};

impl Task<'_> {
    pub(super) fn user_get(&self, user: &UserId) -> Step<Outcome> {
        Ok(Outcome::User {
            user: self.user(user)?.ok_or(Failure::UserNotFound)?,
            created: false,
        })
    }

    pub(super) fn user_list(&self, page: Page) -> Step<Outcome> {
        let limit = page.limit.map_or(-1, number);
        let mut users = self.rows(
            select_users!("ORDER BY u.user_id LIMIT ?2 OFFSET ?3"),
            (self.tenant(), limit, number(page.offset)),
            rows::user,
        )?;
        for user in &mut users {
            user.ids = self.ids(&user.user_id)?;
        }
        let total = self.count(
            "SELECT count(*) FROM users WHERE tenant = ?1",
            [self.tenant()],
        )?;
        Ok(Outcome::Users { users, total })
    }

    pub(super) fn user_put(
        &self,
        user: &UserId,
        document: Option<&str>,
        ids: &[Alias],
    ) -> Step<Outcome> {
        let created = self.touch(user, document)?;
        for alias in ids {
            self.add_alias(user, &alias.vendor, &alias.vendor_id, None)?;
        }
        self.audit(&Entry {
            user: Some(user),
            ..Entry::default()
        })?;
        self.changed(user, created)
    }

    pub(super) fn user_alias(
        &self,
        user: &UserId,
        vendor: &VendorName,
        vendor_id: &str,
        rebind: Option<&str>,
    ) -> Step<Outcome> {
        self.require_user(user)?;
        let created = self.touch(user, None)?;
        self.add_alias(user, vendor, vendor_id, rebind)?;
        self.changed(user, created)
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
        gone.revision = self.next_revision(user)?;
        self.audit(&Entry {
            user: Some(user),
            ..Entry::default()
        })?;
        Ok(Outcome::User {
            user: gone,
            created: false,
        })
    }

    /// Makes the user or notes that it changes; answers whether it was made.
    pub(super) fn touch(&self, user: &UserId, document: Option<&str>) -> Step<bool> {
        self.next_revision(user)?;
        let changed = self.change(
            "UPDATE users SET document = coalesce(?3, document), updated_at = max(updated_at, ?4) \
             WHERE tenant = ?1 AND user_id = ?2",
            (self.tenant(), user.as_str(), document, self.at().0),
        )?;
        if changed == 0 {
            self.write_user(user, document)?;
        }
        Ok(changed == 0)
    }

    /// Writes a user who is not there.
    pub(super) fn write_user(&self, user: &UserId, document: Option<&str>) -> Step<()> {
        self.change(
            "INSERT INTO users (tenant, user_id, document, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
            (self.tenant(), user.as_str(), document, self.at().0),
        )?;
        Ok(())
    }

    /// Gives the user an id at a vendor. With a reason it is taken from whoever holds it, and takes
    /// the place of the user's own old one, for a wrong alias cannot be mended otherwise.
    pub(super) fn add_alias(
        &self,
        user: &UserId,
        vendor: &VendorName,
        vendor_id: &str,
        rebind: Option<&str>,
    ) -> Step<()> {
        if vendor.as_str() == CANONICAL_VENDOR {
            // Canonical ids are what they are; an alias among them would make two of one user.
            return Err(Failure::Invalid(vec![Problem {
                place: Place::Body,
                at: "vendor".to_owned(),
                field: Some(Field::Vendor),
                why: Why::NotAllowed,
                max: None,
            }])
            .into());
        }
        let vendor_id = &*uuid_in_lower_case(vendor_id);
        let holder = aliases::holder(self.conn, self.tenant(), vendor.as_str(), vendor_id)?;
        if holder.as_ref() == Some(user) {
            return Ok(());
        }
        let natural = match holder {
            Some(_) => None,
            None => aliases::natural_holder(self.conn, self.tenant(), vendor.as_str(), vendor_id)?
                .filter(|owner| owner != user),
        };
        let old = aliases::id_of(self.conn, self.tenant(), vendor.as_str(), user)?;
        match (holder.as_ref().or(natural.as_ref()), &old, rebind) {
            (Some(_), _, None) => return Err(Failure::SubjectTaken.into()),
            (None, Some(_), None) => return Err(Failure::LinkExists.into()),
            _ => {}
        }
        let alias = (vendor.as_str(), vendor_id);
        if let Some(holder) = &holder {
            self.touch(holder, None)?;
        }
        if let Some(loser) = holder.as_ref().or(natural.as_ref()) {
            self.audit(&Entry {
                user: Some(loser),
                alias: Some(alias),
                reason: rebind,
                ..Entry::default()
            })?;
        }
        for id in holder
            .as_ref()
            .map(|_| vendor_id)
            .into_iter()
            .chain(old.as_deref())
        {
            self.change(
                "DELETE FROM user_aliases WHERE tenant = ?1 AND vendor = ?2 AND vendor_id = ?3",
                (self.tenant(), vendor.as_str(), id),
            )?;
        }
        self.write_alias(user, alias, rebind)
    }

    /// Writes an alias that nothing stands against.
    pub(super) fn write_alias(
        &self,
        user: &UserId,
        alias: (&str, &str),
        reason: Option<&str>,
    ) -> Step<()> {
        self.change(
            "INSERT INTO user_aliases (tenant, vendor, vendor_id, user_id) VALUES (?1, ?2, ?3, ?4)",
            (self.tenant(), alias.0, alias.1, user.as_str()),
        )?;
        self.audit(&Entry {
            user: Some(user),
            alias: Some(alias),
            reason,
            ..Entry::default()
        })
    }

    fn changed(&self, user: &UserId, created: bool) -> Step<Outcome> {
        let user = self
            .user(user)?
            .ok_or(Stop::Damaged("a user was written and cannot be read"))?;
        Ok(Outcome::User { user, created })
    }

    fn user(&self, user: &UserId) -> Step<Option<User>> {
        let found = self.rows(
            select_users!("AND u.user_id = ?2"),
            (self.tenant(), user.as_str()),
            rows::user,
        )?;
        let Some(mut found) = found.into_iter().next() else {
            return Ok(None);
        };
        found.ids = self.ids(user)?;
        Ok(Some(found))
    }

    fn ids(&self, user: &UserId) -> Step<Vec<Alias>> {
        self.rows(
            "SELECT vendor, vendor_id FROM user_aliases WHERE tenant = ?1 AND user_id = ?2 ORDER BY vendor",
            (self.tenant(), user.as_str()),
            rows::alias,
        )
    }
}
