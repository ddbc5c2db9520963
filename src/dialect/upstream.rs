//! The upstream role at work: which requests do an operation at the IdP, and how one is written.

use std::time::Duration;

use super::request::{self, Look};
use super::{Candidates, Dialect, OpId, Settings, op_id};
use crate::mapping::check;
use crate::mapping::plan::{Form, Op, PageStyle, Row, Tree};
use crate::mapping::route::{self, Match};
use crate::model::{Field, OperationKind, OwnedRequest, Problem, Record};

/// One request of those that do an operation.
#[derive(Clone, Copy, Debug)]
pub enum Step<'d> {
    /// By the op that says most of what is asked for.
    Any(OperationKind),
    /// By this op of a chain, with what is asked for besides.
    Op(OpId, &'d Record),
}

/// A request that is ready to be sent.
#[derive(Debug)]
pub struct Spelled {
    /// The op that reads the answer.
    pub op: OpId,
    /// The request.
    pub request: OwnedRequest,
}

/// Why there is no request.
#[derive(Debug, PartialEq)]
pub enum Unsaid {
    /// The dialect has no op that says it.
    NoWay,
    /// The vendor could not take these values. Empty if it is not known which.
    Problems(Vec<Problem>),
}

/// How the next part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// The answer is whole.
    Whole,
    /// By the number of records to skip; so many records at once.
    Offset(u64),
    /// By what the answer names as the next; so many records at once.
    Next(u64),
}

impl Dialect {
    /// The requests that do an operation at an IdP of this dialect, in order; none if it cannot be done.
    #[must_use]
    pub fn steps(&self, kind: OperationKind) -> Vec<Step<'_>> {
        let upstream = &self.plan.upstream;
        if let Some(chain) = upstream.emulations.iter().find(|e| e.does == kind) {
            let steps = chain.steps.iter();
            return steps.map(|op| Step::Op(op_id(*op), &chain.with)).collect();
        }
        if self.plan.is_done_upstream(kind) {
            return vec![Step::Any(kind)];
        }
        Vec::new()
    }

    /// Whether an IdP of this dialect can be asked for the operation.
    #[must_use]
    pub fn is_done_upstream(&self, kind: OperationKind) -> bool {
        self.plan.is_done_upstream(kind)
    }

    /// The operations without which it cannot keep links, and that it does not do.
    #[must_use]
    pub fn lacks_as_upstream(&self) -> Vec<OperationKind> {
        let needed = crate::mapping::upstream::NEEDED.iter().copied();
        needed
            .filter(|kind| !self.is_done_upstream(*kind))
            .collect()
    }

    /// Whether the vendor itself refuses an account that another user has.
    #[must_use]
    pub fn refuses_taken_accounts(&self) -> bool {
        self.plan.upstream.unique
    }

    /// How long the vendor's lists may be behind its writes.
    #[must_use]
    pub fn lag(&self) -> Duration {
        Duration::from_secs(u64::from(self.plan.upstream.lag_seconds))
    }

    /// Whether the vendor keeps a field of a link: it tells it in the list of a user's links.
    #[must_use]
    pub fn keeps(&self, field: Field) -> bool {
        let lists = self.ops_of(OperationKind::LinkList);
        lists.last().is_some_and(|op| {
            let link = links_of(&op.answer.tree);
            link.is_some_and(|tree| check::tells(tree, field))
        })
    }

    /// Whether a request for the operation needs the field.
    #[must_use]
    pub fn needs(&self, kind: OperationKind, field: Field) -> bool {
        let needs = |row: &Row| row.need.is_some() && row.fields.contains(&field);
        self.ops_of(kind)
            .iter()
            .any(|op| check::request_rows(op).any(needs))
    }

    /// The ops that do an operation, in order.
    fn ops_of(&self, kind: OperationKind) -> Vec<&Op> {
        let steps = self.steps(kind).into_iter();
        let of_step = |step| -> Vec<&Op> {
            match step {
                Step::Op(id, _) => vec![self.op(id)],
                Step::Any(kind) => {
                    let ops = self.plan.ops.iter();
                    ops.filter(|op| op.does == kind && op.emit).collect()
                }
            }
        };
        steps.flat_map(of_step).collect()
    }

    /// How the op's list goes on.
    #[must_use]
    pub fn paging(&self, op: OpId) -> Paging {
        match self
            .op(op)
            .page
            .as_ref()
            .map(|page| (&page.style, page.limit))
        {
            None => Paging::Whole,
            Some((PageStyle::Offset, limit)) => Paging::Offset(limit),
            Some((PageStyle::After | PageStyle::LinkHeader { .. }, limit)) => Paging::Next(limit),
        }
    }

    /// Writes the request of a step. All of `must` is said; of `may`, what the op has room for. In a chain,
    /// what an op has no room for was or will be said by another one.
    ///
    /// # Errors
    /// [`Unsaid`].
    pub fn spell(
        &self,
        step: Step<'_>,
        must: &Record,
        may: &Record,
        settings: &Settings,
    ) -> Result<Spelled, Unsaid> {
        let (index, params) = match step {
            Step::Any(kind) => self.best(kind, must, may)?,
            Step::Op(id, with) => {
                let op = self.op(id);
                let mut params = self.said_by(op, must);
                for part in [may, with] {
                    add(&mut params, self.said_by(op, part));
                }
                if !request::can_send(&self.plan, op, &params) {
                    return Err(Unsaid::NoWay);
                }
                (id.0, params)
            }
        };
        let op = self.op(op_id(index));
        let request = request::encode(&self.plan, op, &params, settings);
        let is_told = request::tells(&self.plan, op, &params, settings);
        if !is_told || !self.leads_back(index, op, &request) {
            return Err(Unsaid::Problems(self.problems(index, &request, settings)));
        }
        let problems = self.problems(index, &request, settings);
        if !problems.is_empty() {
            return Err(Unsaid::Problems(problems));
        }
        Ok(Spelled {
            op: op_id(index),
            request,
        })
    }

    /// The op that says all that must be said, and most of the rest.
    fn best(
        &self,
        kind: OperationKind,
        must: &Record,
        may: &Record,
    ) -> Result<(usize, Record), Unsaid> {
        let ops = self.plan.ops.iter().enumerate();
        let sent = ops.filter(|(_, op)| op.does == kind && op.emit);
        let able = sent.filter_map(|(index, op)| {
            let mut params = must.clone();
            add(&mut params, self.said_by(op, may));
            request::can_send(&self.plan, op, &params).then_some((index, params))
        });
        able.max_by_key(|(index, params)| (params.len(), std::cmp::Reverse(*index)))
            .ok_or(Unsaid::NoWay)
    }

    /// What of the parameters the op has room for. A query parameter that must be absent is none.
    fn said_by(&self, op: &Op, params: &Record) -> Record {
        params
            .iter()
            .filter(|(field, _)| request::has_room(&self.plan, op, *field))
            .map(|(field, value)| (field, value.clone()))
            .collect()
    }

    /// Whether a request is the op's own: a value in the path can make it the path of another op, or none.
    pub(super) fn leads_back(&self, index: usize, op: &Op, request: &OwnedRequest) -> bool {
        let leads_back = match self.plan.routes.find(&request.method, &request.path) {
            Match::Ops(indexes) => {
                indexes.contains(&index) && route::is_sent_path(op, &request.path)
            }
            Match::Methods(_) | Match::Nothing => false,
        };
        leads_back && request.path.split('/').all(|s| s != "." && s != "..")
    }

    /// What the vendor would say against a request: what the op finds in it when it reads it itself.
    fn problems(&self, index: usize, request: &OwnedRequest, settings: &Settings) -> Vec<Problem> {
        let indexes = [index];
        let candidates = Candidates {
            plan: &self.plan,
            indexes: &indexes,
        };
        let view = request.view();
        match Look::new(&self.plan, &candidates, &view, settings) {
            Ok(look) => look.decode(index, self.op(op_id(index))).problems,
            Err(_) => Vec::new(),
        }
    }
}

