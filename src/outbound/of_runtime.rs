//! One of a kind for each runtime: a connection lives on the runtime that made it, and ends with it. Were
//! pools of connections shared, a worker that has drained would take the calls of the others with it.

use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Handle, Id};

/// The most runtimes that are remembered. There is one for each core; only tests have more.
const MAX_RUNTIMES: usize = 256;

/// What each runtime has of its own.
#[derive(Debug)]
pub struct OfRuntime<T>(Mutex<Vec<(Id, T)>>);

impl<T> Default for OfRuntime<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> OfRuntime<T> {
    /// That of the runtime that asks; `make` makes it where it is asked for the first time.
    pub fn here(&self, make: impl FnOnce() -> T) -> T {
        let id = Handle::current().id();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = all.iter().find(|(of, _)| *of == id) {
            return known.clone();
        }
        if all.len() >= MAX_RUNTIMES {
            all.clear();
        }
        let made = make();
        all.push((id, made.clone()));
        made
    }
}
