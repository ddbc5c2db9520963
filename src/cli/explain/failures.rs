//! How everything that can go wrong on the way would be worded to the client: each of it is tried.

use std::collections::HashSet;
use std::time::Duration;

use super::idp::{Fault, Said};
use super::play::{Play, Played, Wrong};
use crate::backend::upstream::exchange::{Effect, Unanswered};
use crate::model::{Failure, FailureKind, Field, Place, Problem, Response, Why};

/// The most requests of one operation at which faults are tried.
const MAX_REQUESTS: usize = 8;

/// One thing that a client may be told.
#[derive(Debug)]
pub(super) struct Told {
    /// The answer.
    pub(super) response: Response,
    /// The canonical failure; `None` if it is a success all the same.
    pub(super) failure: Option<FailureKind>,
    /// What it is told for.
    pub(super) causes: Vec<String>,
}

/// Tries everything that can go wrong, and tells it by what the client is answered.
///
/// # Errors
/// If the request cannot be played.
pub(super) async fn try_all(play: &Play<'_>, smooth: &Played) -> Result<Vec<Told>, String> {
    let mut told: Vec<Told> = Vec::new();
    for (cause, wrong) in everything(smooth) {
        let played = play.run(&wrong).await?;
        let failure = played.failure.map(|failure| failure.kind());
        let is_as_ever = !matches!(wrong, Wrong::Request(..))
            && played.response.status == smooth.response.status
            && played.response.body == smooth.response.body;
        if is_as_ever {
            continue;
        }
        let same = told.iter_mut().find(|t| {
            t.failure == failure
                && t.response.status == played.response.status
                && t.response.body == played.response.body
        });
        match same {
            Some(same) => same.causes.push(cause),
            None => told.push(Told {
                response: played.response,
                failure,
                causes: vec![cause],
            }),
        }
    }
    told.sort_by_key(|told| told.response.status);
    Ok(told)
}

/// Everything that can go wrong, each with its name.
fn everything(smooth: &Played) -> Vec<(String, Wrong)> {
    let retry_after = Duration::from_secs(1);
    let mut all = vec![
        (
            "the user is not known here".to_owned(),
            Wrong::Store(Failure::UserNotFound),
        ),
        (
            "the store is away".to_owned(),
            Wrong::Store(Failure::Overloaded { retry_after }),
        ),
    ];
    if !smooth.said.is_empty() {
        all.push(("the index is not complete".to_owned(), Wrong::Index));
    }
    for (place, said) in smooth.said.iter().enumerate().take(MAX_REQUESTS) {
        for (cause, fault) in faults(said) {
            all.push((
                format!("{}. {cause}", place + 1),
                Wrong::Request(place, fault),
            ));
        }
    }
    all
}

/// What can come of one request.
fn faults(said: &Said) -> Vec<(String, Fault)> {
    let silent = |unanswered| Fault::Silent(unanswered);
    let mut all = vec![
        (
            "cannot be sent".to_owned(),
            silent(Unanswered::NotSent(Failure::UpstreamDown)),
        ),
        (
            "takes too long".to_owned(),
            silent(match said.effect {
                Effect::Reads => Unanswered::NotSent(Failure::UpstreamTimeout),
                Effect::Writes => Unanswered::Lost(Failure::UpstreamTimeout),
            }),
        ),
    ];
    let nonsense = Response {
        status: 200,
        body: b"nonsense".to_vec(),
        ..Response::default()
    };
    all.push((
        "is answered with nonsense".to_owned(),
        Fault::Answered(nonsense),
    ));
    let mut seen = HashSet::new();
    let said_of = |kind: &&FailureKind| says(said, **kind) && fits(said.effect, **kind);
    for kind in FailureKind::ALL.iter().filter(said_of) {
        let Some(failure) = sample(*kind) else {
            continue;
        };
        let (dialect, settings) = (&said.vendor.dialect, &said.vendor.settings);
        let response = dialect.encode_failure(&failure, Some(said.op), &said.params, settings);
        if seen.insert((response.status, response.body.clone())) {
            let cause = format!("is answered {} ({})", response.status, kind.name());
            all.push((cause, Fault::Answered(response)));
        }
    }
    all
}

/// Whether the vendor says this of such a request.
fn says(said: &Said, kind: FailureKind) -> bool {
    let mut rows = said.vendor.dialect.plan().errors.iter();
    rows.any(|row| row.kinds.contains(&kind) && (row.on.is_empty() || row.on.contains(&said.kind)))
}

/// Whether a request of this effect can meet it: who only looks is not told that there is too much already.
fn fits(effect: Effect, kind: FailureKind) -> bool {
    use FailureKind as K;
    let is_of_writes = matches!(
        kind,
        K::LinkExists
            | K::SubjectTaken
            | K::UserAlreadyLinked
            | K::LimitExceeded
            | K::LastFactor
            | K::Conflict
    );
    effect == Effect::Writes || !is_of_writes
}

/// A failure of a kind, as an IdP can answer it to a request that is in order; `None` for what it would only say of
/// others.
fn sample(kind: FailureKind) -> Option<Failure> {
    use FailureKind as K;
    let retry_after = Duration::from_secs(1);
    Some(match kind {
        K::Invalid => Failure::Invalid(vec![Problem {
            place: Place::Body,
            at: String::new(),
            field: Some(Field::Subject),
            why: Why::Malformed,
            max: None,
        }]),
        K::Unauthenticated => Failure::Unauthenticated,
        K::Forbidden => Failure::Forbidden,
        K::UserNotFound => Failure::UserNotFound,
        K::ProviderNotFound => Failure::ProviderNotFound,
        K::LinkNotFound => Failure::LinkNotFound,
        K::NothingLinked => Failure::NothingLinked,
        K::LinkExists => Failure::LinkExists,
        K::SubjectTaken => Failure::SubjectTaken,
        K::UserAlreadyLinked => Failure::UserAlreadyLinked,
        K::LimitExceeded => Failure::LimitExceeded { max: 1 },
        K::LastFactor => Failure::LastFactor,
        K::Conflict => Failure::Conflict,
        K::RateLimited => Failure::RateLimited { retry_after },
        K::Overloaded => Failure::Overloaded { retry_after },
        K::Internal => Failure::Internal {
            incident: "0".to_owned(),
        },
        K::PendingNotFound
        | K::TenantRequired
        | K::TenantUnknown
        | K::RouteUnknown
        | K::MethodNotAllowed
        | K::UnsupportedMedia
        | K::TooLarge
        | K::Unsupported
        | K::UpstreamRefused
        | K::UpstreamDown
        | K::UpstreamTimeout
        | K::OutcomeUnknown => return None,
    })
}
