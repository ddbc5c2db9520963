//! What a request was for and what came of it: the words by which requests are counted, each a place in an array.

use crate::model::{FailureKind, OperationKind};

/// What stands for whatever is not known.
pub(super) const NONE: &str = "none";

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// An operation.
    Operation(OperationKind),
    /// It was to be passed on to an origin.
    Passthrough,
    /// It was answered before that was known, or is about no operation.
    None,
}

pub(super) const N_WHAT: usize = OperationKind::ALL.len() + 2;

impl What {
    pub(super) fn index(self) -> usize {
        match self {
            What::Operation(kind) => kind as usize,
            What::Passthrough => N_WHAT - 2,
            What::None => N_WHAT - 1,
        }
    }

    /// Every value, in the order of their indexes.
    pub(super) fn all() -> impl Iterator<Item = What> {
        let kinds = OperationKind::ALL.iter().copied().map(What::Operation);
        kinds.chain([What::Passthrough, What::None])
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            What::Operation(kind) => kind.name(),
            What::Passthrough => "passthrough",
            What::None => NONE,
        }
    }
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out, or passed on and answered.
    Ok,
    /// A failure.
    Failed(FailureKind),
    /// Its head is no HTTP to speak of.
    Head,
    /// Its body came too slowly.
    SlowBody,
    /// It has come back to where it was.
    Loop,
    /// It breaks the rules of its protocol above HTTP.
    Protocol,
}

pub(super) const N_OUTCOME: usize = FailureKind::ALL.len() + 5;

impl Outcome {
    pub(super) fn index(self) -> usize {
        match self {
            Outcome::Failed(kind) => kind as usize,
            Outcome::Ok => N_OUTCOME - 5,
            Outcome::Head => N_OUTCOME - 4,
            Outcome::SlowBody => N_OUTCOME - 3,
            Outcome::Loop => N_OUTCOME - 2,
            Outcome::Protocol => N_OUTCOME - 1,
        }
    }

    pub(super) fn all() -> impl Iterator<Item = Outcome> {
        let kinds = FailureKind::ALL.iter().copied().map(Outcome::Failed);
        kinds.chain([
            Outcome::Ok,
            Outcome::Head,
            Outcome::SlowBody,
            Outcome::Loop,
            Outcome::Protocol,
        ])
    }

    /// The word that stands for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Failed(kind) => kind.name(),
            Outcome::Ok => "ok",
            Outcome::Head => "head_refused",
            Outcome::SlowBody => "body_too_slow",
            Outcome::Loop => "loop",
            Outcome::Protocol => "protocol",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_places_in_the_lists() {
        assert_eq!(What::all().count(), N_WHAT);
        assert!(What::all().enumerate().all(|(at, what)| what.index() == at));
        assert_eq!(Outcome::all().count(), N_OUTCOME);
        assert!(Outcome::all().enumerate().all(|(at, o)| o.index() == at));
    }

    #[test]
    fn names_are_different() {
        let mut names: Vec<_> = Outcome::all().map(Outcome::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), N_OUTCOME);
        let mut names: Vec<_> = What::all().map(What::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), N_WHAT);
    }
}
