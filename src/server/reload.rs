//! Replacing what requests are pinned to while the server serves.
//!
//! A request that has begun keeps what it began with, to the end of whatever it does: the head of an answer
//! is never of one configuration and its body of another. One that begins after [`Reloader::replace`] has
//! returned goes by the new configuration, on whatever connection it comes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use super::process::{Fixed, share};
use super::{Parts, Process, Settings, front, served, untold};

/// How reloads have ended.
#[derive(Debug, Default)]
pub struct ReloadCounts {
    /// With another configuration.
    pub replaced: AtomicU64,
    /// With the one from before, because something is wrong with the new one.
    pub refused: AtomicU64,
}

/// Replaces what a server works with. It keeps nothing of the server alive.
#[derive(Clone)]
pub struct Reloader {
    process: Weak<Process>,
    counts: Arc<ReloadCounts>,
}

impl Reloader {
    pub(super) fn new(process: &Arc<Process>) -> Self {
        Self {
            process: Arc::downgrade(process),
            counts: Arc::clone(&process.reloads),
        }
    }

    /// Lets every request that begins from now on work with this. Listeners are those of the start: of each
    /// of them only its certificates are taken. Answers whether there was a server.
    #[must_use]
    pub fn replace(&self, settings: Settings, mut parts: Parts) -> bool {
        let Some(process) = self.process.upgrade() else {
            return false;
        };
        front::sort(&mut parts.fronts);
        untold::warn_of_gaps(&parts.fronts, &parts.directory);
        let previous = process.current();
        let fixed = Fixed {
            overload: Arc::clone(&previous.overload),
            meters: Arc::clone(&previous.meters),
            instance: Arc::clone(&previous.instance),
            phase: Arc::clone(&process.phase),
        };
        let next = share(settings, parts, fixed, Some(&previous));
        let next = Arc::new(next);
        served::register(&next.observed.registry, &next);
        process.meters.renewed(&next.settings.listeners);
        process.current.store(next);
        process.replaced.notify_one();
        self.counts.replaced.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Notes that a configuration was not taken.
    pub fn note_refused(&self) {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// How reloads have ended.
    #[must_use]
    pub fn counts(&self) -> &Arc<ReloadCounts> {
        &self.counts
    }

    /// Which configuration is in use.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        let process = self.process.upgrade()?;
        Some(process.current().version.clone())
    }
}
