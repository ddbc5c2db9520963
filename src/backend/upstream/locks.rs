//! One writer at a time for a user and for an account: what was looked at is what is written.
//!
//! In this process only. Who writes at the IdP itself is told apart by the IdP's own refusals.

use std::hash::{DefaultHasher, Hash, Hasher};

use tokio::sync::{Mutex, MutexGuard};

/// So many locks; keys share them.
const STRIPES: usize = 256;

/// The locks of one upstream.
#[derive(Debug)]
pub(super) struct Locks(Vec<Mutex<()>>);

impl Locks {
    pub(super) fn new() -> Self {
        Self((0..STRIPES).map(|_| Mutex::new(())).collect())
    }

    /// Waits for all of these keys. They are taken in one order, so that no two writers wait for each other.
    pub(super) async fn take(&self, keys: &[(&str, &str, &str)]) -> Vec<MutexGuard<'_, ()>> {
        let mut stripes: Vec<usize> = keys.iter().map(stripe).collect();
        stripes.sort_unstable();
        stripes.dedup();
        let mut guards = Vec::with_capacity(stripes.len());
        for lock in stripes.into_iter().filter_map(|index| self.0.get(index)) {
            guards.push(lock.lock().await);
        }
        guards
    }
}

fn stripe(key: &(&str, &str, &str)) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    usize::try_from(hasher.finish() % STRIPES as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_is_held_by_one_at_a_time_and_two_names_of_one_stripe_do_not_lock_themselves_out()
    {
        let locks = Locks::new();
        let held = locks
            .take(&[("user", "acme", "u-1"), ("user", "acme", "u-1")])
            .await;
        assert_eq!(held.len(), 1);
        let second = locks.take(&[("user", "acme", "u-1")]);
        let waited = tokio::time::timeout(std::time::Duration::from_millis(20), second).await;
        assert!(waited.is_err());
        drop(held);
        assert_eq!(locks.take(&[("user", "acme", "u-1")]).await.len(), 1);
    }
}
