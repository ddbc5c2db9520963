//! Users' ids per vendor, for the directory.

use rusqlite::{Connection, OptionalExtension};

use super::Embedded;
use super::task::{Step, Stop};
use crate::directory::{Aliases, CANONICAL_VENDOR};
use crate::model::id::uuid_in_lower_case;
use crate::model::{Failure, TenantId, UserId, VendorName};

/// The user who has this id at a vendor by an alias. The table holds UUIDs in lower case only.
pub(super) fn holder(
    conn: &Connection,
    tenant: &str,
    vendor: &str,
    vendor_id: &str,
) -> Step<Option<UserId>> {
    let mut statement = conn.prepare_cached(
        "SELECT user_id FROM user_aliases WHERE tenant = ?1 AND vendor = ?2 AND vendor_id = ?3",
    )?;
    let found: Option<String> = statement
        .query_row((tenant, vendor, vendor_id), |row| row.get(0))
        .optional()?;
    found
        .map(|id| UserId::new(&id).map_err(|_| Stop::Damaged("an alias leads to no usable id")))
        .transpose()
}

/// The id that the user has at a vendor by an alias.
pub(super) fn id_of(
    conn: &Connection,
    tenant: &str,
    vendor: &str,
    user: &UserId,
) -> Step<Option<String>> {
    let mut statement = conn.prepare_cached(
        "SELECT vendor_id FROM user_aliases WHERE tenant = ?1 AND user_id = ?2 AND vendor = ?3",
    )?;
    Ok(statement
        .query_row((tenant, user.as_str(), vendor), |row| row.get(0))
        .optional()?)
}

/// Whom a vendor's id means, in any spelling if it is a UUID. The id stands for itself only where no alias says otherwise in either
/// direction: a user with another id at this vendor is not meant by the canonical one.
fn meant(conn: &Connection, tenant: &str, vendor: &str, vendor_id: &str) -> Step<Option<UserId>> {
    if vendor == CANONICAL_VENDOR {
        return Ok(UserId::new(vendor_id).ok());
    }
    if let Some(user) = holder(conn, tenant, vendor, &uuid_in_lower_case(vendor_id))? {
        return Ok(Some(user));
    }
    let Ok(user) = UserId::new(vendor_id) else {
        return Ok(None);
    };
    Ok(if id_of(conn, tenant, vendor, &user)?.is_some() {
        None
    } else {
        Some(user)
    })
}

/// The id that a vendor can use for a user: one that leads back to the same user.
fn usable(conn: &Connection, tenant: &str, vendor: &str, user: &UserId) -> Step<Option<String>> {
    if vendor != CANONICAL_VENDOR {
        if let Some(alias) = id_of(conn, tenant, vendor, user)? {
            return Ok(Some(alias));
        }
        if holder(conn, tenant, vendor, user.as_str())?.is_some() {
            return Ok(None);
        }
    }
    Ok(Some(user.as_str().to_owned()))
}

/// The user whom an id without an alias means at a vendor, if that user exists: an alias would take the
/// id away from its canonical owner, with every link.
pub(super) fn natural_holder(
    conn: &Connection,
    tenant: &str,
    vendor: &str,
    vendor_id: &str,
) -> Step<Option<UserId>> {
    let Ok(user) = UserId::new(vendor_id) else {
        return Ok(None);
    };
    // Most ids are no canonical ones, so that the first question is mostly the last.
    let is_meant = is_known(conn, tenant, &user)? && id_of(conn, tenant, vendor, &user)?.is_none();
    Ok(is_meant.then_some(user))
}

/// Every tenant that has a user, an alias or a link, one step in each index per tenant. The revisions
/// name more tenants, for they stay when everything else of a user is gone.
fn tenants(conn: &Connection) -> Step<Vec<String>> {
    let mut statement = conn.prepare_cached(
        "WITH RECURSIVE t (tenant) AS (SELECT '' UNION ALL SELECT (SELECT min(next) FROM (\
         SELECT min(tenant) AS next FROM users WHERE tenant > t.tenant UNION ALL \
         SELECT min(tenant) FROM user_aliases WHERE tenant > t.tenant UNION ALL \
         SELECT min(tenant) FROM links WHERE tenant > t.tenant)) FROM t WHERE t.tenant IS NOT NULL) \
         SELECT tenant FROM t WHERE tenant > ''",
    )?;
    let found = statement
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(found)
}

/// Whether the user is in the directory or holds a link. (An alias makes its user one of the directory.)
fn is_known(conn: &Connection, tenant: &str, user: &UserId) -> Step<bool> {
    let mut statement = conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM users WHERE tenant = ?1 AND user_id = ?2) \
         OR EXISTS (SELECT 1 FROM links WHERE tenant = ?1 AND user_id = ?2)",
    )?;
    Ok(statement.query_row((tenant, user.as_str()), |row| row.get(0))?)
}

impl Aliases for Embedded {
    fn user_of(
        &self,
        tenant: &TenantId,
        vendor: &VendorName,
        vendor_id: &str,
    ) -> Result<UserId, Failure> {
        self.readers
            .with(|conn| meant(conn, tenant.as_str(), vendor.as_str(), vendor_id))
            .map_err(Stop::into_failure)?
            .ok_or(Failure::UserNotFound)
    }

    fn vendor_id_of(
        &self,
        tenant: &TenantId,
        vendor: &VendorName,
        user: &UserId,
    ) -> Result<Option<String>, Failure> {
        self.readers
            .with(|conn| usable(conn, tenant.as_str(), vendor.as_str(), user))
            .map_err(Stop::into_failure)
    }

    fn tenants_of(&self, vendor: &VendorName, vendor_id: &str) -> Result<Vec<TenantId>, Failure> {
        let find = |conn: &Connection| {
            let mut knowing = Vec::new();
            for tenant in tenants(conn)? {
                let user = meant(conn, &tenant, vendor.as_str(), vendor_id)?;
                if let Some(user) = user
                    && is_known(conn, &tenant, &user)?
                {
                    knowing.push(
                        TenantId::new(&tenant)
                            .map_err(|_| Stop::Damaged("a tenant has no usable key"))?,
                    );
                }
            }
            Ok(knowing)
        };
        self.readers.with(find).map_err(Stop::into_failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_whose_users_are_all_gone_is_not_asked() {
        let conn = crate::backend::embedded::schema::in_memory();
        conn.execute_batch(
            "INSERT INTO revisions VALUES ('alias', 'u', 1), ('gone', 'u', 2), ('link', 'u', 1), ('user', 'u', 1);
             INSERT INTO users (seq, tenant, user_id, created_at, updated_at) VALUES (1, 'user', 'u', 0, 0), (2, 'user', 'v', 0, 0);
             INSERT INTO user_aliases VALUES ('alias', 'one', 'x', 'u'), ('user', 'one', 'x', 'u');
             INSERT INTO links VALUES (1, x'00', 'link', 'u', 'p', 's', NULL, NULL, NULL, 0, 0, NULL, 1, NULL);",
        )
        .unwrap();
        assert_eq!(tenants(&conn).unwrap(), ["alias", "link", "user"]);
    }
}
