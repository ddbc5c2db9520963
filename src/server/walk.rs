//! The walk of a request: the order in which it is looked at, from its head to its answer.
//!
//! Head, front and route; credential (401 comes before any 400); rate limit; body; then the dialect
//! reads it and `perform` does the rest. A write runs in a task of its own, so that it is carried
//! through when its client goes away. A panic anywhere in here is one internal error, not the end of
//! the process; once a write has begun, it is an outcome that nobody knows.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use http::request::Parts;
use hyper::body::{Body, Incoming};
use tokio::sync::mpsc;

use super::admit::{Head, admit};
use super::call::{Call, Tells};
use super::front::{self, Found, Front};
use super::perform::perform;
use super::reflection::Reflection;
use super::rpc::{self, Wire};
use super::{Shared, clock, respond, tokens};
use crate::dialect::{Decoded, OpId};
use crate::edge::authn::Grant;
use crate::edge::body::{self, BodyFault};
use crate::edge::{head, keys};
use crate::model::{
    self, Failure, Field, OperationKind, Place, Problem, Record, Response, Value, Why,
};
use crate::telemetry;
use crate::transport::{self, Codec};

/// Held by whoever must be waited for when the server ends.
pub(super) type Alive = mpsc::Sender<()>;

/// What is known of a request so far: for its log line, and for wording a failure that comes late.
#[derive(Default)]
struct Facts<'f> {
    front: Option<usize>,
    /// What the head says to that front, for wording whatever comes of it.
    context: Record,
    op: Option<OpId>,
    /// How it came, if it is a remote procedure call.
    wire: Option<Wire<'f>>,
    /// What goes on as a stream, once it is let in.
    stream: Option<Reflection>,
    /// Whether the request was carried out, and what goes back is its answer.
    replied: bool,
    /// How long the client waits, from the start of the request.
    patience: Option<Duration>,
    /// Who it is from, and what that one may do.
    grant: Option<Grant>,
    /// Whether body bytes may still come: then the connection cannot go on after the answer.
    body_pending: bool,
    close: bool,
    /// Whether a write has begun: what ends without an answer after that may have been carried out.
    may_have_written: bool,
}

impl Facts<'_> {
    /// Notes the front that a request is for, and what its head says there.
    fn meet(&mut self, shared: &Shared, front: Option<usize>, parts: &Parts) {
        self.front = front;
        if let Some(front) = front.and_then(|index| shared.fronts.get(index)) {
            let path = parts.uri.path();
            self.context = Head { parts, path }.context(front);
        }
    }
}

/// Answers one request. Never fails: whatever happens becomes a response. The last answer of a
/// connection says that it is, so that no request is sent into a closing connection.
pub(super) async fn answer(
    shared: &Arc<Shared>,
    source: IpAddr,
    request: http::Request<Incoming>,
    alive: &Alive,
    is_last: bool,
) -> http::Response<respond::Payload> {
    let start = Instant::now();
    let (parts, body) = request.into_parts();
    let is_http1 = parts.version < http::Version::HTTP_2;
    let mut facts = Facts {
        body_pending: !body.is_end_stream(),
        close: is_last,
        ..Facts::default()
    };
    let caught = {
        let mut walk = pin!(walk(shared, source, parts, body, alive, &mut facts));
        let polled = std::future::poll_fn(|cx| {
            match catch_unwind(AssertUnwindSafe(|| walk.as_mut().poll(cx))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(response)) => Poll::Ready(Some(response)),
                Err(_) => Poll::Ready(None),
            }
        });
        polled.await
    };
    let response = caught.unwrap_or_else(|| internal_error(shared, &facts));
    telemetry::access(&telemetry::Access {
        front: facts
            .front
            .and_then(|i| shared.fronts.get(i))
            .map(|f| f.dialect.name()),
        op: op_name(shared, &facts),
        client: facts
            .grant
            .as_ref()
            .map(|grant| grant.client().name.as_str()),
        status: response.status,
        duration: start.elapsed(),
    });
    if let (Some(stream), Some(wire)) = (facts.stream, facts.wire) {
        return respond::streamed(wire.protocol, stream);
    }
    let answer = match facts.wire {
        Some(wire) => wire.framed(response, facts.replied),
        None => respond::plain(response),
    };
    respond::to_http(answer, is_http1 && (facts.close || facts.body_pending))
}

