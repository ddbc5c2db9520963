//! What can only be said of all upstreams together with the directory: whose links are where, under which
//! ids, and who shares a credential.

use std::ops::Range;

use http::uri::PathAndQuery;

use super::upstream::Places;
use super::{Known, Upstream};
use crate::backend::upstream::settings::{Credential, Endpoint, TokenRequest};
use crate::dialect::Tenants;
use crate::directory::{Tenant, Users, id_at};
use crate::finding::Sink;
use crate::model::{TenantId, VendorName};

/// An upstream of the tree, and whose links it keeps.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) upstream: Upstream,
    pub(super) places: Places,
    pub(super) tenants: Vec<TenantId>,
}

/// Checks the leaves of a tree; findings go to `sink`.
pub(super) fn check(sink: &Sink, leaves: &[&Leaf], known: &Known<'_>) {
    names(sink, leaves);
    shared_credentials(sink, leaves, known);
    for leaf in leaves {
        tenant_ids(sink, leaf, known);
        provider_ids(sink, leaf, known);
        times(sink, leaf, known);
        if leaf.tenants.is_empty() {
            let hint = "every tenant has a [[backend.route]]; take this upstream away, or a route";
            let at = leaf.places.table.clone();
            let message = format!(
                "no tenant has links at the upstream `{}`",
                leaf.upstream.name
            );
            sink.warning("LB569", at, message, Some(hint.to_owned()));
        }
    }
}

fn names(sink: &Sink, leaves: &[&Leaf]) {
    for (index, leaf) in leaves.iter().enumerate() {
        let name = &leaf.upstream.name;
        let mut earlier = leaves.iter().take(index);
        if earlier.any(|other| other.upstream.name == *name) {
            let message = format!("two upstreams have the name `{name}`");
            let hint = "what is kept beside an upstream goes by its name; give this one another";
            sink.error_hint("LB560", leaf.places.name.clone(), message, hint);
        }
    }
}

/// A credential is usually good for more than the tenant of a request. Where several tenants are behind one,
/// only a list of each tenant's users keeps a client of one from linking an account to a user of another.
fn shared_credentials(sink: &Sink, leaves: &[&Leaf], known: &Known<'_>) {
    let mut done: Vec<&Endpoint> = Vec::new();
    for leaf in leaves {
        let endpoint = &leaf.upstream.endpoint;
        if done.iter().any(|other| is_one_authority(other, endpoint)) {
            continue;
        }
        done.push(endpoint);
        let sharing = leaves
            .iter()
            .filter(|other| is_one_authority(&other.upstream.endpoint, endpoint));
        let placed = |leaf: &&'_ &Leaf| leaf.places.credential.clone();
        let tenants: Vec<(&TenantId, Range<usize>)> = sharing
            .flat_map(|leaf| leaf.tenants.iter().map(move |t| (t, placed(&leaf))))
            .collect();
        if tenants.len() < 2 {
            continue;
        }
        for (id, at) in &tenants {
            if tenant(known, id).is_some_and(|tenant| tenant.users == Users::Open) {
                let others = tenants.iter().map(|(other, _)| *other);
                refuse_open_users(sink, id, others, at.clone());
            }
        }
    }
}

fn refuse_open_users<'a>(
    sink: &Sink,
    id: &TenantId,
    all: impl Iterator<Item = &'a TenantId>,
    at: Range<usize>,
) {
    let others: Vec<String> = all
        .filter(|other| *other != id)
        .map(|other| format!("`{other}`"))
        .collect();
    let others = others.join(", ");
    let message = format!(
        "one credential serves `{id}` and {others}, and the users of `{id}` are open: a client of `{id}` could link its \
         own account to a user of another tenant"
    );
    let hint = format!(
        "say `users = \"known\"` for the [[tenant]] `{id}`, or give it a [[backend.route]] to an upstream with a \
         credential of its own"
    );
    sink.error_hint("LB565", at, message, hint);
}

