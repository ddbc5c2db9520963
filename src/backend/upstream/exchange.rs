//! One request to an IdP and what comes of it, apart from how it gets there.

use super::caller::Reading;
use crate::backend::BoxFuture;
use crate::model::{Failure, OwnedRequest, Response};

/// What a request does at the IdP: decides what may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it may be sent again.
    Reads,
    /// Something: it is sent once.
    Writes,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Unanswered {
    /// The IdP has not seen the request: nothing was done.
    NotSent(Failure),
    /// The IdP may have seen the request, and may have done what it says.
    Lost(Failure),
}

impl Unanswered {
    /// What a client is told if it does not matter whether the request was seen.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        match self {
            Unanswered::NotSent(failure) | Unanswered::Lost(failure) => failure,
        }
    }
}

/// Carries requests to one IdP: credential, pool, times, retries, circuit breaker.
pub trait Exchange: Send + Sync {
    /// Sends a request below the configured base URL, with the configured credential. An answer is an
    /// answer whatever its status is.
    ///
    /// # Errors
    /// [`Unanswered`]; its failure is one of `UpstreamDown`, `UpstreamTimeout`, `UpstreamRefused` and
    /// `Overloaded`.
    fn exchange<'a>(
        &'a self,
        request: &'a OwnedRequest,
        effect: Effect,
    ) -> BoxFuture<'a, Result<Response, Unanswered>>;

    /// Whether a request can be sent at all: every server would read its path in one way.
    fn can_send(&self, _request: &OwnedRequest) -> bool {
        true
    }

    /// What there is to tell of the calls so far, if they are counted.
    fn reading(&self) -> Option<Reading> {
        None
    }

    /// Whether calls can be expected to be answered now.
    fn ready(&self) -> bool;
}
