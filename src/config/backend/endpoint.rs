//! Where an IdP is and how it is called: the keys that every place has which linkbridge calls with a credential.

use std::time::Duration;

use super::{Known, credential};
use crate::backend::upstream::settings::Endpoint;
use crate::config::outbound;
use crate::edge::head;
use crate::finding::{Table, Text};
use crate::outbound::{Settings, Timeouts, Url};

/// Node closes a connection that is idle for 5 seconds: one that may be closing is not used.
const IDLE: Duration = Duration::from_secs(4);
/// What who is in between could do with a credential that is not encrypted.
const DANGER: &str = "take the credential, and every link";
/// What a base URL looks like.
const EXAMPLE: &str = "https://auth.example.com";

/// Reads the keys of an endpoint out of the table that has them.
pub(super) fn endpoint(table: &Table<'_>, known: &Known<'_>) -> Option<Endpoint> {
    let allow_http = table.bool("allow_http").unwrap_or(false);
    let text = table.need_text("base_url");
    let base_url = text.and_then(|text| base_url(table, &text, allow_http));
    let credential = credential::credential(table, known.vars, allow_http);
    let http = http(table, known);
    let number = |key, range, default| {
        let given = table.int_in(key, range);
        given.unwrap_or(default)
    };
    let max_in_flight = number("max_in_flight", 1..=100_000, 64);
    let queue = number("queue_milliseconds", 0..=60_000, 100);
    let max_answer_bytes = number("max_answer_bytes", 1024..=268_435_456, 4_194_304);
    let retry_percent = number("retry_percent", 0..=100, 10);
    let (breaker_failures, breaker_open) = breaker(table);
    Some(Endpoint {
        base_url: base_url?,
        credential: credential?,
        http: http?,
        max_in_flight: usize::try_from(max_in_flight).ok()?,
        queue: Duration::from_millis(u64::try_from(queue).ok()?),
        max_answer_bytes: usize::try_from(max_answer_bytes).ok()?,
        retry_percent: u32::try_from(retry_percent).ok()?,
        breaker_failures,
        breaker_open,
    })
}

/// A URL below which the paths of a dialect begin.
fn base_url(table: &Table<'_>, text: &Text<'_>, allow_http: bool) -> Option<Url> {
    let url = outbound::url(table, text, allow_http, DANGER, EXAMPLE)?;
    let rest = text.value.split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..));
    if rest.contains('?') || !path.is_none_or(head::is_canonical) {
        let message = "the paths of a dialect cannot be put behind this URL";
        let hint = format!(
            "without a query, and without `//`, `.` and `..` in its path, such as `{EXAMPLE}/iam`"
        );
        table
            .sink()
            .error_hint("LB563", text.span.clone(), message, hint);
        return None;
    }
    Some(url)
}

/// What `[outbound]` says goes here too, unless the table says something else. An idle connection is kept
/// for a shorter time, since requests that write are not sent again.
fn http(table: &Table<'_>, known: &Known<'_>) -> Option<Settings> {
    let default = known.outbound;
    let default = Settings {
        timeouts: Timeouts {
            idle: default.timeouts.idle.min(IDLE),
            ..default.timeouts
        },
        ..default.clone()
    };
    Some(outbound::over(table, &default))
}

/// `breaker = { failures = 5, open_seconds = 10 }`.
fn breaker(table: &Table<'_>) -> (u32, Duration) {
    let (mut failures, mut seconds) = (5, 10);
    if let Some(given) = table.table("breaker") {
        failures = given.int_in("failures", 1..=1_000_000).unwrap_or(failures);
        seconds = given.int_in("open_seconds", 1..=3600).unwrap_or(seconds);
        given.finish();
    }
    let failures = u32::try_from(failures).unwrap_or(5);
    (
        failures,
        Duration::from_secs(u64::try_from(seconds).unwrap_or(10)),
    )
}
