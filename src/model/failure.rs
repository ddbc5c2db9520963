//! Failures: the closed list of everything that can be answered instead of an outcome.
//!
//! Every failure has an answer in every dialect (invariant 5). There is no catch-all: a new variant
//! does not compile until each place that matches on it answers it.

mod kind;
mod problem;

use std::time::Duration;

use super::OperationKind;

pub use self::kind::{FailureKind, Origin};
pub use self::problem::{Place, Problem, Why};

/// Everything that can be answered instead of an outcome.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The request has problems; never an empty list.
    Invalid(Vec<Problem>),
    /// No credential, or one that is not known.
    Unauthenticated,
    /// Known, but not allowed.
    Forbidden,
    /// Several tenants, and nothing says which.
    TenantRequired,
    /// A tenant was named that is not configured.
    TenantUnknown,
    /// No operation has this path.
    RouteUnknown,
    /// The path exists, with other methods.
    MethodNotAllowed {
        /// The methods that it has.
        allow: Vec<String>,
    },
    /// A body in a media type that the operation does not read.
    UnsupportedMedia {
        /// The media type; `None` if the header is absent.
        given: Option<String>,
    },
    /// The body is over the limit.
    TooLarge,
    /// The user is not known.
    UserNotFound,
    /// The provider is not known, or not enabled where a link is to be made.
    ProviderNotFound,
    /// The link does not exist, or is not the caller's to see.
    LinkNotFound,
    /// The user has no link at any of the providers that the request is about.
    NothingLinked,
    /// The pending link does not exist, is spent or has expired.
    PendingNotFound,
    /// The same user already holds this link.
    LinkExists,
    /// Another user already holds this link.
    SubjectTaken,
    /// The user already has a link, and the front's rule allows one.
    UserAlreadyLinked,
    /// The tenant's limit of links is reached.
    LimitExceeded {
        /// The limit.
        max: u32,
    },
    /// The link is the user's last way to log in.
    LastFactor,
    /// The backend cannot do this.
    Unsupported {
        /// What was asked.
        operation: OperationKind,
    },
    /// Two writers raced; trying again can help.
    Conflict,
    /// The client asks too often.
    RateLimited {
        /// When it may ask again.
        retry_after: Duration,
    },
    /// Too much work, or the store cannot be written to now.
    Overloaded {
        /// When it may ask again.
        retry_after: Duration,
    },
    /// The IdP refused our credential or answered nonsense.
    UpstreamRefused,
    /// The IdP cannot be reached.
    UpstreamDown,
    /// The IdP did not answer in time.
    UpstreamTimeout,
    /// A write may or may not have happened.
    OutcomeUnknown,
    /// Our own fault; the cause is in the log under this number.
    Internal {
        /// The number.
        incident: String,
    },
}

impl Failure {
    /// A sentence for the client, in our own words. Says nothing that is not the caller's to know.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Failure::Invalid(problems) => match problems.as_slice() {
                [one] => one.message(),
                many => format!("The request has {} problems.", many.len()),
            },
            Failure::Unauthenticated => "A valid credential is required.".to_owned(),
            Failure::Forbidden => "This credential does not allow the request.".to_owned(),
            Failure::TenantRequired => "Several tenants exist: name one.".to_owned(),
            Failure::TenantUnknown => "The tenant is not known.".to_owned(),
            Failure::RouteUnknown => "Nothing is served at this path.".to_owned(),
            Failure::MethodNotAllowed { allow } => {
                format!("This path allows only {}.", allow.join(", "))
            }
            Failure::UnsupportedMedia { given: Some(given) } => {
                format!("The media type {given} is not read here.")
            }
            Failure::UnsupportedMedia { given: None } => "A body needs a Content-Type.".to_owned(),
            Failure::TooLarge => "The request body is too large.".to_owned(),
            Failure::UserNotFound => "The user does not exist.".to_owned(),
            Failure::ProviderNotFound => "The identity provider does not exist.".to_owned(),
            Failure::LinkNotFound => "The link does not exist.".to_owned(),
            Failure::NothingLinked => "The user has no such link.".to_owned(),
            Failure::PendingNotFound => {
                "The pending link does not exist or has expired.".to_owned()
            }
            Failure::LinkExists | Failure::SubjectTaken => {
                "The external account is already linked.".to_owned()
            }
            Failure::UserAlreadyLinked => "The user is already linked.".to_owned(),
            Failure::LimitExceeded { max } => {
                format!("The user already has the most links allowed, {max}.")
            }
            Failure::LastFactor => "The link is the user's last way to log in.".to_owned(),
            Failure::Unsupported { operation } => {
                format!("{} is not supported here.", operation.name())
            }
            Failure::Conflict => "Another change came first; try again.".to_owned(),
            Failure::RateLimited { .. } => "Too many requests; try again later.".to_owned(),
            Failure::Overloaded { .. } => "Temporarily unavailable; try again later.".to_owned(),
            Failure::UpstreamRefused => {
                "The identity provider behind this service refused.".to_owned()
            }
            Failure::UpstreamDown => {
                "The identity provider behind this service cannot be reached.".to_owned()
            }
            Failure::UpstreamTimeout => {
                "The identity provider behind this service did not answer in time.".to_owned()
            }
            Failure::OutcomeUnknown => {
                "It is not known whether the change was made; look before trying again.".to_owned()
            }
            Failure::Internal { incident } => format!("Internal error, incident {incident}."),
        }
    }
}
