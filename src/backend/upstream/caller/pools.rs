//! Connections of each worker for itself: a connection lives on the runtime that made it, and ends with it.
//! Were they shared, a worker that has drained would take the calls of the others with it.

use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Handle, Id};

use crate::outbound::{self, Client, StartFault};

/// The most runtimes that are remembered. There is one for each core; only tests have more.
const MAX_RUNTIMES: usize = 256;

pub(super) struct Pools {
    /// Has no connections; the others are made after it.
    model: Client,
    clients: Mutex<Vec<(Id, Client)>>,
}

impl Pools {
    /// # Errors
    /// As [`Client::new`].
    pub(super) fn new(settings: &outbound::Settings) -> Result<Self, StartFault> {
        Ok(Self {
            model: Client::new(settings)?,
            clients: Mutex::default(),
        })
    }

    /// The client of the runtime that asks.
    pub(super) fn here(&self) -> Client {
        let id = Handle::current().id();
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(of, _)| *of == id) {
            return client.clone();
        }
        if clients.len() >= MAX_RUNTIMES {
            clients.clear();
        }
        let client = self.model.apart();
        clients.push((id, client.clone()));
        client
    }
}
