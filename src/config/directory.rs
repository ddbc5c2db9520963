//! `[[tenant]]` and `[[provider]]`: the directory as the file describes it.

mod unique;

use std::collections::HashMap;
use std::ops::Range;

use self::unique::{Places, build, keys};
use super::Catalog;
use crate::directory::{Directory, Tenant, Users};
use crate::finding::{Sink, Table, suggest};
use crate::model::{Provider, ProviderId, ProviderKind, TenantId};

/// The directory, as far as it could be read.
pub(super) struct Described {
    pub(super) directory: Directory,
    /// Every tenant's key, also of those that have findings: a reference to them is no second fault.
    pub(super) tenants: Vec<String>,
    /// Every provider's key, likewise.
    pub(super) providers: Vec<String>,
}

pub(super) fn directory(root: &Table<'_>, catalog: &Catalog) -> Described {
    let tenant_tables = root.tables("tenant");
    let (tenant_ids, tenant_places) =
        keys(&tenant_tables, |text| TenantId::new(text).ok(), catalog);
    if tenant_tables.is_empty() {
        let hint = "add a [[tenant]] with a `key`; one is enough";
        root.sink().error_hint(
            "LB525",
            root.span().start..root.span().start,
            "there is no tenant",
            hint,
        );
    }
    let provider_tables = root.tables("provider");
    let (provider_ids, provider_places) =
        keys(&provider_tables, |text| ProviderId::new(text).ok(), catalog);
    let known_providers: Vec<&str> = provider_ids
        .iter()
        .flatten()
        .map(ProviderId::as_str)
        .collect();
    let known_tenants: Vec<&str> = tenant_ids.iter().flatten().map(TenantId::as_str).collect();

    let users = if tenant_ids.len() > 1 {
        Users::Known
    } else {
        Users::Open
    };
    let tenants: Vec<(Tenant, usize)> = tenant_tables
        .iter()
        .zip(&tenant_ids)
        .zip(&tenant_places)
        .enumerate()
        .filter_map(|(index, ((table, id), places))| {
            Some((
                tenant(table, id.clone(), places, users, &known_providers)?,
                index,
            ))
        })
        .collect();
    let providers: Vec<(Provider, usize)> = provider_tables
        .iter()
        .zip(&provider_ids)
        .zip(&provider_places)
        .enumerate()
        .filter_map(|(index, ((table, id), places))| {
            Some((provider(table, id.clone(), places, &known_tenants)?, index))
        })
        .collect();
    finish(tenant_tables);
    finish(provider_tables);
    Described {
        directory: build(
            root.sink(),
            (tenants, &tenant_places),
            (providers, &provider_places),
        ),
        tenants: known_tenants.into_iter().map(str::to_owned).collect(),
        providers: known_providers.into_iter().map(str::to_owned).collect(),
    }
}

fn finish(tables: Vec<Table<'_>>) {
    for table in tables {
        table.finish();
    }
}

fn tenant(
    table: &Table<'_>,
    tenant_id: Option<TenantId>,
    places: &Places,
    default_users: Users,
    providers: &[&str],
) -> Option<Tenant> {
    let users = match table.word("users", &["open", "known"]) {
        Some(0) => Users::Open,
        Some(_) => Users::Known,
        None => default_users,
    };
    let seconds = table
        .int_in("pending_seconds", 1..=2_592_000)
        .and_then(|n| u64::try_from(n).ok());
    Some(Tenant {
        link_limits: link_limits(table, providers),
        tenant_id: tenant_id?,
        ids: places.aliases(),
        users,
        pending_seconds: seconds.unwrap_or(3600),
    })
}

/// `link_limits = { provider = 2 }`.
fn link_limits(table: &Table<'_>, providers: &[&str]) -> HashMap<ProviderId, u32> {
    let mut limits = HashMap::new();
    let Some(given) = table.table("link_limits") else {
        return limits;
    };
    for (key, value) in given.entries() {
        if !providers.contains(&key.value.as_ref()) {
            unknown_provider(table.sink(), key.span.clone(), &key.value, providers);
        }
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|n| u32::from_str_radix(n.as_str(), n.radix()).ok());
        match (ProviderId::new(&key.value), number.filter(|n| *n > 0)) {
            (Ok(provider), Some(limit)) => {
                limits.insert(provider, limit);
            }
            _ => table.sink().error(
                "LB004",
                value.span(),
                "a limit must be a whole number of at least 1",
            ),
        }
    }
    limits
}

fn provider(
    table: &Table<'_>,
    provider_id: Option<ProviderId>,
    places: &Places,
    tenants: &[&str],
) -> Option<Provider> {
    let kinds: Vec<&str> = ProviderKind::ALL.iter().map(|kind| kind.name()).collect();
    let name = table.need_text("name").map(|text| text.value.into_owned());
    let kind = match table.has("kind") {
        true => table
            .word("kind", &kinds)
            .and_then(|index| ProviderKind::ALL.get(index))
            .copied(),
        // Asking for it says that it is missing.
        false => table.need_text("kind").and(None),
    };
    let tenant = table
        .text("tenant")
        .and_then(|text| known_tenant(table.sink(), &text, tenants));
    let enabled = table.bool("enabled").unwrap_or(true);
    let domains = table.texts("domains").unwrap_or_default();
    Some(Provider {
        provider_id: provider_id?,
        name: name?,
        kind: kind?,
        enabled,
        tenant,
        domains: domains
            .into_iter()
            .map(|domain| domain.value.to_ascii_lowercase())
            .collect(),
        ids: places.aliases(),
    })
}

/// The tenant of this key, or a finding.
pub(super) fn known_tenant(
    sink: &Sink,
    text: &crate::finding::Text<'_>,
    tenants: &[&str],
) -> Option<TenantId> {
    if !tenants.contains(&text.value.as_ref()) {
        let message = format!("there is no tenant `{}`", text.value);
        sink.error_hint(
            "LB508",
            text.span.clone(),
            message,
            suggest(&text.value, tenants),
        );
    }
    TenantId::new(&text.value).ok()
}

pub(super) fn unknown_provider(sink: &Sink, span: Range<usize>, given: &str, providers: &[&str]) {
    sink.error_hint(
        "LB509",
        span,
        format!("there is no provider `{given}`"),
        suggest(given, providers),
    );
}
