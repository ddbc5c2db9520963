//! Routing: where a method and a path lead, and what tells the ops apart that they may mean.

use http::Method;

use super::{Dialect, OpId, Settings, op_id, overlap, request};
use crate::mapping::plan::{Auth, Op, Plan, Row};
use crate::mapping::route::{Match, Segment};
use crate::model::{OperationKind, Request};

/// Where a method and path lead.
#[derive(Debug)]
pub enum Routed<'d> {
    /// To one or several ops.
    Ops(Candidates<'d>),
    /// The path exists, with other methods.
    WrongMethod {
        /// The methods it has.
        allow: Vec<String>,
    },
    /// Nowhere.
    Unknown,
}

/// The ops that a method and path may mean; query and body decide.
#[derive(Clone, Copy, Debug)]
pub struct Candidates<'d> {
    pub(super) plan: &'d Plan,
    pub(super) indexes: &'d [usize],
}

impl<'d> Candidates<'d> {
    /// Whether one of the ops wants a credential.
    #[must_use]
    pub fn auth(&self) -> Auth {
        if self.ops().all(|(_, op)| op.auth == Auth::None) {
            Auth::None
        } else {
            Auth::Required
        }
    }

    /// The only op that there is, if there is one: then it is known before the request is read.
    #[must_use]
    pub fn only(&self) -> Option<OpId> {
        match self.indexes {
            [index] => Some(op_id(*index)),
            _ => None,
        }
    }

    /// One of the ops; all of them have one path, as long as it is not said which it is.
    #[must_use]
    pub fn first(&self) -> Option<OpId> {
        self.indexes.first().map(|index| op_id(*index))
    }

    /// What the ops do; for limits that are decided before the op is known.
    pub fn operations(&self) -> impl Iterator<Item = OperationKind> + use<'d> {
        self.ops().map(|(_, op)| op.does)
    }

    /// What tells each op from the others, for `explain`.
    #[must_use]
    pub fn reasons(&self) -> Vec<Reason<'d>> {
        let reason = |(_, op): (usize, &'d Op)| Reason {
            name: &op.name,
            conditions: conditions(op),
        };
        self.ops().map(reason).collect()
    }

    pub(super) fn ops(&self) -> impl Iterator<Item = (usize, &'d Op)> + use<'d> {
        let plan = self.plan;
        self.indexes
            .iter()
            .filter_map(move |index| Some((*index, plan.ops.get(*index)?)))
    }
}

/// What a request must have to mean an op.
#[derive(Debug)]
pub struct Reason<'d> {
    /// The op's name.
    pub name: &'d str,
    /// The conditions, as a sentence.
    pub conditions: String,
}

/// The route conditions of an op, as a sentence.
fn conditions(op: &Op) -> String {
    let presence = |(name, row): &(String, Row)| {
        row.presence.map(|present| {
            format!(
                "query `{name}` is {}",
                if present { "present" } else { "absent" }
            )
        })
    };
    let mut all: Vec<String> = op.query.iter().filter_map(presence).collect();
    all.extend(
        op.has
            .iter()
            .map(|path| format!("body has `{}`", path.dotted())),
    );
    all.extend(
        op.lacks
            .iter()
            .map(|path| format!("body lacks `{}`", path.dotted())),
    );
    if all.is_empty() {
        all.push("method and path".to_owned());
    }
    all.join(", ")
}

impl Dialect {
    /// Where a method and a raw path lead.
    #[must_use]
    pub fn route(&self, method: &Method, path: &str) -> Routed<'_> {
        match self.plan.routes.find(method, path) {
            Match::Ops(indexes) => Routed::Ops(Candidates {
                plan: &self.plan,
                indexes,
            }),
            Match::Methods(methods) => Routed::WrongMethod {
                allow: methods.into_iter().map(Method::to_string).collect(),
            },
            Match::Nothing => Routed::Unknown,
        }
    }

    /// The path of an op, with the names of its captures: `/links/{id}`.
    #[must_use]
    pub fn template(&self, op: OpId) -> String {
        let segments = self.op(op).path.iter();
        segments.fold(String::new(), |text, segment| match segment {
            Segment::Literal(literal) => text + "/" + literal,
            Segment::Capture(name) => text + "/{" + name + "}",
        })
    }

    /// Every method with every path that some op has.
    #[must_use]
    pub fn routes(&self) -> Vec<overlap::Route> {
        let templates = self.plan.routes.templates().into_iter();
        templates
            .map(|(method, path)| overlap::Route { method, path })
            .collect()
    }

    /// How many bytes of `path` the literal path of some op has in common with it; decides who words
    /// the refusal of a path that nobody serves.
    #[must_use]
    pub fn affinity(&self, path: &str) -> usize {
        self.plan.routes.affinity(path)
    }

    /// The ops that a request fits, by name; more than one is a fault of the mapping.
    #[must_use]
    pub fn fitting<'d>(
        &'d self,
        candidates: &Candidates<'d>,
        request: &Request<'_>,
        settings: &Settings,
    ) -> Vec<&'d str> {
        let Ok(look) = request::Look::new(&self.plan, candidates, request, settings) else {
            return Vec::new();
        };
        let fitting = candidates.ops().filter(|(_, op)| look.fits(op));
        fitting.map(|(_, op)| op.name.as_str()).collect()
    }
}
