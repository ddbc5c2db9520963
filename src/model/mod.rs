//! The canonical vocabulary: links, providers, users, tenants, operations, outcomes and failures.
//!
//! Nothing here is serialisable, knows HTTP, reads a clock or does I/O. Wire shapes live in
//! `mapping` and `dialect`, rows in `backend`; times, ids and random values are handed in.

pub mod exchange;
pub mod failure;
pub mod field;
pub mod id;
pub mod link;
pub mod operation;
pub mod outcome;
pub mod record;
pub mod secret;
pub mod time;

pub use exchange::{OwnedRequest, Request, Response};
pub use failure::{Failure, FailureKind, Place, Problem, Why};
pub use field::{Field, FieldType};
pub use id::{ClientName, LinkId, ProviderId, Subject, TenantId, UserId, VendorName};
pub use link::{Alias, Link, PendingLink, Protocol, Provider, ProviderKind, User};
pub use operation::{
    Action, Attribute, DocumentChange, NewLink, Operation, OperationKind, Origin, Page, PatchStep,
    PutMode, Rules, Target, Which,
};
pub use outcome::{How, LinkLimit, Outcome};
pub use record::{Record, Value};
pub use secret::Secret;
pub use time::{Instant, MAX_TOKEN_SECONDS};
