//! Listening sockets: one per worker on the same address, among which the kernel spreads connections.

use std::io::Result;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Opens `n` sockets on one address. A port of 0 is chosen by the first and shared by the others.
pub(super) fn bind(address: SocketAddr, n: usize) -> Result<Vec<TcpListener>> {
    let mut sockets: Vec<TcpListener> = Vec::with_capacity(n);
    for _ in 0..n {
        let address = sockets
            .first()
            .map_or(Ok(address), TcpListener::local_addr)?;
        sockets.push(bind_one(address)?);
    }
    Ok(sockets)
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
