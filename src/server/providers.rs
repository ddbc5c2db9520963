//! Provider operations: answered from the directory, without the backend.

use super::present::{Presenter, cut};
use crate::model::{Failure, Outcome, Page, Provider, ProviderId, ProviderKind, TenantId};

/// The providers that a client can be told of: the tenant's, and known to the vendor, enabled or not.
/// Without a tenant only those that are everybody's.
fn visible<'a>(
    presenter: &'a Presenter<'_>,
    tenant: Option<&'a TenantId>,
) -> impl Iterator<Item = &'a Provider> {
    let of_tenant = move |p: &&Provider| p.tenant.is_none() || p.tenant.as_ref() == tenant;
    presenter
        .directory
        .all_providers()
        .iter()
        .filter(of_tenant)
        .filter(|p| presenter.sees(p))
}

/// The providers whose names hold `name`, of one kind if one is given.
pub(super) fn list(
    presenter: &Presenter<'_>,
    tenant: Option<&TenantId>,
    name: Option<&str>,
    kind: Option<ProviderKind>,
    page: Page,
) -> Outcome {
    let fits = |p: &&Provider| {
        kind.is_none_or(|k| p.kind == k) && name.is_none_or(|n| name_fits(&p.name, n))
    };
    let found: Vec<Provider> = visible(presenter, tenant).filter(fits).cloned().collect();
    let total = found.len() as u64;
    Outcome::Providers {
        providers: cut(found, page).collect(),
        total,
    }
}

/// One provider, by its id or by a mail domain. A disabled one is responsible for no domain.
///
/// # Errors
/// [`Failure::ProviderNotFound`].
pub(super) fn one(
    presenter: &Presenter<'_>,
    tenant: Option<&TenantId>,
    provider_id: Option<&ProviderId>,
    domain: Option<&str>,
) -> Result<Outcome, Failure> {
    let meant = |p: &&Provider| match (provider_id, domain) {
        (Some(id), _) => p.provider_id == *id,
        (None, Some(domain)) => {
            p.enabled && p.domains.iter().any(|d| d.eq_ignore_ascii_case(domain))
        }
        (None, None) => false,
    };
    visible(presenter, tenant)
        .find(meant)
        .cloned()
        .map(Outcome::Provider)
        .ok_or(Failure::ProviderNotFound)
}

/// Whether `name` holds the text, in any case; `*` in the text stands for anything.
fn name_fits(name: &str, text: &str) -> bool {
    let name = name.to_lowercase();
    let mut rest = name.as_str();
    text.to_lowercase()
        .split('*')
        .all(|part| match rest.split_once(part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, FakeAliases, client, vendor};
    use super::super::untold::Untold;
    use super::*;
    use crate::directory::Directory;

    #[test]
    fn a_name_is_searched_in_any_case_and_with_stars() {
        for text in ["", "*", "goo", "OOG", "g*e", "*gle*", "o*o"] {
            assert!(name_fits("Google", text), "{text}");
        }
        for text in ["goop", "e*g", "gg*le"] {
            assert!(!name_fits("Google", text), "{text}");
        }
    }

    #[test]
    fn only_what_the_client_can_be_told_is_listed() {
        let directory = testing::directory(&["blue", "green"]);
        let aliases = FakeAliases;
        let (vendor, client) = (vendor(), client(&[]));
        let presenter = Presenter {
            directory: &directory,
            aliases: &aliases,
            vendor: &vendor,
            client: &client,
            untold: &Untold::default(),
        };
        let names =
            |tenant: Option<&TenantId>| match list(&presenter, tenant, None, None, Page::default())
            {
                Outcome::Providers { providers, .. } => {
                    providers.into_iter().map(|p| p.name).collect::<Vec<_>>()
                }
                other => panic!("{other:?}"),
            };
        // Unnamed ones are never shown, a tenant's own only to that tenant.
        assert_eq!(
            names(TenantId::new("blue").ok().as_ref()),
            ["Google", "Off", "Blue only"]
        );
        assert_eq!(
            names(TenantId::new("green").ok().as_ref()),
            ["Google", "Off"]
        );
        assert_eq!(names(None), ["Google", "Off"]);
        let google = one(&presenter, None, None, Some("EXAMPLE.com"));
        assert!(matches!(google, Ok(Outcome::Provider(p)) if p.name == "Google"));
        let off = ProviderId::new("off").unwrap();
        let found = one(&presenter, None, Some(&off), None);
        assert!(matches!(found, Ok(Outcome::Provider(p)) if !p.enabled));
        let unnamed = ProviderId::new("unnamed").unwrap();
        assert_eq!(
            one(&presenter, None, Some(&unnamed), None),
            Err(Failure::ProviderNotFound)
        );
    }

    #[test]
    fn a_disabled_provider_is_responsible_for_no_domain() {
        let all = testing::directory(&["blue"]);
        let mut providers = all.all_providers().to_vec();
        for provider in &mut providers {
            provider.enabled = provider.name == "Blue only";
        }
        let directory = Directory::new(all.tenants().to_vec(), providers).unwrap();
        let (vendor, client) = (vendor(), client(&[]));
        let presenter = Presenter {
            directory: &directory,
            aliases: &FakeAliases,
            vendor: &vendor,
            client: &client,
            untold: &Untold::default(),
        };
        let lookup = |tenant| one(&presenter, tenant, None, Some("example.com"));
        let blue = TenantId::new("blue").unwrap();
        assert!(matches!(lookup(Some(&blue)), Ok(Outcome::Provider(p)) if p.name == "Blue only"));
        assert_eq!(lookup(None), Err(Failure::ProviderNotFound));
    }
}