async fn walk<'f>(
    shared: &'f Arc<Shared>,
    source: IpAddr,
    mut parts: Parts,
    body: Incoming,
    alive: &Alive,
    facts: &mut Facts<'f>,
) -> Response {
    let host = match head::check(
        &parts.method,
        &parts.uri,
        parts.version,
        &parts.headers,
        &shared.settings.head,
    ) {
        Ok(host) => host,
        Err(fault) => {
            facts.close = true;
            return respond::problem(fault.status(), fault.message());
        }
    };
    head::drop_ambiguous_fields(&mut parts.headers);
    facts.close |= parts.method == http::Method::TRACE;
    if !head::has_one_reading(&parts.uri) {
        facts.close = true;
        let nearest = front::nearest(&shared.fronts, &host, parts.uri.path());
        facts.meet(shared, nearest, &parts);
        return refuse(shared, facts, &malformed(Place::Path));
    }
    let call = match rpc::find(&shared.fronts, &host, &parts) {
        rpc::Found::Nothing => None,
        rpc::Found::Call(index, call, wire) => {
            facts.wire = Some(wire);
            match transport::timeout(wire.protocol, &parts.headers) {
                Ok(patience) => facts.patience = patience,
                Err(status) => return rpc::told(&status),
            }
            Some((index, call))
        }
        rpc::Found::Reflection(index, wire) => {
            facts.meet(shared, Some(index), &parts);
            facts.wire = Some(wire);
            return begin_stream(shared, source, (&host, &parts), wire, body, facts);
        }
        rpc::Found::Unserved(index, wire, response) => {
            facts.meet(shared, Some(index), &parts);
            facts.wire = Some(wire);
            return response;
        }
        rpc::Found::Refused(index, response) => {
            facts.meet(shared, Some(index), &parts);
            return response;
        }
    };
    let found = match call {
        Some((index, call)) => Found::Ops {
            index,
            path: parts.uri.path(),
            candidates: call.candidates(),
        },
        None => front::find(&shared.fronts, &host, &parts.method, parts.uri.path()),
    };
    let (index, path, candidates) = match found {
        Found::Ops {
            index,
            path,
            candidates,
        } => (index, path, candidates),
        Found::WrongMethod { index, allow } => {
            facts.meet(shared, Some(index), &parts);
            return refuse(shared, facts, &Failure::MethodNotAllowed { allow });
        }
        Found::Unknown { index } => {
            facts.meet(shared, index, &parts);
            return refuse(shared, facts, &Failure::RouteUnknown);
        }
    };
    facts.meet(shared, Some(index), &parts);
    let Some(front) = shared.fronts.get(index) else {
        return refuse(shared, facts, &Failure::RouteUnknown);
    };
    let head = Head {
        parts: &parts,
        path,
    };
    // An endpoint of OAuth words everything in OAuth's way, also what is refused before the request is read.
    let only = candidates.only();
    facts.op = only.filter(|op| front.dialect.operation(*op).is_about_tokens());
    let grant = &mut facts.grant;
    if let Err(failure) = admit(shared, front, source, &head, &candidates, grant).await {
        return refuse(shared, facts, &failure);
    }
    let body = match body::collect(body, &shared.settings.body).await {
        Ok(body) => body,
        Err(fault) => return refuse_body(shared, facts, fault),
    };
    facts.body_pending = false;
    let request = head.request(&body);
    let settings = &front.settings;
    let decoded = match (call, facts.wire) {
        (Some((_, call)), Some(wire)) => {
            let limit = shared.settings.body.bytes;
            match transport::message(wire.protocol, &parts.headers, body.clone(), limit) {
                Err(status) => return rpc::told(&status),
                Ok(message) if wire.protocol.codec() == Codec::Proto => {
                    call.decode_binary(&request, &message, settings)
                }
                Ok(message) => call.decode_json(&request, &message, settings),
            }
        }
        _ => front
            .dialect
            .decode_request(&candidates, &request, settings),
    };
    let decoded = match decoded {
        Ok(decoded) => decoded,
        Err(failure) => return refuse(shared, facts, &failure),
    };
    facts.op = Some(decoded.op);
    if front.dialect.operation(decoded.op).is_about_tokens() {
        let sender = tokens::Sender { source, path };
        return answer_about_tokens(shared, front, decoded, &sender, facts);
    }
    carry_out(shared, front, decoded, alive, facts).await
}

