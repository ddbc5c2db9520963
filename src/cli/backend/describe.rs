//! The backend tree in words.

use crate::config::{self, Node, Upstream};
use crate::model::TenantId;

/// The tree in one line, for the start.
pub(in crate::cli) fn describe(backend: &config::Backend) -> String {
    let tree = node(&backend.root, backend);
    if has_store(&backend.root) {
        return tree;
    }
    format!("{tree}; beside it: {}", store(&backend.store))
}

/// Where the links of one tenant are kept, in one line.
pub(in crate::cli) fn place(backend: &config::Backend, tenant: &TenantId) -> String {
    node(leaf(&backend.root, tenant), backend)
}

/// The leaf that a tenant's links are at.
fn leaf<'b>(node: &'b Node, tenant: &TenantId) -> &'b Node {
    match node {
        Node::Store | Node::Upstream(_) => node,
        Node::Route { routes, otherwise } => {
            let mut routes = routes.iter();
            let found = routes.find(|(tenants, _)| tenants.contains(tenant));
            leaf(found.map_or(otherwise, |(_, node)| node), tenant)
        }
    }
}

fn node(node: &Node, backend: &config::Backend) -> String {
    match node {
        Node::Store => store(&backend.store),
        Node::Upstream(leaf) => upstream(leaf),
        Node::Route { routes, otherwise } => {
            let arrow = |who: &str, to: &Node| format!("{who} -> {}", self::node(to, backend));
            let mut arrows: Vec<String> = routes
                .iter()
                .map(|(tenants, to)| arrow(&listed(tenants), to))
                .collect();
            arrows.push(arrow("others", otherwise));
            format!("route / {}", arrows.join(", "))
        }
    }
}

fn listed(tenants: &[TenantId]) -> String {
    let names: Vec<&str> = tenants.iter().map(TenantId::as_str).collect();
    names.join(" + ")
}

fn upstream(leaf: &Upstream) -> String {
    let (name, dialect) = (&leaf.name, &leaf.dialect);
    let url = leaf.endpoint.base_url.to_string();
    format!(
        "upstream {name} ({dialect} at {})",
        url.trim_end_matches('/')
    )
}

fn store(store: &config::Store) -> String {
    let keys = match store.token_keys.len() {
        0 => "its own token key".to_owned(),
        1 => "1 token key".to_owned(),
        n => format!("{n} token keys"),
    };
    format!("embedded store in {}, {keys}", store.directory.display())
}

fn has_store(node: &Node) -> bool {
    match node {
        Node::Store => true,
        Node::Upstream(_) => false,
        Node::Route { routes, otherwise } => {
            has_store(otherwise) || routes.iter().any(|(_, node)| has_store(node))
        }
    }
}
