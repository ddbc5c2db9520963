//! Whose data a request is about.

use crate::directory::{Aliases, Directory, Tenant};
use crate::edge::authn::Client;
use crate::model::{Failure, Field, Record, VendorName};

/// The tenant of a request: the client's lock, else what the request names, else the only tenant,
/// else the one tenant that knows the user.
///
/// # Errors
/// `Forbidden` where the request disagrees with the lock, whether or not the tenant that it names
/// exists; `TenantUnknown`, `TenantRequired`; `Overloaded` if the store cannot be read.
pub(super) fn resolve<'d>(
    directory: &'d Directory,
    aliases: &dyn Aliases,
    vendor: &VendorName,
    client: &Client,
    params: &Record,
) -> Result<&'d Tenant, Failure> {
    let named = params
        .text(Field::Tenant)
        .map(|id| directory.tenant_of(vendor, id));
    if let Some(lock) = &client.tenant {
        return match named {
            Some(tenant) if tenant.is_none_or(|t| t.tenant_id != *lock) => Err(Failure::Forbidden),
            _ => directory.tenant(lock).ok_or(Failure::Forbidden),
        };
    }
    if let Some(tenant) = named {
        return tenant.ok_or(Failure::TenantUnknown);
    }
    if let [only] = directory.tenants() {
        return Ok(only);
    }
    let Some(user) = params.text(Field::UserId) else {
        return Err(Failure::TenantRequired);
    };
    // The store remembers tenants that have left the configuration; nobody can mean them.
    let knowing = aliases.tenants_of(vendor, user)?;
    let mut configured = knowing.iter().filter_map(|id| directory.tenant(id));
    match (configured.next(), configured.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(Failure::TenantRequired),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, FakeAliases, client, vendor};
    use super::*;
    use crate::model::TenantId;

    fn resolved(
        directory: &Directory,
        lock: Option<&str>,
        params: &Record,
    ) -> Result<String, Failure> {
        let mut client = client(&[]);
        client.tenant = lock.map(|key| TenantId::new(key).unwrap());
        resolve(directory, &FakeAliases, &vendor(), &client, params)
            .map(|t| t.tenant_id.to_string())
    }

    fn naming(tenant: &str) -> Record {
        let mut params = Record::new();
        params.set_text(Field::Tenant, tenant);
        params
    }

    #[test]
    fn a_lock_decides_and_a_request_that_disagrees_is_forbidden() {
        let two = testing::directory(&["blue", "green"]);
        assert_eq!(
            resolved(&two, Some("blue"), &Record::new()).as_deref(),
            Ok("blue")
        );
        assert_eq!(
            resolved(&two, Some("blue"), &naming("at-acme-blue")).as_deref(),
            Ok("blue")
        );
        assert_eq!(
            resolved(&two, Some("blue"), &naming("at-acme-green")),
            Err(Failure::Forbidden)
        );
        assert_eq!(
            resolved(&two, Some("blue"), &naming("nobody")),
            Err(Failure::Forbidden)
        );
    }

    #[test]
    fn without_a_lock_the_request_decides() {
        let two = testing::directory(&["blue", "green"]);
        assert_eq!(
            resolved(&two, None, &naming("at-acme-green")).as_deref(),
            Ok("green")
        );
        assert_eq!(
            resolved(&two, None, &naming("nobody")),
            Err(Failure::TenantUnknown)
        );
        assert_eq!(
            resolved(&two, None, &Record::new()),
            Err(Failure::TenantRequired)
        );
    }

    #[test]
    fn the_only_tenant_or_the_one_that_knows_the_user_is_meant() {
        let one = testing::directory(&["blue"]);
        assert_eq!(resolved(&one, None, &Record::new()).as_deref(), Ok("blue"));
        let two = testing::directory(&["blue", "green"]);
        let mut params = Record::new();
        params.set_text(Field::UserId, "only-in-green");
        assert_eq!(resolved(&two, None, &params).as_deref(), Ok("green"));
        params.set_text(Field::UserId, "in-both");
        assert_eq!(resolved(&two, None, &params), Err(Failure::TenantRequired));
    }

    #[test]
    fn a_tenant_that_has_left_the_configuration_knows_nobody() {
        let mut params = Record::new();
        params.set_text(Field::UserId, "in-both");
        let without_blue = testing::directory(&["green", "red"]);
        assert_eq!(
            resolved(&without_blue, None, &params).as_deref(),
            Ok("green")
        );
        let without_both = testing::directory(&["red", "yellow"]);
        assert_eq!(
            resolved(&without_both, None, &params),
            Err(Failure::TenantRequired)
        );
    }
}