/// Answers a request for a token, or for where tokens are given.
fn answer_about_tokens(
    shared: &Shared,
    front: &Front,
    mut decoded: Decoded,
    sender: &tokens::Sender<'_>,
    facts: &mut Facts<'_>,
) -> Response {
    complete(&mut decoded.params, &facts.context);
    let at = clock::now();
    let answered = match front.dialect.operation(decoded.op) {
        OperationKind::TokenIssue => tokens::issue(shared, front, &decoded, sender, at),
        _ => Ok((Record::new(), None)),
    };
    let (op, params) = (decoded.op, &decoded.params);
    match answered {
        Ok((reply, client)) => {
            facts.grant = client.or(facts.grant.take());
            let settings = &front.settings;
            front.dialect.encode_response(op, &reply, params, settings)
        }
        Err(failure) => refused(front, op, failure, params, at),
    }
}

/// Adds what the head of a request says, for wording what comes of it.
fn complete(params: &mut Record, context: &Record) {
    for (field, value) in context.iter() {
        if !params.has(field) {
            params.set(field, value.clone());
        }
    }
}

/// Lets a stream in. What it goes on with is in the facts; its head is that of a success.
fn begin_stream(
    shared: &Arc<Shared>,
    source: IpAddr,
    (host, parts): (&str, &Parts),
    wire: Wire<'_>,
    body: Incoming,
    facts: &mut Facts<'_>,
) -> Response {
    if let Err(failure) = shared.limits.check_source(source) {
        return refuse(shared, facts, &failure);
    }
    let begun = transport::timeout(wire.protocol, &parts.headers)
        .and_then(|patience| Reflection::begin(shared, source, (host, parts), patience, body));
    match begun {
        Ok(stream) => facts.stream = Some(stream),
        Err(status) => return rpc::told(&status),
    }
    Response {
        status: 200,
        ..Response::default()
    }
}

/// Carries the decoded request out, within its time.
async fn carry_out(
    shared: &Arc<Shared>,
    front: &Front,
    decoded: Decoded,
    alive: &Alive,
    facts: &mut Facts<'_>,
) -> Response {
    let Decoded {
        op,
        mut params,
        problems,
        refusal,
    } = decoded;
    if let Some(rule) = front.dialect.page(op)
        && !params.has(Field::PageLimit)
    {
        params.set(
            Field::PageLimit,
            Value::Int(i64::try_from(rule.limit).unwrap_or(i64::MAX)),
        );
    }
    complete(&mut params, &facts.context);
    let params = Arc::new(params);
    let kind = front.dialect.operation(op);
    let at = clock::now();
    let call = Call {
        kind,
        vendor: front.dialect.vendor().clone(),
        rules: front.dialect.rules(&front.settings),
        tells: Tells::of(&front.dialect, op),
        members: front.dialect.members(op).to_vec(),
        params: Arc::clone(&params),
        problems,
        refusal,
        at,
    };
    let (limit, late) = time(shared, facts);
    let result = if kind.writes() {
        facts.may_have_written = true;
        let (shared, grant, alive) = (Arc::clone(shared), facts.grant.clone(), alive.clone());
        let task = tokio::spawn(async move {
            let client = grant.as_ref().map(Grant::client);
            let result = perform(&shared.world, client, call).await;
            drop(alive);
            result
        });
        match tokio::time::timeout(limit, task).await {
            Ok(Ok(result)) => result,
            // The panic goes on here, where it gets its incident and its answer.
            Ok(Err(ended)) if ended.is_panic() => resume_unwind(ended.into_panic()),
            Ok(Err(_)) => Err(Failure::OutcomeUnknown),
            Err(_) => Err(late.unwrap_or(Failure::OutcomeUnknown)),
        }
    } else {
        let client = facts.grant.as_ref().map(Grant::client);
        let performed = tokio::time::timeout(limit, perform(&shared.world, client, call)).await;
        performed.unwrap_or(Err(late.unwrap_or(Failure::Overloaded {
            retry_after: Duration::from_secs(1),
        })))
    };
    match result {
        Ok(reply) => {
            facts.replied = true;
            let settings = &front.settings;
            front.dialect.encode_response(op, &reply, &params, settings)
        }
        Err(failure) => refused(front, op, failure, &params, at),
    }
}

