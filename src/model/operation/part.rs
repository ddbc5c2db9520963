//! What actions speak of beside ids: which links and users are meant, and what changes.

use crate::model::{LinkId, ProviderId, Secret, Subject, UserId};

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
    /// such user ([`Failure::UserNotFound`](crate::model::Failure::UserNotFound)); the user has no link at
    /// these providers ([`Failure::NothingLinked`](crate::model::Failure::NothingLinked)); the rule about
    /// the last link; no account is named ([`Failure::Invalid`](crate::model::Failure::Invalid)); the user
    /// does not have it ([`Failure::LinkNotFound`](crate::model::Failure::LinkNotFound)).
    /// [`OnMissingDelete::Same`](super::OnMissingDelete::Same) makes an empty outcome of the second and of
    /// the last.
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
        /// Whether more than one may go; if not, several are [`Failure::Invalid`](crate::model::Failure::Invalid).
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
/// [`Failure::Invalid`](crate::model::Failure::Invalid) with the field `attribute`.
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
    /// [`Failure::Invalid`](crate::model::Failure::Invalid) with the field `patch`.
    Patch(Vec<PatchStep>),
}

/// Whether a user who is put must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutMode {
    /// Made or changed.
    Either,
    /// Not there yet, else [`Failure::LinkExists`](crate::model::Failure::LinkExists).
    Create,
    /// There, else [`Failure::UserNotFound`](crate::model::Failure::UserNotFound).
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
