//! Backends: where operations are carried out.
//!
//! A backend gets operations in canonical ids and answers outcomes or failures. It knows no front
//! and no configuration file. Rules are decided in the writing transaction. One conformance
//! suite (`tests/it/backend`) holds for every implementation.

pub mod embedded;
pub mod route;
pub mod tally;
pub mod upstream;

use std::future::Future;
use std::pin::Pin;

use crate::model::{Failure, Operation, Outcome};

/// What one operation comes to.
pub type Answer = Result<Outcome, Failure>;

/// A boxed future, so that backends can be trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whether the operations of a batch stand or fall together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Atomicity {
    /// All or none: if one fails, the others are undone and answer the same failure.
    Together,
    /// Each for itself.
    Each,
}

/// Where operations are carried out.
pub trait Backend: Send + Sync {
    /// Carries out one operation. An `Ok` of a write means: it survives `kill -9` and power loss.
    fn apply(&self, operation: Operation) -> BoxFuture<'_, Answer>;

    /// Carries out several operations in order; one answer each.
    fn apply_all(
        &self,
        operations: Vec<Operation>,
        atomicity: Atomicity,
    ) -> BoxFuture<'_, Vec<Answer>>;

    /// Whether writes can be expected to succeed now.
    fn ready(&self) -> bool;
}
