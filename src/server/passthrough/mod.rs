//! Requests that no op of a front has, on their way to an origin of the same vendor, and their answers.
//!
//! What may pass is a list of methods and paths. What carries links never passes: the neighbors and the ops
//! of every dialect of the vendor, in whatever spelling a lenient server could take for them. Bodies go
//! through as they come (`pipe`); fields are those of a proxy (`fields`).

mod fields;
mod pipe;
#[cfg(test)]
mod tests;
mod way;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Method, StatusCode};
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, sleep_until};

use self::fields::Sender;
pub(super) use self::pipe::Piped;
use self::pipe::{Pace, Progress, Stopped, Tally, pipe};
pub use self::way::{Access, Allowed, Credential, Passthrough, PassthroughSettings};
pub(super) use self::way::{Way, find};
use super::admit::{Head, admit_known};
use super::facts::Facts;
use super::front::Front;
use super::walk::malformed;
use super::{Shared, line, respond};
use crate::edge::keys;
use crate::model::{Failure, Place, Response};
use crate::outbound::{Fault, Url};
use crate::telemetry::metrics::Outcome;
use crate::trace::{self, Key, Kind, Name, Value};

/// A name of this process for `Via`, which no other has.
pub(super) fn instance() -> String {
    let id = keys::random_id().ok();
    let id = id.map(|id| {
        id.expose()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(10)
            .collect()
    });
    format!(
        "linkbridge-{}",
        id.unwrap_or_else(|| std::process::id().to_string())
    )
}

/// Passes a request on, if its sender may. The answer is left in the facts, as it comes; what is returned
/// then is only its status.
pub(super) async fn pass(
    shared: &Shared,
    source: IpAddr,
    (host, parts): (&str, &Parts),
    body: Incoming,
    way: Way<'_>,
    facts: &mut Facts<'_>,
) -> Response {
    facts.passes = true;
    match try_pass(shared, source, (host, parts), body, &way, facts).await {
        Ok(response) => {
            let status = response.status().as_u16();
            facts.passed = Some(response);
            facts.outcome.set(Some(Outcome::Ok));
            Response {
                status,
                ..Response::default()
            }
        }
        Err(Refusal::Failure(failure)) => facts.refuse(shared, &failure),
        Err(Refusal::TooSlow) => {
            facts.outcome.set(Some(Outcome::SlowBody));
            respond::problem(408, "The request body came too slowly.")
        }
        Err(Refusal::Loop) => {
            facts.outcome.set(Some(Outcome::Loop));
            respond::problem(508, "The request has come back to where it was.")
        }
    }
}

