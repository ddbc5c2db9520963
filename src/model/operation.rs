//! Operations: what a client may ask for, in canonical ids and with the rules of its front.

mod kind;
mod part;
mod rules;

// An address is a value here: `core` has nothing that opens a socket.
use core::net::IpAddr;
use std::sync::Arc;

use super::{
    Alias, ClientName, Instant, LinkId, ProviderId, ProviderKind, Secret, Subject, TenantId,
    UserId, VendorName,
};

pub use self::kind::OperationKind;
pub use self::part::{Attribute, DocumentChange, NewLink, Page, PatchStep, PutMode, Target, Which};
pub use self::rules::{LastFactor, OnMissingDelete, OnRepeat, Rules, SubjectCase, UniqueScope};

/// What is to be done.
///
/// A user exists who is in the directory; where any well-formed id is one
/// ([`Rules::known_users`] is not set), also who holds a link.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Answers [`Outcome::Link`](super::Outcome::Link).
    LinkCreate {
        /// Who.
        user_id: UserId,
        /// Where.
        provider_id: ProviderId,
        /// As whom.
        subject: Subject,
        /// A name to show.
        display_name: Option<String>,
        /// The provider's token.
        token: Option<Secret>,
        /// Attributes of the user that are written in the same transaction.
        attributes: Vec<Attribute>,
    },
    /// Answers [`Outcome::Link`](super::Outcome::Link).
    LinkGet {
        /// Which.
        link_id: LinkId,
        /// The holder, as a guard.
        user_id: Option<UserId>,
    },
    /// Answers [`Outcome::Link`](super::Outcome::Link).
    LinkFind {
        /// Where.
        provider_id: ProviderId,
        /// As whom.
        subject: Subject,
        /// The holder, as a guard.
        user_id: Option<UserId>,
    },
    /// Answers [`Outcome::Links`](super::Outcome::Links), oldest first.
    LinkList {
        /// Who.
        user_id: UserId,
        /// Only there.
        provider_id: Option<ProviderId>,
        /// Only as this account.
        subject: Option<Subject>,
        /// Which part.
        page: Page,
    },
    /// Answers [`Outcome::Links`](super::Outcome::Links): what was removed.
    LinkDelete(Target),
    /// Answers [`Outcome::Pending`](super::Outcome::Pending).
    PendingCreate {
        /// The new id, made by the server from 256 random bits; only its hash is stored.
        pending_id: Secret,
        /// Where.
        provider_id: ProviderId,
        /// As whom.
        subject: Subject,
        /// A name to show.
        display_name: Option<String>,
        /// The account's e-mail address.
        email: Option<String>,
        /// The account's user name.
        username: Option<String>,
        /// The provider's token, for the link to come.
        token: Option<Secret>,
        /// When it ends.
        expires_at: Instant,
    },
    /// Answers [`Outcome::Pending`](super::Outcome::Pending).
    PendingGet {
        /// Which.
        pending_id: Secret,
        /// Count this user's links at the provider.
        user_id: Option<UserId>,
    },
    /// Answers [`Outcome::Link`](super::Outcome::Link); the pending link is taken in the same transaction.
    PendingComplete {
        /// Which.
        pending_id: Secret,
        /// Who.
        user_id: UserId,
    },
    /// Answers [`Outcome::Providers`](super::Outcome::Providers).
    ProviderList {
        /// Only names that hold this text, in any case; `*` stands for anything.
        name: Option<String>,
        /// Only this kind.
        kind: Option<ProviderKind>,
        /// Which part.
        page: Page,
    },
    /// Answers [`Outcome::Provider`](super::Outcome::Provider).
    ProviderGet {
        /// By key.
        provider_id: Option<ProviderId>,
        /// By a mail domain it is responsible for.
        domain: Option<String>,
    },
    /// Answers [`Outcome::User`](super::Outcome::User).
    UserGet {
        /// Who.
        user_id: UserId,
        /// Whether the links are answered, too.
        links: bool,
    },
    /// Answers [`Outcome::User`](super::Outcome::User) with the links that the user then has. All of it or nothing.
    UserPut {
        /// Who.
        user_id: UserId,
        /// Whether the user must be there.
        mode: PutMode,
        /// What happens to the document; `None` keeps the one that is there.
        document: Option<DocumentChange>,
        /// Ids to add; insert-only, as in `UserAlias`.
        ids: Vec<Alias>,
        /// Links to make, each under the rules of `LinkCreate`.
        links: Vec<NewLink>,
    },
    /// Answers [`Outcome::Users`](super::Outcome::Users), by id.
    UserList {
        /// Which of them.
        which: Which,
        /// Only those whose id comes after this one.
        after: Option<UserId>,
        /// Which part of these.
        page: Page,
        /// Whether their links are answered, too.
        links: bool,
    },
    /// Answers [`Outcome::User`](super::Outcome::User): the removed user. Its links, aliases go too.
    UserDelete {
        /// Who.
        user_id: UserId,
    },
    /// Answers [`Outcome::User`](super::Outcome::User). An alias that another user holds is
    /// [`Failure::SubjectTaken`](super::Failure::SubjectTaken), unless `rebind` gives a reason.
    UserAlias {
        /// Who.
        user_id: UserId,
        /// At which vendor.
        vendor: VendorName,
        /// Under which id.
        vendor_id: String,
        /// Why it may be moved from another user.
        rebind: Option<String>,
    },
    /// Answers [`Outcome::Status`](super::Outcome::Status).
    Status,
}

impl Action {
    /// The name of the operation.
    #[must_use]
    pub fn kind(&self) -> OperationKind {
        use OperationKind as K;
        match self {
            Action::LinkCreate { .. } => K::LinkCreate,
            Action::LinkGet { .. } => K::LinkGet,
            Action::LinkFind { .. } => K::LinkFind,
            Action::LinkList { .. } => K::LinkList,
            Action::LinkDelete(_) => K::LinkDelete,
            Action::PendingCreate { .. } => K::PendingCreate,
            Action::PendingGet { .. } => K::PendingGet,
            Action::PendingComplete { .. } => K::PendingComplete,
            Action::ProviderList { .. } => K::ProviderList,
            Action::ProviderGet { .. } => K::ProviderGet,
            Action::UserGet { .. } => K::UserGet,
            Action::UserPut { mode, .. } => match mode {
                PutMode::Either => K::UserPut,
                PutMode::Create => K::UserCreate,
                PutMode::Update => K::UserUpdate,
            },
            Action::UserList { .. } => K::UserList,
            Action::UserDelete { .. } => K::UserDelete,
            Action::UserAlias { .. } => K::UserAlias,
            Action::Status => K::Status,
        }
    }
}

/// How an operation came to be asked for: what the audit says of it beside the client. Nothing of it decides
/// anything, and nothing of it is a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address that the request came from.
    pub source: Option<IpAddr>,
    /// By what the client was known: the start of a key's hash, the name of a token.
    pub credential: Option<Arc<str>>,
    /// Through which front, or by which verb of the command line.
    pub front: Option<Arc<str>>,
    /// The digest of the front's mapping.
    pub mapping: Option<[u8; 32]>,
    /// What the request is called.
    pub request_id: Option<Arc<str>>,
}

/// One operation, ready to be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Whose data.
    pub tenant: TenantId,
    /// On whose behalf.
    pub client: ClientName,
    /// How it came.
    pub origin: Arc<Origin>,
    /// When; the backend reads no clock.
    pub at: Instant,
    /// Under which rules.
    pub rules: Rules,
    /// What.
    pub action: Action,
}
