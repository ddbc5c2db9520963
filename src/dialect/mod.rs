//! A plan at work: routing, and the four functions between wire exchanges and records.
//!
//! `decode_request` and `encode_response` serve the front role, `encode_request` and
//! `decode_response` the upstream role. Everything here is pure: no I/O, no clock, no async.

mod at;
mod basic;
mod body;
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
mod rpc;
#[cfg(test)]
mod testing;
mod text;
pub mod upstream;
mod uses;
mod write;

use std::collections::{BTreeMap, HashSet};

use http::Method;

pub use self::failure::to_record as failure_record;
pub use self::inventory::Served;
pub use self::reflection::{NoQuestion, REFLECTION, reflect};
pub use self::rpc::{Call as RpcCall, Called as RpcCalled, RpcStatus};
pub use self::uses::Tenants;
pub use crate::mapping::neighbor::Neighbor;
pub use crate::mapping::pattern::{Pattern, Reading};
pub use crate::mapping::plan::{Auth, PageRule};

use crate::mapping::check;
use crate::mapping::plan::{Op, Plan, Take};
use crate::mapping::route::{Match, Segment};
use crate::model::{
    Failure, Field, OperationKind, OwnedRequest, Problem, Record, Request, Response, Rules, Secret,
    Value, VendorName,
};

/// An op of a dialect: an index that only the dialect that made it can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpId(usize);

fn op_id(index: usize) -> OpId {
    OpId(index)
}

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
    plan: &'d Plan,
    indexes: &'d [usize],
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

    fn ops(&self) -> impl Iterator<Item = (usize, &'d Op)> + use<'d> {
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
    let presence = |(name, row): &(String, crate::mapping::plan::Row)| {
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

/// What a request has where a dialect looks for the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// Nothing.
    Absent,
    /// Something that is no credential: without the scheme word, or empty.
    Odd,
    /// A credential.
    Given,
}

impl Presented {
    /// The word that mappings use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Presented::Absent => "absent",
            Presented::Odd => "odd",
            Presented::Given => "given",
        }
    }
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

    /// The dialect's name: that of its mapping file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// Whose ids it speaks.
    #[must_use]
    pub fn vendor(&self) -> &VendorName {
        &self.plan.vendor
    }

    /// The digest of the mapping: what the dialect is made of, whatever it is called.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.plan.digest
    }

    /// The field of answers in which the vendor says what it calls the request, if the mapping tells one.
    #[must_use]
    pub fn request_id_header(&self) -> Option<&http::HeaderName> {
        let mut rows = self.plan.response_headers.iter();
        let row = rows.find(|(_, row)| row.fields.contains(&Field::RequestId));
        row.map(|(name, _)| name)
    }

    /// The rules that travel in each operation of this front.
    #[must_use]
    pub fn rules(&self, settings: &Settings) -> Rules {
        self.plan
            .rules
            .with(|name| option(&self.plan, settings, name))
    }

    /// Whether some row of the op's answer tells the field, wherever it stands.
    #[must_use]
    pub fn answers(&self, op: OpId, field: Field) -> bool {
        check::tells(&self.op(op).answer.tree, field)
    }

    /// Whether some row of the dialect speaks of the field: in a request, an answer, an error, a header or
    /// a condition.
    #[must_use]
    pub fn uses(&self, field: Field) -> bool {
        self.used.contains(&field)
    }

    /// What the requests that are sent to an IdP say of tenants.
    #[must_use]
    pub fn tenants(&self) -> Tenants {
        uses::tenants(&self.plan)
    }

    /// The members of a user's document that the op's request speaks of; none if it has the document as
    /// a whole, or not at all.
    #[must_use]
    pub fn members(&self, op: OpId) -> &[String] {
        &self.op(op).members
    }

    /// What the head of a request says beside its operation, for wording what comes of it: the rows of
    /// the dialect's headers.
    #[must_use]
    pub fn context(&self, request: &Request<'_>) -> Record {
        request::context(&self.plan, request)
    }

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

    /// The credential where the dialect keeps it: the first place that has one decides.
    #[must_use]
    pub fn credential(&self, request: &Request<'_>) -> Option<Secret> {
        self.plan.take.iter().find_map(|take| {
            let text::Param::Value(value) = text::header(request.headers, &take.header) else {
                return None;
            };
            let secret = match &take.scheme {
                None => value.as_str(),
                Some(scheme) => {
                    let (word, rest) = value.split_once(' ')?;
                    word.eq_ignore_ascii_case(scheme).then(|| rest.trim())?
                }
            };
            (!secret.is_empty()).then(|| Secret::new(secret))
        })
    }

    /// Where a request has its credential, with the scheme word before it: the first of the places.
    #[must_use]
    pub fn credential_place(&self) -> Option<(http::HeaderName, Option<String>)> {
        let take = self.plan.take.first()?;
        Some((take.header.clone(), take.scheme.clone()))
    }

    /// What there is in the places where the dialect keeps the credential.
    #[must_use]
    pub fn presented(&self, request: &Request<'_>) -> Presented {
        let has_something = |take: &Take| request.headers.contains_key(&take.header);
        if self.credential(request).is_some() {
            Presented::Given
        } else if self.plan.take.iter().any(has_something) {
            Presented::Odd
        } else {
            Presented::Absent
        }
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

    /// What the op does.
    #[must_use]
    pub fn operation(&self, op: OpId) -> OperationKind {
        self.op(op).does
    }

    /// The op's name in the mapping.
    #[must_use]
    pub fn op_name(&self, op: OpId) -> &str {
        &self.op(op).name
    }

    /// Whether the op wants a credential.
    #[must_use]
    pub fn auth(&self, op: OpId) -> Auth {
        self.op(op).auth
    }

    /// How many seconds a token lives that the op issues, if it issues tokens.
    #[must_use]
    pub fn lifetime(&self, op: OpId) -> Option<u32> {
        self.op(op).lifetime
    }

    /// How the op's list is cut, if it is.
    #[must_use]
    pub fn page(&self, op: OpId) -> Option<&PageRule> {
        self.op(op).page.as_ref()
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
