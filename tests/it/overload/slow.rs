//! A backend that can do so much and no more: the store, behind a door for a few at a time who take their
//! time. What it can do does not depend on the machine.

use std::sync::Arc;
use std::time::Duration;

use linkbridge::backend::embedded::Embedded;
use linkbridge::backend::{Answer, Atomicity, Backend, BoxFuture};
use linkbridge::model::{Action, Operation};
use tokio::sync::Semaphore;

pub(super) struct Slow {
    pub(super) store: Arc<Embedded>,
    pub(super) door: Semaphore,
    pub(super) takes: Duration,
}

impl Backend for Slow {
    fn apply(&self, operation: Operation) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            if !matches!(operation.action, Action::Status) {
                let _turn = self.door.acquire().await;
                tokio::time::sleep(self.takes).await;
            }
            self.store.apply(operation).await
        })
    }

    fn apply_all(
        &self,
        operations: Vec<Operation>,
        atomicity: Atomicity,
    ) -> BoxFuture<'_, Vec<Answer>> {
        self.store.apply_all(operations, atomicity)
    }

    fn ready(&self) -> bool {
        self.store.ready()
    }
}
