//! The line of a request: a closed list of fields.

use std::net::IpAddr;
use std::time::Duration;

use super::{RUNNING, SourceForm};
use crate::trace::TraceId;

/// Everything that is logged of a request. What is not known is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Access<'a> {
    /// The id of the request.
    pub request_id: Option<&'a str>,
    /// The trace that it is part of.
    pub trace: Option<TraceId>,
    /// The dialect that answered.
    pub front: Option<&'a str>,
    /// The op's name in its mapping.
    pub op: Option<&'a str>,
    /// What the op means.
    pub operation: Option<&'a str>,
    /// The client's name in the configuration.
    pub client: Option<&'a str>,
    /// The tenant's key in the configuration.
    pub tenant: Option<&'a str>,
    /// What was spoken: `http/1.1`, `h2`, `grpc`, …
    pub protocol: Option<&'a str>,
    /// Whether it came over TLS, and which version of it.
    pub tls: Option<&'a str>,
    /// The method, if it is a known one.
    pub method: Option<&'a str>,
    /// The template of the path; never the path.
    pub route: Option<&'a str>,
    /// The status that was answered; `None` if nobody waited for one.
    pub status: Option<u16>,
    /// `ok`, or what kind of failure it was.
    pub outcome: &'a str,
    /// Which limit, or which reason for shedding, refused it.
    pub limit: Option<&'a str>,
    /// From the complete head to the answer.
    pub duration: Duration,
    /// How much of that was waiting for a turn.
    pub queued: Option<Duration>,
    /// How long the body of the request was, where that is known.
    pub request_bytes: Option<u64>,
    /// How long that of the answer is, where that is known.
    pub response_bytes: Option<u64>,
    /// Where it came from.
    pub source: Option<IpAddr>,
    /// The IdP that was called for it, how many tries that took, and how long they took together.
    pub upstream: Option<(&'a str, u32, Duration)>,
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Notes one request.
pub fn access(request: &Access<'_>) {
    let (is_off, form) = match RUNNING.get() {
        Some(running) => (running.access.is_none(), running.source),
        None => (false, SourceForm::default()),
    };
    if is_off {
        return;
    }
    let source = request.source.and_then(|address| form.told(address));
    let (upstream, attempts, upstream_time) = match request.upstream {
        Some((name, attempts, took)) => (Some(name), Some(attempts), Some(micros(took))),
        None => (None, None, None),
    };
    tracing::info!(
        target: super::ACCESS,
        request_id = request.request_id,
        trace_id = request.trace.map(tracing::field::display),
        front = request.front,
        op = request.op,
        operation = request.operation,
        client = request.client,
        tenant = request.tenant,
        protocol = request.protocol,
        tls = request.tls,
        method = request.method,
        route = request.route,
        status = request.status,
        outcome = request.outcome,
        limit = request.limit,
        duration_us = micros(request.duration),
        queue_us = request.queued.map(micros),
        request_bytes = request.request_bytes,
        response_bytes = request.response_bytes,
        source = source.map(tracing::field::display),
        upstream,
        upstream_attempts = attempts,
        upstream_us = upstream_time,
    );
}
