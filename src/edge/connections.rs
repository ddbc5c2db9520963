//! How many connections: in all, at one listener, and of one source address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::rate_limit::source_key;

/// Counts open connections.
#[derive(Debug)]
pub struct Connections {
    most: Most,
    open: Mutex<Open>,
    counts: Counts,
}

/// The most connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    /// In all.
    pub total: usize,
    /// At one listener, so that a flood at one leaves room for the others.
    pub per_listener: usize,
    /// Of one address (IPv6: of one /64).
    pub per_source: usize,
}

/// How many connections were not taken, and why. Read with [`Ordering::Relaxed`].
#[derive(Debug, Default)]
pub struct Counts {
    /// There were as many as there may be.
    pub refused_total: AtomicU64,
    /// There were as many as there may be at the listener.
    pub refused_listener: AtomicU64,
    /// There were as many as there may be of the source.
    pub refused_source: AtomicU64,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_listener: HashMap<u16, usize>,
    by_source: HashMap<(bool, u64), usize>,
}

/// The place of one open connection; given back when it is dropped.
#[derive(Debug)]
pub struct Slot {
    connections: Arc<Connections>,
    listener: u16,
    source: (bool, u64),
}

impl Connections {
    /// No more than these.
    #[must_use]
    pub fn new(most: Most) -> Arc<Self> {
        Arc::new(Self {
            most,
            open: Mutex::default(),
            counts: Counts::default(),
        })
    }

    /// A place for a connection from `address` at the listener with this port, if one is free.
    #[must_use]
    pub fn admit(self: &Arc<Self>, listener: u16, address: IpAddr) -> Option<Slot> {
        let source = source_key(address);
        let mut open = self.lock();
        let of_listener = open.by_listener.get(&listener).copied().unwrap_or(0);
        let of_source = open.by_source.get(&source).copied().unwrap_or(0);
        let (most, counts) = (&self.most, &self.counts);
        let full = [
            (open.total >= most.total, &counts.refused_total),
            (of_listener >= most.per_listener, &counts.refused_listener),
            (of_source >= most.per_source, &counts.refused_source),
        ];
        if let Some((_, count)) = full.into_iter().find(|(is_full, _)| *is_full) {
            count.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        open.total += 1;
        open.by_listener.insert(listener, of_listener + 1);
        open.by_source.insert(source, of_source + 1);
        Some(Slot {
            connections: Arc::clone(self),
            listener,
            source,
        })
    }

    /// How many there are, and how many there may be.
    #[must_use]
    pub fn used(&self) -> (usize, usize) {
        (self.lock().total, self.most.total)
    }

    /// How many were not taken.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.total = open.total.saturating_sub(1);
        one_less(&mut open.by_listener, &self.listener);
        one_less(&mut open.by_source, &self.source);
    }
}

fn one_less<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    match counts.get_mut(key) {
        Some(count) if *count > 1 => *count -= 1,
        _ => {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(total: usize, per_listener: usize, per_source: usize) -> Arc<Connections> {
        Connections::new(Most {
            total,
            per_listener,
            per_source,
        })
    }

    #[test]
    fn a_source_at_its_limit_leaves_room_for_others() {
        let connections = connections(3, 3, 2);
        let greedy: IpAddr = "10.0.0.1".parse().unwrap();
        let first = connections.admit(1, greedy).unwrap();
        let _second = connections.admit(1, greedy).unwrap();
        assert!(connections.admit(1, greedy).is_none());
        let _other = connections.admit(1, "10.0.0.2".parse().unwrap()).unwrap();
        assert!(
            connections.admit(1, "10.0.0.3".parse().unwrap()).is_none(),
            "the total is reached"
        );
        assert_eq!(connections.used(), (3, 3));
        drop(first);
        assert!(connections.admit(1, greedy).is_some());
    }

    #[test]
    fn a_listener_at_its_limit_leaves_room_for_others() {
        let connections = connections(4, 2, 4);
        let address: IpAddr = "10.0.0.1".parse().unwrap();
        let first = connections.admit(1, address).unwrap();
        let _second = connections.admit(1, address).unwrap();
        assert!(connections.admit(1, address).is_none());
        let _third = connections.admit(2, address).unwrap();
        drop(first);
        let _fourth = connections.admit(1, address).unwrap();
        let counts = connections.counts();
        assert_eq!(counts.refused_listener.load(Ordering::Relaxed), 1);
        assert_eq!(counts.refused_total.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn closed_connections_leave_nothing_behind() {
        let connections = connections(10, 10, 10);
        drop(connections.admit(1, "::1".parse().unwrap()));
        let open = connections.lock();
        assert!(open.by_source.is_empty() && open.by_listener.is_empty());
    }
}
