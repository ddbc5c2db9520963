//! Failures as records, and back: what the rows of an error table see.

use std::time::Duration;

use crate::model::{
    Failure, FailureKind, Field, OperationKind, Place, Problem, Record, Value, Why,
};

/// A failure as the record that error rows write from, and that stands in a list where one of several
/// things that a request asks for is refused.
#[must_use]
pub fn to_record(failure: &Failure) -> Record {
    let mut record = Record::with_capacity(4);
    record.set_text(Field::Kind, failure.kind().name());
    record.set_text(Field::Message, failure.message());
    match failure {
        Failure::Invalid(problems) => {
            record.set(
                Field::Problems,
                Value::List(problems.iter().map(problem_record).collect()),
            );
            // A vendor whose answers have room for one problem tells the first.
            if let Some(first) = problems.first() {
                set_problem(&mut record, first);
            }
        }
        Failure::MethodNotAllowed { allow } => record.set_text(Field::Allow, allow.join(", ")),
        Failure::UnsupportedMedia { given } => record.set_text_opt(Field::Given, given.as_deref()),
        Failure::LimitExceeded { max } => record.set(Field::Max, Value::Int(i64::from(*max))),
        Failure::Unsupported { operation } => record.set_text(Field::Operation, operation.name()),
        Failure::RateLimited { retry_after } | Failure::Overloaded { retry_after } => {
            record.set(Field::RetryAfter, Value::Int(seconds(*retry_after)));
        }
        Failure::Internal { incident } => record.set_text(Field::Incident, incident.as_str()),
        _ => {}
    }
    record
}

/// Whole seconds, rounded up, at least one: a client that waits so long is not refused again.
fn seconds(duration: Duration) -> i64 {
    let millis = duration.as_millis().max(1);
    i64::try_from(millis.div_ceil(1000)).unwrap_or(i64::MAX)
}

fn problem_record(problem: &Problem) -> Record {
    let mut record = Record::with_capacity(6);
    set_problem(&mut record, problem);
    record.set_text(Field::Message, problem.message());
    record
}

/// What a problem is about and why; its message stays apart, for a failure has its own.
fn set_problem(record: &mut Record, problem: &Problem) {
    record.set_text(Field::Place, problem.place.name());
    if !problem.at.is_empty() {
        record.set_text(Field::At, problem.at.as_str());
    }
    record.set_text_opt(Field::FieldName, problem.field.map(Field::name));
    record.set_text(Field::Why, problem.why.name());
    if let Some(max) = problem.max.and_then(|n| i64::try_from(n).ok()) {
        record.set(Field::Max, Value::Int(max));
    }
}

/// A problem from the record that a row has read. What the vendor left out is filled with the most
/// general word.
pub(super) fn problem(record: &Record) -> Problem {
    Problem {
        place: record
            .text(Field::Place)
            .and_then(Place::named)
            .unwrap_or(Place::Body),
        at: record.text(Field::At).unwrap_or_default().to_owned(),
        field: record.text(Field::FieldName).and_then(Field::named),
        why: record
            .text(Field::Why)
            .and_then(Why::named)
            .unwrap_or(Why::Malformed),
        max: record.int(Field::Max).and_then(|n| u64::try_from(n).ok()),
    }
}

/// The problems that a row has read: a list, or one that stands for itself; never none.
fn problems(record: &Record) -> Vec<Problem> {
    match record.list(Field::Problems) {
        Some(list) if !list.is_empty() => list.iter().map(problem).collect(),
        _ => vec![problem(record)],
    }
}

