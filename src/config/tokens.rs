//! `[tokens]`: the tokens that clients get at token endpoints.

use std::time::Duration;

use super::section::Section;
use crate::edge::tokens::Settings;

/// How long a key signs unless something else is said, in days.
const DEFAULT_DAYS: u64 = 30;
/// Seconds of a day.
const DAY: u64 = 86_400;

pub(super) fn settings(section: Section<'_>, public_url: &str) -> Settings {
    let days = section
        .int("rotate_days", 1..=3650)
        .and_then(|n| u64::try_from(n).ok());
    let leeway = section
        .int("leeway_seconds", 0..=300)
        .and_then(|n| u64::try_from(n).ok());
    section.finish();
    Settings {
        issuer: format!("linkbridge:{public_url}"),
        rotate: Duration::from_secs(days.unwrap_or(DEFAULT_DAYS) * DAY),
        leeway: Duration::from_secs(leeway.unwrap_or(60)),
    }
}
