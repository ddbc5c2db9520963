//! A plan at work: routing, and the four functions between wire exchanges and records.
//!
//! `decode_request` and `encode_response` serve the front role, `encode_request` and
//! `decode_response` the upstream role. Everything here is pure: no I/O, no clock, no async.

mod at;
mod basic;
mod body;
mod credential;
mod facts;
mod failure;
mod form;
mod inventory;
pub mod laws;
pub mod loss;
mod neighbor;
pub mod overlap;
mod page;
mod patch;
mod read;
mod reflection;
mod request;
mod response;
mod routing;
mod rpc;
mod strict;
#[cfg(test)]
mod testing;
mod text;
pub mod upstream;
mod uses;
mod write;

use std::collections::{BTreeMap, HashSet};

pub use self::credential::Presented;
pub use self::failure::to_record as failure_record;
pub use self::inventory::Served;
pub use self::reflection::{NoQuestion, REFLECTION, reflect};
pub use self::routing::{Candidates, Reason, Routed};
pub use self::rpc::{Call as RpcCall, Called as RpcCalled, RpcStatus};
pub use self::uses::Tenants;
pub use crate::mapping::neighbor::Neighbor;
pub use crate::mapping::pattern::{Pattern, Reading};
pub use crate::mapping::plan::{Auth, PageRule};

use crate::mapping::plan::{Op, Plan};
use crate::model::{
    Failure, Field, OperationKind, OwnedRequest, Problem, Record, Request, Response, Value,
};

/// An op of a dialect: an index that only the dialect that made it can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpId(usize);

fn op_id(index: usize) -> OpId {
    OpId(index)
}

/// A decoded request: the op, what could be read, and everything that is wrong.
#[derive(Debug)]
pub struct Decoded {
    /// The op that the request means.
    pub op: OpId,
    /// What could be read.
    pub params: Record,
    /// Everything that is wrong; empty if nothing is.
    pub problems: Vec<Problem>,
    /// The failure that the mapping names for a value that cannot be read (`bad = "…"`); it is
    /// answered where the thing that the value names would be looked up.
    pub refusal: Option<Failure>,
}

/// What a deployment sets for a front.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The front's public URL, without a slash at the end: base of every link in an answer.
    pub origin: String,
    /// Values of the mapping's options, by name.
    pub options: BTreeMap<String, String>,
}

/// One vendor's API, ready to speak.
#[derive(Debug)]
pub struct Dialect {
    plan: Plan,
    used: HashSet<Field>,
    /// The paths of its ops, as patterns.
    claimed: Vec<Pattern>,
}

impl Dialect {
    /// Puts a plan to work.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let used = uses::of(&plan);
        let claimed = neighbor::claimed(&plan);
        Self {
            plan,
            used,
            claimed,
        }
    }

    /// The plan, for `check`, `explain` and the generated reference.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What the head of a request says beside its operation, for wording what comes of it: the rows of
    /// the dialect's headers.
    #[must_use]
    pub fn context(&self, request: &Request<'_>) -> Record {
        request::context(&self.plan, request)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// `UnsupportedMedia`, or `Invalid` for a body that cannot be read at all: then no op can be chosen.
    pub fn decode_request(
        &self,
        candidates: &Candidates<'_>,
        request: &Request<'_>,
        settings: &Settings,
    ) -> Result<Decoded, Failure> {
        let look = request::Look::new(&self.plan, candidates, request, settings)?;
        if let Some((index, op)) = candidates.ops().find(|(_, op)| look.fits(op)) {
            return Ok(look.decode(index, op));
        }
        // The ops are disjoint (LB201), but need not cover everything. A request that fits none is
        // read by the first, whose rows say what is wrong; if they find nothing, the conditions do.
        let (index, op) = candidates.ops().next().ok_or(Failure::RouteUnknown)?;
        let mut decoded = look.decode(index, op);
        if decoded.problems.is_empty() {
            decoded.problems = look.unmet(op);
        }
        Ok(decoded)
    }

    /// Says where in the op's request the fields stand that a failure is about: problems that were
    /// found after decoding name a field and no place.
    #[must_use]
    pub fn place(&self, op: OpId, failure: Failure) -> Failure {
        let Failure::Invalid(mut problems) = failure else {
            return failure;
        };
        for problem in &mut problems {
            if let (Some(field), true) = (problem.field, problem.at.is_empty()) {
                let known = request::place(&self.plan, self.op(op), field);
                (problem.place, problem.at) =
                    known.unwrap_or((problem.place, field.name().to_owned()));
            }
        }
        Failure::Invalid(problems)
    }

    /// Writes the answer of an op. `reply` holds the outcome in the vendor's ids, `params` the request.
    #[must_use]
    pub fn encode_response(
        &self,
        op: OpId,
        reply: &Record,
        params: &Record,
        settings: &Settings,
    ) -> Response {
        response::encode(&self.plan, self.op(op), reply, params, settings)
    }

    /// The reply of an op that answers this failure as a list of nothing: its vendor does not tell an
    /// unknown user from one without links, say.
    #[must_use]
    pub fn list_of_nothing(&self, op: OpId, failure: &Failure) -> Option<Record> {
        let op = self.op(op);
        let list = op.does.lists()?;
        let is_meant = op.answer.empty_for.contains(&failure.kind());
        let reply = || {
            let reply = Record::new().with(list, Value::List(Vec::new()));
            reply.with(Field::Total, Value::Int(0))
        };
        is_meant.then(reply)
    }

    /// Writes a failure, for an op if one is known. Never fails: every failure has an answer.
    #[must_use]
    pub fn encode_failure(
        &self,
        failure: &Failure,
        op: Option<OpId>,
        params: &Record,
        settings: &Settings,
    ) -> Response {
        let operation = op.map(|op| self.operation(op));
        response::encode_failure(&self.plan, failure, operation, params, settings)
    }

    /// Writes the request that does `kind` with `params`; `None` if the dialect has no op that says it.
    #[must_use]
    pub fn encode_request(
        &self,
        kind: OperationKind,
        params: &Record,
        settings: &Settings,
    ) -> Option<(OpId, OwnedRequest)> {
        let (index, op) = request::choose_by_values(&self.plan, kind, params, settings)?;
        let request = request::encode(&self.plan, op, params, settings);
        let leads_back = self.leads_back(index, op, &request);
        leads_back.then_some((op_id(index), request))
    }

    /// Reads an answer: the reply record.
    ///
    /// # Errors
    /// The failure that the vendor's answer means.
    pub fn decode_response(&self, op: OpId, response: &Response) -> Result<Record, Failure> {
        response::decode(&self.plan, self.op(op), response)
    }

    fn op(&self, op: OpId) -> &Op {
        self.plan
            .ops
            .get(op.0)
            .expect("an OpId is made by the dialect that has the op")
    }
}

/// The value of a switch: that of the deployment, else the mapping's default.
fn option<'a>(plan: &'a Plan, settings: &'a Settings, name: &str) -> Option<&'a str> {
    let set = settings.options.get(name).map(String::as_str);
    set.or_else(|| {
        plan.options
            .iter()
            .find(|o| o.name == name)
            .map(|o| o.default.as_str())
    })
}

#[cfg(test)]
#[path = "forms_tests.rs"]
mod forms_tests;
