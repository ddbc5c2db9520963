//! How many connections: in all, and of one source address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::rate_limit::source_key;

/// Counts open connections.
#[derive(Debug)]
pub struct Connections {
    max: usize,
    max_per_source: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_source: HashMap<(bool, u64), usize>,
}

/// The place of one open connection; given back when it is dropped.
#[derive(Debug)]
pub struct Slot {
    connections: Arc<Connections>,
    source: (bool, u64),
}

impl Connections {
    /// At most `max` connections, and `max_per_source` of one address (IPv6: of one /64).
    #[must_use]
    pub fn new(max: usize, max_per_source: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            max_per_source,
            open: Mutex::default(),
        })
    }

    /// A place for a connection from `address`, if one is free.
    #[must_use]
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        let source = source_key(address);
        let mut open = self.lock();
        let of_source = open.by_source.get(&source).copied().unwrap_or(0);
        if open.total >= self.max || of_source >= self.max_per_source {
            return None;
        }
        open.total += 1;
        open.by_source.insert(source, of_source + 1);
        Some(Slot {
            connections: Arc::clone(self),
            source,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.total = open.total.saturating_sub(1);
        match open.by_source.get_mut(&self.source) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                open.by_source.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_at_its_limit_leaves_room_for_others() {
        let connections = Connections::new(3, 2);
        let greedy: IpAddr = "10.0.0.1".parse().unwrap();
        let first = connections.admit(greedy).unwrap();
        let _second = connections.admit(greedy).unwrap();
        assert!(connections.admit(greedy).is_none());
        let _other = connections.admit("10.0.0.2".parse().unwrap()).unwrap();
        assert!(
            connections.admit("10.0.0.3".parse().unwrap()).is_none(),
            "the total is reached"
        );
        drop(first);
        assert!(connections.admit(greedy).is_some());
    }

    #[test]
    fn closed_connections_leave_nothing_behind() {
        let connections = Connections::new(10, 10);
        drop(connections.admit("::1".parse().unwrap()));
        assert!(connections.lock().by_source.is_empty());
    }
}