/// How long an operation may take, and what it is to the client if it takes longer and the client's own
/// patience is what ends first: to have waited too long says nothing about what was done.
fn time(shared: &Shared, facts: &Facts<'_>) -> (Duration, Option<Failure>) {
    let limit = shared.settings.timeouts.request;
    match facts.patience {
        Some(patience) if patience < limit => (patience, Some(Failure::UpstreamTimeout)),
        _ => (limit, None),
    }
}

/// The answer to a request that was understood and not carried out.
fn refused(
    front: &Front,
    op: OpId,
    failure: Failure,
    params: &Record,
    at: model::Instant,
) -> Response {
    if let Some(mut reply) = front.dialect.list_of_nothing(op, &failure) {
        reply.set(Field::CarriedOutAt, Value::Int(at.0));
        let settings = &front.settings;
        return front.dialect.encode_response(op, &reply, params, settings);
    }
    let failure = front.dialect.place(op, failure);
    respond::failure(Some(front), &failure, Some(op), params)
}

fn refuse(shared: &Shared, facts: &Facts<'_>, failure: &Failure) -> Response {
    let front = facts.front.and_then(|index| shared.fronts.get(index));
    respond::failure(front, failure, facts.op, &facts.context)
}

fn refuse_body(shared: &Shared, facts: &Facts<'_>, fault: BodyFault) -> Response {
    match fault {
        BodyFault::TooLarge => refuse(shared, facts, &Failure::TooLarge),
        BodyFault::TooSlow => respond::problem(408, "The request body came too slowly."),
        BodyFault::Broken => refuse(shared, facts, &malformed(Place::Body)),
    }
}

/// The whole of a place cannot be read.
fn malformed(place: Place) -> Failure {
    let whole = Problem {
        place,
        at: String::new(),
        field: None,
        why: Why::Malformed,
        max: None,
    };
    Failure::Invalid(vec![whole])
}

/// The cause is in the log: the panic hook has written where it happened, right before this.
fn internal_error(shared: &Shared, facts: &Facts<'_>) -> Response {
    let incident = keys::random_id().map_or_else(
        |_| "unknown".to_owned(),
        |id| id.expose().chars().take(12).collect(),
    );
    tracing::error!(
        incident,
        op = op_name(shared, facts),
        "a request ended in a panic"
    );
    let failure = if facts.may_have_written {
        Failure::OutcomeUnknown
    } else {
        Failure::Internal { incident }
    };
    // Should wording the failure be what panics, there still is an answer.
    catch_unwind(AssertUnwindSafe(|| refuse(shared, facts, &failure)))
        .unwrap_or_else(|_| respond::failure(None, &failure, None, &Record::new()))
}

fn op_name<'s>(shared: &'s Shared, facts: &Facts<'_>) -> Option<&'s str> {
    let front = facts.front.and_then(|index| shared.fronts.get(index))?;
    facts.op.map(|op| front.dialect.op_name(op))
}
