//! Accepting connections, and admitting those that there is room for.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::connection::Connection;
use super::meters::ListenerMeter;
use super::phase::{Phase, reached};
use super::timed_write::TimedWrite;
use super::walk::Alive;
use super::{Process, Protocol};

/// How long accepting rests after an error, which mostly is that there are no file descriptors left.
const BACK_OFF: Duration = Duration::from_millis(75);

/// A listener's place.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// In the settings.
    pub(super) index: usize,
    /// Whether nobody else has its socket.
    pub(super) is_own: bool,
}

/// Accepts connections until the server drains. No error ends it before that.
pub(super) async fn accept(
    process: Arc<Process>,
    listener: TcpListener,
    place: Place,
    alive: Alive,
) {
    let Some(meter) = meter(&process, &listener, place) else {
        return;
    };
    let of = (place.index, &meter);
    let mut draining = pin!(reached(&process.phase, Phase::Draining));
    loop {
        let accepted = tokio::select! {
            biased;
            () = draining.as_mut() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => admit(&process, stream, peer, of, &alive),
            Err(error) if is_peers_fault(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections for now");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
    if !place.is_own {
        // The queue is the successor's: it waits there, and closing our end resets nobody.
        return;
    }
    // Closing a listener resets the connections that wait in its queue: they are taken in first.
    let Ok(listener) = listener.into_std() else {
        return;
    };
    while let Ok((stream, peer)) = listener.accept() {
        if stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            admit(&process, stream, peer, of, &alive);
        }
    }
}

fn is_peers_fault(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionAborted | K::ConnectionReset | K::ConnectionRefused | K::Interrupted
    )
}

/// What counts the connections of a listener.
fn meter(process: &Process, listener: &TcpListener, place: Place) -> Option<Arc<ListenerMeter>> {
    let shared = process.current();
    let of = shared.settings.listeners.get(place.index)?;
    let address = listener.local_addr().unwrap_or(of.address);
    Some(process.meters.listener(of, address))
}

fn admit(
    process: &Arc<Process>,
    stream: TcpStream,
    peer: SocketAddr,
    (index, meter): (usize, &Arc<ListenerMeter>),
    alive: &Alive,
) {
    let listener = stream.local_addr().map_or(0, |address| address.port());
    let slot = process.overload.takes_connections();
    let slot = slot.then(|| process.connections.admit(listener, peer.ip()));
    let Some(slot) = slot.flatten() else {
        meter.refused();
        tracing::debug!("too many connections, one was closed");
        return;
    };
    // Answers are small and written at once; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let shared = process.current();
    let Some(protocol) = shared.settings.listeners.get(index).map(|l| &l.protocol) else {
        return;
    };
    let connection = Connection {
        process: Arc::clone(process),
        settings: Arc::clone(&shared.settings),
        peer,
        tls: None,
        alive: alive.clone(),
        proof: None,
        listener: index,
        _slot: slot,
        open: meter.accepted(),
    };
    let stream = TimedWrite::new(stream, shared.settings.timeouts.write_stall);
    // Every future here can be sent between threads, so that plain `spawn` does on a runtime of one
    // thread; a local executor would save nothing.
    match protocol {
        Protocol::Http1 => tokio::spawn(connection.serve_http1(stream)),
        Protocol::Http2 => tokio::spawn(connection.serve_http2(stream)),
        Protocol::Tls(tls) => tokio::spawn(connection.serve_tls(stream, tls.clone())),
    };
}
