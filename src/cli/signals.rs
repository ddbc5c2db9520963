//! SIGTERM and SIGINT, which end a verb in order; and SIGHUP, by which a server reads its configuration anew.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a verb in order. They are caught before anything is opened, so that one that
/// comes early is heard, too.
pub(super) struct Signals {
    runtime: tokio::runtime::Runtime,
    term: Signal,
    int: Signal,
}

impl Signals {
    pub(super) fn catch() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let entered = runtime.enter();
        let (term, int) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        );
        drop(entered);
        Ok(Self { runtime, term, int })
    }

    /// Tells `hear` of every signal that there is from now on, and of each SIGHUP since `hangups` was made.
    /// Signals have a thread of their own, so that they are heard however busy the others are. It is left
    /// behind when the process ends.
    pub(super) fn tell(
        mut self,
        mut hangups: Hangups,
        mut hear: impl FnMut(Heard) + Send + 'static,
    ) -> std::io::Result<()> {
        let tell = move || {
            loop {
                hear(
                    self.runtime
                        .block_on(next(&mut self.term, &mut self.int, &mut hangups.0)),
                );
            }
        };
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(tell)
            .map(drop)
    }

    /// Catches SIGHUP, too, which would end the process otherwise.
    pub(super) fn catch_hangups(&self) -> std::io::Result<Hangups> {
        let _entered = self.runtime.enter();
        signal(SignalKind::hangup()).map(Hangups)
    }

    /// Calls `first` at the first signal and `second` at the second one. Signals have a thread of their
    /// own, so that they are heard however busy the others are. It is left behind when the process ends.
    pub(super) fn watch(
        mut self,
        first: impl FnOnce() + Send + 'static,
        second: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<()> {
        let watch = move || {
            self.runtime.block_on(any(&mut self.term, &mut self.int));
            first();
            self.runtime.block_on(any(&mut self.term, &mut self.int));
            second();
        };
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(watch)
            .map(drop)
    }
}

/// SIGHUP.
pub(super) struct Hangups(Signal);

/// What a signal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Come to an end.
    End,
    /// Read the configuration anew.
    Reload,
}

async fn next(term: &mut Signal, int: &mut Signal, hangup: &mut Signal) -> Heard {
    tokio::select! {
        biased;
        () = any(term, int) => Heard::End,
        _ = hangup.recv() => Heard::Reload,
    }
}

async fn any(term: &mut Signal, int: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
