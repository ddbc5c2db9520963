//! The line of a request in the access log, and its span: written when it is answered, or when it is sure that
//! it will not be, because nobody waits for the answer any more.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::request::Parts;
use http::{HeaderMap, Method, Version};
use hyper::body::Body;

use super::facts::Facts;
use super::front::Front;
use super::{Shared, clock};
use crate::edge::authn::Grant;
use crate::telemetry::{self, Access};
use crate::trace::{self, Key, Parent, Request, Value};

/// What ends a request whose client has gone.
const GONE: &str = "client_gone";

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    /// Its address.
    pub(super) address: IpAddr,
    /// The version of TLS, if that is spoken.
    pub(super) tls: Option<&'static str>,
}

/// A request on its walk. Dropping it before it was told says that its client has gone.
pub(super) struct Line<'f> {
    shared: &'f Shared,
    /// What is known of it.
    pub(super) facts: Facts<'f>,
    /// Itself, for whoever works on it.
    pub(super) request: Arc<Request>,
    /// Where it has come from.
    pub(super) source: IpAddr,
    tls: Option<&'static str>,
    start: Instant,
    method: &'static str,
    version: Version,
    bytes: Option<u64>,
    is_told: bool,
}

impl<'f> Line<'f> {
    /// Begins with a complete head.
    pub(super) fn begin(
        shared: &'f Shared,
        peer: Peer,
        head: &Parts,
        body: &impl Body,
        facts: Facts<'f>,
    ) -> Self {
        let peers = &shared.settings.trusted_peers;
        let headers = &head.headers;
        let id = id(peers.request_id(peer.address, headers));
        Self {
            shared,
            facts,
            request: Request::begin(
                id,
                Parent::read(headers),
                telemetry::tracer(),
                clock::wall(),
            ),
            source: peers.source(peer.address, headers),
            tls: peer.tls,
            start: Instant::now(),
            method: known(&head.method),
            version: head.version,
            bytes: body.size_hint().exact(),
            is_told: false,
        }
    }

    /// Tells of it: it is answered with this status, and so many bytes as far as that is known.
    pub(super) fn answered(mut self, status: u16, bytes: Option<u64>) {
        self.tell(Some(status), bytes);
    }

    fn tell(&mut self, status: Option<u16>, bytes: Option<u64>) {
        self.is_told = true;
        let facts = &self.facts;
        let front = facts.front.and_then(|index| self.shared.fronts.get(index));
        let op = facts.op.or(facts.likely);
        let route = facts.route.clone();
        let route = route.or_else(|| Some(template(front?, &front?.dialect.template(op?))));
        let outcome = match (status, facts.outcome.get()) {
            (None, _) => GONE,
            (_, Some(outcome)) => outcome.name(),
            (Some(status), None) if status < 400 => "ok",
            (Some(_), None) => "refused",
        };
        let operation = front.zip(facts.op);
        let operation = operation.map(|(front, op)| front.dialect.operation(op).name());
        let client = facts.grant.as_ref().map(Grant::client);
        let line = Access {
            request_id: Some(self.request.id()),
            trace: self.request.trace(),
            front: front.map(|front| front.dialect.name()),
            op: facts.op_name(self.shared),
            operation,
            client: client.map(|client| client.name.as_str()),
            tenant: self.request.tenant(),
            protocol: Some(self.protocol()),
            tls: self.tls,
            method: Some(self.method),
            route: route.as_deref(),
            status,
            outcome,
            limit: self.request.limit().or_else(|| facts.refused_by()),
            duration: self.start.elapsed(),
            queued: self.request.queued(),
            request_bytes: self.bytes.or(u64::try_from(facts.body_bytes).ok()),
            response_bytes: bytes,
            source: Some(self.source),
            upstream: self.request.upstream(),
        };
        telemetry::access(&line);
        if self.request.is_recorded() {
            let is_fault = status.is_none_or(|status| status >= 500);
            self.request
                .finish(self.attributes(&line), is_fault.then_some(outcome));
        }
    }

    /// What was spoken, at the most particular level that is known.
    fn protocol(&self) -> &'static str {
        match (&self.facts.wire, self.version) {
            (Some(wire), _) => wire.protocol.name(),
            (None, Version::HTTP_2) => "h2",
            (None, Version::HTTP_10) => "http/1.0",
            (None, _) => "http/1.1",
        }
    }

    /// What a span says of a request, by the conventions for servers of HTTP.
    fn attributes(&self, line: &Access<'_>) -> Vec<(Key, Value)> {
        let text = |text: &str| Value::Text(Cow::Owned(text.to_owned()));
        let version = match self.version {
            Version::HTTP_2 => "2",
            Version::HTTP_10 => "1.0",
            _ => "1.1",
        };
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let mut told = vec![
            (Key::Method, Value::Word(self.method)),
            (Key::Scheme, Value::Word(scheme)),
            (Key::ProtocolVersion, Value::Word(version)),
            (Key::RequestId, text(self.request.id())),
        ];
        let known = [
            (Key::Route, line.route),
            (Key::Front, line.front),
            (Key::Op, line.op),
            (Key::Operation, line.operation),
            (Key::Client, line.client),
        ];
        told.extend(
            known
                .into_iter()
                .filter_map(|(key, value)| Some((key, text(value?)))),
        );
        told.extend(line.status.map(|n| (Key::Status, Value::Number(n.into()))));
        told
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if !self.is_told {
            self.tell(None, None);
        }
    }
}

/// The id that was given, else a new one.
fn id(given: Option<&str>) -> String {
    given.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned)
}

/// The template of a path, as clients see it.
fn template(front: &Front, below: &str) -> String {
    format!("{}{below}", front.prefix)
}

/// A method as it may be told: any other is a text of the client's.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        // As OpenTelemetry's conventions have it.
        _ => "_OTHER",
    }
}

/// Says in a head that is passed on where in the trace the call stands; as it came, where traces are off.
pub(super) fn pass_on_trace(headers: &mut HeaderMap, span: &trace::Open) {
    let Some((parent, state)) = span.outgoing() else {
        return;
    };
    headers.insert(trace::TRACEPARENT, parent);
    match state {
        Some(state) => headers.insert(trace::TRACESTATE, state),
        None => headers.remove(trace::TRACESTATE),
    };
}
