//! What goes first when not everything can.

use crate::model::OperationKind;

/// How much an operation matters under overload, the least first.
///
/// Taking a link away comes before looking at one: it is what somebody does whose account was stolen.
/// Making links comes last, since whoever makes one comes back and tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Links, pending links and users are made or changed.
    Create,
    /// Many things are looked at.
    List,
    /// One thing is looked at; a client gets its token.
    Get,
    /// Something is taken away.
    Delete,
    /// Whether linkbridge can serve.
    Health,
}

impl Priority {
    /// Every priority, the least first.
    pub const ALL: [Priority; 5] = [
        Priority::Create,
        Priority::List,
        Priority::Get,
        Priority::Delete,
        Priority::Health,
    ];

    /// How much an operation matters.
    #[must_use]
    pub fn of(kind: OperationKind) -> Self {
        use OperationKind as K;
        match kind {
            K::Status | K::TokenDescribe => Self::Health,
            K::LinkDelete | K::UserDelete => Self::Delete,
            K::LinkGet | K::LinkFind | K::PendingGet | K::ProviderGet | K::UserGet => Self::Get,
            K::TokenIssue => Self::Get,
            K::LinkList | K::ProviderList | K::UserList => Self::List,
            K::LinkCreate | K::PendingCreate | K::PendingComplete => Self::Create,
            K::UserPut | K::UserCreate | K::UserUpdate | K::UserAlias => Self::Create,
        }
    }

    /// How much a request matters of which only the method is known.
    #[must_use]
    pub fn of_method(method: &http::Method) -> Self {
        match *method {
            http::Method::DELETE => Self::Delete,
            http::Method::GET | http::Method::HEAD | http::Method::OPTIONS => Self::Get,
            _ => Self::Create,
        }
    }

    /// The word in logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::List => "list",
            Self::Get => "get",
            Self::Delete => "delete",
            Self::Health => "health",
        }
    }

    /// Its place in [`Priority::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Create => 0,
            Self::List => 1,
            Self::Get => 2,
            Self::Delete => 3,
            Self::Health => 4,
        }
    }

    /// How many of `limit` slots may be taken before this priority gets no more: the rest is kept for what
    /// matters more, so that a flood of creates never fills what a delete needs. Never none.
    pub(super) fn share(self, limit: usize) -> usize {
        let eighths = match self {
            Self::Create => 6,
            Self::List => 7,
            Self::Get | Self::Delete | Self::Health => 8,
        };
        (limit.saturating_mul(eighths) / 8).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_away_goes_before_what_looks_and_that_before_what_makes() {
        let order = [
            OperationKind::LinkCreate,
            OperationKind::LinkList,
            OperationKind::LinkGet,
            OperationKind::LinkDelete,
            OperationKind::Status,
        ];
        let priorities = order.map(Priority::of);
        assert_eq!(priorities, Priority::ALL);
        assert!(priorities.is_sorted());
        for (index, priority) in Priority::ALL.into_iter().enumerate() {
            assert_eq!(priority.index(), index);
        }
    }

    #[test]
    fn what_matters_less_leaves_room_for_what_matters_more() {
        for limit in 1..200 {
            let shares = Priority::ALL.map(|priority| priority.share(limit));
            assert!(shares.is_sorted());
            assert!(shares[0] >= 1 && shares[4] == limit);
            assert!(limit < 8 || shares[0] < shares[2]);
        }
    }
}
