//! The walk of a request: the order in which it is looked at, from its head to its answer.
//!
//! Head, front and route; credential (401 comes before any 400); rate limit; body; then the dialect
//! reads it and `perform` does the rest. A write runs in a task of its own, so that it is carried
//! through when its client goes away. A panic anywhere in here is one internal error, not the end of
//! the process; once a write has begun, it is an outcome that nobody knows.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts;
use hyper::body::{Body, Incoming};
use tokio::sync::mpsc;

use super::admit::{Head, admit, proven};
use super::carry_out::{answer_about_tokens, carry_out};
use super::facts::Facts;
use super::front::Front;
use super::line::{Line, Peer};
use super::overload;
use super::passthrough;
use super::payload::Payload;
use super::reflection::Reflection;
use super::rpc::Wire;
use super::target::{Target, target};
use super::{Shared, meters, respond, tokens};
use crate::dialect::{Candidates, Decoded, RpcCall};
use crate::edge::authn::Grant;
use crate::edge::body::{self, BodyFault};
use crate::edge::{head, keys};
use crate::model::{Failure, Place, Problem, Record, Response, Why};
use crate::telemetry::metrics::Outcome;
use crate::trace::{self, Kind, Name};
use crate::transport::{self, Codec, Status};

/// Held by whoever must be waited for when the server ends.
pub(super) type Alive = mpsc::Sender<()>;

/// Answers one request. Never fails: whatever happens becomes a response. The last answer of a
/// connection says that it is, so that no request is sent into a closing connection.
pub(super) async fn answer(
    shared: &Arc<Shared>,
    peer: Peer,
    request: http::Request<Incoming>,
    alive: &Alive,
    is_last: bool,
) -> http::Response<Payload> {
    let start = Instant::now();
    let in_flight = shared.meters.enter();
    let (parts, body) = request.into_parts();
    let is_http1 = parts.version < http::Version::HTTP_2;
    let is_head = parts.method == http::Method::HEAD;
    let facts = Facts {
        body_pending: !body.is_end_stream(),
        close: is_last,
        ..Facts::default()
    };
    let mut line = Line::begin(shared, peer, &parts, &body, facts);
    let (request, source) = (Arc::clone(&line.request), line.source);
    line.facts.source = Some(source);
    let caught = {
        let walk = walk(shared, source, parts, body, alive, &mut line.facts);
        let mut walk = pin!(trace::serve(request, walk));
        let polled = std::future::poll_fn(|cx| {
            match catch_unwind(AssertUnwindSafe(|| walk.as_mut().poll(cx))) {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(response)) => Poll::Ready(Some(response)),
                Err(_) => Poll::Ready(None),
            }
        });
        polled.await
    };
    let response = caught.unwrap_or_else(|| internal_error(shared, &line));
    let facts = &mut line.facts;
    let status = response.status;
    count(shared, facts, (status, start.elapsed()), is_http1);
    in_flight.answered();
    let standing = facts.standing();
    let what = meters::what(shared, facts.front, facts.op.or(facts.meant), facts.passes);
    let mut answer = sent(facts, response, is_http1);
    if !is_head {
        let series = shared.series.front(facts.front);
        series.sent(what, answer.body().length());
    }
    if let Some(standing) = standing {
        respond::tell_limit(answer.headers_mut(), &standing);
    }
    if peer.tls.is_some() {
        respond::stay_with_tls(&mut answer, shared.settings.hsts);
    }
    line.answered(status, answer.body().size_hint().exact());
    answer
}

/// Counts a request that has its answer.
fn count(shared: &Shared, facts: &Facts<'_>, (status, took): (u16, Duration), is_http1: bool) {
    let what = meters::what(shared, facts.front, facts.op.or(facts.meant), facts.passes);
    let series = shared.series.front(facts.front);
    let outcome = meters::outcome(facts.outcome.get(), status);
    series.note(what, outcome, status, took);
    series.received(what, facts.body_bytes);
    let client = facts.grant.as_ref().map(Grant::index);
    shared.series.client(client.map(|index| index.0));
    let call = facts.wire.map(|wire| wire.protocol.name());
    shared.meters.wire(call, is_http1);
}

/// What came of a request, as it is sent.
fn sent(facts: &mut Facts<'_>, response: Response, is_http1: bool) -> http::Response<Payload> {
    let close = is_http1 && (facts.close || facts.body_pending);
    match (facts.passed.take(), facts.stream.take(), facts.wire) {
        (Some(passed), ..) => respond::passed(passed, close),
        (None, Some(stream), Some(wire)) => respond::streamed(wire.protocol, stream),
        (None, _, Some(wire)) => respond::to_http(wire.framed(response, facts.replied), close),
        (None, _, None) => respond::to_http(respond::plain(response), close),
    }
}

