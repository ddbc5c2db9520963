//! What is kept beside an upstream, in the same database as everything else.
//!
//! - The **index**: which users may hold an account, for vendors that cannot look it up. A row is a
//!   candidate, no proof: whoever finds one asks the IdP. Rows are written *before* a link is made there,
//!   so that no acknowledged link is ever missing.
//! - The **overlay**: writes that the IdP has acknowledged and its lists may not show yet.
//! - The **residual**: what the vendor cannot hold of a link (token, instants, a name).
//! - The spending of pending links, which live here whatever keeps the links.

use crate::backend::BoxFuture;
use crate::model::{
    Failure, Instant, LinkId, Operation, PendingLink, ProviderId, Secret, Subject, TenantId, UserId,
};

/// What an IdP is about to be asked to change, for the audit.
#[derive(Clone, Debug)]
pub struct Intended {
    /// Whose.
    pub user_id: UserId,
    /// Which account is linked or no longer; `None` where it is the user that changes.
    pub account: Option<(ProviderId, Subject)>,
}

/// A request that is about to be made, as the audit has it.
#[derive(Debug)]
pub struct Intent {
    /// The number of its record.
    pub seq: i64,
    /// What it is about.
    pub intended: Intended,
    /// Whether it is written down what became of it, or was tried to.
    pub is_concluded: bool,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// The IdP has done it.
    Done,
    /// It has not.
    Failed,
    /// Nobody knows.
    Unknown,
}

impl Came {
    /// The word of the audit.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Came::Done => "ok",
            Came::Failed => "failed",
            Came::Unknown => "unknown",
        }
    }

    /// What an answer says of it.
    pub fn of<T>(answer: &Result<T, Failure>) -> Self {
        match answer {
            Ok(_) => Came::Done,
            Err(Failure::OutcomeUnknown) => Came::Unknown,
            Err(_) => Came::Failed,
        }
    }
}

/// What is written down when it is known, or known not to be known, what became of a request.
#[derive(Clone, Debug)]
pub struct Ending {
    /// What became of it.
    pub came: Came,
    /// What the IdP calls the request.
    pub request_id: Option<String>,
    /// Rows of links that were made or are marked as deleted.
    pub put: Vec<Row>,
    /// Rows that are forgotten.
    pub forget: Vec<Row>,
}

/// One link of an upstream, as it is known here.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Whose user.
    pub tenant: TenantId,
    /// Who may hold it.
    pub user_id: UserId,
    /// At which provider.
    pub provider_id: ProviderId,
    /// As whom.
    pub subject: Subject,
    /// The id that the vendor knows the link by, if it has one.
    pub vendor_link_id: Option<String>,
    /// A name to show that the vendor cannot hold. Empty: none was given, and the vendor, which wants one, was
    /// told the account's.
    pub display_name: Option<String>,
    /// A token that the vendor cannot hold; encrypted at rest.
    pub token: Option<Secret>,
    /// When it was made, where the vendor does not say.
    pub created_at: Option<Instant>,
    /// What is known of it.
    pub mark: Mark,
}

impl Row {
    /// The canonical id of the link.
    #[must_use]
    pub fn link_id(&self) -> LinkId {
        LinkId::of(
            &self.tenant,
            &self.user_id,
            &self.provider_id,
            &self.subject,
        )
    }
}

/// What is known of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It was seen in an answer, or is about to be made: a candidate.
    Candidate,
    /// The IdP has acknowledged that it made it; lists may not show it before this instant.
    Created(Instant),
    /// The IdP has acknowledged that it took it away; lists may show it until this instant.
    Deleted(Instant),
}

/// How far the index of a tenant is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexStatus {
    /// When the last complete scan began; `None` if there was none.
    pub complete_since: Option<Instant>,
    /// Where a scan that is under way goes on; `None` if there is none.
    pub cursor: Option<String>,
    /// When that scan began.
    pub started_at: Option<Instant>,
    /// Users that the scan has seen.
    pub users: u64,
    /// Links that the scan has seen.
    pub links: u64,
}

