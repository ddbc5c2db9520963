//! Kinds: failures without their particulars, which the error table of a mapping words; and whose fault
//! each is.

use super::Failure;

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
