//! `[[neighbor]]`: requests of the vendor that carry links, or make them vanish, and that no op has. They
//! are never passed on to an origin, whatever a deployment allows.

use std::sync::Arc;

use http::Method;

use super::names::evidence;
use super::op;
use super::pattern::Pattern;
use super::plan::{Evidence, Op, Origin};
use super::route;
use crate::finding::{Sink, Table};

/// Requests that are never passed on.
#[derive(Clone, Debug)]
pub struct Neighbor {
    /// Their methods; none = every one.
    pub methods: Vec<Method>,
    /// Their paths.
    pub path: Pattern,
    /// Why they are not.
    pub because: String,
    /// Where the fact comes from.
    pub evidence: Evidence,
    /// Where it stands.
    pub origin: Origin,
}

impl Neighbor {
    /// Whether it is about requests with this method. What is denied to GET is denied to HEAD.
    #[must_use]
    pub fn has_method(&self, method: &Method) -> bool {
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        self.methods.is_empty() || self.methods.contains(method)
    }

    /// The methods in words.
    #[must_use]
    pub fn methods_shown(&self) -> String {
        if self.methods.is_empty() {
            return "*".to_owned();
        }
        let methods: Vec<&str> = self.methods.iter().map(Method::as_str).collect();
        methods.join(", ")
    }
}

/// Reads every `[[neighbor]]` that can be read: one for each of its paths.
pub(super) fn read_all(root: &Table<'_>) -> Vec<Neighbor> {
    let tables = root.tables("neighbor").into_iter();
    tables.filter_map(read).flatten().collect()
}

fn read(table: Table<'_>) -> Option<Vec<Neighbor>> {
    let sink = table.sink();
    for key in ["method", "path", "evidence"] {
        if !table.has(key) {
            sink.error("LB003", table.span(), format!("`{key}` is missing"));
        }
    }
    let names = table.texts("method").unwrap_or_default();
    let methods: Option<Vec<Method>> = match names.as_slice() {
        [all] if all.value == "*" => Some(Vec::new()),
        [] => None,
        names => names.iter().map(|name| op::method(name, sink)).collect(),
    };
    let paths = table.texts("path").unwrap_or_default();
    let paths: Option<Vec<_>> = paths
        .into_iter()
        .map(|text| match Pattern::parse(&text.value) {
            Ok(path) => Some(path),
            Err(fault) => {
                sink.error("LB204", text.span, fault);
                None
            }
        })
        .collect();
    let because = table.need_text("because");
    let evidence = evidence(&table);
    let origin = Origin {
        source: Arc::clone(sink.source()),
        span: table.span(),
    };
    table.finish();
    let (methods, because, evidence) = (methods?, because?.value.into_owned(), evidence?);
    let neighbor = |path| Neighbor {
        methods: methods.clone(),
        path,
        because: because.clone(),
        evidence,
        origin: origin.clone(),
    };
    Some(paths?.into_iter().map(neighbor).collect())
}

/// The paths at which an op is reached, calls included.
pub fn paths_of(op: &Op) -> impl Iterator<Item = Pattern> + '_ {
    let templates = route::paths(op).map(Pattern::of_template);
    templates.chain(calls(op))
}

fn calls(op: &Op) -> impl Iterator<Item = Pattern> + '_ {
    let names = op.rpc.names.iter();
    names.filter_map(|(name, _)| Pattern::parse(&format!("/{name}")).ok())
}

/// What an op has is mapped: it cannot be denied as well.
pub(super) fn check(neighbors: &[Neighbor], ops: &[Op], sink: &Sink) {
    for neighbor in neighbors {
        let is_met = |method: &Method, own: Pattern| {
            neighbor.has_method(method) && own.meets(&neighbor.path)
        };
        let is_mapped = |op: &&Op| {
            route::paths(op).any(|path| is_met(&op.method, Pattern::of_template(path)))
                || calls(op).any(|call| is_met(&Method::POST, call))
        };
        if let Some(op) = ops.iter().find(is_mapped) {
            let message = format!("the op `{}` has requests of this neighbor", op.name);
            let hint = "a neighbor is what no op has: give it other methods, or a path of its own";
            sink.error_hint("LB211", neighbor.origin.span.clone(), message, hint);
        }
    }
}
