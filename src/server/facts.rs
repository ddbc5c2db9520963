//! What is known of a request so far: for its log line, and for wording a failure that comes late.

use std::net::IpAddr;
use std::time::Duration;

use http::request::Parts;

use super::admit::Head;
use super::front::Front;
use super::passthrough::Piped;
use super::reflection::Reflection;
use super::rpc::Wire;
use super::{Shared, respond};
use crate::dialect::OpId;
use crate::edge::authn::Grant;
use crate::model::{Failure, Field, Origin, Record, Response};

/// It grows as the request goes on its walk.
#[derive(Default)]
pub(super) struct Facts<'f> {
    /// Where it comes from.
    pub(super) source: Option<IpAddr>,
    pub(super) front: Option<usize>,
    /// What the head says to that front, for wording whatever comes of it.
    pub(super) context: Record,
    pub(super) op: Option<OpId>,
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
        let front = self.front.and_then(|index| shared.fronts.get(index));
        respond::failure(front, failure, self.op, &self.context)
    }

    /// What the audit says of where an operation comes from.
    pub(super) fn origin(&self, front: &Front) -> Origin {
        // Where the dialect tells its client what the request is called, the audit has the same name.
        let request_id = match self.context.text(Field::RequestId) {
            Some(told) => told.into(),
            None => uuid::Uuid::new_v4().to_string().into(),
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
