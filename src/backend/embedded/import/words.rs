//! What goes into an import, and what comes out of it.

use std::fmt;
use std::sync::Arc;

use super::order::order;
use super::progress::Position;
use crate::backend::embedded::task::Stop;
use crate::model::{Alias, ClientName, Origin, TenantId, UserId, VendorName};

/// One user with what a file says of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whose.
    pub tenant: TenantId,
    /// Canonical id.
    pub user_id: UserId,
    /// The document, as JSON text; `None` keeps the one that is there.
    pub document: Option<String>,
    /// Ids to add.
    pub ids: Vec<Alias>,
}

/// What an accepted row came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Everything that it says was so.
    Unchanged,
    /// Something was written.
    Written {
        /// Whether the user is new.
        created: bool,
        /// How many ids were added that were nobody's.
        ids: u64,
        /// How many ids were moved from another user, or took the place of the user's old one.
        moved: u64,
    },
}

/// Why a row is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another user has the id at the vendor, by an alias or because it is that user's canonical one.
    Taken {
        /// The vendor.
        vendor: VendorName,
        /// Who has it.
        holder: UserId,
    },
    /// The user has another id at the vendor.
    HasAnother {
        /// The vendor.
        vendor: VendorName,
        /// The id there.
        id: String,
    },
    /// Canonical ids are what they are; nobody gets another one.
    Canonical,
}

/// What a row came to.
pub type Verdict = Result<Done, Refusal>;

/// What an import is about.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// Who it is in the audit.
    pub client: ClientName,
    /// How it comes, there.
    pub origin: Arc<Origin>,
    /// Why ids may be moved; without a reason none is.
    pub rebind: Option<String>,
    /// What the file is known by; without it nothing is remembered.
    pub file: Option<[u8; 32]>,
}

/// What goes into one transaction.
#[derive(Debug)]
pub struct Batch {
    pub(super) rows: Vec<Row>,
    pub(super) order: Vec<usize>,
    /// How many of the first rows of the order have nothing to do with others.
    pub(super) apart: usize,
    pub(super) unreadable: u64,
    pub(super) until: Position,
}

impl Batch {
    /// The rows of a file up to a place. `unreadable` lines among them were refused before they were
    /// rows. This does what can be done apart from the store, on a thread of its own.
    #[must_use]
    pub fn new(rows: Vec<Row>, unreadable: u64, until: Position) -> Self {
        let (order, apart) = order(&rows);
        Self {
            order,
            apart,
            rows,
            unreadable,
            until,
        }
    }
}

/// Why an import ended early. Every batch before this one is kept.
#[derive(Debug)]
pub struct ImportError(pub(super) String);

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<rusqlite::Error> for ImportError {
    fn from(error: rusqlite::Error) -> Self {
        Self(format!(
            "the store cannot be used: {error}; what was committed before is kept"
        ))
    }
}

impl From<Stop> for ImportError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Sql(error) => error.into(),
            Stop::Damaged(what) => Self(format!("the store is damaged: {what}")),
            Stop::Refused(failure) => Self(format!("the store refuses: {failure:?}")),
        }
    }
}
