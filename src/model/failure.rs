//! Failures: the closed list of everything that can be answered instead of an outcome.
//!
//! Every failure has an answer in every dialect (invariant 5). There is no catch-all: a new variant
//! does not compile until each place that matches on it answers it.

use std::time::Duration;

use super::OperationKind;

/// Which part of a request a problem is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The body.
    Body,
    /// The query string.
    Query,
    /// The path.
    Path,
    /// A header field.
    Header,
}

impl Place {
    /// The word that mappings use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Place::Body => "body",
            Place::Query => "query",
            Place::Path => "path",
            Place::Header => "header",
        }
    }

    /// The place of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Place::Body, Place::Query, Place::Path, Place::Header]
            .into_iter()
            .find(|p| p.name() == name)
    }
}

macro_rules! whys {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// Why a value is refused: a closed list, worded by each dialect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Why { $($(#[$doc])* $variant),* }

        impl Why {
            /// Every reason.
            pub const ALL: &'static [Why] = &[$(Why::$variant),*];
            /// The word that mappings use.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Why::$variant => $name),* }
            }
            /// The reason of this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Why::$variant),)* _ => None }
            }
        }
    };
}

whys! {
    /// A needed value is not there.
    Missing = "missing",
    /// A needed text is empty.
    Blank = "blank",
    /// The value does not have the form that the field wants.
    Malformed = "malformed",
    /// The value has another JSON type than the field wants.
    WrongType = "wrong_type",
    /// The text is longer than allowed.
    TooLong = "too_long",
    /// The text is shorter than allowed.
    TooShort = "too_short",
    /// The value is none of those that are known.
    UnknownValue = "unknown_value",
    /// The id names nothing that exists.
    Unresolved = "unresolved",
    /// The value may not be given here.
    NotAllowed = "not_allowed",
    /// The value was good until a time that has passed.
    Expired = "expired",
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Which part of the request.
    pub place: Place,
    /// Where in that part: a dotted path in a body (empty for the whole of it), a name elsewhere.
    pub at: String,
    /// The canonical field, where one is meant.
    pub field: Option<super::Field>,
    /// What is wrong.
    pub why: Why,
    /// The longest or largest that is allowed, where that is the matter.
    pub max: Option<u64>,
}

impl Problem {
    fn is_number(&self) -> bool {
        self.field
            .is_some_and(|f| f.kind() == super::FieldType::Int)
    }

    /// A sentence for the client, in our own words (vendors' texts are never copied).
    #[must_use]
    pub fn message(&self) -> String {
        let what = match self.why {
            Why::Missing => "is missing".to_owned(),
            Why::Blank => "must not be blank".to_owned(),
            Why::Malformed => "does not have the right form".to_owned(),
            Why::WrongType => "has the wrong type".to_owned(),
            Why::TooLong => match (self.max, self.is_number()) {
                (Some(max), true) => format!("is more than {max}"),
                (Some(max), false) => format!("is longer than {max}"),
                (None, _) => "is too long".to_owned(),
            },
            Why::TooShort if self.is_number() => "is too small".to_owned(),
            Why::TooShort => "is too short".to_owned(),
            Why::UnknownValue => "is not one of the known values".to_owned(),
            Why::Unresolved => "names nothing that exists".to_owned(),
            Why::NotAllowed => "is not allowed here".to_owned(),
            Why::Expired => "has expired".to_owned(),
        };
        match (self.place, self.at.is_empty()) {
            (Place::Body, true) => format!("The request body {what}."),
            (Place::Body, false) => format!("The member {} {what}.", self.at),
            (Place::Query, _) => format!("The query parameter {} {what}.", self.at),
            (Place::Path, true) => format!("The path {what}."),
            (Place::Path, false) => format!("The path parameter {} {what}.", self.at),
            (Place::Header, _) => format!("The header {} {what}.", self.at),
        }
    }
}

/// Whose fault a failure is: a metric label, a log level, and half of the retry rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The client's request.
    Client,
    /// The state of the world: limits, races, load.
    Load,
    /// The IdP behind us.
    Upstream,
    /// Ourselves.
    Internal,
}

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

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// A failure without its particulars: what the error table of a mapping is keyed by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FailureKind { $($(#[$doc])* $variant),* }

        impl FailureKind {
            /// Every kind.
            pub const ALL: &'static [FailureKind] = &[$(FailureKind::$variant),*];
            /// The word that mappings use.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(FailureKind::$variant => $name),* }
            }
            /// The kind of this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(FailureKind::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    /// [`Failure::Invalid`]
    Invalid = "invalid",
    /// [`Failure::Unauthenticated`]
    Unauthenticated = "unauthenticated",
    /// [`Failure::Forbidden`]
    Forbidden = "forbidden",
    /// [`Failure::TenantRequired`]
    TenantRequired = "tenant_required",
    /// [`Failure::TenantUnknown`]
    TenantUnknown = "tenant_unknown",
    /// [`Failure::RouteUnknown`]
    RouteUnknown = "route_unknown",
    /// [`Failure::MethodNotAllowed`]
    MethodNotAllowed = "method_not_allowed",
    /// [`Failure::UnsupportedMedia`]
    UnsupportedMedia = "unsupported_media",
    /// [`Failure::TooLarge`]
    TooLarge = "too_large",
    /// [`Failure::UserNotFound`]
    UserNotFound = "user_not_found",
    /// [`Failure::ProviderNotFound`]
    ProviderNotFound = "provider_not_found",
    /// [`Failure::LinkNotFound`]
    LinkNotFound = "link_not_found",
    /// [`Failure::NothingLinked`]
    NothingLinked = "nothing_linked",
    /// [`Failure::PendingNotFound`]
    PendingNotFound = "pending_not_found",
    /// [`Failure::LinkExists`]
    LinkExists = "link_exists",
    /// [`Failure::SubjectTaken`]
    SubjectTaken = "subject_taken",
    /// [`Failure::UserAlreadyLinked`]
    UserAlreadyLinked = "user_already_linked",
    /// [`Failure::LimitExceeded`]
    LimitExceeded = "limit_exceeded",
    /// [`Failure::LastFactor`]
    LastFactor = "last_factor",
    /// [`Failure::Unsupported`]
    Unsupported = "unsupported",
    /// [`Failure::Conflict`]
    Conflict = "conflict",
    /// [`Failure::RateLimited`]
    RateLimited = "rate_limited",
    /// [`Failure::Overloaded`]
    Overloaded = "overloaded",
    /// [`Failure::UpstreamRefused`]
    UpstreamRefused = "upstream_refused",
    /// [`Failure::UpstreamDown`]
    UpstreamDown = "upstream_down",
    /// [`Failure::UpstreamTimeout`]
    UpstreamTimeout = "upstream_timeout",
    /// [`Failure::OutcomeUnknown`]
    OutcomeUnknown = "outcome_unknown",
    /// [`Failure::Internal`]
    Internal = "internal",
}

