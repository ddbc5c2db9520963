//! Operations, and ways to ask for them, that one dialect has and the other has not.

use super::said::{self, Kind};
use super::{Group, Item, listed};
use crate::dialect::request;
use crate::mapping::check;
use crate::mapping::plan::{Op, Plan};
use crate::mapping::survey::{self, Bound};
use crate::model::{Field, FieldType, OperationKind, Record, Value};

/// Everything that can be asked of `from` and not of `to`.
pub(super) fn lost(from: &Plan, to: &Plan) -> Vec<Item> {
    let mut items = Vec::new();
    // How a client gets its token is no part of a link.
    let kinds = OperationKind::ALL.iter().copied();
    for kind in kinds.filter(|kind| !kind.is_about_tokens()) {
        let ops: Vec<&Op> = sent(from, kind).collect();
        if ops.is_empty() {
            continue;
        }
        if sent(to, kind).next().is_none() {
            items.push(Item::new(Group::Operations, kind.name(), instead(to, kind)));
            continue;
        }
        for op in &ops {
            items.extend(way(op, to));
        }
        if ops.iter().any(|op| pages(op)) && !sent(to, kind).any(pages) {
            let why = format!("{} answers the whole list", to.name);
            items.push(Item::new(
                Group::Operations,
                format!("{} in pages", kind.name()),
                why,
            ));
        }
    }
    // Two ops of one kind may both have what the other dialect lacks.
    let mut once: Vec<Item> = Vec::new();
    for item in items {
        if !once.contains(&item) {
            once.push(item);
        }
    }
    once
}

/// The ops of a kind that are sent, not only read.
fn sent(plan: &Plan, kind: OperationKind) -> impl Iterator<Item = &Op> {
    plan.ops.iter().filter(move |op| op.does == kind && op.emit)
}

fn pages(op: &Op) -> bool {
    let bound = survey::request(op);
    op.page.is_some()
        || bound
            .iter()
            .any(|bound| said::is_about_the_page(bound.field.field()))
}

/// What the one who asked for a missing operation can do instead: some vendors keep links inside users.
fn instead(to: &Plan, kind: OperationKind) -> String {
    let is_creating = kind == OperationKind::LinkCreate;
    let has_links = |parts: &[Bound<'_>]| {
        let mut within = parts.iter().flat_map(|bound| &bound.within);
        within.any(|field| Kind::held_by(*field) == Some(Kind::Link))
    };
    let with_users = |op: &&Op| {
        let request = survey::request(op);
        let is_it = match is_creating {
            true => op.does.writes() && has_links(&request),
            false => {
                let says = |field: &Field| request.iter().any(|b| b.field.field() == *field);
                let mut asked = check::needed(kind).iter();
                let is_asked = asked.any(|fields| fields.iter().all(says));
                !op.does.writes() && is_asked && has_links(&survey::document(&op.answer.tree))
            }
        };
        Kind::of(op.does) == Some(Kind::User) && is_it
    };
    let is_about_links = Kind::of(kind) == Some(Kind::Link) && kind != OperationKind::LinkDelete;
    let names: Vec<&str> = to
        .ops
        .iter()
        .filter(|op| is_about_links && with_users(op))
        .map(|op| op.name.as_str())
        .collect();
    if names.is_empty() {
        format!("{} has no such operation", to.name)
    } else {
        let names = listed(names);
        format!("{} does it only along with the user: {names}", to.name)
    }
}

