//! The one place that reads the time of day.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::Instant;

/// Now, as exactly as the system tells it.
#[allow(
    clippy::disallowed_methods,
    reason = "everything else is handed the time by this function"
)]
#[must_use]
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// Now, in milliseconds since the epoch.
#[must_use]
pub fn now() -> Instant {
    let since_epoch = wall().duration_since(UNIX_EPOCH);
    // A clock before 1970 is broken; zero keeps instants ordered until it is mended.
    let millis = since_epoch.map_or(0, |elapsed| elapsed.as_millis());
    Instant(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// Now, as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
#[must_use]
pub fn http_date() -> String {
    jiff::Timestamp::from_millisecond(now().0)
        .unwrap_or_default()
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}
