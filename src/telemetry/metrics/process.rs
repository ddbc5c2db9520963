//! What the operating system knows of this process, under the names that every Prometheus client library uses.
//!
//! Read from `/proc`; where there is none, these metrics have no samples.

use std::fs;

use super::{Group, Kind, Samples};
use crate::model::Instant;

/// What `/proc/self/stat` counts in: Linux tells programs a hundredth of a second, whatever its own clock is.
const TICKS_PER_SECOND: f64 = 100.0;

/// The metrics of a process that began to serve at this instant.
#[must_use]
pub fn process(started: Instant) -> Group {
    let mut group = Group::new();
    let start = started.0 as f64 / 1000.0;
    group.gauge(
        "process_start_time_seconds",
        "When the process began to serve, in seconds since 1970.",
        &[],
        move || start,
    );
    let mut add = |name, kind, help, read: fn() -> Option<f64>| {
        group.family(name, kind, help, move |samples: &mut Samples| {
            if let Some(number) = read() {
                samples.number(&[], number);
            }
        });
    };
    add(
        "process_resident_memory_bytes",
        Kind::Gauge,
        "Memory that the process has in RAM.",
        || status("VmRSS:"),
    );
    add(
        "process_virtual_memory_bytes",
        Kind::Gauge,
        "Addresses that the process has.",
        || status("VmSize:"),
    );
    add(
        "process_open_fds",
        Kind::Gauge,
        "File descriptors that are open.",
        open_fds,
    );
    add(
        "process_max_fds",
        Kind::Gauge,
        "The most file descriptors that may be open.",
        max_fds,
    );
    add(
        "process_cpu_seconds_total",
        Kind::Counter,
        "Time of processors that was used.",
        cpu_seconds,
    );
    group
}

/// A size from `/proc/self/status`, which tells them in kibibytes.
fn status(key: &str) -> Option<f64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// The one that lists them is open while it does.
fn open_fds() -> Option<f64> {
    let count = fs::read_dir("/proc/self/fd").ok()?.count();
    Some(count.saturating_sub(1) as f64)
}

fn max_fds() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/limits").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn cpu_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program stands in parentheses and may hold anything.
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}
