//! `[audit]`: how long it is kept that something was changed.

use std::time::Duration;

use super::section::Section;

/// How long records are kept unless something else is said, in days.
const DEFAULT_DAYS: u64 = 400;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// How old records get; `None` = they are kept for ever, which is what 0 days mean.
pub(super) fn age(section: Section<'_>) -> Option<Duration> {
    let days = section
        .int("keep_days", 0..=36_500)
        .and_then(|n| u64::try_from(n).ok());
    section.finish();
    let days = Some(days.unwrap_or(DEFAULT_DAYS)).filter(|days| *days > 0);
    days.map(|days| Duration::from_secs(days * DAY))
}
