//! How a scan is getting on: a line that moves on a terminal, else a line every few seconds.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::backend::upstream::state::IndexStatus;
use crate::cli::complain;
use crate::cli::users::grouped;

/// How often a line is written where none can move.
const EVERY: Duration = Duration::from_secs(5);

/// Watches a scan.
pub(super) struct Meter {
    name: String,
    bar: Option<ProgressBar>,
    /// Users that were done before this run.
    before: Option<u64>,
    began: Instant,
    told: Instant,
}

impl Meter {
    pub(super) fn new(name: String) -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner}  {msg}");
            let bar = ProgressBar::new_spinner();
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar
        });
        Self {
            name,
            bar,
            before: None,
            began: now,
            told: now,
        }
    }

    /// Shows how far it is.
    pub(super) fn advance(&mut self, status: &IndexStatus) {
        if self.before.is_none() && status.cursor.is_some() {
            let users = grouped(status.users);
            let text = "goes on where an earlier scan stopped (`--restart` starts over)";
            self.line(&format!("{}: {text}, after {users} users", self.name));
        }
        let before = *self.before.get_or_insert(status.users);
        let text = self.text(status, before);
        if let Some(bar) = &self.bar {
            bar.set_message(text);
            bar.tick();
        } else if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            complain(text);
        }
    }

    fn text(&self, status: &IndexStatus, before: u64) -> String {
        let millis = self.began.elapsed().as_millis().max(1);
        let done = u128::from(status.users.saturating_sub(before));
        let rate = u64::try_from(done * 1000 / millis).unwrap_or(u64::MAX);
        format!(
            "{}: {} users, {} links, {} users/s",
            self.name,
            grouped(status.users),
            grouped(status.links),
            grouped(rate)
        )
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| complain(text)),
            None => complain(text),
        }
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
