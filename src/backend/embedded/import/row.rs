//! One row of an import: every check, then every write.

use super::owners::Owners;
use super::{Done, Refusal, Row, Verdict};
use crate::backend::embedded::aliases;
use crate::backend::embedded::document::Document;
use crate::backend::embedded::task::{Step, Task};
use crate::directory::CANONICAL_VENDOR;
use crate::model::id::uuid_in_lower_case;
use crate::model::{Alias, UserId};

/// Counts a change of a user.
pub(super) const COUNT_REVISION: &str = "INSERT INTO revisions (tenant, user_id, revision) VALUES (?1, ?2, 1) \
     ON CONFLICT (tenant, user_id) DO UPDATE SET revision = revision + 1";

/// How an id of a row stands to what is there.
enum Standing {
    /// It is the user's already.
    Held,
    /// It is nobody's.
    Free,
    /// Something stands against it, which a reason for moving ids overcomes.
    Against(Refusal),
}

impl Row {
    /// Notes that the user and the ids are taken.
    pub(super) fn known_to(&self, owners: &mut Owners) {
        let tenant = self.tenant.as_str();
        owners.add_user(tenant, self.user_id.as_str());
        for alias in &self.ids {
            let id = uuid_in_lower_case(&alias.vendor_id);
            owners.add_id(tenant, alias.vendor.as_str(), &id);
        }
    }
}

impl Task<'_> {
    /// Carries out one row. A refused one has written nothing.
    pub(super) fn import(
        &self,
        row: &Row,
        rebind: Option<&str>,
        owners: Option<&Owners>,
    ) -> Step<Verdict> {
        let is_same = self.is_same(row)?;
        let mut free = Vec::with_capacity(row.ids.len());
        let mut moved = 0;
        for (index, alias) in row.ids.iter().enumerate() {
            if alias.vendor.as_str() == CANONICAL_VENDOR {
                return Ok(Err(Refusal::Canonical));
            }
            let mut standing = self.owned(&row.user_id, alias, owners)?;
            if matches!(standing, Standing::Free) {
                let earlier = row.ids.iter().take(index);
                standing = self.has_another(&row.user_id, is_same.is_some(), alias, earlier)?;
            }
            match standing {
                Standing::Held => {}
                Standing::Free => free.push(alias),
                Standing::Against(refusal) if rebind.is_none() => return Ok(Err(refusal)),
                Standing::Against(_) => moved += 1,
            }
        }
        if is_same == Some(true) && free.is_empty() && moved == 0 {
            return Ok(Ok(Done::Unchanged));
        }
        // The document that is there is only of interest where another one takes its place.
        let listed = match (is_same, &row.document) {
            (None, _) => None,
            (Some(false), Some(_)) => self.document_of(&row.user_id)?,
            (Some(_), _) => Some(None),
        };
        let document = row.document.clone().filter(|_| is_same != Some(true));
        let document = document.map(Document::new).transpose()?;
        self.write_or_touch(row, is_same.is_some())?;
        if moved == 0 {
            for alias in &free {
                let vendor_id = uuid_in_lower_case(&alias.vendor_id);
                self.write_alias(
                    &row.user_id,
                    (alias.vendor.as_str(), &vendor_id),
                    (None, None),
                )?;
            }
        } else {
            for alias in &row.ids {
                self.add_alias(&row.user_id, &alias.vendor, &alias.vendor_id, rebind)?;
            }
        }
        self.audit_put(&row.user_id, listed.as_ref(), document.as_ref())?;
        Ok(Ok(Done::Written {
            created: is_same.is_none(),
            ids: free.len() as u64,
            moved,
        }))
    }

    /// Whether the user who is there has the document of the row, or the row has none; `None` if there
    /// is no such user.
    fn is_same(&self, row: &Row) -> Step<Option<bool>> {
        self.first(
            "SELECT ?3 IS NULL OR document IS ?3 FROM users WHERE tenant = ?1 AND user_id = ?2",
            (self.tenant(), row.user_id.as_str(), &row.document),
            |found| found.get(0),
        )
    }

    fn write_or_touch(&self, row: &Row, is_there: bool) -> Step<()> {
        let user = &row.user_id;
        let document = row.document.clone().map(Document::new).transpose()?;
        let document = document.as_ref();
        if is_there {
            return self.touch(user, document).map(drop);
        }
        // As `next_revision`, whose answer costs more than the counting.
        self.change(COUNT_REVISION, (self.tenant(), user.as_str()))?;
        self.write_user(user, document)
    }

    /// Whose an id is: the first of the two checks that `user.put` makes of it.
    fn owned(&self, user: &UserId, alias: &Alias, owners: Option<&Owners>) -> Step<Standing> {
        let vendor = alias.vendor.as_str();
        let vendor_id = &*uuid_in_lower_case(&alias.vendor_id);
        let tenant = self.tenant();
        let holder = match owners {
            Some(owners) if !owners.may_have_id(tenant, vendor, vendor_id) => None,
            _ => aliases::holder(self.conn, tenant, vendor, vendor_id)?,
        };
        let holder = match holder {
            Some(holder) if holder == *user => return Ok(Standing::Held),
            Some(holder) => Some(holder),
            // An id that is the user's own canonical one is nobody else's.
            None if vendor_id == user.as_str() => None,
            None if owners.is_some_and(|all| !all.may_have_user(tenant, vendor_id)) => None,
            None => aliases::natural_holder(self.conn, tenant, vendor, vendor_id)?,
        };
        Ok(match holder {
            None => Standing::Free,
            Some(holder) => Standing::Against(Refusal::Taken {
                vendor: alias.vendor.clone(),
                holder,
            }),
        })
    }

    /// Whether the user has another id at the vendor: the second one. `earlier` are the ids of the row
    /// that come before this one, and are not written yet.
    fn has_another<'a>(
        &self,
        user: &UserId,
        is_there: bool,
        alias: &Alias,
        mut earlier: impl DoubleEndedIterator<Item = &'a Alias>,
    ) -> Step<Standing> {
        let old = match earlier.rfind(|other| other.vendor == alias.vendor) {
            Some(other) => Some(uuid_in_lower_case(&other.vendor_id).into_owned()),
            // Whoever has an alias is in the directory.
            None if is_there => {
                aliases::id_of(self.conn, self.tenant(), alias.vendor.as_str(), user)?
            }
            None => None,
        };
        Ok(match old {
            None => Standing::Free,
            Some(id) if id == uuid_in_lower_case(&alias.vendor_id) => Standing::Held,
            Some(id) => Standing::Against(Refusal::HasAnother {
                vendor: alias.vendor.clone(),
                id,
            }),
        })
    }
}
