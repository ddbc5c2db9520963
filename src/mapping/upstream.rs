//! The upstream role: how a vendor does what it has no single call for, and what has to be made up for.
//!
//! Only what an op of its own does not say stands here. A chain of steps is short and has no loops; what a
//! step answers is narrowed to what was asked for, and what is found there completes the next step.

use super::names::{self, evidence};
use super::plan::{Evidence, Op, Origin, Plan};
use crate::finding::{Sink, Table, Text, suggest};
use crate::model::{Field, FieldType, OperationKind, Record};

/// The longest chain.
const MAX_STEPS: usize = 3;
/// What a vendor may do by a chain.
const EMULATED: &[OperationKind] = &[
    OperationKind::LinkCreate,
    OperationKind::LinkFind,
    OperationKind::LinkList,
    OperationKind::LinkDelete,
];

/// What is known of the vendor as a keeper of links.
#[derive(Clone, Debug)]
pub struct UpstreamPlan {
    /// Whether the vendor itself refuses an account that another user has.
    pub unique: bool,
    /// By how many seconds its lists may be behind its writes.
    pub lag_seconds: u32,
    /// What it does by several calls.
    pub emulations: Vec<Emulation>,
}

/// An operation that is done by several calls, or by one that is meant for something else.
#[derive(Clone, Debug)]
pub struct Emulation {
    /// What it does.
    pub does: OperationKind,
    /// The ops, in order: indexes of the plan.
    pub steps: Vec<usize>,
    /// What is asked for besides.
    pub with: Record,
    /// Where the facts come from.
    pub evidence: Option<Evidence>,
    /// Why it is as it is.
    pub because: Option<String>,
    /// Where it stands.
    pub origin: Origin,
}

/// Reads `[upstream]` and every `[[emulate]]`.
pub(super) fn read(table: &Table<'_>, ops: &[Op]) -> UpstreamPlan {
    let mut plan = UpstreamPlan {
        unique: true,
        lag_seconds: 0,
        emulations: Vec::new(),
    };
    if let Some(upstream) = table.table("upstream") {
        plan.unique = upstream.bool("unique").unwrap_or(true);
        let lag = upstream.int_in("lag_seconds", 0..=3600);
        plan.lag_seconds = lag.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        // A choice of words for people, as on any row.
        let _ = (upstream.text("because"), evidence(&upstream));
        upstream.finish();
    }
    for row in table.tables("emulate") {
        plan.emulations.extend(emulation(row, ops));
    }
    plan
}

fn emulation(table: Table<'_>, ops: &[Op]) -> Option<Emulation> {
    let sink = table.sink();
    let does = table
        .need_text("does")
        .and_then(|text| names::named(&text, sink, "operation", EMULATED, |kind| kind.name()));
    let named = table.texts("steps").unwrap_or_default();
    if named.is_empty() || named.len() > MAX_STEPS {
        let message = format!("`steps` names one to {MAX_STEPS} ops");
        sink.error("LB220", table.value_span("steps"), message);
    }
    let steps: Option<Vec<usize>> = named.iter().map(|name| step(name, ops, sink)).collect();
    let with = with(&table);
    let emulation = Emulation {
        does: does?,
        steps: steps?,
        with: with?,
        evidence: evidence(&table),
        because: table.text("because").map(|t| t.value.into_owned()),
        origin: Origin {
            source: std::sync::Arc::clone(sink.source()),
            span: table.span(),
        },
    };
    table.finish();
    Some(emulation)
}

/// The op of this name; one that is sent.
fn step(name: &Text<'_>, ops: &[Op], sink: &Sink) -> Option<usize> {
    let found = ops.iter().position(|op| op.name == name.value);
    match found.and_then(|index| Some((index, ops.get(index)?))) {
        Some((index, op)) if op.emit => Some(index),
        Some(_) => {
            let message = format!("`{}` is never sent", name.value);
            sink.error_hint(
                "LB220",
                name.span.clone(),
                message,
                "add emit = true to the op",
            );
            None
        }
        None => {
            let known: Vec<&str> = ops.iter().map(|op| op.name.as_str()).collect();
            let message = format!("there is no op `{}`", name.value);
            let hint = suggest(&name.value, &known);
            sink.error_hint("LB220", name.span.clone(), message, hint);
            None
        }
    }
}

/// Texts that are asked for besides.
fn with(table: &Table<'_>) -> Option<Record> {
    let mut record = Record::new();
    let Some(with) = table.table("with") else {
        return Some(record);
    };
    for (key, value) in with.entries() {
        let field = Field::named(&key.value).filter(|field| field.kind() == FieldType::Text);
        match (field, value.get_ref().as_str()) {
            (Some(field), Some(text)) => record.set_text(field, text),
            _ => {
                let message = format!("`{}` is no canonical field with a text", key.value);
                table.sink().error("LB102", key.span, message);
                return None;
            }
        }
    }
    Some(record)
}

/// What an IdP must do to keep links, beside looking up accounts, which an index can do.
pub const NEEDED: &[OperationKind] = &[
    OperationKind::LinkCreate,
    OperationKind::LinkList,
    OperationKind::LinkDelete,
];

impl Plan {
    /// The operations that an IdP of this dialect can be asked for, by one op or by a chain.
    pub fn is_done_upstream(&self, kind: OperationKind) -> bool {
        self.upstream.emulations.iter().any(|e| e.does == kind)
            || self.ops.iter().any(|op| op.does == kind && op.emit)
    }
}
