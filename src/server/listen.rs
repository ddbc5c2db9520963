//! Listening sockets: one per worker on the same address, among which the kernel spreads connections; or
//! those that somebody else holds and has passed on, whose queue outlives this process.

use std::io::Result;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Sockets that were opened by whoever has started this process, or by the process before it.
///
/// Each is known by its address alone: names that a supervisor gives sockets may differ between units.
#[derive(Debug, Default)]
pub struct Inherited(Vec<TcpListener>);

impl Inherited {
    /// These sockets, which listen.
    #[must_use]
    pub fn new(sockets: Vec<TcpListener>) -> Self {
        Self(sockets)
    }

    /// The addresses that are left.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let sockets = self.0.iter();
        sockets.filter_map(|s| s.local_addr().ok()).collect()
    }

    /// Takes out every socket of this address.
    pub(super) fn take(&mut self, address: SocketAddr) -> Vec<TcpListener> {
        let is_meant = |socket: &TcpListener| socket.local_addr().is_ok_and(|own| own == address);
        let (taken, left) = self.0.drain(..).partition(is_meant);
        self.0 = left;
        taken
    }
}

/// Gives each of `n` workers a socket: several sockets are dealt out, and where there are fewer than workers,
/// workers share one. None is left without a worker, since connections may wait at each.
pub(super) fn deal(sockets: &[TcpListener], n: usize) -> Result<Vec<Vec<TcpListener>>> {
    let mut hands: Vec<Vec<TcpListener>> = (0..n).map(|_| Vec::new()).collect();
    for round in 0..sockets.len().max(n) {
        let (socket, hand) = (
            sockets.get(round % sockets.len().max(1)),
            hands.get_mut(round % n.max(1)),
        );
        if let (Some(socket), Some(hand)) = (socket, hand) {
            let socket = socket.try_clone()?;
            socket.set_nonblocking(true)?;
            hand.push(socket);
        }
    }
    Ok(hands)
}

/// Opens `n` sockets on one address. A port of 0 is chosen by the first and shared by the others.
pub(super) fn bind(address: SocketAddr, n: usize) -> Result<Vec<TcpListener>> {
    refuse_taken(address)?;
    let mut sockets: Vec<TcpListener> = Vec::with_capacity(n);
    for _ in 0..n {
        let address = sockets
            .first()
            .map_or(Ok(address), TcpListener::local_addr)?;
        sockets.push(bind_one(address)?);
    }
    Ok(sockets)
}

/// Sockets that share a port share it with other processes too: without this, a second server on the
/// same address would take half of the first one's connections, and answer them from other data.
fn refuse_taken(address: SocketAddr) -> Result<()> {
    let probe = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Connections of a server that has just ended must not keep its successor from starting.
    probe.set_reuse_address(true)?;
    probe.bind(&address.into())
}

fn bind_one(address: SocketAddr) -> Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_that_were_passed_on_are_known_by_their_address_and_none_is_left_alone() {
        let sockets = bind("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        let address = sockets[0].local_addr().unwrap();
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let left = vec![other.local_addr().unwrap()];
        let mut inherited = Inherited::new(sockets.into_iter().chain([other]).collect());
        let taken = inherited.take(address);
        assert_eq!(taken.len(), 3);
        assert_eq!(inherited.addresses(), left);
        let counts = |n| -> Vec<usize> {
            let hands = deal(&taken, n).unwrap();
            hands.iter().map(Vec::len).collect()
        };
        assert_eq!(counts(2), [2, 1]);
        assert_eq!(counts(5), [1; 5]);
        assert!(deal(&[], 2).unwrap().iter().all(Vec::is_empty));
    }

    #[test]
    fn workers_share_an_address_and_others_are_refused() {
        let sockets = bind("127.0.0.1:0".parse().unwrap(), 2).unwrap();
        let address = sockets[0].local_addr().unwrap();
        assert_eq!(sockets[1].local_addr().unwrap(), address);
        let refused = bind(address, 1).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::AddrInUse);
        drop(sockets);
        assert!(bind(address, 1).is_ok());
    }
}
