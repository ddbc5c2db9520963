//! From the configured backend to an open one: the store, and the tree of whatever else keeps links.

mod describe;
mod leaf;
mod probe;
mod renew;

use std::sync::Arc;

pub(super) use self::describe::{describe, place, upstream_of};
use self::leaf::join;
pub(super) use self::leaf::{Leaf, leaves, upstream};
pub(super) use self::probe::ask_all;
use self::renew::Kept;
use crate::backend::Backend;
use crate::backend::embedded::{self, Embedded};
use crate::backend::route::Route;
use crate::backend::upstream::Upstream;
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
