//! The directory: tenants, providers and users with the ids that each vendor knows them by.
//!
//! Tenants and providers come from the configuration and are held here; users' ids live in a store,
//! behind the trait [`Aliases`]. An id without a counterpart is a clear failure, never a guess.

use std::collections::HashMap;

use crate::model::{Alias, Failure, Provider, ProviderId, TenantId, UserId, VendorName};

/// The vendor name whose ids are the canonical ones: our own native dialect.
pub const CANONICAL_VENDOR: &str = "linkbridge";

/// Which users exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Users {
    /// Any well-formed id may be linked.
    Open,
    /// Only users of the directory.
    Known,
}

/// A tenant, as the configuration describes it.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Canonical key.
    pub tenant_id: TenantId,
    /// Its ids per vendor.
    pub ids: Vec<Alias>,
    /// Which users it has.
    pub users: Users,
    /// The most links of one user at a provider.
    pub link_limits: HashMap<ProviderId, u32>,
    /// How long a pending link lives, in seconds.
    pub pending_seconds: u64,
}

/// Tenants and providers with their ids.
#[derive(Debug, Default)]
pub struct Directory {
    tenants: Vec<Tenant>,
    providers: Vec<Provider>,
    tenant_by_alias: HashMap<(String, String), usize>,
    provider_by_alias: HashMap<(String, String), usize>,
}

/// Two entries that claim the same id of one vendor.
#[derive(Debug, PartialEq, Eq)]
pub struct Clash {
    /// The vendor.
    pub vendor: String,
    /// The id that two entries claim.
    pub id: String,
    /// Index of the second entry in its list.
    pub index: usize,
}

impl Directory {
    /// A directory of these tenants and providers.
    ///
    /// # Errors
    /// Every id that two tenants, or two providers, claim at one vendor.
    pub fn new(tenants: Vec<Tenant>, providers: Vec<Provider>) -> Result<Self, Vec<Clash>> {
        let mut clashes = Vec::new();
        let tenant_by_alias = index(
            tenants
                .iter()
                .map(|t| (t.tenant_id.as_str(), t.ids.as_slice())),
            &mut clashes,
        );
        let provider_by_alias = index(
            providers
                .iter()
                .map(|p| (p.provider_id.as_str(), p.ids.as_slice())),
            &mut clashes,
        );
        if clashes.is_empty() {
            Ok(Self {
                tenants,
                providers,
                tenant_by_alias,
                provider_by_alias,
            })
        } else {
            Err(clashes)
        }
    }

    /// Every tenant.
    #[must_use]
    pub fn tenants(&self) -> &[Tenant] {
        &self.tenants
    }

    /// Whether some tenant or provider has an id at this vendor: then its ids of users mean something.
    #[must_use]
    pub fn knows_vendor(&self, vendor: &VendorName) -> bool {
        let tenants = self.tenants.iter().map(|tenant| &tenant.ids);
        let providers = self.providers.iter().map(|provider| &provider.ids);
        tenants
            .chain(providers)
            .flatten()
            .any(|alias| alias.vendor == *vendor)
    }

    /// The tenant with this canonical key.
    #[must_use]
    pub fn tenant(&self, tenant_id: &TenantId) -> Option<&Tenant> {
        self.tenants.iter().find(|t| t.tenant_id == *tenant_id)
    }

    /// The tenant that `vendor` knows as `id`.
    #[must_use]
    pub fn tenant_of(&self, vendor: &VendorName, id: &str) -> Option<&Tenant> {
        let index = find(&self.tenant_by_alias, vendor, id)?;
        self.tenants.get(index)
    }

    /// The providers that a tenant may use, disabled ones too.
    pub fn providers<'a>(&'a self, tenant: &'a TenantId) -> impl Iterator<Item = &'a Provider> {
        self.providers
            .iter()
            .filter(move |p| p.tenant.as_ref().is_none_or(|t| t == tenant))
    }

    /// Every provider of every tenant.
    #[must_use]
    pub fn all_providers(&self) -> &[Provider] {
        &self.providers
    }