async fn walk<'f>(
    shared: &'f Arc<Shared>,
    source: IpAddr,
    mut parts: Parts,
    body: Incoming,
    alive: &Alive,
    facts: &mut Facts<'f>,
) -> Response {
    let checked = head::check(
        &parts.method,
        &parts.uri,
        parts.version,
        &parts.headers,
        &shared.settings.head,
    );
    let host = match checked {
        Ok(host) => host,
        Err(fault) => {
            facts.close = true;
            facts.outcome.set(Some(Outcome::Head));
            shared.meters.head(fault.status());
            return respond::problem(fault.status(), fault.message());
        }
    };
    head::drop_ambiguous_fields(&mut parts.headers);
    facts.close |= parts.method == http::Method::TRACE;
    let target = target(shared, &host, &parts, facts);
    if let Err(failure) = overload::pass(shared, overload::priority(&target, &parts.method)) {
        return overload::refuse_early(shared, &failure, (&parts.headers, body), facts).await;
    }
    let (front, candidates, call) = match target {
        Target::Op {
            front,
            candidates,
            call,
        } => (front, candidates, call),
        Target::Stream(wire) => {
            return begin_stream(shared, source, (&host, &parts), wire, body, facts);
        }
        Target::Way(way) => {
            return passthrough::pass(shared, source, (&host, &parts), body, way, facts).await;
        }
        // What leads nowhere was a request of its source all the same.
        Target::Answer(response) => {
            let arrived = facts.toll(shared).arrive(source);
            return arrived.map_or_else(|failure| facts.refuse(shared, &failure), |()| response);
        }
    };
    let head = Head {
        parts: &parts,
        path: front
            .path_below(&host, parts.uri.path())
            .unwrap_or_default(),
    };
    // An endpoint of OAuth words everything in OAuth's way, also what is refused before the request is read.
    let only = candidates.only();
    facts.meant = only;
    facts.op = only.filter(|op| front.dialect.operation(*op).is_about_tokens());
    let toll = facts.toll(shared);
    facts.likely = candidates.first();
    let grant = &mut facts.grant;
    let span = trace::span(Name::Admit, Kind::Internal);
    let admitted = span
        .inside(admit(
            shared,
            front,
            (source, &toll),
            &head,
            &candidates,
            grant,
        ))
        .await;
    drop(span);
    if let Err(failure) = admitted {
        return facts.refuse(shared, &failure);
    }
    let span = trace::span(Name::Body, Kind::Internal);
    let body = match body::collect(body, &shared.settings.body).await {
        Ok(body) => body,
        Err(fault) => return refuse_body(shared, facts, fault),
    };
    drop(span);
    facts.body_pending = false;
    facts.body_bytes = body.len();
    let span = trace::span(Name::Decode, Kind::Internal);
    let decoded = decode(shared, front, &candidates, call, &head, &body);
    drop(span);
    let decoded = match decoded {
        Ok(decoded) => decoded,
        Err(Undecoded::Refused(failure)) => return facts.refuse(shared, &failure),
        Err(Undecoded::Misframed(status)) => return facts.misframed(&status),
    };
    facts.op = Some(decoded.op);
    if front.dialect.operation(decoded.op).is_about_tokens() {
        let path = head.path;
        let toll = &*toll;
        let proven = proven(shared, head.parts);
        let sender = tokens::Sender {
            source,
            path,
            proven: proven.as_ref(),
            toll,
        };
        return answer_about_tokens(shared, front, decoded, &sender, facts);
    }
    carry_out(shared, front, decoded, alive, facts).await
}

/// Why a request cannot be read.
enum Undecoded {
    /// The dialect says so.
    Refused(Failure),
    /// The framing of a call is broken.
    Misframed(Status),
}

/// Reads a request, or the message of a call.
fn decode(
    shared: &Shared,
    front: &Front,
    candidates: &Candidates<'_>,
    call: Option<(RpcCall<'_>, Wire<'_>)>,
    head: &Head<'_>,
    body: &Bytes,
) -> Result<Decoded, Undecoded> {
    let request = head.request(body);
    let settings = &front.settings;
    let decoded = match call {
        None => front.dialect.decode_request(candidates, &request, settings),
        Some((call, wire)) => {
            let limit = shared.settings.body.bytes;
            let headers = &head.parts.headers;
            let message = transport::message(wire.protocol, headers, body.clone(), limit);
            let message = message.map_err(Undecoded::Misframed)?;
            match wire.protocol.codec() {
                Codec::Proto => call.decode_binary(&request, &message),
                Codec::Json => call.decode_json(&request, &message),
            }
        }
    };
    decoded.map_err(Undecoded::Refused)
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
    if let Err(failure) = facts.toll(shared).arrive(source) {
        return facts.refuse(shared, &failure);
    }
    let begun = transport::timeout(wire.protocol, &parts.headers)
        .and_then(|patience| Reflection::begin(shared, source, (host, parts), patience, body));
    match begun {
        Ok(stream) => facts.stream = Some(stream),
        Err(status) => return facts.misframed(&status),
    }
    Response {
        status: 200,
        ..Response::default()
    }
}

fn refuse_body(shared: &Shared, facts: &Facts<'_>, fault: BodyFault) -> Response {
    match fault {
        BodyFault::TooLarge => facts.refuse(shared, &Failure::TooLarge),
        BodyFault::TooSlow => {
            facts.outcome.set(Some(Outcome::SlowBody));
            respond::problem(408, "The request body came too slowly.")
        }
        BodyFault::Broken => facts.refuse(shared, &malformed(Place::Body)),
    }
}

/// The whole of a place cannot be read.
pub(super) fn malformed(place: Place) -> Failure {
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
fn internal_error(shared: &Shared, line: &Line<'_>) -> Response {
    let facts = &line.facts;
    let incident = keys::random_id().map_or_else(
        |_| "unknown".to_owned(),
        |id| id.expose().chars().take(12).collect(),
    );
    meters::count(&shared.meters.panics);
    tracing::error!(
        incident,
        request_id = line.request.id(),
        op = facts.op_name(shared),
        "a request ended in a panic"
    );
    let failure = if facts.may_have_written {
        Failure::OutcomeUnknown
    } else {
        Failure::Internal { incident }
    };
    // Should wording the failure be what panics, there still is an answer.
    catch_unwind(AssertUnwindSafe(|| facts.refuse(shared, &failure)))
        .unwrap_or_else(|_| respond::failure(None, &failure, None, &Record::new()))
}
