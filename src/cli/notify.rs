//! What a service manager is told of the server's life, where there is one (`NOTIFY_SOCKET`), and the sockets
//! that it has passed on (`LISTEN_FDS`).

use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState as State;

use crate::server::Inherited;

/// The sockets that whoever has started this process holds for it.
///
/// # Errors
/// One of them is no listening TCP socket.
pub(super) fn inherited() -> Result<Inherited, String> {
    let mut passed = ListenFd::from_env();
    let each = (0..passed.len()).filter_map(|index| passed.take_tcp_listener(index).transpose());
    let sockets = each.collect::<Result<_, _>>();
    sockets
        .map(Inherited::new)
        .map_err(|error| format!("a socket that was passed on cannot be used: {error}"))
}

/// The server serves.
pub(super) fn ready(version: &str) {
    tell(&[State::Ready, State::Status(&status(version))]);
}

/// The configuration is read anew; [`ready`] ends it.
pub(super) fn reloading() {
    if let Ok(now) = State::monotonic_usec_now() {
        tell(&[State::Reloading, now]);
    }
}

/// The server has begun to end.
pub(super) fn stopping() {
    tell(&[State::Stopping, State::Status("draining")]);
}

/// Tells that the server lives for as long as `lives` says so, if somebody wants to be told.
pub(super) fn watch(lives: impl Fn(Duration) -> bool + Send + 'static) -> std::io::Result<()> {
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return Ok(());
    };
    let tell_often = move || {
        loop {
            if lives(patience) {
                tell(&[State::Watchdog]);
            }
            std::thread::sleep(patience / 3);
        }
    };
    let thread = std::thread::Builder::new().name("watchdog".to_owned());
    thread.spawn(tell_often).map(drop)
}

fn status(version: &str) -> String {
    format!("serving configuration {version}")
}

/// That nobody listens is no fault: then nobody is to be told.
fn tell(states: &[State<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager cannot be told");
    }
}