    /// The provider with this canonical key.
    #[must_use]
    pub fn provider(&self, provider_id: &ProviderId) -> Option<&Provider> {
        self.providers
            .iter()
            .find(|p| p.provider_id == *provider_id)
    }

    /// The provider that `vendor` knows as `id` and that `tenant` may use, enabled or not: links at a
    /// disabled one can still be seen and deleted.
    ///
    /// # Errors
    /// [`Failure::ProviderNotFound`].
    pub fn provider_of(
        &self,
        tenant: &TenantId,
        vendor: &VendorName,
        id: &str,
    ) -> Result<&Provider, Failure> {
        find(&self.provider_by_alias, vendor, id)
            .and_then(|index| self.providers.get(index))
            .filter(|p| p.tenant.as_ref().is_none_or(|t| t == tenant))
            .ok_or(Failure::ProviderNotFound)
    }
}

/// The id that `vendor` knows an entry by: the canonical key for our own dialect.
#[must_use]
pub fn id_at<'a>(canonical: &'a str, ids: &'a [Alias], vendor: &VendorName) -> Option<&'a str> {
    if vendor.as_str() == CANONICAL_VENDOR {
        return Some(canonical);
    }
    ids.iter()
        .find(|alias| alias.vendor == *vendor)
        .map(|alias| alias.vendor_id.as_str())
}

/// UUIDs are compared without regard to case, everything else as it stands.
fn normal(id: &str) -> String {
    uuid::Uuid::try_parse(id).map_or_else(|_| id.to_owned(), |u| u.hyphenated().to_string())
}

fn find(map: &HashMap<(String, String), usize>, vendor: &VendorName, id: &str) -> Option<usize> {
    map.get(&(vendor.as_str().to_owned(), normal(id))).copied()
}

fn index<'a>(
    entries: impl Iterator<Item = (&'a str, &'a [Alias])>,
    clashes: &mut Vec<Clash>,
) -> HashMap<(String, String), usize> {
    let mut map = HashMap::new();
    for (index, (canonical, ids)) in entries.enumerate() {
        let own = (CANONICAL_VENDOR.to_owned(), normal(canonical));
        let aliases = ids
            .iter()
            .map(|a| (a.vendor.as_str().to_owned(), normal(&a.vendor_id)));
        for key in std::iter::once(own).chain(aliases) {
            if let Some(other) = map.insert(key.clone(), index)
                && other != index
            {
                clashes.push(Clash {
                    vendor: key.0,
                    id: key.1,
                    index,
                });
            }
        }
    }
    map
}

/// Users' ids per vendor, kept in the same database as the links.
pub trait Aliases: Send + Sync {
    /// The user whom `vendor` knows as `vendor_id` in this tenant.
    ///
    /// An alias decides. Without one, the vendor's id is taken as it stands, unless the user of that
    /// canonical id is known to this vendor under another id: then nobody is meant. A hyphenated UUID
    /// means the same in upper and lower case.
    ///
    /// # Errors
    /// [`Failure::UserNotFound`] for an id that means nobody; [`Failure::Overloaded`] if the store
    /// cannot be read.
    fn user_of(
        &self,
        tenant: &TenantId,
        vendor: &VendorName,
        vendor_id: &str,
    ) -> Result<UserId, Failure>;

    /// The id that `vendor` knows the user by; the canonical id where there is no alias. Whatever is
    /// answered leads back to the same user.
    ///
    /// `None` if the vendor has no id that it could use: there is no alias, and the canonical id is
    /// another user's alias.
    ///
    /// # Errors
    /// [`Failure::Overloaded`] if the store cannot be read.
    fn vendor_id_of(
        &self,
        tenant: &TenantId,
        vendor: &VendorName,
        user: &UserId,
    ) -> Result<Option<String>, Failure>;

    /// The tenants that know the user whom `vendor` knows as `vendor_id`: as an alias, as a user of
    /// the directory or as the holder of a link.
    ///
    /// # Errors
    /// [`Failure::Overloaded`] if the store cannot be read.
    fn tenants_of(&self, vendor: &VendorName, vendor_id: &str) -> Result<Vec<TenantId>, Failure>;
}
