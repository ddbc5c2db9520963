//! Listening sockets: one per worker on the same address, among which the kernel spreads connections.

use std::io::Result;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

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
