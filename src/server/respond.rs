//! The only place where failures become bytes: in the front's words, or as RFC 9457 where no front is meant.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::front::Front;
use super::passthrough::Piped;
use super::payload::Payload;
use super::reflection::Reflection;
use crate::dialect::OpId;
use crate::edge::rate_limit::{self, Standing};
use crate::model::{Failure, FailureKind, Record, Response};
use crate::transport::{Answer, Protocol};

/// A failure in the words of the front, if there is one.
pub(super) fn failure(
    front: Option<&Front>,
    failure: &Failure,
    op: Option<OpId>,
    params: &Record,
) -> Response {
    if let Some(front) = front {
        return front
            .dialect
            .encode_failure(failure, op, params, &front.settings);
    }
    let mut response = problem(status(failure.kind()), &failure.message());
    if let Failure::RateLimited { retry_after } | Failure::Overloaded { retry_after } = failure {
        let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        response
            .headers
            .entry(RETRY_AFTER)
            .or_insert(HeaderValue::from(seconds.max(1)));
    }
    if let Failure::MethodNotAllowed { allow } = failure
        && let Ok(allow) = HeaderValue::from_str(&allow.join(", "))
    {
        response.headers.entry(ALLOW).or_insert(allow);
    }
    response
}

/// A problem of RFC 9457: for requests that no front is meant by, or that are no HTTP to speak of.
pub(super) fn problem(status: u16, detail: &str) -> Response {
    let title = StatusCode::from_u16(status)
        .ok()
        .and_then(|s| s.canonical_reason())
        .unwrap_or("Error");
    let body = serde_json::json!({ "type": "about:blank", "title": title, "status": status, "detail": detail });
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    Response {
        status,
        headers,
        body: body.to_string().into_bytes(),
    }
}

/// A response that needs no frames.
pub(super) fn plain(response: Response) -> Answer {
    Answer {
        status: response.status,
        headers: response.headers,
        body: Bytes::from(response.body),
        trailers: None,
    }
}