/// One way to ask: by what the op needs, and narrowed by each of what it may have.
fn way(op: &Op, to: &Plan) -> Vec<Item> {
    let needed = survey::needed(op);
    let needed: Vec<Field> = needed.into_iter().filter(is_of_the_question).collect();
    // Whether a document or a list says it can only be told with one at hand.
    if needed.iter().any(|field| is_nested(*field)) {
        return Vec::new();
    }
    if !can_ask(to, op.does, &needed) {
        let what = match needed.as_slice() {
            [] => format!("{} without any parameter", op.does.name()),
            fields => format!("{} by {}", op.does.name(), names(fields)),
        };
        return vec![Item::new(
            Group::Operations,
            what,
            reason(to, op.does, &needed),
        )];
    }
    // What a link is made of is told among the fields that requests give.
    if op.does.writes() && op.does != OperationKind::LinkDelete {
        return Vec::new();
    }
    let optional = survey::request(op)
        .into_iter()
        .filter(|bound| bound.within.is_empty() && bound.only.is_none())
        .map(|bound| bound.field.field())
        .filter(|field| is_of_the_question(field) && !is_nested(*field))
        .filter(|field| !needed.contains(field));
    let mut optional: Vec<Field> = optional.collect();
    optional.dedup();
    let narrowed = optional.into_iter().filter_map(|field| {
        let fields = [needed.as_slice(), &[field]].concat();
        let what = format!("{} with `{}`", op.does.name(), field.name());
        (!can_ask(to, op.does, &fields))
            .then(|| Item::new(Group::Operations, what, reason(to, op.does, &fields)))
    });
    narrowed.collect()
}

/// Whether a field is part of the question, and not what is known of every one.
fn is_of_the_question(field: &Field) -> bool {
    !said::is_about_the_request(*field) && !IMPLIED.contains(&field.name())
}

/// What is known of every question: whose it is, and what the provider speaks.
const IMPLIED: &[&str] = &["tenant", "protocol"];

fn is_nested(field: Field) -> bool {
    let kind = field.kind();
    matches!(kind, FieldType::Json | FieldType::Record | FieldType::List)
}

/// Whether some op can say exactly this, with what is known besides or without.
fn can_ask(to: &Plan, kind: OperationKind, fields: &[Field]) -> bool {
    let implied: Vec<Field> = IMPLIED.iter().filter_map(|n| Field::named(n)).collect();
    (0..1_usize << implied.len()).any(|chosen| {
        let more = implied.iter().enumerate();
        let more = more.filter(|(index, _)| chosen >> index & 1 == 1);
        let all = fields.iter().chain(more.map(|(_, field)| field));
        let params: Record = all.map(|field| (*field, any_value(*field))).collect();
        request::choose(to, kind, &params).is_some()
    })
}

/// A value of the field's type: choosing an op asks only which are there.
fn any_value(field: Field) -> Value {
    match field.kind() {
        FieldType::Text => Value::Text("x".to_owned()),
        FieldType::Int | FieldType::Instant => Value::Int(1),
        FieldType::Bool => Value::Bool(true),
        FieldType::Json => Value::Json(serde_json::Value::Null),
        FieldType::Record => Value::Record(Record::new()),
        FieldType::List => Value::List(Vec::new()),
    }
}

/// Why no op can say it, by the op that comes nearest.
fn reason(to: &Plan, kind: OperationKind, fields: &[Field]) -> String {
    let gaps = sent(to, kind).map(|op| {
        let bound = survey::request(op);
        let says = |field: &&Field| bound.iter().any(|b| b.field.field() == **field);
        let unsaid: Vec<Field> = fields.iter().filter(|f| !says(f)).copied().collect();
        let needed = survey::needed(op).into_iter();
        let wanted = needed.filter(|f| is_of_the_question(f) && !fields.contains(f));
        (op, unsaid, wanted.collect::<Vec<Field>>())
    });
    let nearest = gaps.min_by_key(|(_, unsaid, wanted)| unsaid.len() + wanted.len());
    let Some((op, unsaid, wanted)) = nearest else {
        return format!("{} has no such operation", to.name);
    };
    let parts = [
        (!unsaid.is_empty()).then(|| format!("does not take {}", names(&unsaid))),
        (!wanted.is_empty()).then(|| format!("wants {} too", names(&wanted))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return format!(
            "`{}` of {} says it with other parameters only",
            op.name, to.name
        );
    }
    format!("`{}` of {} {}", op.name, to.name, parts.join(" and "))
}

fn names(fields: &[Field]) -> String {
    listed(fields.iter().map(|field| field.name()))
}
