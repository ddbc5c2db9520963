//! The upstreams of the tree: found in what is configured, and opened one by one.

use std::sync::Arc;

use http::header::AUTHORIZATION;

use crate::backend::embedded::Embedded;
use crate::backend::upstream::exchange::Exchange;
use crate::backend::upstream::settings::Endpoint;
use crate::backend::upstream::{self, Caller, Upstream};
use crate::config::{self, Node};
use crate::dialect::Dialect;
use crate::directory::Directory;
use crate::model::TenantId;

/// An upstream of the tree.
#[derive(Clone)]
pub(in crate::cli) struct Leaf {
    /// What it is opened with.
    pub(in crate::cli) settings: upstream::Settings,
    /// Whose links it keeps.
    pub(in crate::cli) tenants: Vec<TenantId>,
}

/// Opens an upstream, with connections of its own. It is not called yet.
///
/// # Errors
/// A sentence that says why it cannot be opened.
pub(in crate::cli) fn upstream(
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
pub(super) fn upstream_by(
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
pub(in crate::cli) fn leaves(
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
pub(super) fn join(
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
    pub(in crate::cli) fn exchange(&self) -> Result<Arc<dyn Exchange>, String> {
        let exchange = exchange(&self.settings.dialect, &self.settings.endpoint);
        exchange.map_err(|error| self.told(&error))
    }

    /// Where its pending links are asked for that are not known here, if anywhere.
    pub(super) fn pending_origin(&self) -> Result<Option<Arc<dyn Exchange>>, String> {
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
