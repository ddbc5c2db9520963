//! From the configured backend to an open one: the store, and the tree of whatever else keeps links.

mod describe;
mod probe;
mod renew;

use std::sync::Arc;

use http::header::AUTHORIZATION;

pub(super) use self::describe::{describe, place, upstream_of};
pub(super) use self::probe::ask_all;
use self::renew::Kept;
use crate::backend::Backend;
use crate::backend::embedded::{self, Embedded};
use crate::backend::route::Route;
use crate::backend::upstream::exchange::Exchange;
use crate::backend::upstream::settings::Endpoint;
use crate::backend::upstream::{self, Caller, Upstream};
use crate::config::{self, Node};
use crate::dialect::Dialect;
use crate::directory::{Aliases, Directory};
use crate::model::TenantId;

/// An open backend, and what else is in its store.
pub(super) struct Open {
    /// The tree.
    pub(super) backend: Arc<dyn Backend>,
    /// Where users' ids are kept.
    pub(super) aliases: Arc<dyn Aliases>,
    /// The store that is beside every upstream.
    pub(super) store: Arc<Embedded>,
    /// The upstreams of the tree.
    pub(super) leaves: Vec<Leaf>,
    /// The same, as they are open.
    kept: Vec<Kept>,
    /// The same, as the server asks them.
    pub(super) upstreams: Vec<Arc<Upstream>>,
}

/// Why a backend does not open.
#[derive(Debug)]
pub(super) enum Fault {
    /// The store does not.
    Store(embedded::OpenError),
    /// Something else, in a sentence.
    Other(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Store(error) => error.fmt(f),
            Fault::Other(text) => f.write_str(text),
        }
    }
}

/// An upstream of the tree.
#[derive(Clone)]
pub(super) struct Leaf {
    /// What it is opened with.
    pub(super) settings: upstream::Settings,
    /// Whose links it keeps.
    pub(super) tenants: Vec<TenantId>,
}

/// Opens the backend. Upstreams are not called yet.
///
/// # Errors
/// [`Fault`] says why it cannot be opened and what to do.
pub(super) fn open(
    backend: config::Backend,
    dialects: &[Arc<Dialect>],
    directory: &Arc<Directory>,
) -> Result<Open, Fault> {
    let store = Embedded::open(settings(backend.store)).map_err(Fault::Store)?;
    renew::grow(backend.root, dialects, directory, &Arc::new(store), &[]).map_err(Fault::Other)
}

/// Opens another tree over the store that is open. What goes on and what is made anew: see [`renew`].
///
/// # Errors
/// A sentence that says why it cannot be opened; then the old one is as it was.
pub(super) fn reopen(
    previous: &Open,
    root: Node,
    dialects: &[Arc<Dialect>],
    directory: &Arc<Directory>,
) -> Result<Open, String> {
    renew::grow(root, dialects, directory, &previous.store, &previous.kept)
}

impl Open {
    /// The upstreams that nobody has asked yet what their credential can reach.
    pub(super) fn fresh(&self) -> Vec<Leaf> {
        let fresh = self.kept.iter().zip(&self.leaves);
        let fresh = fresh.filter(|(kept, _)| kept.is_fresh);
        fresh.map(|(_, leaf)| leaf.clone()).collect()
    }
}

/// Puts a tree together, of this store and of leaves as they are opened.
///
/// # Errors
/// What `open_leaf` says.
pub(super) fn tree(
    root: Node,
    dialects: &[Arc<Dialect>],
    directory: &Directory,
    store: &Arc<dyn Backend>,
    open_leaf: &mut OpenLeaf<'_>,
) -> Result<Arc<dyn Backend>, String> {
    let all = directory.tenants().iter();
    let all: Vec<TenantId> = all.map(|tenant| tenant.tenant_id.clone()).collect();
    let mut opener = Opener {
        store,
        dialects,
        open_leaf,
    };
    opener.node(root, &all)
}

/// Opens an upstream.
type OpenLeaf<'a> = dyn FnMut(Leaf) -> Result<Arc<dyn Backend>, String> + 'a;

/// Opens nodes.
struct Opener<'a, 'l> {
    store: &'a Arc<dyn Backend>,
    dialects: &'a [Arc<Dialect>],
    open_leaf: &'a mut OpenLeaf<'l>,
}

impl Opener<'_, '_> {
    /// Opens a node for the links of these tenants.
    fn node(&mut self, node: Node, tenants: &[TenantId]) -> Result<Arc<dyn Backend>, String> {
        match node {
            Node::Store => Ok(Arc::clone(self.store)),
            Node::Upstream(described) => (self.open_leaf)(Leaf {
                settings: join(*described, self.dialects)?,
                tenants: tenants.to_vec(),
            }),
            Node::Route { routes, otherwise } => {
                let routed = routes.iter().flat_map(|(tenants, _)| tenants);
                let routed: Vec<TenantId> = routed.cloned().collect();
                let mut children = Vec::new();
                for (of_child, node) in routes {
                    let child = self.node(node, &of_child)?;
                    children.push((of_child, child));
                }
                let rest = tenants.iter().filter(|tenant| !routed.contains(tenant));
                let rest: Vec<TenantId> = rest.cloned().collect();
                let otherwise = self.node(*otherwise, &rest)?;
                Ok(Arc::new(Route::new(children, otherwise)))
            }
        }
    }
}

