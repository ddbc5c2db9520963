//! Logs: one line per request with named fields only, and the process's own events.
//!
//! What may be logged is a list: the fields of [`Access`]. Paths, queries, header fields, bodies and
//! ids of users are not on it (invariant 8). Nothing here panics, not even when nobody reads the log.

pub mod metrics;

use std::io::IsTerminal;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Everything that is logged of a request.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// The dialect that answered.
    pub front: Option<&'a str>,
    /// The op's name in its mapping.
    pub op: Option<&'a str>,
    /// The client's name in the configuration.
    pub client: Option<&'a str>,
    /// The status that was answered.
    pub status: u16,
    /// From the complete head to the answer.
    pub duration: Duration,
}

/// Notes one request.
pub fn access(request: &Access<'_>) {
    let duration_us = u64::try_from(request.duration.as_micros()).unwrap_or(u64::MAX);
    tracing::info!(
        target: "access",
        front = request.front,
        op = request.op,
        client = request.client,
        status = request.status,
        duration_us,
    );
}

/// Whether `directives` is a log filter such as `info` or `warn,access=info`.
#[must_use]
pub fn is_filter(directives: &str) -> bool {
    EnvFilter::try_new(directives).is_ok()
}

/// Sends events to standard error, and panics into the log by their place only. The first call in a
/// process holds; a test that has set up its own is left alone.
pub fn start(format: Format, directives: &str) {
    let filter = EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // A closed standard error must not end the process: such lines are lost, no more.
        .log_internal_errors(false);
    let _ = match format {
        Format::Text => lines.try_init(),
        Format::Json => lines.json().flatten_event(true).try_init(),
    };
    std::panic::set_hook(Box::new(|panic| {
        // The payload may hold what a request sent; the place does not.
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(place, "a panic");
    }));
}