impl FailureKind {
    /// The kind whose wording serves where a dialect has none for this one.
    #[must_use]
    pub fn parent(self) -> Option<FailureKind> {
        use FailureKind as K;
        match self {
            K::SubjectTaken | K::UserAlreadyLinked => Some(K::LinkExists),
            K::LinkExists | K::LimitExceeded | K::LastFactor => Some(K::Invalid),
            K::NothingLinked | K::UserNotFound | K::ProviderNotFound | K::PendingNotFound => {
                Some(K::LinkNotFound)
            }
            _ => None,
        }
    }

    /// Whether it says that what the request names is not there, or not for the client to see.
    #[must_use]
    pub fn is_absence(self) -> bool {
        use FailureKind as K;
        let is_tenant = matches!(self, K::TenantRequired | K::TenantUnknown);
        is_tenant || self == K::LinkNotFound || self.parent() == Some(K::LinkNotFound)
    }

    /// Whose fault it is.
    #[must_use]
    pub fn origin(self) -> Origin {
        use FailureKind as K;
        match self {
            K::Conflict | K::RateLimited | K::Overloaded => Origin::Load,
            K::UpstreamRefused | K::UpstreamDown | K::UpstreamTimeout => Origin::Upstream,
            K::OutcomeUnknown | K::Internal => Origin::Internal,
            _ => Origin::Client,
        }
    }

    /// Whether the same request may succeed later without a change.
    #[must_use]
    pub fn retry_can_help(self) -> bool {
        matches!(self.origin(), Origin::Load | Origin::Upstream)
    }

    /// Whether the table's `*` row may word it: it covers faults of the client only, and only those
    /// that have no status of their own at the edge.
    #[must_use]
    pub fn covered_by_star(self) -> bool {
        use FailureKind as K;
        !matches!(
            self,
            K::Unauthenticated
                | K::Forbidden
                | K::MethodNotAllowed
                | K::UnsupportedMedia
                | K::RateLimited
                | K::Overloaded
                | K::UpstreamRefused
                | K::UpstreamDown
                | K::UpstreamTimeout
                | K::OutcomeUnknown
                | K::Conflict
                | K::Internal
        )
    }
}

impl Failure {
    /// The failure without its particulars.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        use FailureKind as K;
        match self {
            Failure::Invalid(_) => K::Invalid,
            Failure::Unauthenticated => K::Unauthenticated,
            Failure::Forbidden => K::Forbidden,
            Failure::TenantRequired => K::TenantRequired,
            Failure::TenantUnknown => K::TenantUnknown,
            Failure::RouteUnknown => K::RouteUnknown,
            Failure::MethodNotAllowed { .. } => K::MethodNotAllowed,
            Failure::UnsupportedMedia { .. } => K::UnsupportedMedia,
            Failure::TooLarge => K::TooLarge,
            Failure::UserNotFound => K::UserNotFound,
            Failure::ProviderNotFound => K::ProviderNotFound,
            Failure::LinkNotFound => K::LinkNotFound,
            Failure::NothingLinked => K::NothingLinked,
            Failure::PendingNotFound => K::PendingNotFound,
            Failure::LinkExists => K::LinkExists,
            Failure::SubjectTaken => K::SubjectTaken,
            Failure::UserAlreadyLinked => K::UserAlreadyLinked,
            Failure::LimitExceeded { .. } => K::LimitExceeded,
            Failure::LastFactor => K::LastFactor,
            Failure::Unsupported { .. } => K::Unsupported,
            Failure::Conflict => K::Conflict,
            Failure::RateLimited { .. } => K::RateLimited,
            Failure::Overloaded { .. } => K::Overloaded,
            Failure::UpstreamRefused => K::UpstreamRefused,
            Failure::UpstreamDown => K::UpstreamDown,
            Failure::UpstreamTimeout => K::UpstreamTimeout,
            Failure::OutcomeUnknown => K::OutcomeUnknown,
            Failure::Internal { .. } => K::Internal,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_end_at_a_kind_without_one() {
        for kind in FailureKind::ALL {
            let mut steps = 0;
            let mut current = *kind;
            while let Some(parent) = current.parent() {
                current = parent;
                steps += 1;
                assert!(steps < 5, "{} has a loop of parents", kind.name());
            }
        }
    }

    #[test]
    fn nothing_inherits_from_a_write_race() {
        assert!(
            FailureKind::ALL
                .iter()
                .all(|k| k.parent() != Some(FailureKind::Conflict))
        );
    }
}
