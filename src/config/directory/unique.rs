//! What only one entry of the directory may have: its key and its ids, with their places, and what two of them claim.

use std::ops::Range;

use crate::config::Catalog;
use crate::directory::{CANONICAL_VENDOR, Clash, Directory, Tenant};
use crate::finding::{Sink, Table, suggest};
use crate::model::{Alias, Provider, TenantId, VendorName};

/// Where an entry's key and ids stand.
pub(super) struct Places {
    key: Range<usize>,
    ids: Vec<(Alias, Range<usize>)>,
}

impl Places {
    pub(super) fn aliases(&self) -> Vec<Alias> {
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
pub(super) fn keys<T>(
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

type Listed<'p, T> = (Vec<(T, usize)>, &'p [Places]);

/// Puts the directory together; what two entries claim is told at the second of them.
pub(super) fn build(
    sink: &Sink,
    tenants: Listed<'_, Tenant>,
    providers: Listed<'_, Provider>,
) -> Directory {
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
