//! SIGTERM and SIGINT.

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

async fn any(term: &mut Signal, int: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
