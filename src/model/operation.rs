//! Operations: what a client may ask for, in canonical ids and with the rules of its front.

// An address is a value here: `core` has nothing that opens a socket.
use core::net::IpAddr;
use std::sync::Arc;

use super::{
    Alias, ClientName, Field, Instant, LinkId, ProviderId, ProviderKind, Secret, Subject, TenantId,
    UserId, VendorName,
};

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

/// What happens when the same link is made again by the same user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRepeat {
    /// [`Failure::LinkExists`](super::Failure::LinkExists).
    #[default]
    Error,
    /// The link that is there is answered, unchanged.
    Same,
}

/// What happens when a link that is not there is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMissingDelete {
    /// [`Failure::LinkNotFound`](super::Failure::LinkNotFound).
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
    /// [`Failure::LastFactor`](super::Failure::LastFactor).
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
    /// [`Failure::UserAlreadyLinked`](super::Failure::UserAlreadyLinked). `None` = no limit.
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

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// How many records to skip.
    pub offset: u64,
    /// The most records to answer; `None` = all.
    pub limit: Option<u64>,
}

/// Which link a delete means.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// By its id; the user, if given, must hold it.
    Id {
        /// The id.
        link_id: LinkId,
        /// The holder, as a guard.
        user_id: Option<UserId>,
    },
    /// By everything that makes a link.
    Exact {
        /// The holder.
        user_id: UserId,
        /// The provider.
        provider_id: ProviderId,
        /// The account.
        subject: Subject,
    },
    /// One of the user's links at some providers. What is wrong is told in this order: there is no
    /// such user ([`Failure::UserNotFound`](super::Failure::UserNotFound)); the user has no link at these providers
    /// ([`Failure::NothingLinked`](super::Failure::NothingLinked)); the rule about the last link; no account is named
    /// ([`Failure::Invalid`](super::Failure::Invalid)); the user does not have it
    /// ([`Failure::LinkNotFound`](super::Failure::LinkNotFound)). [`OnMissingDelete::Same`] makes an
    /// empty outcome of the second and of the last.
    Among {
        /// The holder.
        user_id: UserId,
        /// The providers.
        providers: Vec<ProviderId>,
        /// Where and as whom; `None` if the request does not say.
        account: Option<(ProviderId, Subject)>,
    },
    /// Whatever the user has at the provider.
    AtProvider {
        /// The holder.
        user_id: UserId,
        /// The provider.
        provider_id: ProviderId,
        /// Whether more than one may go; if not, several are [`Failure::Invalid`](super::Failure::Invalid).
        all: bool,
    },
}

impl Target {
    /// The user whom it names as the holder.
    #[must_use]
    pub fn holder(&self) -> Option<&UserId> {
        match self {
            Target::Id { user_id, .. } => user_id.as_ref(),
            Target::Exact { user_id, .. }
            | Target::AtProvider { user_id, .. }
            | Target::Among { user_id, .. } => Some(user_id),
        }
    }
}

/// A link to be made along with its user.
#[derive(Clone, Debug, PartialEq)]
pub struct NewLink {
    /// Where.
    pub provider_id: ProviderId,
    /// As whom.
    pub subject: Subject,
    /// A name to show.
    pub display_name: Option<String>,
    /// The provider's token.
    pub token: Option<Secret>,
    /// The most links of the user at this provider; `None` = no limit.
    pub limit: Option<u32>,
}

/// An attribute of a user that is written into the document along with a link. The document and the
/// objects on the way to it are made where they are absent or null. A path through anything else is
/// [`Failure::Invalid`](super::Failure::Invalid) with the field `attribute`.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The members that lead to it, from the root of the document; never empty.
    pub path: Vec<String>,
    /// The value.
    pub value: serde_json::Value,
    /// Write only what is absent, null or an empty text.
    pub only_if_empty: bool,
}

/// One change of a JSON Patch (RFC 6902): what is set, or removed if there is no value. Objects that are
/// missing on the way to what is set are made.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchStep {
    /// A JSON pointer (RFC 6901).
    pub pointer: String,
    /// The value to add or to put in the place of another; `None` removes.
    pub value: Option<serde_json::Value>,
    /// Whether a value for an element of an array is put before it, not in its place.
    pub inserts: bool,
}

/// What happens to the document of a user.
#[derive(Clone, Debug, PartialEq)]
pub enum DocumentChange {
    /// It is replaced, by JSON text.
    Whole(String),
    /// Some members are replaced; those of them that are not set are taken away. Others stay.
    Members {
        /// The members that are spoken of.
        of: Vec<String>,
        /// The values of those that there are.
        set: serde_json::Map<String, serde_json::Value>,
    },
    /// Changed step by step, or not at all: a step that leads nowhere is
    /// [`Failure::Invalid`](super::Failure::Invalid) with the field `patch`.
    Patch(Vec<PatchStep>),
}

/// Whether a user who is put must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutMode {
    /// Made or changed.
    Either,
    /// Not there yet, else [`Failure::LinkExists`](super::Failure::LinkExists).
    Create,
    /// There, else [`Failure::UserNotFound`](super::Failure::UserNotFound).
    Update,
}

/// Which users are listed.
#[derive(Clone, Debug, PartialEq)]
pub enum Which {
    /// All.
    All,
    /// Those of these ids that there are.
    Ids(Vec<UserId>),
    /// Whoever holds this account.
    Holder {
        /// Where.
        provider_id: ProviderId,
        /// As whom.
        subject: Subject,
    },
    /// Those whose document has this text as its member `username`. (Who has none goes by the id; that
    /// is the caller's to look for.)
    Named(String),
    /// Those whose document has this text as its member `external_id`.
    External(String),
}

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
