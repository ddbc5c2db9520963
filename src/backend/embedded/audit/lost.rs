//! Intents of this process whose outcome could not be kept, until the writer can say `unknown` of them.

use std::sync::{Mutex, PoisonError};

/// Their numbers. There are no more of them than requests were under way when the store failed.
#[derive(Debug, Default)]
pub struct Lost(Mutex<Vec<i64>>);

impl Lost {
    /// One more.
    pub(in crate::backend::embedded) fn add(&self, seq: i64) {
        self.with(|all| all.push(seq));
    }

    /// All of them.
    pub(in crate::backend::embedded) fn all(&self) -> Vec<i64> {
        self.with(|all| all.clone())
    }

    /// These have an outcome now.
    pub(in crate::backend::embedded) fn concluded(&self, these: &[i64]) {
        if !these.is_empty() {
            self.with(|all| all.retain(|seq| !these.contains(seq)));
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Vec<i64>) -> T) -> T {
        // A list of numbers is as good after a panic as before.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
