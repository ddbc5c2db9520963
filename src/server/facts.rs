//! What is known of a request so far: for its log line, and for wording a failure that comes late.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use super::admit::Head;
use super::front::Front;
use super::passthrough::Piped;
use super::reflection::Reflection;
use super::rpc::{self, Wire};
use super::{Shared, respond};
use crate::dialect::OpId;
use crate::edge::authn::Grant;
use crate::edge::rate_limit::{Standing, Toll};
use crate::model::{Failure, FailureKind, Field, Origin, Record, Response, Value};
use crate::telemetry::metrics::Outcome;
use crate::trace;
use crate::transport::Status;

/// It grows as the request goes on its walk.
#[derive(Default)]
pub(super) struct Facts<'f> {
    /// Where it comes from.
    pub(super) source: Option<IpAddr>,
    pub(super) front: Option<usize>,
    /// What the head says to that front, for wording whatever comes of it.
    pub(super) context: Record,
    pub(super) op: Option<OpId>,
    /// The only op that it can be for, before it is read: for counting.
    pub(super) meant: Option<OpId>,
    /// One of the ops that it may still be, all of which have its path.
    pub(super) likely: Option<OpId>,
    /// The path of a call: one of those that there are.
    pub(super) route: Option<String>,
    /// How it came, if it is a remote procedure call.
    pub(super) wire: Option<Wire<'f>>,
    /// What goes on as a stream, once it is let in.
    pub(super) stream: Option<Reflection>,
    /// Whether the request is one that no op has and that is passed on.
    pub(super) passes: bool,
    /// What came of passing it on.
    pub(super) passed: Option<http::Response<Piped>>,
    /// Whether the request was carried out, and what goes back is its answer.
    pub(super) replied: bool,
    /// How long the client waits, from the start of the request.
    pub(super) patience: Option<Duration>,
    /// Who it is from, and what that one may do.
    pub(super) grant: Option<Grant>,
    /// What it pays at the limits.
    pub(super) toll: Option<Arc<Toll>>,
    /// Whether body bytes may still come: then the connection cannot go on after the answer.
    pub(super) body_pending: bool,
    pub(super) close: bool,
    /// Whether a write has begun: what ends without an answer after that may have been carried out.
    pub(super) may_have_written: bool,
    /// What came of it, for counting; none if nothing was said.
    pub(super) outcome: Cell<Option<Outcome>>,
    /// How large its body was.
    pub(super) body_bytes: usize,
}

impl Facts<'_> {
    /// Notes the front that a request is for, and what its head says there.
    pub(super) fn meet(&mut self, shared: &Shared, front: Option<usize>, parts: &Parts) {
        self.front = front;
        if let Some(front) = front.and_then(|index| shared.fronts.get(index)) {
            let path = parts.uri.path();
            self.context = Head { parts, path }.context(front);
        }
    }

    /// Notes what came of the request.
    pub(super) fn came_to<T>(&self, result: &Result<T, Failure>) {
        match result {
            Ok(_) => self.outcome.set(Some(Outcome::Ok)),
            Err(failure) => self.failed(failure),
        }
    }

    /// Notes why an operation was not carried out.
    pub(super) fn failed(&self, failure: &Failure) {
        self.outcome.set(Some(Outcome::Failed(failure.kind())));
    }

    /// A refusal, in the words of the front, as far as it is known.
    pub(super) fn refuse(&self, shared: &Shared, failure: &Failure) -> Response {
        self.failed(failure);
        let front = self.front.and_then(|index| shared.fronts.get(index));
        let context = self.told(front, &self.context);
        respond::failure(
            front,
            failure,
            self.op,
            context.as_ref().unwrap_or(&self.context),
        )
    }

    /// What the request pays; made where it is first asked for.
    pub(super) fn toll(&mut self, shared: &Shared) -> Arc<Toll> {
        let toll = self
            .toll
            .get_or_insert_with(|| Arc::new(Toll::new(&shared.limits)));
        Arc::clone(toll)
    }

    /// How the client stands with its limits: what it is told once it is known, or refused by one.
    pub(super) fn standing(&self) -> Option<Standing> {
        let toll = self.toll.as_ref()?;
        let is_told = self.grant.is_some() || toll.is_refused();
        toll.standing().filter(|_| is_told)
    }

    /// The limit of rate that has refused the request.
    pub(super) fn refused_by(&self) -> Option<&'static str> {
        let limited = Outcome::Failed(FailureKind::RateLimited);
        let is_limited = self.outcome.get() == Some(limited);
        let standing = self.toll.as_ref().filter(|_| is_limited)?.standing()?;
        Some(standing.policy)
    }

    /// The parameters with what a front's rows say of limits, if they say anything.
    pub(super) fn told(&self, front: Option<&Front>, params: &Record) -> Option<Record> {
        front.filter(|front| front.dialect.uses(Field::RateQuota))?;
        let standing = self.standing()?;
        let mut params = params.clone();
        for (field, number) in [
            (Field::RateQuota, standing.quota),
            (Field::RateWindow, standing.window),
            (Field::RateRemaining, standing.remaining),
            (Field::RateReset, standing.reset),
        ] {
            params.set(field, Value::Int(i64::try_from(number).unwrap_or(i64::MAX)));
        }
        Some(params)
    }

    /// What a call is told whose framing cannot be read.
    pub(super) fn misframed(&self, status: &Status) -> Response {
        self.outcome.set(Some(Outcome::Protocol));
        rpc::told(status)
    }

    /// What the audit says of where an operation comes from.
    pub(super) fn origin(&self, front: &Front) -> Origin {
        // The audit calls the request what its dialect tells its client, as log and trace do.
        let request_id = match self.context.text(Field::RequestId) {
            Some(told) => told.into(),
            None => trace::current()
                .map_or_else(String::new, |r| r.id().to_owned())
                .into(),
        };
        Origin {
            source: self.source,
            credential: self.grant.as_ref().and_then(Grant::credential).cloned(),
            front: Some(front.dialect.name().into()),
            mapping: Some(front.dialect.digest()),
            request_id: Some(request_id),
        }
    }

    /// The name of the op, once it is known.
    pub(super) fn op_name<'s>(&self, shared: &'s Shared) -> Option<&'s str> {
        if self.passes {
            return Some("passthrough");
        }
        let front = self.front.and_then(|index| shared.fronts.get(index))?;
        self.op.map(|op| front.dialect.op_name(op))
    }
}
