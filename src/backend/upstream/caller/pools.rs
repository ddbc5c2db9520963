//! Connections of each worker for itself.

use crate::outbound::{self, Client, OfRuntime, StartFault};

pub(super) struct Pools {
    /// Has no connections; the others are made after it.
    model: Client,
    clients: OfRuntime<Client>,
}

impl Pools {
    /// # Errors
    /// As [`Client::new`].
    pub(super) fn new(settings: &outbound::Settings) -> Result<Self, StartFault> {
        Ok(Self {
            model: Client::new(settings)?,
            clients: OfRuntime::default(),
        })
    }

    /// The client of the runtime that asks.
    pub(super) fn here(&self) -> Client {
        self.clients.here(|| self.model.apart())
    }
}
