//! The upstream as a backend.

use std::sync::Arc;

use super::Settings;
use super::exchange::Exchange;
use super::state::State;
use crate::backend::{Answer, Atomicity, Backend, BoxFuture};
use crate::directory::{Aliases, Directory};
use crate::model::{Failure, Operation};

/// What an upstream works with.
pub struct Parts {
    /// Tenants and providers.
    pub directory: Arc<Directory>,
    /// Users' ids.
    pub aliases: Arc<dyn Aliases>,
    /// The store beside it.
    pub local: Arc<dyn Backend>,
    /// What is kept beside it.
    pub state: Arc<dyn State>,
}

/// An IdP that keeps links.
pub struct Upstream {
    exchange: Arc<dyn Exchange>,
}

impl Upstream {
    /// Opens it. Nothing is called yet.
    #[must_use]
    pub fn open(_settings: Settings, exchange: Arc<dyn Exchange>, _parts: Parts) -> Self {
        Self { exchange }
    }
}

fn unsupported(operation: &Operation) -> Answer {
    Err(Failure::Unsupported {
        operation: operation.action.kind(),
    })
}

impl Backend for Upstream {
    fn apply(&self, operation: Operation) -> BoxFuture<'_, Answer> {
        Box::pin(std::future::ready(unsupported(&operation)))
    }

    fn apply_all(&self, operations: Vec<Operation>, _: Atomicity) -> BoxFuture<'_, Vec<Answer>> {
        let answers = operations.iter().map(unsupported).collect();
        Box::pin(std::future::ready(answers))
    }

    fn ready(&self) -> bool {
        self.exchange.ready()
    }
}
