//! Where budgets are kept: a table of a fixed size, however many keys there are.
//!
//! A key is a seeded hash, so nobody can choose where it falls. It leads to a set of eight slots, of which one
//! is the key's as long as its budget is not whole. When all eight are taken by others, the least used budget
//! gives way, which forgives its key what little it has used: nobody is ever refused for what another key
//! did, and whoever wants a used-up budget to be forgotten must use up eight others of the same set first.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;

const WAYS: usize = 8;

/// A budget. Times are nanoseconds since the limiter has begun.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    /// Whose it is; 0 is nobody.
    key: u64,
    /// When it is whole again (GCRA's theoretical arrival time).
    pub(super) whole_at: u64,
    /// From when on nobody has been told to come back.
    pub(super) promised: u64,
}

type Set = [Slot; WAYS];

/// The table. Sets are made when they are first used.
#[derive(Debug)]
pub(super) struct Slots {
    sets: Box<[OnceLock<Box<Mutex<Set>>>]>,
    kept: AtomicUsize,
}

impl Slots {
    /// Room for eight times as many keys as there are sets, a power of two.
    pub(super) fn new(sets: usize) -> Arc<Self> {
        let sets = sets.next_power_of_two();
        Arc::new(Self {
            sets: (0..sets).map(|_| OnceLock::new()).collect(),
            kept: AtomicUsize::new(0),
        })
    }

    /// How many keys there are.
    pub(super) fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    fn set(&self, key: u64) -> Option<MutexGuard<'_, Set>> {
        let mask = self.sets.len().checked_sub(1)? as u64;
        let index = usize::try_from(key & mask).ok()?;
        let set = self.sets.get(index)?;
        let set = set.get_or_init(|| Box::new(Mutex::new([Slot::default(); WAYS])));
        Some(set.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does something with the slot of a key that has one.
    pub(super) fn with<T>(&self, key: u64, act: impl FnOnce(&mut Slot) -> T) -> Option<T> {
        let mut set = self.set(key)?;
        set.iter_mut().find(|slot| slot.key == named(key)).map(act)
    }

    /// Forgets the keys whose budgets are whole at this time, and who was promised nothing later.
    pub(super) fn prune(&self, now: u64) {
        let mut kept = 0;
        for set in self.sets.iter().filter_map(OnceLock::get) {
            let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
            for slot in set.iter_mut().filter(|slot| slot.key != 0) {
                if slot.whole_at.max(slot.promised) <= now {
                    *slot = Slot::default();
                } else {
                    kept += 1;
                }
            }
        }
        self.kept.store(kept, Ordering::Relaxed);
    }
}

/// The key as it stands in its slot, where 0 is nobody.
fn named(key: u64) -> u64 {
    key.max(1)
}

/// The table as `governor` uses it.
#[derive(Clone, Debug)]
pub(super) struct Store(pub(super) Arc<Slots>);

impl StateStore for Store {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let Some(mut set) = self.0.set(*key) else {
            // There is a set for every key.
            return f(None).map(|(answer, _)| answer);
        };
        let key = named(*key);
        if let Some(slot) = set.iter_mut().find(|slot| slot.key == key) {
            let (answer, whole_at) = f(Some(Nanos::new(slot.whole_at)))?;
            slot.whole_at = whole_at.as_u64();
            return Ok(answer);
        }
        let (answer, whole_at) = f(None)?;
        // A free one has the time 0, so it comes first.
        if let Some(slot) = set.iter_mut().min_by_key(|slot| slot.whole_at) {
            if slot.key == 0 {
                self.0.kept.fetch_add(1, Ordering::Relaxed);
            }
            *slot = Slot {
                key,
                whole_at: whole_at.as_u64(),
                promised: 0,
            };
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(store: &Store, key: u64, time: u64) {
        let put: Result<(), ()> = store.measure_and_replace(&key, |_| Ok(((), Nanos::new(time))));
        put.unwrap();
    }

    fn whole_at(store: &Store, key: u64) -> Option<u64> {
        store.0.with(key, |slot| slot.whole_at)
    }

    #[test]
    fn the_least_used_gives_way_and_a_heavy_one_stays() {
        let store = Store(Slots::new(1));
        put(&store, 100, 1_000_000);
        for key in 1..10_000 {
            put(&store, key + 1000, 10 + key % 7);
        }
        assert_eq!(whole_at(&store, 100), Some(1_000_000));
        assert_eq!(store.0.kept(), WAYS);
    }

    #[test]
    fn every_key_has_a_slot_of_its_own_while_there_is_room() {
        let store = Store(Slots::new(1));
        for key in 0..8 {
            put(&store, key, 5 + key);
        }
        // 0 and 1 are one; no hash is either but once in 2^63.
        assert_eq!(whole_at(&store, 1), Some(6));
        for key in 2..8 {
            assert_eq!(whole_at(&store, key), Some(5 + key));
        }
        store.0.prune(9);
        assert_eq!((store.0.kept(), whole_at(&store, 4)), (3, None));
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let store = Store(Slots::new(4));
        let refused: Result<(), u8> = store.measure_and_replace(&7, |_| Err(1));
        assert_eq!((refused, whole_at(&store, 7)), (Err(1), None));
        put(&store, 7, 3);
        let refused: Result<(), u8> = store.measure_and_replace(&7, |_| Err(1));
        assert_eq!((refused, whole_at(&store, 7)), (Err(1), Some(3)));
    }
}
