//! `dialects`: what each mapping supports, from the mapping itself; and commands to try it with.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{Exit, complain, say};
use crate::config::{Catalog, KnownDialect};
use crate::dialect::Dialect;
use crate::directory::Directory;
use crate::edge::keys::EXAMPLE_KEY;
use crate::finding::suggest;
use crate::mapping::builtin;
use crate::mapping::plan::{Auth, Op, Plan};
use crate::model::{Field, OperationKind, OwnedRequest};

/// What `dialects` can be told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only this dialect, with its switches.
    name: Option<String>,
}

/// Every built-in dialect, in the order of `mapping::builtin`.
pub(super) fn built_in() -> Vec<Arc<Dialect>> {
    let loaded = builtin::SOURCES
        .iter()
        .filter_map(|(name, _)| builtin::load_builtin(name)?.plan);
    loaded.map(|plan| Arc::new(Dialect::new(plan))).collect()
}

/// What a configuration may name.
pub(super) fn catalog(dialects: &[Arc<Dialect>]) -> Catalog {
    let known = |dialect: &Arc<Dialect>| KnownDialect {
        name: dialect.name().to_owned(),
        vendor: dialect.vendor().as_str().to_owned(),
        options: dialect
            .plan()
            .options
            .iter()
            .map(|o| (o.name.clone(), o.values.clone()))
            .collect(),
    };
    let prepared = builtin::VENDORS.iter().map(|v| (*v).to_owned()).collect();
    Catalog {
        dialects: dialects.iter().map(known).collect(),
        other_vendors: prepared,
    }
}

/// Shows the dialects. Exit codes: 0 shown, 2 no such dialect.
pub(super) fn run(arguments: &Arguments) -> Exit {
    let dialects = built_in();
    let Some(name) = &arguments.name else {
        for dialect in &dialects {
            say(summary(dialect.plan()));
        }
        return Exit::Fine;
    };
    match dialects.iter().find(|dialect| dialect.name() == name) {
        Some(dialect) => {
            say(summary(dialect.plan()) + &switches(dialect.plan()));
            Exit::Fine
        }
        None => {
            let names: Vec<&str> = dialects.iter().map(|d| d.name()).collect();
            complain(format_args!(
                "`{name}` is no built-in dialect: {}",
                suggest(name, &names)
            ));
            Exit::BadUsage
        }
    }
}

/// A dialect's operations with the requests that mean them.
fn summary(plan: &Plan) -> String {
    let mut out = format!("{}: {} (ids of {})\n", plan.name, plan.title, plan.vendor);
    for kind in OperationKind::ALL {
        let mut ops = plan.ops.iter().filter(|op| op.does == *kind).peekable();
        if ops.peek().is_none() {
            let _ = writeln!(out, "  {:18} not in this API", kind.name());
        }
        for op in ops {
            let _ = writeln!(
                out,
                "  {:18} {} {}  ({})",
                kind.name(),
                op.method,
                template(op),
                op.name
            );
        }
    }
    out
}

fn template(op: &Op) -> String {
    use crate::mapping::route::Segment;
    let segments = op.path.iter().map(|segment| match segment {
        Segment::Literal(text) => format!("/{text}"),
        Segment::Capture(name) => format!("/{{{name}}}"),
    });
    segments.collect()
}

fn switches(plan: &Plan) -> String {
    let mut out = String::new();
    for option in &plan.options {
        let values = option.values.join(" | ");
        let _ = writeln!(
            out,
            "  option {} = {values} (default {})\n    {}",
            option.name, option.default, option.because
        );
    }
    out
}

/// A writing and a reading command for the dialect at `origin`, with the example key: the first
/// example that creates a link, and the first that lists links. A header that names a tenant is left
/// out where `directory` has no such tenant.
pub(super) fn examples(dialect: &Dialect, origin: &str, directory: &Directory) -> Vec<String> {
    let plan = dialect.plan();
    let first = |kind: OperationKind| {
        let ops = plan.ops.iter().filter(move |op| op.does == kind);
        ops.flat_map(|op| op.examples.iter().map(move |example| (op, example)))
            .find(|(_, example)| example.params.is_some() && example.request.is_some())
            .and_then(|(op, example)| {
                let mut request = example.request.clone()?;
                let named = example.params.as_ref()?.text(Field::Tenant);
                let is_unknown = |id: &&str| directory.tenant_of(dialect.vendor(), id).is_none();
                if let Some(id) = named.filter(is_unknown) {
                    drop_headers(&mut request, id);
                }
                Some(curl(plan, op, &request, origin))
            })
    };
    [OperationKind::LinkCreate, OperationKind::LinkList]
        .into_iter()
        .filter_map(first)
        .collect()
}

/// Leaves the headers out that say this and nothing else.
fn drop_headers(request: &mut OwnedRequest, value: &str) {
    let kept = request.headers.iter().filter(|(_, v)| *v != value);
    request.headers = kept.map(|(n, v)| (n.clone(), v.clone())).collect();
}

/// A request as a command line.
fn curl(plan: &Plan, op: &Op, request: &OwnedRequest, origin: &str) -> String {
    let mut out = "curl -sS".to_owned();
    if request.method != http::Method::GET {
        let _ = write!(out, " -X {}", request.method);
    }
    if let (Some(take), true) = (plan.take.first(), op.auth == Auth::Required) {
        let scheme = take
            .scheme
            .as_ref()
            .map_or_else(String::new, |scheme| format!("{scheme} "));
        let _ = write!(out, " -H '{}: {scheme}{EXAMPLE_KEY}'", take.header);
    }
    for (name, value) in &request.headers {
        let _ = write!(out, " -H '{name}: {}'", value.to_str().unwrap_or_default());
    }
    if let (Some(media), false) = (op.consumes.first(), request.body.is_empty()) {
        // A quote in a body ends the shell's quoted text, is said, and begins it anew.
        let body = String::from_utf8_lossy(&request.body).replace('\'', r"'\''");
        let _ = write!(out, " -H 'content-type: {media}' -d '{body}'");
    }
    let query = if request.query.is_empty() {
        String::new()
    } else {
        format!("?{}", request.query)
    };
    let _ = write!(out, " '{origin}{}{query}'", request.path);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Tenant, Users};
    use crate::model::{Alias, TenantId};

    #[test]
    fn a_command_names_a_tenant_only_if_it_is_configured() {
        let dialects = built_in();
        assert!(!dialects.is_empty());
        for dialect in dialects {
            let shown = |ids: Vec<Alias>, key: &str| {
                let tenant = Tenant {
                    tenant_id: TenantId::new(key).unwrap(),
                    ids,
                    users: Users::Open,
                    link_limits: std::collections::HashMap::new(),
                    pending_seconds: 3600,
                };
                let directory = Directory::new(vec![tenant], Vec::new()).unwrap();
                examples(&dialect, "http://127.0.0.1:8080", &directory)
            };
            let example = Alias {
                vendor: dialect.vendor().clone(),
                vendor_id: "48426136-8eb7-49d5-81f3-9280b146a334".to_owned(),
            };
            let with = shown(vec![example], "acme");
            let without = shown(Vec::new(), "other");
            let names = |command: &String| command.contains("tenant");
            assert!(with.iter().any(names), "{with:?}");
            assert!(!without.iter().any(names), "{without:?}");
            assert_eq!(with.len(), without.len());
        }
    }
}
