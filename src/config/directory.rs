//! `[[tenant]]` and `[[provider]]`: the directory as the file describes it.

use std::collections::HashMap;
use std::ops::Range;

use super::Catalog;
use crate::directory::{CANONICAL_VENDOR, Clash, Directory, Tenant, Users};
use crate::finding::{Sink, Table, suggest};
use crate::model::{Alias, Provider, ProviderId, ProviderKind, TenantId, VendorName};

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

/// Where an entry's key and ids stand.
struct Places {
    key: Range<usize>,
    ids: Vec<(Alias, Range<usize>)>,
}

impl Places {
    fn aliases(&self) -> Vec<Alias> {
        self.ids.iter().map(|(alias, _)| alias.clone()).collect()
    }

    fn of(&self, vendor: &str) -> Range<usize> {
        let alias = self
            .ids
            .iter()
            .find(|(alias, _)| alias.vendor.as_str() == vendor);
        alias.map_or(self.key.clone(), |(_, span)| span.clone())
    }
}

/// The keys of a list of tables, and the places of everything that must be unique in them.
fn keys<T>(
    tables: &[Table<'_>],
    id: impl Fn(&str) -> Option<T>,
    catalog: &Catalog,
) -> (Vec<Option<T>>, Vec<Places>) {
    let read = |table: &Table<'_>| {
        let text = table.need_text("key");
        let key = text.as_ref().map_or(table.span(), |t| t.span.clone());
        let id = text.and_then(|text| {
            let id = id(&text.value);
            if id.is_none() {
                table.sink().error_hint(
                    "LB518",
                    text.span,
                    "this cannot be a key",
                    "no blanks at its ends, at most 1024 bytes",
                );
            }
            id
        });
        (
            id,
            Places {
                key,
                ids: ids(table, catalog),
            },
        )
    };
    tables.iter().map(read).unzip()
}

/// `ids = { vendor = "id" }`.
fn ids(table: &Table<'_>, catalog: &Catalog) -> Vec<(Alias, Range<usize>)> {
    let Some(ids) = table.table("ids") else {
        return Vec::new();
    };
    let mut aliases = Vec::new();
    for (vendor, value) in ids.entries() {
        let Some(id) = value.get_ref().as_str() else {
            let message = format!("the id at `{}` must be a string", vendor.value);
            table.sink().error_hint(
                "LB004",
                value.span(),
                message,
                "put it in quotes, numbers too: ids are texts",
            );
            continue;
        };
        // An id must compare byte for byte, as a canonical one does.
        if TenantId::new(id).is_err() {
            table.sink().error_hint(
                "LB518",
                value.span(),
                "this cannot be an id",
                "no blanks at its ends, at most 1024 bytes",
            );
            continue;
        }
        let vendors = catalog.vendors();
        if vendor.value == CANONICAL_VENDOR || !vendors.contains(&vendor.value.as_ref()) {
            let message = format!("no dialect speaks the ids of `{}`", vendor.value);
            table.sink().warning(
                "LB523",
                vendor.span.clone(),
                message,
                Some(suggest(&vendor.value, &vendors)),
            );
        }
        if let Ok(vendor) = VendorName::new(&vendor.value) {
            aliases.push((
                Alias {
                    vendor,
                    vendor_id: id.to_owned(),
                },
                value.span(),
            ));
        }
    }
    aliases
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

type Listed<'p, T> = (Vec<(T, usize)>, &'p [Places]);

/// Puts the directory together; what two entries claim is told at the second of them.
fn build(sink: &Sink, tenants: Listed<'_, Tenant>, providers: Listed<'_, Provider>) -> Directory {
    let ((tenants, tenant_indexes), tenant_places) = (unzip(tenants.0), tenants.1);
    let ((providers, provider_indexes), provider_places) = (unzip(providers.0), providers.1);
    // One list at a time, since a clash does not say which list it is in.
    if let Err(clashes) = Directory::new(tenants.clone(), Vec::new()) {
        report(sink, &clashes, &tenant_indexes, tenant_places, "tenants");
    }
    if let Err(clashes) = Directory::new(Vec::new(), providers.clone()) {
        report(
            sink,
            &clashes,
            &provider_indexes,
            provider_places,
            "providers",
        );
    }
    Directory::new(tenants, providers).unwrap_or_default()
}

fn unzip<T>(listed: Vec<(T, usize)>) -> (Vec<T>, Vec<usize>) {
    listed.into_iter().unzip()
}

fn report(sink: &Sink, clashes: &[Clash], indexes: &[usize], places: &[Places], what: &str) {
    for Clash { vendor, id, index } in clashes {
        let Some(place) = indexes.get(*index).and_then(|i| places.get(*i)) else {
            continue;
        };
        if vendor == CANONICAL_VENDOR {
            let message = format!("two {what} have the key `{id}`");
            sink.error_hint("LB512", place.of(vendor), message, "keys are unique");
        } else {
            let message = format!("two {what} have the id `{id}` at `{vendor}`");
            sink.error_hint(
                "LB511",
                place.of(vendor),
                message,
                "an id means one of them only",
            );
        }
    }
}
