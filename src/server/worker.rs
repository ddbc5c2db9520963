//! The threads that serve: each has a runtime of one thread and its own sockets.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::listen::{self, Inherited};
use super::phase::{Phase, reached};
use super::{Process, Settings, StartError, accept, beats, chores, overload};

/// How long what blocks may go on at the end: what writes a file is done by then.
const BLOCKED: Duration = Duration::from_secs(1);

/// A socket of a worker.
struct Socket {
    socket: TcpListener,
    /// Its listener's place in the settings.
    index: usize,
    /// Whether connections that wait at it are taken in before it is closed: nobody else would.
    is_own: bool,
}

/// What one thread serves.
#[derive(Default)]
pub(super) struct Worker {
    sockets: Vec<Socket>,
}

/// Opens or takes over every listener, for each worker its sockets.
pub(super) fn bind_all(
    settings: &Settings,
    inherited: &mut Inherited,
) -> Result<Vec<Worker>, StartError> {
    let n = settings.workers.get();
    let mut workers: Vec<Worker> = (0..n).map(|_| Worker::default()).collect();
    for (index, listener) in settings.listeners.iter().enumerate() {
        let address = listener.address;
        let taken = inherited.take(address);
        let is_own = taken.is_empty();
        let hands = if is_own {
            let sockets = listen::bind(address, n);
            sockets.map(|sockets| sockets.into_iter().map(|s| vec![s]).collect())
        } else {
            listen::deal(&taken, n)
        };
        let hands: Vec<Vec<TcpListener>> =
            hands.map_err(|error| StartError::Bind { address, error })?;
        for (worker, hand) in workers.iter_mut().zip(hands) {
            let sockets = hand.into_iter().map(|socket| Socket {
                socket,
                index,
                is_own,
            });
            worker.sockets.extend(sockets);
        }
    }
    Ok(workers)
}

/// Opens or takes over the listener for health.
pub(super) fn bind_admin(
    address: SocketAddr,
    inherited: &mut Inherited,
) -> Result<TcpListener, StartError> {
    let taken = inherited.take(address).pop();
    let bound = taken.map_or_else(|| TcpListener::bind(address), Ok);
    let bound = bound.and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
    bound.map_err(|error| StartError::Bind { address, error })
}

/// Ends whatever is left. What blocks a thread of its own, such as a resolver that nobody answers, is not
/// waited for: dropping the runtime would, and there would be no end of the drain.
fn end(runtime: Runtime) {
    runtime.shutdown_timeout(BLOCKED);
}

impl Worker {
    /// Where it serves, in the order of the settings.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        // Of several sockets of one listener the first stands for it.
        let mut listed = Vec::new();
        for socket in &self.sockets {
            if socket.index == listed.len() {
                listed.extend(socket.socket.local_addr());
            }
        }
        listed
    }

    /// Starts the thread.
    pub(super) fn start(
        self,
        index: usize,
        process: Arc<Process>,
    ) -> std::io::Result<JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new().name(format!("worker-{index}"));
        thread.spawn(move || {
            self.run(&runtime, &process, index);
            end(runtime);
            process.meters.ended(index);
        })
    }

    /// Serves until the server has drained, or must end.
    fn run(self, runtime: &Runtime, process: &Arc<Process>, index: usize) {
        runtime.block_on(async {
            let (alive, mut all_ended) = mpsc::channel::<()>(1);
            for socket in self.sockets {
                let place = accept::Place {
                    index: socket.index,
                    is_own: socket.is_own,
                };
                match tokio::net::TcpListener::from_std(socket.socket) {
                    Ok(socket) => {
                        let accept =
                            accept::accept(Arc::clone(process), socket, place, alive.clone());
                        drop(tokio::spawn(accept));
                    }
                    Err(error) => tracing::error!(%error, "a listener was lost at the start"),
                }
            }
            drop(tokio::spawn(beats::beat(Arc::clone(process), index)));
            let overload = Arc::clone(&process.overload);
            drop(tokio::spawn(overload::watch_worker(overload)));
            if index == 0 {
                drop(tokio::spawn(chores::watch_memory(Arc::clone(process))));
                drop(tokio::spawn(chores::prune(Arc::clone(process))));
                drop(tokio::spawn(chores::rotate(Arc::clone(process))));
                drop(tokio::spawn(chores::leave(Arc::clone(process))));
                drop(tokio::spawn(chores::warm(Arc::clone(process))));
            }
            reached(&process.phase, Phase::Draining).await;
            drop(alive);
            let patience = process.current().settings.timeouts.drain;
            tokio::select! {
                // Nobody ever sends: it answers when the last one who could is gone.
                _ = all_ended.recv() => {}
                () = reached(&process.phase, Phase::Aborted) => {}
                () = tokio::time::sleep(patience) => {
                    tracing::warn!("connections were still open at the end of the drain");
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_blocks_does_not_hold_the_end() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let (goes_on, blocked) = channel::<()>();
        let (tells, begun) = channel();
        drop(runtime.spawn_blocking(move || {
            tells.send(()).unwrap();
            blocked.recv()
        }));
        begun.recv().unwrap();
        let begin = Instant::now();
        end(runtime);
        assert!(begin.elapsed() < Duration::from_secs(5));
        drop(goes_on);
    }
}
