//! How an import is getting on: a bar on a terminal, else a line every few seconds.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::backend::embedded::import::{Progress, Tally};
use crate::cli::complain;

/// How often a line is written where there is no bar.
const EVERY: Duration = Duration::from_secs(5);

/// Watches an import.
pub(super) struct Meter {
    bar: Option<ProgressBar>,
    /// The length of the file.
    total: Option<u64>,
    /// Rows that were done before this run.
    before: u64,
    began: Instant,
    told: Instant,
}

impl Meter {
    /// Starts to watch an import of a file of `total` bytes that is at `start`.
    pub(super) fn new(total: Option<u64>, start: &Progress) -> Self {
        let now = Instant::now();
        Self {
            bar: std::io::stderr().is_terminal().then(|| bar(total, start)),
            total,
            before: rows(&start.tally),
            began: now,
            told: now,
        }
    }

    /// Shows how far it is.
    pub(super) fn advance(&mut self, progress: &Progress) {
        let rate = self.rate(progress);
        let rows = grouped(rows(&progress.tally));
        if let Some(bar) = &self.bar {
            bar.set_position(progress.until.offset);
            bar.set_message(format!("{rows} rows, {} rows/s", grouped(rate)));
        } else if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            let share = self.total.map_or(String::new(), |total| {
                let percent = progress.until.offset.saturating_mul(100) / total.max(1);
                format!(", {} %", percent.min(100))
            });
            complain(format_args!("{rows} rows{share}, {} rows/s", grouped(rate)));
        }
    }

    /// Writes lines to standard error, above the bar if there is one.
    pub(super) fn say(&self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            match &self.bar {
                Some(bar) => bar.suspend(|| complain(line)),
                None => complain(line),
            }
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Rows of this run.
    pub(super) fn rows(&self, progress: &Progress) -> u64 {
        rows(&progress.tally).saturating_sub(self.before)
    }

    /// Seconds since the start.
    pub(super) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Rows of this run in each second of it.
    pub(super) fn rate(&self, progress: &Progress) -> u64 {
        let millis = self.began.elapsed().as_millis().max(1);
        let rate = u128::from(self.rows(progress)) * 1000 / millis;
        u64::try_from(rate).unwrap_or(u64::MAX)
    }
}

fn bar(total: Option<u64>, start: &Progress) -> ProgressBar {
    let template = match total {
        Some(_) => "{bar:30} {percent:>3} %  {msg}  {eta} left",
        None => "{spinner}  {msg}",
    };
    // Nothing is shown before there is something to tell.
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
    bar.set_style(
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar.set_position(start.until.offset);
    bar.reset_eta();
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar
}

fn rows(tally: &Tally) -> u64 {
    tally.accepted + tally.refused
}

/// A number with its thousands apart.
pub(in crate::cli) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let shown = [0, 999, 1000, 12345, 123_456, 1_000_000].map(grouped);
        assert_eq!(
            shown,
            ["0", "999", "1,000", "12,345", "123,456", "1,000,000"]
        );
    }
}
