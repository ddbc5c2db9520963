//! Values of a record that must be such or such, and the problems that say what they are not.

use crate::model::id::{IdFault, MAX_ID_BYTES};
use crate::model::{Failure, Field, Place, Problem, Record, Subject, Why};

/// The longest text that is kept for people to read, in characters.
const MAX_TEXT_CHARS: usize = 1024;
/// The longest token of a link, in bytes.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The account that a record names, if it names one.
pub(super) fn subject(record: &Record) -> Result<Option<Subject>, Failure> {
    let Some(text) = record.text(Field::Subject) else {
        return Ok(None);
    };
    Subject::new(text)
        .map(Some)
        .map_err(|f| fault(Field::Subject, f))
}

/// The account that a record must name.
///
/// # Errors
/// `Invalid` if there is none, or none that can be compared.
pub(in crate::server) fn need_subject(record: &Record) -> Result<Subject, Failure> {
    subject(record)?.ok_or_else(|| invalid(Field::Subject, Why::Missing, None))
}

/// What is kept as it was put has a size, so that no client fills the store with one request after
/// the other, or makes answers that are slow for everybody.
pub(in crate::server) fn too_long(record: &Record) -> impl Iterator<Item = Problem> + use<> {
    let chars = |field| record.text(field).map(|text| text.chars().count());
    let token = record.text(Field::Token).map(str::len);
    [
        (
            Field::DisplayName,
            chars(Field::DisplayName),
            MAX_TEXT_CHARS,
        ),
        (Field::Email, chars(Field::Email), MAX_TEXT_CHARS),
        (Field::Username, chars(Field::Username), MAX_TEXT_CHARS),
        (Field::Token, token, MAX_TOKEN_BYTES),
    ]
    .into_iter()
    .filter(|(_, size, max)| size.is_some_and(|size| size > *max))
    .map(|(field, _, max)| problem(field, Why::TooLong, Some(max)))
}

/// The problems of what may be invalid; other failures come when the action is made.
pub(in crate::server) fn told<T>(result: Result<T, Failure>) -> Vec<Problem> {
    match result {
        Err(Failure::Invalid(problems)) => problems,
        _ => Vec::new(),
    }
}

pub(super) fn fault(field: Field, fault: IdFault) -> Failure {
    match fault {
        IdFault::Blank => invalid(field, Why::Blank, None),
        IdFault::Malformed => invalid(field, Why::Malformed, None),
        IdFault::TooLong => invalid(field, Why::TooLong, Some(MAX_ID_BYTES)),
    }
}

pub(super) fn invalid(field: Field, why: Why, max: Option<usize>) -> Failure {
    Failure::Invalid(vec![problem(field, why, max)])
}

/// Something is wrong with a field. Where it stands in the dialect is for `Dialect::place` to say.
pub(in crate::server) fn problem(field: Field, why: Why, max: Option<usize>) -> Problem {
    Problem {
        place: Place::Body,
        at: String::new(),
        field: Some(field),
        why,
        max: max.map(|max| max as u64),
    }
}

pub(in crate::server) fn no_random() -> Failure {
    Failure::Overloaded {
        retry_after: std::time::Duration::from_secs(1),
    }
}
