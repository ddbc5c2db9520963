//! What a dialect says: the fields that its answers tell and its requests give, by kind of record.

use std::collections::BTreeMap;

use crate::mapping::plan::{FieldRef, Only, Op, Plan};
use crate::mapping::survey::{self, Bound};
use crate::model::{Field, OperationKind};

/// The records that dialects speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::dialect) enum Kind {
    Link,
    Pending,
    Provider,
    User,
}

impl Kind {
    pub(super) const ALL: &'static [Kind] =
        &[Kind::Link, Kind::Pending, Kind::Provider, Kind::User];

    /// What several of them are called.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Kind::Link => "links",
            Kind::Pending => "pending links",
            Kind::Provider => "providers",
            Kind::User => "users",
        }
    }

    /// The kind of the records that a field holds.
    pub(in crate::dialect) fn held_by(field: Field) -> Option<Self> {
        match field {
            Field::Link | Field::Links => Some(Kind::Link),
            Field::Pending => Some(Kind::Pending),
            Field::Provider | Field::Providers => Some(Kind::Provider),
            Field::User | Field::Users => Some(Kind::User),
            _ => None,
        }
    }

    /// The kind that an operation is about.
    pub(super) fn of(operation: OperationKind) -> Option<Self> {
        match operation.name().split('.').next() {
            Some("link") => Some(Kind::Link),
            Some("pending") => Some(Kind::Pending),
            Some("provider") => Some(Kind::Provider),
            Some("user") => Some(Kind::User),
            _ => None,
        }
    }
}

/// Whether a value is part of such a record: the innermost that it stands in, else what the op is about.
/// Records around it say whose it is.
fn is_of(wanted: Kind, bound: &Bound<'_>, all: &[Bound<'_>], op: &Op) -> bool {
    let mut nested = bound.within.iter().rev().copied();
    let kind = nested.find_map(Kind::held_by).or_else(|| Kind::of(op.does));
    let mut inside = all.iter().filter(|b| innermost(b) == Some(wanted));
    kind == Some(wanted) || inside.any(|inner| says_whose(bound, &inner.within))
}

/// Fields with the names of the ops that say them.
pub(super) type Said<'p> = BTreeMap<Field, Vec<&'p str>>;

fn note<'p>(said: &mut Said<'p>, field: Field, op: &'p Op) {
    let names = said.entry(field).or_default();
    if names.last() != Some(&op.name.as_str()) {
        names.push(&op.name);
    }
}

/// The fields of such records that a client learns: from an answer, or because it had to know them to ask.
pub(super) fn told(plan: &Plan, wanted: Kind) -> Said<'_> {
    let mut said = Said::new();
    for op in &plan.ops {
        let bound = survey::document(&op.answer.tree);
        let mut tells = false;
        for bound in bound.iter().filter(|b| is_of(wanted, b, &bound, op)) {
            let field = bound.field.field();
            let is_told = !is_about_the_request(field) || field == Field::Tenant;
            if bound.only != Some(Only::Parse) && is_told {
                note(&mut said, field, op);
                tells = true;
            }
        }
        if tells && !op.does.writes() && Kind::of(op.does) == Some(wanted) {
            survey::needed(op)
                .into_iter()
                .for_each(|field| note(&mut said, field, op));
        }
    }
    said
}

/// The fields of such records that requests give to be kept.
pub(super) fn given(plan: &Plan, wanted: Kind) -> Said<'_> {
    let mut said = Said::new();
    for op in plan.ops.iter().filter(|op| keeps(op.does)) {
        let all = survey::request(op);
        for bound in &all {
            let field = bound.field.field();
            let is_kept = bound.only != Some(Only::Emit) && !is_about_the_request(field);
            if is_kept && is_of(wanted, bound, &all, op) {
                note(&mut said, field, op);
            }
        }
    }
    said
}

/// Whether what a request of the operation holds is there afterwards.
fn keeps(operation: OperationKind) -> bool {
    use OperationKind as K;
    operation.writes()
        && !matches!(
            operation,
            K::LinkDelete | K::UserDelete | K::PendingComplete
        )
}

/// Whether a field is about the request and its answer instead of what is asked for: nothing of it is kept.
pub(super) fn is_about_the_request(field: Field) -> bool {
    let name = field.name();
    let words = [
        "tenant",
        "expand",
        "accept",
        "credential",
        "request_id",
        "client_request_id",
        "rebind",
        "reason",
        "items",
        "item_id",
    ];
    words.contains(&name) || is_about_the_page(field)
}

/// Whether a field says which part of a list is wanted.
pub(super) fn is_about_the_page(field: Field) -> bool {
    field.name().starts_with("page.")
}

/// Where records of a kind stand in an exchange, and what arrives of them.
#[derive(Clone, Debug)]
pub(in crate::dialect) struct Place {
    /// The fields that lead to the record.
    pub(in crate::dialect) within: Vec<Field>,
    /// The fields that both directions of the rows bind, those of `around` too.
    pub(in crate::dialect) fields: Vec<Field>,
    /// What the records around it say of it: whose it is.
    pub(in crate::dialect) around: Vec<(Vec<Field>, Field)>,
}

/// The places of an exchange that carry records of a kind.
pub(in crate::dialect) fn carried(bound: &[Bound<'_>], wanted: Kind) -> Vec<Place> {
    let both_ways = || bound.iter().filter(|bound| bound.only.is_none());
    let mut places: BTreeMap<Vec<Field>, Vec<Field>> = BTreeMap::new();
    for bound in both_ways().filter(|bound| innermost(bound) == Some(wanted)) {
        if let FieldRef::Here(field) = bound.field {
            places.entry(bound.within.clone()).or_default().push(field);
        }
    }
    let place = |(within, mut fields): (Vec<Field>, Vec<Field>)| {
        let outer = both_ways().filter(|bound| says_whose(bound, &within));
        let around: Vec<_> = outer
            .map(|bound| (bound.within.clone(), bound.field.field()))
            .filter(|(_, field)| !fields.contains(field))
            .collect();
        fields.extend(around.iter().map(|(_, field)| *field));
        Place {
            within,
            fields,
            around,
        }
    };
    places.into_iter().map(place).collect()
}

/// The kind of the record that a value stands in.
fn innermost(bound: &Bound<'_>) -> Option<Kind> {
    bound.within.last().copied().and_then(Kind::held_by)
}

/// Whether a value stands around the records that `within` leads to, and says whose they are.
fn says_whose(bound: &Bound<'_>, within: &[Field]) -> bool {
    let is_around = bound.within.len() < within.len() && within.starts_with(&bound.within);
    is_around && matches!(bound.field, FieldRef::Here(Field::UserId | Field::Tenant))
}
