//! What a file may name, and from its texts to a row of the import.

use crate::backend::embedded::import::Row;
use crate::directory::{CANONICAL_VENDOR, Directory};
use crate::finding::suggest;
use crate::model::id::{IdFault, MAX_ID_BYTES};
use crate::model::link::MAX_DOCUMENT_BYTES;
use crate::model::{Alias, TenantId, UserId, VendorName};

/// The tenants and vendors of the configuration.
#[derive(Clone, Debug)]
pub(super) struct Known {
    tenants: Vec<TenantId>,
    /// Whose users those are of whom the file does not say it.
    default: Option<TenantId>,
    /// Whether the command line says that there are no others.
    only: bool,
    vendors: Vec<VendorName>,
}

/// What a record of a file says of a user.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    pub(super) user_id: Option<&'a str>,
    pub(super) tenant: Option<&'a str>,
    pub(super) ids: Vec<(&'a VendorName, &'a str)>,
    pub(super) document: Option<String>,
}

impl Known {
    /// What this directory has. `tenant` is the one that the command line names.
    pub(super) fn new(directory: &Directory, tenant: Option<&str>) -> Result<Self, String> {
        let tenants: Vec<TenantId> = directory
            .tenants()
            .iter()
            .map(|tenant| tenant.tenant_id.clone())
            .collect();
        let of_tenants = directory.tenants().iter().flat_map(|tenant| &tenant.ids);
        let of_providers = directory.all_providers().iter().flat_map(|p| &p.ids);
        let mut vendors: Vec<VendorName> = of_tenants
            .chain(of_providers)
            .map(|alias| alias.vendor.clone())
            .filter(|vendor| vendor.as_str() != CANONICAL_VENDOR)
            .collect();
        vendors.sort_unstable();
        vendors.dedup();
        let mut known = Self {
            tenants,
            default: None,
            only: tenant.is_some(),
            vendors,
        };
        known.default = match (tenant, known.tenants.as_slice()) {
            (Some(key), _) => Some(known.tenant_of(key)?),
            (None, [only]) => Some(only.clone()),
            (None, _) => None,
        };
        Ok(known)
    }

    /// Whether a record must say whose user it is.
    pub(super) fn needs_tenant(&self) -> bool {
        self.default.is_none()
    }

    /// The vendor of this name, or what to say of a name that is none and none of `others` either.
    pub(super) fn vendor(&self, name: &str, others: &[&str]) -> Result<&VendorName, String> {
        let found = self.vendors.iter().find(|vendor| vendor.as_str() == name);
        found.ok_or_else(|| {
            let vendors = self.vendors.iter().map(VendorName::as_str);
            let names: Vec<&str> = others.iter().copied().chain(vendors).collect();
            suggest(name, &names)
        })
    }

    /// The row that a record means, or everything that is wrong with it.
    pub(super) fn row(&self, draft: Draft<'_>) -> Result<Row, String> {
        let mut faults = Vec::new();
        let user_id = match draft.user_id.filter(|text| !text.is_empty()) {
            Some(text) => UserId::new(text).map_err(|fault| format!("user_id {}", told(fault))),
            None => Err("user_id is missing".to_owned()),
        };
        let user_id = user_id.map_err(|fault| faults.push(fault)).ok();
        let tenant = self.tenant(draft.tenant);
        let tenant = tenant.map_err(|fault| faults.push(fault)).ok();
        let mut ids = Vec::with_capacity(draft.ids.len());
        for (vendor, text) in draft.ids {
            // A vendor's id obeys the same rules as a canonical one: it must compare byte for byte.
            match UserId::new(text) {
                Ok(_) => ids.push(Alias {
                    vendor: vendor.clone(),
                    vendor_id: text.to_owned(),
                }),
                Err(fault) => faults.push(format!("{vendor}: the id {}", told(fault))),
            }
        }
        if draft
            .document
            .as_ref()
            .is_some_and(|text| text.len() > MAX_DOCUMENT_BYTES)
        {
            faults.push(format!(
                "document is longer than {MAX_DOCUMENT_BYTES} bytes"
            ));
        }
        match (tenant, user_id) {
            (Some(tenant), Some(user_id)) if faults.is_empty() => Ok(Row {
                tenant,
                user_id,
                document: draft.document,
                ids,
            }),
            _ => Err(faults.join("; ")),
        }
    }

    fn tenant(&self, given: Option<&str>) -> Result<TenantId, String> {
        match (given.filter(|text| !text.is_empty()), &self.default) {
            (None, Some(default)) => Ok(default.clone()),
            (None, None) => Err("tenant is missing".to_owned()),
            (Some(key), Some(default)) if self.only && key != default.as_str() => {
                Err(format!("tenant is `{key}`, and --tenant says `{default}`"))
            }
            (Some(key), _) => self.tenant_of(key),
        }
    }