/// Whether two endpoints are one place with one credential, or one place without any.
fn is_one_authority(one: &Endpoint, other: &Endpoint) -> bool {
    let root = PathAndQuery::from_static("/");
    let is_one_origin = one.base_url.at(root.clone()) == other.base_url.at(root);
    let same_client =
        |a: &TokenRequest, b: &TokenRequest| a.url == b.url && a.client_id == b.client_id;
    match (&one.credential, &other.credential) {
        (Credential::None, Credential::None) => one.base_url == other.base_url,
        (Credential::Static { token: a }, Credential::Static { token: b }) => {
            a == b && is_one_origin
        }
        (
            Credential::ClientCredentials(a, _) | Credential::PrivateKeyJwt(a, _),
            Credential::ClientCredentials(b, _) | Credential::PrivateKeyJwt(b, _),
        ) => same_client(a, b),
        _ => false,
    }
}

fn tenant<'k>(known: &'k Known<'_>, id: &TenantId) -> Option<&'k Tenant> {
    known.described.directory.tenant(id)
}

/// The vendor whose ids an upstream speaks, and what its requests say of tenants.
fn spoken(leaf: &Leaf, known: &Known<'_>) -> Option<(VendorName, Tenants)> {
    let dialect = known.catalog.known(&leaf.upstream.dialect)?;
    let vendor = VendorName::new(&dialect.vendor).ok()?;
    Some((vendor, dialect.tenants))
}

fn tenant_ids(sink: &Sink, leaf: &Leaf, known: &Known<'_>) {
    let Some((vendor, said)) = spoken(leaf, known) else {
        return;
    };
    let (name, dialect) = (&leaf.upstream.name, &leaf.upstream.dialect);
    let tenants = leaf.tenants.iter().filter_map(|id| tenant(known, id));
    let without = tenants.filter(|t| id_at(t.tenant_id.as_str(), &t.ids, &vendor).is_none());
    for tenant in without {
        let id = &tenant.tenant_id;
        let hint = format!("say `ids.{vendor} = \"…\"` for the [[tenant]] `{id}`");
        let at = leaf.places.dialect.clone();
        if said.needed {
            let message = format!(
                "the tenant `{id}` has no id at `{vendor}`, and requests of `{dialect}` name the tenant"
            );
            sink.error_hint("LB566", at, message, hint);
        } else if said.said && leaf.tenants.len() > 1 {
            let message = format!(
                "the tenant `{id}` has no id at `{vendor}`: requests to `{name}` for it do not say whose they are, and \
                 other tenants are there, too"
            );
            sink.warning("LB567", at, message, Some(hint));
        }
    }
}

fn provider_ids(sink: &Sink, leaf: &Leaf, known: &Known<'_>) {
    let Some((vendor, _)) = spoken(leaf, known) else {
        return;
    };
    for provider in known.described.directory.all_providers() {
        let mut tenants = leaf.tenants.iter();
        let is_used = tenants.any(|t| provider.tenant.as_ref().is_none_or(|only| only == t));
        let id = &provider.provider_id;
        if is_used && id_at(id.as_str(), &provider.ids, &vendor).is_none() {
            let message = format!(
                "the provider `{id}` has no id at `{vendor}`: it cannot be linked at the upstream `{}`, nor its links be seen",
                leaf.upstream.name
            );
            let hint = format!("say `ids.{vendor} = \"…\"` for the [[provider]] `{id}`");
            let at = leaf.places.dialect.clone();
            sink.warning("LB568", at, message, Some(hint));
        }
    }
}

/// A call that outlives its request leaves a write of which nobody knows.
fn times(sink: &Sink, leaf: &Leaf, known: &Known<'_>) {
    let total = leaf.upstream.endpoint.http.timeouts.total;
    if total >= known.request {
        let message = format!(
            "a call may take {} seconds, and a request no more than {}",
            total.as_secs(),
            known.request.as_secs()
        );
        let hint = "make `total_seconds` less than `request_seconds` of [limits]: a client is to be told what its call came to";
        let at = leaf.places.total.clone();
        sink.warning("LB570", at, message, Some(hint.to_owned()));
    }
}
