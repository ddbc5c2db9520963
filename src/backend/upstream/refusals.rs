//! What a vendor's refusal, or a question that cannot be put to it, means to our own client.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

use super::Upstream;
use crate::dialect::upstream::Unsaid;
use crate::model::{Failure, FailureKind, Field, OperationKind, Place, Problem, Response};

/// The longest time that a client is told to wait, in seconds.
const LONGEST_WAIT: u64 = 24 * 3600;

/// What it means that a question cannot be put to this vendor: what it cannot spell, it cannot have.
pub(super) fn unsayable(kind: OperationKind, unsaid: Unsaid) -> Failure {
    let problems = match unsaid {
        Unsaid::NoWay => return Failure::Unsupported { operation: kind },
        Unsaid::Problems(problems) => problems,
    };
    let is_about = |field| problems.iter().any(|p| p.field == Some(field));
    if is_about(Field::UserId) {
        return Failure::UserNotFound;
    }
    if is_about(Field::ProviderId) {
        return Failure::ProviderNotFound;
    }
    use OperationKind as K;
    if !matches!(kind, K::LinkCreate | K::UserCreate | K::UserUpdate) {
        return Failure::LinkNotFound;
    }
    Failure::Invalid(placeless(problems, Field::Subject))
}

/// Problems as the caller's dialect can tell them: where they stand there is for it to say.
fn placeless(problems: Vec<Problem>, otherwise: Field) -> Vec<Problem> {
    let placeless = |problem: Problem| Problem {
        place: Place::Body,
        at: String::new(),
        ..problem
    };
    let mut told: Vec<Problem> = problems
        .into_iter()
        .filter(|problem| problem.field.is_some())
        .map(placeless)
        .collect();
    if told.is_empty() {
        told.push(Problem {
            place: Place::Body,
            at: String::new(),
            field: Some(otherwise),
            why: crate::model::Why::Malformed,
            max: None,
        });
    }
    told
}

/// What the status of an answer says by itself, whatever the body is.
pub(super) fn by_status(response: &Response) -> Failure {
    match response.status {
        429 => Failure::RateLimited {
            retry_after: retry_after(&response.headers),
        },
        502 => Failure::UpstreamDown,
        503 => Failure::Overloaded {
            retry_after: retry_after(&response.headers),
        },
        504 => Failure::UpstreamTimeout,
        _ => Failure::UpstreamRefused,
    }
}

/// When to come back, if an answer says so: in seconds, or as a date, which is taken by the answer's own clock.
fn retry_after(headers: &HeaderMap) -> Duration {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|z| z.timestamp());
    let asked = text(RETRY_AFTER);
    let in_seconds = asked.and_then(|text| text.parse::<u64>().ok());
    let seconds = in_seconds.or_else(|| {
        let until = date(asked?)?
            .as_second()
            .checked_sub(date(text(DATE)?)?.as_second())?;
        u64::try_from(until).ok()
    });
    Duration::from_secs(seconds.unwrap_or(1).clamp(1, LONGEST_WAIT))
}

/// What a vendor's refusal means to our own client. What concerns linkbridge's own request and credential is
/// no fault of the client's.
pub(super) fn ours(failure: Failure, kind: OperationKind, upstream: &Upstream) -> Failure {
    use FailureKind as K;
    match failure.kind() {
        K::Unauthenticated | K::Forbidden => {
            tracing::error!(
                upstream = %upstream.settings.name,
                operation = kind.name(),
                "the IdP refuses the credential of linkbridge"
            );
            Failure::UpstreamRefused
        }
        K::RouteUnknown
        | K::MethodNotAllowed
        | K::UnsupportedMedia
        | K::TooLarge
        | K::TenantRequired
        | K::TenantUnknown
        | K::Unsupported
        | K::Internal
        | K::OutcomeUnknown => {
            tracing::error!(
                upstream = %upstream.settings.name,
                operation = kind.name(),
                refusal = failure.kind().name(),
                "the IdP refuses what linkbridge asks"
            );
            Failure::UpstreamRefused
        }
        K::Invalid => match failure {
            Failure::Invalid(problems) if problems.iter().any(|p| p.field.is_some()) => {
                Failure::Invalid(placeless(problems, Field::Subject))
            }
            _ => {
                tracing::error!(
                    upstream = %upstream.settings.name,
                    operation = kind.name(),
                    "the IdP takes a request for invalid"
                );
                Failure::UpstreamRefused
            }
        },
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, fields: &[(&'static str, &'static str)]) -> Failure {
        let value = |text| http::HeaderValue::from_static(text);
        let fields = fields.iter();
        by_status(&Response {
            status,
            headers: fields
                .map(|(name, text)| (http::HeaderName::from_static(name), value(text)))
                .collect(),
            body: b"<html>".to_vec(),
        })
    }

    #[test]
    fn a_status_says_when_to_come_back_whatever_the_body_is() {
        let after = |seconds| Duration::from_secs(seconds);
        let limited = |fields: &[_], seconds| {
            let retry_after = after(seconds);
            assert_eq!(told(429, fields), Failure::RateLimited { retry_after });
            assert_eq!(told(503, fields), Failure::Overloaded { retry_after });
        };
        limited(&[], 1);
        limited(&[("retry-after", "7")], 7);
        limited(&[("retry-after", "0")], 1);
        limited(&[("retry-after", "18446744073709551615")], 86_400);
        for none in ["-1", "soon", "1.5", ""] {
            limited(&[("retry-after", none)], 1);
        }
        let then = ("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT");
        limited(&[then], 1);
        limited(&[("date", "Wed, 21 Oct 2015 07:28:00 GMT"), then], 30);
        limited(&[("date", "Wed, 21 Oct 2015 08:28:00 GMT"), then], 1);
        assert_eq!(told(502, &[]), Failure::UpstreamDown);
        assert_eq!(told(504, &[]), Failure::UpstreamTimeout);
        for status in [302, 400, 401, 404, 500, 501] {
            assert_eq!(told(status, &[]), Failure::UpstreamRefused);
        }
    }
}