    fn tenant_of(&self, key: &str) -> Result<TenantId, String> {
        let found = self.tenants.iter().find(|tenant| tenant.as_str() == key);
        found.cloned().ok_or_else(|| {
            let keys: Vec<&str> = self.tenants.iter().map(TenantId::as_str).collect();
            format!("there is no tenant `{key}`: {}", suggest(key, &keys))
        })
    }
}

/// What is wrong with a text that is no id.
fn told(fault: IdFault) -> String {
    match fault {
        IdFault::Blank => "is blank".to_owned(),
        IdFault::Malformed => "has white space at an end, or a NUL".to_owned(),
        IdFault::TooLong => format!("is longer than {MAX_ID_BYTES} bytes"),
    }
}

#[cfg(test)]
pub(super) mod testing {
    use std::collections::HashMap;

    use super::*;
    use crate::directory::{Tenant, Users};

    /// A configuration with these tenants, each with ids at `one` and `two`.
    pub(in crate::cli::users) fn directory(tenants: &[&str]) -> Directory {
        let tenant = |key: &&str| Tenant {
            tenant_id: TenantId::new(key).unwrap(),
            ids: ["one", "two"]
                .map(|vendor| Alias {
                    vendor: VendorName::new(vendor).unwrap(),
                    vendor_id: format!("{key}-at-{vendor}"),
                })
                .into(),
            users: Users::Known,
            link_limits: HashMap::new(),
            pending_seconds: 1,
        };
        Directory::new(tenants.iter().map(tenant).collect(), Vec::new()).unwrap()
    }

    pub(in crate::cli::users) fn known(tenants: &[&str], tenant: Option<&str>) -> Known {
        Known::new(&directory(tenants), tenant).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testing::{directory, known};

    fn fault(known: &Known, draft: Draft<'_>) -> String {
        known.row(draft).unwrap_err()
    }

    fn of<'a>(user_id: &'a str, tenant: Option<&'a str>) -> Draft<'a> {
        Draft {
            user_id: Some(user_id),
            tenant,
            ..Draft::default()
        }
    }

    #[test]
    fn the_tenant_is_the_rows_own_or_the_only_one() {
        let tenant = |known: &Known, given| known.row(of("u", given)).map(|row| row.tenant);
        let acme = || Ok(TenantId::new("acme").unwrap());
        let one = known(&["acme"], None);
        assert_eq!(tenant(&one, None), acme());
        assert_eq!(tenant(&one, Some("")), acme());
        let two = known(&["acme", "other"], None);
        assert!(two.needs_tenant());
        assert_eq!(tenant(&two, Some("acme")), acme());
        assert_eq!(tenant(&two, None).unwrap_err(), "tenant is missing");
        assert_eq!(
            tenant(&two, Some("amce")).unwrap_err(),
            "there is no tenant `amce`: did you mean `acme`?"
        );
        let named = known(&["acme", "other"], Some("acme"));
        assert_eq!(tenant(&named, None), acme());
        assert_eq!(
            tenant(&named, Some("other")).unwrap_err(),
            "tenant is `other`, and --tenant says `acme`"
        );
        assert!(Known::new(&directory(&["acme"]), Some("nobody")).is_err());
    }

    #[test]
    fn everything_that_is_wrong_with_a_row_is_told() {
        let known = known(&["acme", "other"], None);
        let one = known.vendor("one", &[]).unwrap();
        let two = known.vendor("two", &[]).unwrap();
        let draft = Draft {
            user_id: Some(" "),
            tenant: None,
            ids: vec![(one, "7 "), (two, "a\0b")],
            document: Some("d".repeat(MAX_DOCUMENT_BYTES + 1)),
        };
        assert_eq!(
            fault(&known, draft),
            "user_id is blank; tenant is missing; one: the id has white space at an end, or a NUL; \
             two: the id has white space at an end, or a NUL; document is longer than 65536 bytes"
        );
        let long = "x".repeat(1025);
        assert_eq!(
            fault(&known, of(&long, Some("acme"))),
            "user_id is longer than 1024 bytes"
        );
        assert_eq!(fault(&known, of("", Some("acme"))), "user_id is missing");
    }

    #[test]
    fn a_vendor_that_nothing_has_an_id_at_is_none() {
        let known = known(&["acme"], None);
        assert_eq!(
            known.vendor("tow", &["user_id"]).unwrap_err(),
            "known are: user_id, one, two"
        );
        assert_eq!(
            known.vendor("user", &["user_id"]).unwrap_err(),
            "did you mean `user_id`?"
        );
        assert!(known.vendor("linkbridge", &[]).is_err());
    }
}
