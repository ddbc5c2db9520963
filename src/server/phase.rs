//! The phases of a server's life, from serving to gone.

use std::future::Future;

use tokio::sync::watch;

/// Where a server is in its life. The order matters: it only ever moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Everything works.
    Serving,
    /// Not ready any more, so that load balancers look elsewhere; still serving.
    Leaving,
    /// No new connections; those that are open end after their request.
    Draining,
    /// At once.
    Aborted,
}

/// Moves to `phase`, never back.
pub(super) fn advance(sender: &watch::Sender<Phase>, phase: Phase) {
    sender.send_if_modified(|now| {
        let later = phase > *now;
        if later {
            *now = phase;
        }
        later
    });
}

/// Waits until the server has come to `phase`, or further.
pub(super) fn reached(
    sender: &watch::Sender<Phase>,
    phase: Phase,
) -> impl Future<Output = ()> + Send + 'static {
    let mut receiver = sender.subscribe();
    async move {
        // The only error is that the sender is gone, and with it the server.
        let _ = receiver.wait_for(|now| *now >= phase).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_never_comes_back_to_life() {
        let sender = watch::Sender::new(Phase::Serving);
        advance(&sender, Phase::Draining);
        advance(&sender, Phase::Leaving);
        assert_eq!(*sender.borrow(), Phase::Draining);
    }
}
