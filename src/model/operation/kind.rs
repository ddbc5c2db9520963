//! The names of operations, and what can be said of one by its name.

use crate::model::Field;

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// The name of an operation: what an op of a mapping `does`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum OperationKind { $($(#[$doc])* $variant),* }

        impl OperationKind {
            /// Every operation.
            pub const ALL: &'static [OperationKind] = &[$(OperationKind::$variant),*];
            /// The word that mappings use.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(OperationKind::$variant => $name),* }
            }
            /// The operation of this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(OperationKind::$variant),)* _ => None }
            }
        }
    };
}

operations! {
    /// Make a link.
    LinkCreate = "link.create",
    /// One link by its id.
    LinkGet = "link.get",
    /// One link by provider and subject.
    LinkFind = "link.find",
    /// The links of a user.
    LinkList = "link.list",
    /// Take a link away.
    LinkDelete = "link.delete",
    /// Keep a link that waits for its user.
    PendingCreate = "pending.create",
    /// Look at a pending link.
    PendingGet = "pending.get",
    /// Make the link of a pending one.
    PendingComplete = "pending.complete",
    /// The providers that may be linked.
    ProviderList = "provider.list",
    /// One provider.
    ProviderGet = "provider.get",
    /// One user.
    UserGet = "user.get",
    /// Make or replace a user.
    UserPut = "user.put",
    /// Make a user who is not there yet.
    UserCreate = "user.create",
    /// Change a user who is there.
    UserUpdate = "user.update",
    /// The users of a tenant.
    UserList = "user.list",
    /// Take a user away, links included.
    UserDelete = "user.delete",
    /// Give a user an id at a vendor.
    UserAlias = "user.alias",
    /// Whether linkbridge can serve.
    Status = "status",
    /// Give a client a token for its credential (OAuth 2.0).
    TokenIssue = "token.issue",
    /// Where tokens are given, and for what.
    TokenDescribe = "token.describe",
}

impl OperationKind {
    /// Whether the operation is about tokens of clients, and not about what is kept: no backend is asked.
    #[must_use]
    pub fn is_about_tokens(self) -> bool {
        matches!(
            self,
            OperationKind::TokenIssue | OperationKind::TokenDescribe
        )
    }

    /// Whether the operation changes something.
    #[must_use]
    pub fn writes(self) -> bool {
        use OperationKind as K;
        match self {
            K::LinkCreate | K::LinkDelete | K::PendingCreate | K::PendingComplete => true,
            K::UserPut | K::UserCreate | K::UserUpdate | K::UserDelete | K::UserAlias => true,
            K::LinkGet
            | K::LinkFind
            | K::LinkList
            | K::PendingGet
            | K::ProviderList
            | K::ProviderGet => false,
            K::UserGet | K::UserList | K::Status => false,
            K::TokenIssue | K::TokenDescribe => false,
        }
    }

    /// The field of the list that the operation answers, if it answers one.
    #[must_use]
    pub fn lists(self) -> Option<Field> {
        match self {
            OperationKind::LinkList => Some(Field::Links),
            OperationKind::ProviderList => Some(Field::Providers),
            OperationKind::UserList => Some(Field::Users),
            _ => None,
        }
    }
}
