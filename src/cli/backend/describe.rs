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

/// The upstream that keeps the links of a tenant, if one does.
pub(in crate::cli) fn upstream_of<'b>(
    backend: &'b config::Backend,
    tenant: &TenantId,
) -> Option<&'b Upstream> {
    match leaf(&backend.root, tenant) {
        Node::Upstream(upstream) => Some(upstream),
        Node::Store | Node::Route { .. } => None,
    }
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

#[cfg(test)]
pub(in crate::cli::backend) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::dialects::{built_in, catalog};
    use crate::config::{Inputs, Vars, read};

    pub(in crate::cli::backend) fn configured(more: &str) -> config::Backend {
        let dialects: Vec<Arc<_>> = built_in();
        let catalog = catalog(&dialects);
        let vars = Vars::default();
        let inputs = Inputs {
            vars: &vars,
            flags: &[],
            catalog: &catalog,
        };
        let text = format!(
            "[[tenant]]\nkey = \"acme\"\nids.zitadel = \"1\"\n[[tenant]]\nkey = \"blue\"\n[[tenant]]\nkey = \"red\"\n\
             [[client]]\nname = \"a\"\nscopes = []\n[backend]\n{more}"
        );
        read("config.toml", &text, &inputs).unwrap().0.backend
    }

    pub(in crate::cli::backend) fn upstream(name: &str, at: &str) -> String {
        format!(
            "[{at}]\nname = \"{name}\"\ndialect = \"zitadel-v2\"\nbase_url = \"https://{name}.example.com\"\n\
             credential = {{ kind = \"none\" }}\n"
        )
    }

    #[test]
    fn a_tree_is_told_in_one_line() {
        let store = "embedded store in ./data, its own token key";
        assert_eq!(describe(&configured("")), store);
        let main = upstream("main", "backend.upstream");
        assert_eq!(
            describe(&configured(&main)),
            format!("upstream main (zitadel-v2 at https://main.example.com); beside it: {store}")
        );
        let route = "[[backend.route]]\ntenants = ";
        let acme = upstream("acme", "backend.route.upstream");
        let routed = format!(
            "token_keys = []\n{main}{route}[\"acme\"]\n{acme}{route}[\"blue\", \"red\"]\nstore = true\n"
        );
        let backend = configured(&routed);
        assert_eq!(
            describe(&backend),
            format!(
                "route / acme -> upstream acme (zitadel-v2 at https://acme.example.com), blue + red -> {store}, \
                 others -> upstream main (zitadel-v2 at https://main.example.com)"
            )
        );
        let place_of = |tenant: &str| place(&backend, &TenantId::new(tenant).unwrap());
        assert_eq!(place_of("red"), store);
        assert_eq!(
            place_of("acme"),
            "upstream acme (zitadel-v2 at https://acme.example.com)"
        );
        assert_eq!(
            place_of("new"),
            "upstream main (zitadel-v2 at https://main.example.com)"
        );
    }
}