/// The shape in which an answer tells links, wherever it tells them.
fn links_of(tree: &Tree) -> Option<&Tree> {
    tree.rows.iter().find_map(|(_, row)| links_in(row))
}

fn links_in(row: &Row) -> Option<&Tree> {
    match &row.form {
        Form::List {
            field: Field::Links,
            item,
            ..
        } => Some(item),
        Form::List { item, .. } | Form::Dict { item, .. } => links_of(item),
        Form::One { shape, .. } => links_of(shape),
        Form::First(rows) => rows.iter().find_map(links_in),
        _ => None,
    }
}

fn add(params: &mut Record, more: Record) {
    for (field, value) in more.iter() {
        if !params.has(field) {
            params.set(field, value.clone());
        }
    }
}

/// The links that an answer tells, wherever it tells them: each with the user who holds it, where that is
/// said around it.
#[must_use]
pub fn links_told(reply: &Record) -> Vec<Record> {
    let mut links: Vec<Record> = Vec::new();
    links.extend(reply.record(Field::Link).cloned());
    links.extend(reply.list(Field::Links).unwrap_or_default().iter().cloned());
    let users = reply.list(Field::Users).unwrap_or_default().iter();
    for user in reply.record(Field::User).into_iter().chain(users) {
        let of_types = user.list(Field::Credentials).unwrap_or_default().iter();
        let of_types = of_types.filter_map(|of_type| of_type.list(Field::Links));
        let plain = user.list(Field::Links);
        for link in of_types.chain(plain).flatten() {
            let mut link = link.clone();
            if let (Some(id), false) = (user.text(Field::UserId), link.has(Field::UserId)) {
                link.set_text(Field::UserId, id);
            }
            links.push(link);
        }
    }
    links
}
