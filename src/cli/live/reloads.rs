//! Reloads: one after the other, on a thread of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::super::index::Keeper;
use super::super::load::{Loader, Refused};
use super::super::{backend, complain, notify};
use super::{Live, assemble};
use crate::config::Fixed;
use crate::finding::{Finding, Severity};
use crate::server::Reloader;
use crate::telemetry;

/// What a running server's reloads need. It holds the store open until it is dropped.
pub(in crate::cli) struct Keep {
    /// What reads the configuration.
    pub(in crate::cli) loader: Loader,
    /// What cannot change.
    pub(in crate::cli) fixed: Fixed,
    /// What goes on.
    pub(in crate::cli) live: Live,
    /// Whoever fills indexes.
    pub(in crate::cli) keeper: Option<Keeper>,
    /// Where the next generation goes.
    pub(in crate::cli) reloader: Reloader,
}

impl Keep {
    /// Reads everything anew, and lets the server have it if nothing is wrong.
    fn reload(&mut self) {
        notify::reloading();
        telemetry::reopen();
        match contained(|| self.try_reload()) {
            Ok(()) => {
                let version = self.reloader.version();
                tracing::info!(version, "the configuration was reloaded");
            }
            Err(refused) => {
                self.reloader.note_refused();
                let version = self.reloader.version();
                tell(&refused);
                tracing::error!(
                    version,
                    "the configuration is not reloaded, the old one holds"
                );
            }
        }
        notify::ready(&self.reloader.version().unwrap_or_default());
    }

    fn try_reload(&mut self) -> Result<(), Refused> {
        let mut loaded = self.loader.load(Some(&self.fixed))?;
        loaded.warn();
        for warning in &loaded.warnings {
            log(warning);
        }
        let directory = Arc::new(std::mem::take(&mut loaded.config.directory));
        let root = loaded.config.backend.root.clone();
        let old = &self.live;
        let open = backend::reopen(&old.open, root, &loaded.dialects, &directory);
        let open = open.map_err(Refused::Text)?;
        let tokens = old.tokens.with_settings(loaded.config.tokens.clone());
        let assembled = assemble(loaded, directory, open, tokens, Some(old));
        let (settings, parts, live) = assembled.map_err(Refused::Text)?;
        if !self.reloader.replace(settings, parts) {
            return Ok(());
        }
        self.live = live;
        self.keep_indexes();
        backend::ask_all(self.live.open.fresh(), Arc::clone(&self.live.directory));
        Ok(())
    }

    /// The old keeper stops before the new one starts: two would scan the same.
    fn keep_indexes(&mut self) {
        self.keeper = None;
        let Live {
            open, directory, ..
        } = &self.live;
        match Keeper::start(&open.leaves, &open.store, directory) {
            Ok(keeper) => self.keeper = keeper,
            Err(error) => tracing::error!(error, "indexes of accounts are not kept"),
        }
    }
}

/// A panic is a bug, and one reload that is refused: whoever takes a key away must be heard the next time.
fn contained(reload: impl FnOnce() -> Result<(), Refused>) -> Result<(), Refused> {
    let panicked = |_| Err(Refused::Text("a bug: the reload has panicked".to_owned()));
    catch_unwind(AssertUnwindSafe(reload)).unwrap_or_else(panicked)
}

/// Tells what is wrong: on standard error as at the start, and in the log, where machines read it.
fn tell(refused: &Refused) {
    complain(refused);
    match refused {
        Refused::Text(text) => tracing::error!(problem = text, "a problem with the configuration"),
        Refused::Findings(findings) => findings.iter().for_each(log),
    }
}

fn log(finding: &Finding) {
    let (line, column) = finding.position();
    let (code, file) = (finding.code, finding.source.name.as_str());
    match finding.severity {
        Severity::Error => {
            tracing::error!(code, file, line, column, "a problem with the configuration");
        }
        Severity::Warning => {
            tracing::warn!(
                code,
                file,
                line,
                column,
                "a warning about the configuration"
            );
        }
    }
}

/// The thread that reloads, one configuration at a time. Dropping it waits for a reload that is under way, and
/// lets go of the store.
pub(in crate::cli) struct Reloads {
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is to do.
pub(in crate::cli) enum Order {
    Reload,
    End,
}

impl Reloads {
    /// Starts it.
    ///
    /// # Errors
    /// There are no more threads.
    pub(in crate::cli) fn start(keep: Keep) -> std::io::Result<Self> {
        let (orders, waiting) = channel();
        let thread = std::thread::Builder::new().name("reload".to_owned());
        let thread = thread.spawn(move || follow(keep, &waiting))?;
        Ok(Self {
            orders,
            thread: Some(thread),
        })
    }

    /// By which it is told to.
    pub(in crate::cli) fn orders(&self) -> Sender<Order> {
        self.orders.clone()
    }
}

fn follow(mut keep: Keep, orders: &Receiver<Order>) {
    while let Ok(Order::Reload) = orders.recv() {
        // Of several that have come meanwhile one is enough: it reads what is there after all of them.
        let mut waiting = orders.try_iter();
        if waiting.any(|order| matches!(order, Order::End)) {
            return;
        }
        keep.reload();
    }
}

impl Drop for Reloads {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::End);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that reloads had ended with a panic");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reload_that_panics_is_refused() {
        let refused = contained(|| panic!("a bug")).unwrap_err();
        assert!(refused.to_string().contains("panicked"), "{refused}");
        assert!(contained(|| Ok(())).is_ok());
    }
}