/// Opens an upstream, with connections of its own. It is not called yet.
///
/// # Errors
/// A sentence that says why it cannot be opened.
pub(super) fn upstream(
    leaf: &Leaf,
    store: &Arc<Embedded>,
    directory: &Arc<Directory>,
) -> Result<Upstream, String> {
    let origin = leaf.pending_origin()?;
    Ok(upstream_by(
        leaf,
        leaf.exchange()?,
        origin,
        store,
        directory,
    ))
}

/// An upstream that is called in this way.
fn upstream_by(
    leaf: &Leaf,
    exchange: Arc<dyn Exchange>,
    pending_origin: Option<Arc<dyn Exchange>>,
    store: &Arc<Embedded>,
    directory: &Arc<Directory>,
) -> Upstream {
    let parts = upstream::Parts {
        directory: Arc::clone(directory),
        aliases: Arc::clone(store) as _,
        local: Arc::clone(store) as _,
        state: Arc::clone(store) as _,
        pending_origin,
    };
    let upstream = Upstream::open(leaf.settings.clone(), exchange, parts);
    upstream.shared_by(leaf.tenants.clone())
}

/// The upstreams of a tree that nobody opens.
///
/// # Errors
/// A sentence that says what is missing.
pub(super) fn leaves(
    backend: &config::Backend,
    dialects: &[Arc<Dialect>],
    directory: &Directory,
) -> Result<Vec<Leaf>, String> {
    let all = directory.tenants().iter();
    let all: Vec<TenantId> = all.map(|tenant| tenant.tenant_id.clone()).collect();
    let mut found = Vec::new();
    leaves_of(&backend.root, dialects, &all, &mut found)?;
    Ok(found)
}

fn leaves_of(
    node: &Node,
    dialects: &[Arc<Dialect>],
    tenants: &[TenantId],
    found: &mut Vec<Leaf>,
) -> Result<(), String> {
    match node {
        Node::Store => {}
        Node::Upstream(described) => found.push(Leaf {
            settings: join((**described).clone(), dialects)?,
            tenants: tenants.to_vec(),
        }),
        Node::Route { routes, otherwise } => {
            let mut rest = tenants.to_vec();
            for (of_child, node) in routes {
                rest.retain(|tenant| !of_child.contains(tenant));
                leaves_of(node, dialects, of_child, found)?;
            }
            leaves_of(otherwise, dialects, &rest, found)?;
        }
    }
    Ok(())
}

/// The settings of an upstream: what is configured, with the dialects that it names.
fn join(
    upstream: config::Upstream,
    dialects: &[Arc<Dialect>],
) -> Result<upstream::Settings, String> {
    let named = |name: &str| {
        let found = dialects.iter().find(|dialect| dialect.name() == name);
        found
            .cloned()
            .ok_or_else(|| format!("there is no dialect `{name}`"))
    };
    let pending_origin = upstream.pending_origin.map(|origin| {
        Ok::<_, String>(upstream::settings::PendingOrigin {
            dialect: named(&origin.dialect)?,
            endpoint: origin.endpoint,
        })
    });
    Ok(upstream::Settings {
        name: upstream.name,
        dialect: named(&upstream.dialect)?,
        options: upstream.options,
        endpoint: upstream.endpoint,
        residual: upstream.residual,
        index_max_age: upstream.index_max_age,
        pending_origin: pending_origin.transpose()?,
    })
}

impl Leaf {
    /// What carries the calls to it, with connections of its own.
    pub(super) fn exchange(&self) -> Result<Arc<dyn Exchange>, String> {
        let exchange = exchange(&self.settings.dialect, &self.settings.endpoint);
        exchange.map_err(|error| self.told(&error))
    }

    /// Where its pending links are asked for that are not known here, if anywhere.
    fn pending_origin(&self) -> Result<Option<Arc<dyn Exchange>>, String> {
        pending_origin(&self.settings).map_err(|error| self.told(&error))
    }

    /// What is wrong with it.
    fn told(&self, error: &str) -> String {
        format!("upstream {}: {error}", self.settings.name)
    }
}

/// What carries the calls to an IdP. A dialect that has no credential shows one as most others do.
fn exchange(dialect: &Dialect, endpoint: &Endpoint) -> Result<Arc<dyn Exchange>, String> {
    let place = dialect.credential_place();
    let (header, scheme) = place.unwrap_or((AUTHORIZATION, Some("Bearer".to_owned())));
    let caller = Caller::new(endpoint, header, scheme).map_err(|error| error.to_string())?;
    Ok(Arc::new(caller))
}

/// Where pending links are asked for that are not known here.
fn pending_origin(settings: &upstream::Settings) -> Result<Option<Arc<dyn Exchange>>, String> {
    let origin = settings.pending_origin.as_ref();
    let exchange = origin.map(|origin| exchange(&origin.dialect, &origin.endpoint));
    exchange.transpose()
}

/// What the embedded store is opened with.
pub(super) fn settings(store: config::Store) -> embedded::Settings {
    let config::Store {
        directory,
        token_keys,
        audit_age,
    } = store;
    embedded::Settings {
        token_keys,
        audit_age,
        ..embedded::Settings::new(directory)
    }
}
