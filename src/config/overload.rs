//! The keys of `[limits]` that say when too much is too much.

use std::time::Duration;

use super::section::Section;
use crate::edge::overload::{Range, Settings};

/// The least concurrency unless something else is said.
const DEFAULT_FLOOR: usize = 256;
/// The most concurrency unless something else is said.
const DEFAULT_CEILING: usize = 1024;

/// The least memory that a limit may be: with less, the server alone would be over it.
const LEAST_MEMORY: u64 = 64 << 20;

pub(super) fn settings(limits: &Section<'_>) -> Settings {
    let queue = limits.size("queue_milliseconds", 0..=10_000, 100);
    Settings {
        concurrency: concurrency(limits),
        queue: Duration::from_millis(queue as u64),
        memory: memory(limits),
    }
}

fn concurrency(limits: &Section<'_>) -> Range {
    let floor = limits.size("concurrency_min", 1..=100_000, DEFAULT_FLOOR);
    let ceiling = limits.size("concurrency_max", 1..=100_000, DEFAULT_CEILING);
    if floor > ceiling {
        let message = format!("at least {floor} operations at once, and at most {ceiling}");
        let hint = "`concurrency_min` must not be over `concurrency_max`; give both, or make them equal for a fixed limit";
        limits.error(
            &["concurrency_min", "concurrency_max"],
            "LB600",
            &message,
            hint,
        );
    }
    Range { floor, ceiling }
}

fn memory(limits: &Section<'_>) -> Option<u64> {
    let bytes = limits.int("memory_bytes", 0..=i64::MAX);
    let bytes = bytes.and_then(|bytes| u64::try_from(bytes).ok());
    let bytes = bytes.filter(|bytes| *bytes > 0)?;
    if bytes < LEAST_MEMORY {
        let message = format!("{bytes} bytes are too little memory to serve with");
        let hint = "at least 67108864 (64 MiB); 0 for what the control group of the process leaves";
        limits.error(&["memory_bytes"], "LB601", &message, hint);
    }
    Some(bytes)
}
