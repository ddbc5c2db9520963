//! Giving users ids at vendors.
//!
//! Aliases are authority: whoever writes one decides whose links a vendor's id means. They are
//! therefore insert-only, and only an explicit reason moves one. The same goes for the id that a user
//! has without an alias, the canonical one.

use super::aliases;
use super::audit::{Said, json};
use super::task::{Entry, Step, Task};
use crate::directory::CANONICAL_VENDOR;
use crate::model::id::uuid_in_lower_case;
use crate::model::{Failure, Field, Outcome, Place, Problem, UserId, VendorName, Why};

impl Task<'_> {
    pub(super) fn user_alias(
        &self,
        user: &UserId,
        vendor: &VendorName,
        vendor_id: &str,
        rebind: Option<&str>,
    ) -> Step<Outcome> {
        self.require_user(user)?;
        let is_there = self.exists(user)?;
        self.touch(user, None)?;
        self.add_alias(user, vendor, vendor_id, rebind)?;
        Ok(Outcome::User {
            user: self.written(user)?,
            links: Vec::new(),
            created: !is_there,
        })
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
                before: Some(id_told(vendor_id)),
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
        self.write_alias(user, alias, (old.as_deref(), rebind))
    }

    /// Writes an alias that nothing stands against any more: the user's old id at the vendor, if there was one,
    /// is gone.
    pub(super) fn write_alias(
        &self,
        user: &UserId,
        alias: (&str, &str),
        (old, reason): (Option<&str>, Option<&str>),
    ) -> Step<()> {
        self.change(
            "INSERT INTO user_aliases (tenant, vendor, vendor_id, user_id) VALUES (?1, ?2, ?3, ?4)",
            (self.tenant(), alias.0, alias.1, user.as_str()),
        )?;
        self.audit_alias(user, alias, (old, reason))
    }

    /// Writes into the audit that a user has got an id.
    pub(super) fn audit_alias(
        &self,
        user: &UserId,
        alias: (&str, &str),
        (old, reason): (Option<&str>, Option<&str>),
    ) -> Step<()> {
        self.audit(&Entry {
            user: Some(user),
            alias: Some(alias),
            reason,
            before: old.map(id_told),
            after: Some(id_told(alias.1)),
            ..Entry::default()
        })?;
        Ok(())
    }
}

/// What the audit says of an id.
fn id_told(id: &str) -> String {
    json(&[("vendor_id", Said::Text(id))])
}
