//! What is known of a request so far: for its log line, and for wording a failure that comes late.

use std::cell::Cell;
use std::time::Duration;

use http::request::Parts;

use super::admit::Head;
use super::passthrough::Piped;
use super::reflection::Reflection;
use super::rpc::{self, Wire};
use super::{Shared, respond};
use crate::dialect::OpId;
use crate::edge::authn::Grant;
use crate::model::{Failure, Record, Response};
use crate::transport::Status;

/// It grows as the request goes on its walk.
#[derive(Default)]
pub(super) struct Facts<'f> {
    pub(super) front: Option<usize>,
    /// What the head says to that front, for wording whatever comes of it.
    pub(super) context: Record,
    pub(super) op: Option<OpId>,
    /// One of the ops that it may still be, all of which have its path.
    pub(super) likely: Option<OpId>,
    /// The path of a call: one of those that there are.
    pub(super) route: Option<String>,
    /// What kind of failure it met.
    pub(super) outcome: Cell<Option<&'static str>>,
    /// How long its body was, once it is read.
    pub(super) body_bytes: Option<u64>,
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
    /// Whether body bytes may still come: then the connection cannot go on after the answer.
    pub(super) body_pending: bool,
    pub(super) close: bool,
    /// Whether a write has begun: what ends without an answer after that may have been carried out.
    pub(super) may_have_written: bool,
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

    /// A refusal, in the words of the front, as far as it is known.
    pub(super) fn refuse(&self, shared: &Shared, failure: &Failure) -> Response {
        self.outcome.set(Some(failure.kind().name()));
        let front = self.front.and_then(|index| shared.fronts.get(index));
        respond::failure(front, failure, self.op, &self.context)
    }

    /// What a call is told whose framing cannot be read.
    pub(super) fn misframed(&self, status: &Status) -> Response {
        self.outcome.set(Some("misframed"));
        rpc::told(status)
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
