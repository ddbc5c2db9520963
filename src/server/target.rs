//! What a request leads to: an operation, a stream, an origin, or nothing but an answer. Its head alone says so.

use std::sync::Arc;

use http::request::Parts;

use super::Shared;
use super::facts::Facts;
use super::front::{self, Found, Front};
use super::passthrough::{self, Way};
use super::rpc::{self, Wire};
use super::walk::malformed;
use crate::dialect::{Candidates, RpcCall};
use crate::edge::head;
use crate::model::{Failure, FailureKind, Place, Response};
use crate::telemetry::metrics::Outcome;
use crate::transport;

/// What a request leads to, by its head alone.
pub(super) enum Target<'f> {
    /// To an op, or to several between which the body decides.
    Op {
        front: &'f Front,
        candidates: Candidates<'f>,
        call: Option<(RpcCall<'f>, Wire<'f>)>,
    },
    /// To a stream.
    Stream(Wire<'f>),
    /// To an origin.
    Way(Way<'f>),
    /// To nothing but an answer.
    Answer(Response),
}

/// Finds out what a request is for, and notes it.
pub(super) fn target<'f>(
    shared: &'f Arc<Shared>,
    host: &str,
    parts: &Parts,
    facts: &mut Facts<'f>,
) -> Target<'f> {
    let path = parts.uri.path();
    if !head::has_one_reading(&parts.uri) {
        facts.close = true;
        facts.meet(shared, front::nearest(&shared.fronts, host, path), parts);
        return Target::Answer(facts.refuse(shared, &malformed(Place::Path)));
    }
    let (index, candidates, call) = match rpc::find(&shared.fronts, host, parts) {
        rpc::Found::Nothing => match front::find(&shared.fronts, host, &parts.method, path) {
            Found::Ops { index, candidates } => (index, candidates, None),
            Found::WrongMethod { index, allow } => {
                facts.meet(shared, Some(index), parts);
                let failure = Failure::MethodNotAllowed { allow };
                return Target::Answer(facts.refuse(shared, &failure));
            }
            Found::Unknown { index } => {
                if let Some(way) = way(shared, host, parts, facts) {
                    return way;
                }
                facts.meet(shared, index, parts);
                return Target::Answer(facts.refuse(shared, &Failure::RouteUnknown));
            }
        },
        rpc::Found::Call(index, call, wire) => {
            facts.wire = Some(wire);
            match transport::timeout(wire.protocol, &parts.headers) {
                Ok(patience) => facts.patience = patience,
                Err(status) => return Target::Answer(facts.misframed(&status)),
            }
            facts.route = Some(path.to_owned());
            (index, call.candidates(), Some((call, wire)))
        }
        rpc::Found::Reflection(index, wire) => {
            facts.meet(shared, Some(index), parts);
            facts.wire = Some(wire);
            return Target::Stream(wire);
        }
        rpc::Found::Unserved(index, wire, response) => {
            if let Some(way) = way(shared, host, parts, facts) {
                return way;
            }
            facts.meet(shared, Some(index), parts);
            facts.wire = Some(wire);
            facts
                .outcome
                .set(Some(Outcome::Failed(FailureKind::RouteUnknown)));
            return Target::Answer(response);
        }
        rpc::Found::Refused(index, response) => {
            if let Some(way) = way(shared, host, parts, facts) {
                return way;
            }
            facts.meet(shared, Some(index), parts);
            return Target::Answer(response);
        }
    };
    facts.meet(shared, Some(index), parts);
    match shared.fronts.get(index) {
        Some(front) => Target::Op {
            front,
            candidates,
            call,
        },
        None => Target::Answer(facts.refuse(shared, &Failure::RouteUnknown)),
    }
}

/// Where a request passes that no op has.
fn way<'f>(
    shared: &'f Shared,
    host: &str,
    parts: &Parts,
    facts: &mut Facts<'f>,
) -> Option<Target<'f>> {
    let way = passthrough::find(&shared.fronts, host, parts)?;
    facts.meet(shared, Some(way.index), parts);
    Some(Target::Way(way))
}