/// An answer as hyper sends it: with its exact length, and without what only a transport may say.
pub(super) fn to_http(answer: Answer, close: bool) -> http::Response<Payload> {
    // Mappings are checked to hold sendable statuses; anything else is our own fault.
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let has_no_body = status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let body = if has_no_body {
        Bytes::new()
    } else {
        answer.body
    };
    let mut headers = answer.headers;
    // A length before trailers is a promise that nothing comes after it.
    if !has_no_body && answer.trailers.is_none() {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    headers.insert(
        HeaderName::from_static("x-content-type-options"),
        HeaderValue::from_static("nosniff"),
    );
    // What is told is about people, and nobody in between keeps it. Where the vendor says something else of an
    // answer, the mapping does; refusals tell nothing, and are as the vendor words them.
    if status.is_success() && !body.is_empty() {
        let no_store = HeaderValue::from_static("no-store");
        headers.entry(CACHE_CONTROL).or_insert(no_store);
    }
    if close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let mut response = http::Response::new(Payload::Whole {
        data: Some(body).filter(|body| !body.is_empty()),
        trailers: answer.trailers,
    });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Tells how a client stands with the limit that is nearest to refuse it. The fields are lists: those of an
/// origin that a request was passed on to stay beside ours.
pub(super) fn tell_limit(headers: &mut HeaderMap, standing: &Standing) {
    if let (Some(policy), Some(limit)) = (standing.policy_field(), standing.limit_field()) {
        headers.append(rate_limit::POLICY, policy);
        headers.append(rate_limit::LIMIT, limit);
    }
}

/// Tells who has come over TLS to come so again, unless the answer says something of it itself.
pub(super) fn stay_with_tls(answer: &mut http::Response<Payload>, time: Duration) {
    let seconds = time.as_secs();
    if let (true, Ok(value)) = (
        seconds > 0,
        HeaderValue::try_from(format!("max-age={seconds}")),
    ) {
        let headers = answer.headers_mut();
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(value);
    }
}

/// The head of a stream, which goes on by itself.
pub(super) fn streamed(protocol: Protocol, stream: Reflection) -> http::Response<Payload> {
    let answer = Answer {
        status: 200,
        headers: HeaderMap::from_iter([(
            CONTENT_TYPE,
            HeaderValue::from_static(protocol.content_type()),
        )]),
        body: Bytes::new(),
        trailers: None,
    };
    let mut response = to_http(answer, false);
    // How long it will be is not known.
    response.headers_mut().remove(CONTENT_LENGTH);
    *response.body_mut() = Payload::Stream(Box::pin(stream));
    response
}

/// An answer of an origin, as it comes.
pub(super) fn passed(answer: http::Response<Piped>, close: bool) -> http::Response<Payload> {
    let mut response = answer.map(Payload::Piped);
    if close {
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The status of a failure that no dialect words.
fn status(kind: FailureKind) -> u16 {
    use FailureKind as K;
    match kind {
        K::Invalid | K::TenantRequired | K::TenantUnknown => 400,
        K::Unauthenticated => 401,
        K::Forbidden => 403,
        K::RouteUnknown
        | K::UserNotFound
        | K::ProviderNotFound
        | K::LinkNotFound
        | K::NothingLinked
        | K::PendingNotFound => 404,
        K::MethodNotAllowed => 405,
        K::LinkExists
        | K::SubjectTaken
        | K::UserAlreadyLinked
        | K::LimitExceeded
        | K::LastFactor
        | K::Conflict => 409,
        K::TooLarge => 413,
        K::UnsupportedMedia => 415,
        K::RateLimited => 429,
        K::Internal => 500,
        K::Unsupported => 501,
        K::UpstreamRefused | K::UpstreamDown => 502,
        K::Overloaded | K::OutcomeUnknown => 503,
        K::UpstreamTimeout => 504,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_whole_seconds_and_never_too_early() {
        let limited = |millis| {
            let failed = Failure::RateLimited {
                retry_after: Duration::from_millis(millis),
            };
            failure(None, &failed, None, &Record::new())
                .headers
                .get(RETRY_AFTER)
                .cloned()
        };
        assert_eq!(limited(0), Some(HeaderValue::from(1)));
        assert_eq!(limited(1001), Some(HeaderValue::from(2)));
    }

    #[test]
    fn every_answer_has_its_exact_length_and_bodiless_ones_have_none() {
        let empty = to_http(
            plain(Response {
                status: 200,
                ..Response::default()
            }),
            false,
        );
        assert_eq!(
            empty.headers().get(CONTENT_LENGTH),
            Some(&HeaderValue::from(0))
        );
        let none = to_http(
            plain(Response {
                status: 204,
                body: b"x".to_vec(),
                ..Response::default()
            }),
            true,
        );
        assert!(!none.headers().contains_key(CONTENT_LENGTH));
        assert_eq!(
            none.headers().get(CONNECTION),
            Some(&HeaderValue::from_static("close"))
        );
    }

    #[test]
    fn what_is_told_is_kept_by_nobody_in_between_unless_the_mapping_says_so() {
        let said = |status, given: Option<&'static str>| {
            let given = given.map(|text| (CACHE_CONTROL, HeaderValue::from_static(text)));
            let answer = Response {
                status,
                headers: given.into_iter().collect(),
                body: b"{}".to_vec(),
            };
            let mut answer = to_http(plain(answer), false);
            stay_with_tls(&mut answer, Duration::from_secs(60));
            let text = |name| {
                answer
                    .headers()
                    .get(name)
                    .map(|v| v.to_str().unwrap().to_owned())
            };
            assert_eq!(
                text(STRICT_TRANSPORT_SECURITY).as_deref(),
                Some("max-age=60")
            );
            text(CACHE_CONTROL)
        };
        assert_eq!(said(200, None).as_deref(), Some("no-store"));
        assert_eq!(said(200, Some("no-cache")).as_deref(), Some("no-cache"));
        assert_eq!(said(404, None), None);
    }

    #[test]
    fn a_failure_without_a_front_is_a_problem_document() {
        let response = failure(None, &Failure::RouteUnknown, None, &Record::new());
        assert_eq!(response.status, 404);
        let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(
            (body["status"].as_u64(), body["title"].as_str()),
            (Some(404), Some("Not Found"))
        );
    }
}
