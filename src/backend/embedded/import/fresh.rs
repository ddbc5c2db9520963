//! Users who are new with everything that is said of them, table by table.
//!
//! Most rows of a first import are such. Nothing stands against them, so that nothing has to be asked;
//! and each table is written in the order of its index for all of them, which finds its pages where the
//! row before left them. Row by row would touch seven indexes a row, each somewhere else.

use rusqlite::config::DbConfig;

use super::owners::Owners;
use super::row::COUNT_REVISION;
use super::{Done, Importer, Row, Verdict};
use crate::backend::embedded::document::Document;
use crate::backend::embedded::task::{Entry, Step, Task, number};
use crate::directory::CANONICAL_VENDOR;
use crate::model::id::uuid_in_lower_case;
use crate::model::{Alias, Instant};

impl Row {
    /// Whether nobody has the user's id or one of the ids, so far as a filter can tell that. Concerns
    /// the store alone: rows of the same batch must not have to do with each other.
    pub(super) fn is_fresh(&self, owners: &Owners) -> bool {
        let (tenant, user) = (self.tenant.as_str(), self.user_id.as_str());
        let is_free = |(index, alias): (usize, &Alias)| {
            let (vendor, id) = (alias.vendor.as_str(), uuid_in_lower_case(&alias.vendor_id));
            let mut earlier = self.ids.iter().take(index);
            vendor != CANONICAL_VENDOR
                && !owners.may_have_id(tenant, vendor, &id)
                && (id == user || !owners.may_have_user(tenant, &id))
                && earlier.all(|other| other.vendor != alias.vendor)
        };
        !owners.may_have_user(tenant, user) && self.ids.iter().enumerate().all(is_free)
    }

    /// What a fresh row comes to.
    pub(super) fn made(&self) -> Verdict {
        Ok(Done::Written {
            created: true,
            ids: self.ids.len() as u64,
            moved: 0,
        })
    }
}

impl Importer {
    /// Writes fresh rows, which are in the order of their tenants and users.
    pub(super) fn write_fresh(&self, at: Instant, rows: &[&Row]) -> Step<()> {
        self.write_revisions(rows)?;
        // A trigger makes SQLite copy every page of the statement. What it counts is counted here.
        self.conn
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        let written = self.write_users(at, rows);
        self.conn
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true)?;
        written?;
        self.write_ids(rows)?;
        rows.iter().try_for_each(|row| {
            let operation = self.operation(at, row);
            self.task(&operation).audit_fresh(row)
        })
    }

    /// Revisions outlive their users, so that a fresh one may have some.
    fn write_revisions(&self, rows: &[&Row]) -> Step<()> {
        let mut count = self.conn.prepare_cached(COUNT_REVISION)?;
        for row in rows {
            count.execute((row.tenant.as_str(), row.user_id.as_str()))?;
        }
        Ok(())
    }

    fn write_users(&self, at: Instant, rows: &[&Row]) -> Step<()> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO users (tenant, user_id, document, username, external_id, created_at, updated_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        )?;
        for row in rows {
            let document = row.document.clone().map(Document::new).transpose()?;
            let document = document.as_ref();
            insert.execute((
                row.tenant.as_str(),
                row.user_id.as_str(),
                document.map(|d| d.text.as_str()),
                document.and_then(|d| d.username.as_deref()),
                document.and_then(|d| d.external_id.as_deref()),
                at.0,
            ))?;
        }
        let mut count = self.conn.prepare_cached(
            "INSERT INTO user_counts (tenant, listed, holding) VALUES (?1, ?2, 0) \
             ON CONFLICT (tenant) DO UPDATE SET listed = listed + excluded.listed",
        )?;
        for users in rows.chunk_by(|one, next| one.tenant == next.tenant) {
            let tenant = users.first().map(|row| row.tenant.as_str());
            count.execute((tenant, number(users.len() as u64)))?;
        }
        Ok(())
    }

    fn write_ids(&self, rows: &[&Row]) -> Step<()> {
        let ids = |row: &&'_ Row| row.ids.len();
        let mut all = Vec::with_capacity(rows.iter().map(ids).sum());
        for row in rows {
            all.extend(row.ids.iter().map(|alias| {
                let id = uuid_in_lower_case(&alias.vendor_id);
                (row.tenant.as_str(), alias.vendor.as_str(), id, &row.user_id)
            }));
        }
        all.sort_unstable_by(|one, other| {
            (one.0, one.1, &one.2).cmp(&(other.0, other.1, &other.2))
        });
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO user_aliases (tenant, vendor, vendor_id, user_id) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for (tenant, vendor, id, user) in &all {
            insert.execute((tenant, vendor, &**id, user.as_str()))?;
        }
        Ok(())
    }
}

impl Task<'_> {
    /// Says the same of a fresh row as if it had been carried out by itself.
    fn audit_fresh(&self, row: &Row) -> Step<()> {
        for alias in &row.ids {
            let id = uuid_in_lower_case(&alias.vendor_id);
            self.audit_alias(&row.user_id, (alias.vendor.as_str(), &id), (None, None))?;
        }
        let after = self.keys.audit().user(row.document.as_deref());
        self.audit(&Entry {
            user: Some(&row.user_id),
            after: Some(after),
            ..Entry::default()
        })?;
        Ok(())
    }
}