/// Why nothing passes.
enum Refusal {
    Failure(Failure),
    /// The body of the request did not come.
    TooSlow,
    /// The request has been here.
    Loop,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

async fn try_pass(
    shared: &Shared,
    source: IpAddr,
    (host, parts): (&str, &Parts),
    body: Incoming,
    way: &Way<'_>,
    facts: &mut Facts<'_>,
) -> Result<http::Response<Piped>, Refusal> {
    let (front, passthrough) = (way.front, way.passthrough);
    let settings = &passthrough.settings;
    let path = front.path_below(host, parts.uri.path()).unwrap_or_default();
    let toll = facts.toll(shared);
    match settings.access {
        Access::Anyone => toll.arrive(source)?,
        Access::Clients => {
            let head = Head { parts, path };
            admit_known(shared, front, (source, &toll), &head, &mut facts.grant).await?;
        }
    }
    if fields::has_been_here(&parts.headers, &shared.instance) {
        tracing::warn!(
            front = front.dialect.name(),
            "a request was passed on in a circle"
        );
        return Err(Refusal::Loop);
    }
    let permit = Arc::clone(&passthrough.room).try_acquire_owned();
    let permit = Arc::new(permit.map_err(|_| Failure::Overloaded {
        retry_after: Duration::from_secs(1),
    })?);
    let url = target(&settings.origin, path, parts.uri.query()).ok_or(Failure::RouteUnknown)?;
    let pace = Pace {
        stall: settings.stall,
        bytes_per_second: shared.settings.body.bytes_per_second,
    };
    let series = shared.series.front(facts.front);
    let received = Tally::received(series);
    let (piped, progress) = pipe(body, pace, received, Arc::clone(&permit));
    let mut request = http::Request::new(piped);
    *request.method_mut() = parts.method.clone();
    *request.headers_mut() = fields::for_origin(
        &parts.headers,
        front.dialect.credential_fields(),
        settings.credential == Credential::Client,
        &Sender {
            source,
            host: authority(parts).unwrap_or(host),
            proto: proto(front),
            version: parts.version,
            instance: &shared.instance,
        },
    );
    let mut span = trace::span(Name::Passthrough, Kind::Client);
    line::pass_on_trace(request.headers_mut(), &span);
    let (origin, began) = (settings.origin.to_string(), Instant::now());
    let again = again(&request);
    let answer = passthrough.client.stream(&url, request);
    let mut answer = in_time(answer, &progress, settings.first_byte).await;
    if let (Err(Fault::Ended), Some(again)) = (&answer, again) {
        let second = passthrough.client.stream(&url, again);
        answer = in_time(second, &progress, settings.first_byte).await;
    }
    trace::note_upstream(&origin, began.elapsed());
    match &answer {
        Ok(answer) => span.set(Key::Status, || {
            Value::Number(answer.status().as_u16().into())
        }),
        Err(_) => span.fail("no_answer"),
    }
    drop(span);
    // Who answers early may not have read everything, and we have not either then.
    if !progress.is_read() {
        tokio::task::yield_now().await;
    }
    facts.body_pending = !progress.is_read();
    let answer = answer.map_err(|fault| refusal(fault, progress.stopped(), front))?;
    let pace = Pace {
        bytes_per_second: 0,
        ..pace
    };
    let sent = Tally::sent(shared.series.front(facts.front));
    answered(shared, &parts.method, answer, way, (pace, sent), permit)
}

/// The same request once more, if it only asks and has no body: an idle connection may end just when it is
/// used again.
fn again(request: &http::Request<Piped>) -> Option<http::Request<Piped>> {
    if !request.method().is_safe() || !request.body().is_end_stream() {
        return None;
    }
    let mut again = http::Request::new(Piped::empty());
    *again.method_mut() = request.method().clone();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}

/// The answer as the client gets it.
fn answered(
    shared: &Shared,
    method: &Method,
    answer: http::Response<Incoming>,
    way: &Way<'_>,
    (pace, sent): (Pace, Tally),
    permit: impl Send + 'static,
) -> Result<http::Response<Piped>, Refusal> {
    let (front, origin) = (way.front, &way.passthrough.settings.origin);
    let (head, body) = answer.into_parts();
    if head.status.is_informational() {
        return Err(Failure::UpstreamRefused.into());
    }
    let is_bodiless = matches!(
        head.status,
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    );
    let is_head = *method == Method::HEAD;
    let (public, prefix) = (front.settings.origin.as_str(), front.prefix.as_str());
    let headers = fields::for_client(
        &head.headers,
        (head.version, &shared.instance),
        is_head && !is_bodiless,
        |location| fields::moved(location, origin, public, prefix),
    );
    let piped = match is_bodiless || is_head {
        true => Piped::empty(),
        false => pipe(body, pace, sent, permit).0,
    };
    let mut response = http::Response::new(piped);
    *response.status_mut() = head.status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// The same path and query at the origin.
fn target(origin: &Url, path: &str, query: Option<&str>) -> Option<Url> {
    match query {
        Some(query) => origin.with_target(&format!("{path}?{query}")),
        None => origin.with_target(path),
    }
}

/// The host with its port, as the client wrote it.
fn authority(parts: &Parts) -> Option<&str> {
    let field = || parts.headers.get(http::header::HOST)?.to_str().ok();
    parts
        .uri
        .authority()
        .map(http::uri::Authority::as_str)
        .or_else(field)
}

/// How clients reach the front: what ends TLS may stand before us.
fn proto(front: &Front) -> &str {
    match front.settings.origin.split_once("://") {
        Some((scheme, _)) => scheme,
        None => "http",
    }
}

/// Waits for the head of an answer. Its time begins when the request has been read; until then, the request
/// is what is waited for, and the pipe has the time.
async fn in_time<T>(
    answer: impl Future<Output = Result<T, Fault>>,
    progress: &Progress,
    first_byte: Duration,
) -> Result<T, Fault> {
    let mut answer = std::pin::pin!(answer);
    loop {
        let end = progress.over_since().unwrap_or_else(Instant::now) + first_byte;
        tokio::select! {
            biased;
            answer = answer.as_mut() => return answer,
            () = sleep_until(end) => {}
        }
        if progress
            .over_since()
            .is_some_and(|at| at + first_byte <= Instant::now())
        {
            return Err(Fault::TimedOut("the answer"));
        }
    }
}

/// What a request is told that could not be passed on.
fn refusal(fault: Fault, stopped: Option<Stopped>, front: &Front) -> Refusal {
    match stopped {
        Some(Stopped::SenderSlow) => return Refusal::TooSlow,
        // Its framing is broken, or nobody is there to be told.
        Some(Stopped::SenderBroke) => return Refusal::Failure(malformed(Place::Body)),
        Some(Stopped::TakerSlow | Stopped::TakerGone) | None => {}
    }
    tracing::warn!(front = front.dialect.name(), %fault, "a request could not be passed on");
    Refusal::Failure(match (fault, stopped) {
        (_, Some(Stopped::TakerSlow)) | (Fault::TimedOut(_), _) => Failure::UpstreamTimeout,
        (Fault::Broken | Fault::TooLarge | Fault::Encoded, _) => Failure::UpstreamRefused,
        _ => Failure::UpstreamDown,
    })
}