/// What is kept beside upstreams. `upstream` is the name of a leaf of the backend tree.
pub trait State: Send + Sync {
    /// Writes rows, durably; one that is there is replaced.
    ///
    /// # Errors
    /// `Overloaded` if the store cannot be written to.
    fn put<'a>(&'a self, upstream: &'a str, rows: Vec<Row>) -> BoxFuture<'a, Result<(), Failure>>;

    /// Writes down what an operation has changed of what is kept here: rows that are put, and those that are
    /// forgotten. Each link has a record in the audit, in the same transaction.
    ///
    /// # Errors
    /// As `put`.
    fn acknowledge<'a>(
        &'a self,
        upstream: &'a str,
        operation: &'a Operation,
        put: Vec<Row>,
        forget: Vec<Row>,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// Writes down that the IdP is about to be asked for a change, and rows as `note` does, durably: nothing may
    /// be asked before.
    ///
    /// # Errors
    /// As `put`: then nothing may be asked.
    fn intend<'a>(
        &'a self,
        upstream: &'a str,
        operation: &'a Operation,
        intended: Intended,
        note: Vec<Row>,
    ) -> BoxFuture<'a, Result<Intent, Failure>>;

    /// Writes down what became of it, and what is known by that, in one transaction.
    ///
    /// # Errors
    /// As `put`: then nobody knows what became of it.
    fn conclude<'a>(
        &'a self,
        upstream: &'a str,
        operation: &'a Operation,
        intent: &'a Intent,
        ending: Ending,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// Notes rows that an answer of the IdP showed, durably: none of them says anything but who may hold
    /// what, and the vendor's id. One that is there keeps everything else, unless it is marked as deleted
    /// and lists could not show it any more at `at`: then it is a candidate again. `at` is an instant
    /// before the IdP was asked.
    ///
    /// # Errors
    /// As `put`.
    fn note<'a>(
        &'a self,
        upstream: &'a str,
        rows: Vec<Row>,
        at: Instant,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// Forgets rows, durably.
    ///
    /// # Errors
    /// As `put`.
    fn forget<'a>(
        &'a self,
        upstream: &'a str,
        rows: Vec<Row>,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// The rows of a user, oldest first.
    ///
    /// # Errors
    /// `Overloaded` if the store cannot be read.
    fn of_user(
        &self,
        upstream: &str,
        tenant: &TenantId,
        user: &UserId,
    ) -> Result<Vec<Row>, Failure>;

    /// The rows of an account: whoever may hold it. With `fold`, in any case (Unicode).
    ///
    /// # Errors
    /// As `of_user`.
    fn of_account(
        &self,
        upstream: &str,
        tenant: &TenantId,
        provider: &ProviderId,
        subject: &Subject,
        fold: bool,
    ) -> Result<Vec<Row>, Failure>;

    /// The row of a link.
    ///
    /// # Errors
    /// As `of_user`.
    fn of_link(
        &self,
        upstream: &str,
        tenant: &TenantId,
        link_id: LinkId,
    ) -> Result<Option<Row>, Failure>;

    /// How far the index is.
    ///
    /// # Errors
    /// As `of_user`.
    fn index_status(&self, upstream: &str, tenant: &TenantId) -> Result<IndexStatus, Failure>;

    /// Notes how far the index is, durably.
    ///
    /// # Errors
    /// As `put`.
    fn set_index_status<'a>(
        &'a self,
        upstream: &'a str,
        tenant: &'a TenantId,
        status: IndexStatus,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// Spends a pending link of the operation's tenant, durably: whoever comes second finds none.
    ///
    /// # Errors
    /// `PendingNotFound`; as `put`.
    fn take_pending<'a>(
        &'a self,
        operation: &'a Operation,
        pending_id: &'a Secret,
    ) -> BoxFuture<'a, Result<PendingLink, Failure>>;

    /// Puts a pending link back that was taken and led to nothing: its link was refused, definitely.
    ///
    /// # Errors
    /// As `put`.
    fn give_back_pending<'a>(
        &'a self,
        operation: &'a Operation,
        pending_id: &'a Secret,
        pending: PendingLink,
    ) -> BoxFuture<'a, Result<(), Failure>>;
}
