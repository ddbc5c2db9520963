//! `/routes`: what is served where.

use serde_json::{Value, json};

use crate::dialect::Served;
use crate::server::{Front, Shared};

/// Every front with its ops, its calls and what it passes on, as JSON.
pub(super) fn inventory(shared: &Shared) -> String {
    let fronts: Vec<Value> = shared.fronts.iter().map(front).collect();
    let value = json!({ "fronts": fronts });
    serde_json::to_string_pretty(&value).unwrap_or_default() + "\n"
}

fn front(front: &Front) -> Value {
    let dialect = &front.dialect;
    let ops: Vec<Value> = dialect
        .inventory()
        .iter()
        .map(|served| op(front, served))
        .collect();
    json!({
        "front": dialect.name(),
        "vendor": dialect.vendor().as_str(),
        "host": front.host,
        "prefix": front.prefix,
        "anonymous": front.anonymous.is_some(),
        "calls": dialect.rpc_protocols(),
        "ops": ops,
        "passthrough": front.passthrough.as_ref().map(|way| way.to_string()),
    })
}

fn op(front: &Front, served: &Served<'_>) -> Value {
    let mounted = |path: &String| format!("{}{path}", front.prefix);
    let paths: Vec<String> = served.paths.iter().map(mounted).collect();
    json!({
        "op": served.op,
        "operation": served.operation.name(),
        "method": served.method,
        "paths": paths,
        "calls": served.calls,
        "credential": served.credential,
    })
}
