//! `[backend]`: where links are kept. The store is always there; the tree says whose links are elsewhere.

mod checks;
mod credential;
mod endpoint;
mod upstream;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::checks::Leaf;
use super::directory::{Described, known_tenant};
use super::section::{Section, Source};
use super::server::Data;
use super::vars::Vars;
use super::{Catalog, secret};
use crate::backend::upstream::settings::{Endpoint, Residual};
use crate::finding::Table;
use crate::model::{Secret, TenantId};
use crate::outbound;

/// The backend that is configured.
#[derive(Clone, Debug)]
pub struct Backend {
    /// The embedded store, which is there wherever links are: it has the directory of users, their ids,
    /// pending links, and what is kept beside upstreams.
    pub store: Store,
    /// Where links are kept.
    pub root: Node,
}

impl Backend {
    /// The directory that the deployment keeps its own files in.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.store.directory
    }
}

/// The embedded store.
#[derive(Clone, Debug)]
pub struct Store {
    /// Its data directory.
    pub directory: PathBuf,
    /// Keys for the tokens of links at rest; the first one seals. None = the store makes its own.
    pub token_keys: Vec<Secret>,
    /// How old records of the audit get; `None` = they are kept for ever.
    pub audit_age: Option<Duration>,
}

/// A node of the backend tree.
#[derive(Clone, Debug)]
pub enum Node {
    /// The embedded store.
    Store,
    /// An IdP.
    Upstream(Box<Upstream>),
    /// The tenant decides.
    Route {
        /// Tenants, and where their links are.
        routes: Vec<(Vec<TenantId>, Node)>,
        /// Where those of all others are.
        otherwise: Box<Node>,
    },
}

/// An IdP as the file describes it; `cli` gives it its dialect.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Its name: what is kept beside it, logs and metrics go by it.
    pub name: String,
    /// The dialect's name.
    pub dialect: String,
    /// The dialect's switches.
    pub options: BTreeMap<String, String>,
    /// Where it is and how it is called.
    pub endpoint: Endpoint,
    /// What happens to what the vendor cannot hold.
    pub residual: Residual,
    /// How old an index may be.
    pub index_max_age: Duration,
    /// Where pending links are minted that are not known here.
    pub pending_origin: Option<PendingOrigin>,
}

/// Where pending links are minted, as the file describes it.
#[derive(Clone, Debug)]
pub struct PendingOrigin {
    /// The dialect's name.
    pub dialect: String,
    /// Where it is and how it is called.
    pub endpoint: Endpoint,
}

/// What `[backend]` may refer to.
pub(super) struct Known<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) vars: &'a Vars,
    pub(super) described: &'a Described,
    /// What `[outbound]` says: it goes for upstreams that say nothing else.
    pub(super) outbound: &'a outbound::Settings,
    /// How long a request may take.
    pub(super) request: Duration,
}

pub(super) fn backend(
    section: Section<'_>,
    known: &Known<'_>,
    data: &Data,
    audit_age: Option<Duration>,
) -> Backend {
    // The path of the store is the more particular one, but a flag or a variable beats what the file
    // says under either key.
    let directory = match directory(&section) {
        Some((path, source)) if source >= data.source => path,
        _ => data.directory.clone(),
    };
    let token_keys = section
        .texts("token_keys")
        .iter()
        .filter_map(|given| secret::resolve(given, known.vars))
        .collect();
    let root = tree(&section, known);
    section.finish();
    Backend {
        store: Store {
            directory,
            token_keys,
            audit_age,
        },
        root,
    }
}

fn directory(section: &Section<'_>) -> Option<(PathBuf, Source)> {
    let given = section.text("store")?;
    let hint = "`embedded:PATH`, or `embedded:` for the directory that [server] names as `data`";
    match given.value.split_once(':') {
        Some(("embedded", "")) => None,
        Some(("embedded", path)) => Some((PathBuf::from(path), section.source(&given))),
        Some(("postgres" | "postgresql", _)) => {
            // Such a URL holds a password more often than not.
            given.at.mask();
            given
                .at
                .error("LB502", "PostgreSQL is not served yet", hint);
            None
        }
        _ => {
            given.at.mask();
            given.at.error("LB502", "this is not a store", hint);
            None
        }
    }
}

/// The tree: `[backend.upstream]` for every tenant without a `[[backend.route]]`.
fn tree(section: &Section<'_>, known: &Known<'_>) -> Node {
    let (others, tables) = (section.table("upstream"), section.tables("route"));
    let Some(sink) = others.iter().chain(&tables).next().map(Table::sink) else {
        return Node::Store;
    };
    let others = others.map(|table| upstream::upstream(table, known, Some("upstream")));
    let (mut routes, mut taken) = (Vec::new(), Vec::new());
    for table in tables {
        let tenants = tenants(&table, known, &mut taken);
        let end = end(&table, known, &tenants);
        table.finish();
        routes.push((tenants, end));
    }
    let all = known.described.directory.tenants().iter();
    let rest = all.map(|tenant| &tenant.tenant_id);
    let rest = rest.filter(|tenant| !taken.iter().any(|t| t == tenant.as_str()));
    let rest: Vec<TenantId> = rest.cloned().collect();
    let otherwise = others.flatten().map(|read| read.leaf(rest));
    let ends = routes.iter().filter_map(|(_, end)| end.as_ref());
    let leaves: Vec<&Leaf> = otherwise.iter().chain(ends).collect();
    checks::check(sink, &leaves, known);
    let otherwise = node(otherwise);
    if routes.is_empty() {
        return otherwise;
    }
    let routes = routes.into_iter();
    Node::Route {
        routes: routes.map(|(tenants, end)| (tenants, node(end))).collect(),
        otherwise: Box::new(otherwise),
    }
}

fn node(leaf: Option<Leaf>) -> Node {
    leaf.map_or(Node::Store, |leaf| Node::Upstream(Box::new(leaf.upstream)))
}

/// The tenants of a route; one that an earlier route has is told.
fn tenants(table: &Table<'_>, known: &Known<'_>, taken: &mut Vec<String>) -> Vec<TenantId> {
    let sink = table.sink();
    let names: Vec<&str> = known.described.tenants.iter().map(String::as_str).collect();
    let texts = table.texts("tenants").unwrap_or_default();
    if texts.is_empty() {
        let at = table.value_span("tenants");
        let hint = "`tenants = [\"KEY\"]`: whose links this route is for";
        sink.error_hint("LB003", at, "a route needs `tenants`", hint);
    }
    let mut tenants = Vec::new();
    for text in texts {
        if taken.iter().any(|other| *other == text.value) {
            let message = format!("the tenant `{}` has a route already", text.value);
            let hint = "the links of a tenant are in one place";
            sink.error_hint("LB561", text.span, message, hint);
            continue;
        }
        taken.push(text.value.clone().into_owned());
        tenants.extend(known_tenant(sink, &text, &names));
    }
    tenants
}

/// Where a route leads: to an upstream of its own, or to the store.
fn end(table: &Table<'_>, known: &Known<'_>, tenants: &[TenantId]) -> Option<Leaf> {
    let is_store = table.bool("store").unwrap_or(false);
    let upstream = table.table("upstream");
    if is_store == upstream.is_some() {
        let message = "a route leads either to an upstream or to the store";
        let hint = "add [backend.route.upstream], or say `store = true`";
        table
            .sink()
            .error_hint("LB562", table.span(), message, hint);
    }
    // What is kept beside an upstream goes by its name, which must not depend on the order of the file.
    let read = upstream::upstream(upstream?, known, None)?;
    Some(read.leaf(tenants.to_vec()))
}

#[cfg(test)]
mod tests;