/// The failure of this kind with the particulars that a row has read.
pub(super) fn from_record(kind: FailureKind, record: &Record) -> Failure {
    use FailureKind as K;
    let retry_after = || {
        let seconds = record
            .int(Field::RetryAfter)
            .and_then(|n| u64::try_from(n).ok());
        Duration::from_secs(seconds.unwrap_or(1))
    };
    match kind {
        K::Invalid => Failure::Invalid(problems(record)),
        K::Unauthenticated => Failure::Unauthenticated,
        K::Forbidden => Failure::Forbidden,
        K::TenantRequired => Failure::TenantRequired,
        K::TenantUnknown => Failure::TenantUnknown,
        K::RouteUnknown => Failure::RouteUnknown,
        K::MethodNotAllowed => Failure::MethodNotAllowed {
            allow: record
                .text(Field::Allow)
                .unwrap_or_default()
                .split(", ")
                .map(str::to_owned)
                .collect(),
        },
        K::UnsupportedMedia => Failure::UnsupportedMedia {
            given: record.text(Field::Given).map(str::to_owned),
        },
        K::TooLarge => Failure::TooLarge,
        K::UserNotFound => Failure::UserNotFound,
        K::ProviderNotFound => Failure::ProviderNotFound,
        K::LinkNotFound => Failure::LinkNotFound,
        K::NothingLinked => Failure::NothingLinked,
        K::PendingNotFound => Failure::PendingNotFound,
        K::LinkExists => Failure::LinkExists,
        K::SubjectTaken => Failure::SubjectTaken,
        K::UserAlreadyLinked => Failure::UserAlreadyLinked,
        K::LimitExceeded => Failure::LimitExceeded {
            max: record
                .int(Field::Max)
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(1),
        },
        K::LastFactor => Failure::LastFactor,
        K::Unsupported => Failure::Unsupported {
            operation: record
                .text(Field::Operation)
                .and_then(OperationKind::named)
                .unwrap_or(OperationKind::LinkCreate),
        },
        K::Conflict => Failure::Conflict,
        K::RateLimited => Failure::RateLimited {
            retry_after: retry_after(),
        },
        K::Overloaded => Failure::Overloaded {
            retry_after: retry_after(),
        },
        K::UpstreamRefused => Failure::UpstreamRefused,
        K::UpstreamDown => Failure::UpstreamDown,
        K::UpstreamTimeout => Failure::UpstreamTimeout,
        K::OutcomeUnknown => Failure::OutcomeUnknown,
        K::Internal => Failure::Internal {
            incident: record.text(Field::Incident).unwrap_or_default().to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_with_problems_tells_the_first_one_itself() {
        let problem = |at: &str, field, why, max| Problem {
            place: Place::Query,
            at: at.to_owned(),
            field: Some(field),
            why,
            max,
        };
        let record = to_record(&Failure::Invalid(vec![
            problem("a", Field::Subject, Why::TooLong, Some(7)),
            problem("b", Field::UserId, Why::Blank, None),
        ]));
        let told = [
            Field::Kind,
            Field::Place,
            Field::At,
            Field::FieldName,
            Field::Why,
        ];
        assert_eq!(
            told.map(|field| record.text(field).unwrap()),
            ["invalid", "query", "a", "subject", "too_long"]
        );
        assert_eq!(record.int(Field::Max), Some(7));
        assert_eq!(
            record.text(Field::Message),
            Some("The request has 2 problems.")
        );
        assert_eq!(record.list(Field::Problems).map(<[_]>::len), Some(2));
        assert!(!to_record(&Failure::LinkNotFound).has(Field::Why));
    }

    #[test]
    fn a_first_problem_that_is_told_alone_is_read_as_the_only_one() {
        let mut record = Record::new();
        record.set_text(Field::FieldName, "subject");
        record.set_text(Field::Why, "too_long");
        let read = |record: &Record| match from_record(FailureKind::Invalid, record) {
            Failure::Invalid(problems) => problems,
            other => panic!("{other:?}"),
        };
        let [only] = &read(&record)[..] else {
            panic!("not one problem")
        };
        assert_eq!((only.field, only.why), (Some(Field::Subject), Why::TooLong));
        // There is no invalid request without a problem.
        assert_eq!(read(&Record::new()).len(), 1);
    }
}
