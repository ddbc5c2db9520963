//! Classes of operations, which have rates of their own.

use super::rate::Rate;
use crate::model::OperationKind;

/// What kind of thing an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It looks at links, users or providers.
    Read,
    /// It makes or changes something.
    Create,
    /// It takes something away.
    Delete,
    /// Health, tokens, what is passed on.
    Other,
}

impl Class {
    /// The class of an operation.
    #[must_use]
    pub fn of(kind: OperationKind) -> Self {
        use OperationKind as K;
        match kind {
            K::LinkGet | K::LinkFind | K::LinkList | K::PendingGet => Self::Read,
            K::ProviderList | K::ProviderGet | K::UserGet | K::UserList => Self::Read,
            K::LinkCreate | K::PendingCreate | K::PendingComplete => Self::Create,
            K::UserPut | K::UserCreate | K::UserUpdate | K::UserAlias => Self::Create,
            K::LinkDelete | K::UserDelete => Self::Delete,
            K::Status | K::TokenIssue | K::TokenDescribe => Self::Other,
        }
    }
}

/// A rate for each class; `None` = no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassRates {
    /// What reads.
    pub read: Option<Rate>,
    /// What makes or changes something.
    pub create: Option<Rate>,
    /// What takes something away.
    pub delete: Option<Rate>,
    /// Everything else.
    pub other: Option<Rate>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_writes_is_never_a_read() {
        for kind in OperationKind::ALL {
            let class = Class::of(*kind);
            let changes = matches!(class, Class::Create | Class::Delete);
            assert_eq!(kind.writes(), changes, "{}", kind.name());
        }
    }
}
