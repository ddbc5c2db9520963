//! The rules of a front and its tenant, by which the backend decides.

/// What happens when the same link is made again by the same user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRepeat {
    /// [`Failure::LinkExists`](crate::model::Failure::LinkExists).
    #[default]
    Error,
    /// The link that is there is answered, unchanged.
    Same,
}

/// What happens when a link that is not there is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMissingDelete {
    /// [`Failure::LinkNotFound`](crate::model::Failure::LinkNotFound).
    #[default]
    Error,
    /// An empty outcome.
    Same,
}

/// Within what an account at a provider has one holder at most, besides the tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UniqueScope {
    /// Nothing more.
    #[default]
    Tenant,
    /// All tenants together.
    Instance,
}

/// How subjects are compared where a link is made. Looking up is always exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubjectCase {
    /// Byte for byte.
    #[default]
    Exact,
    /// In lower case (Unicode), too.
    Fold,
}

/// What happens to the last link of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastFactor {
    /// It can be deleted like any other.
    #[default]
    Ignore,
    /// [`Failure::LastFactor`](crate::model::Failure::LastFactor).
    Keep,
}

/// The front's and the tenant's rules. They travel in the operation and are decided by the backend
/// in the writing transaction, so that two racing requests cannot break them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// A repeated create.
    pub on_repeat: OnRepeat,
    /// A delete of nothing.
    pub on_missing_delete: OnMissingDelete,
    /// The most links of one user; one more is
    /// [`Failure::UserAlreadyLinked`](crate::model::Failure::UserAlreadyLinked). `None` = no limit.
    pub per_user: Option<u32>,
    /// Where else an account must be free.
    pub unique_scope: UniqueScope,
    /// How it is compared there.
    pub subject_case: SubjectCase,
    /// The last link of a user.
    pub last_factor: LastFactor,
    /// The most links of one user at one provider; `None` = no limit.
    pub per_user_provider: Option<u32>,
    /// Only users of the directory exist; else any well-formed id does.
    pub known_users: bool,
}
