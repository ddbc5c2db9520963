//! What happened at the gates, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::memory::Stage;
use super::priority::Priority;

/// Why a request was refused for want of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The line before the backend was full.
    LineFull,
    /// It waited in that line for as long as anybody may, or made place for what matters more.
    Waited,
    /// The worker has more to do than it can.
    Busy,
    /// The process is at the end of its memory.
    Memory,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 4] = [
        Reason::LineFull,
        Reason::Waited,
        Reason::Busy,
        Reason::Memory,
    ];

    /// The word in logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LineFull => "queue_full",
            Self::Waited => "queue_wait",
            Self::Busy => "busy",
            Self::Memory => "memory",
        }
    }

    fn index(self) -> usize {
        match self {
            Self::LineFull => 0,
            Self::Waited => 1,
            Self::Busy => 2,
            Self::Memory => 3,
        }
    }
}

/// What happened so far, and how things are. Read with [`Ordering::Relaxed`].
#[derive(Debug, Default)]
pub struct Counts {
    /// Refused requests, by reason (the order of [`Reason::ALL`]) and priority (that of [`Priority::ALL`]).
    pub shed: [[AtomicU64; 5]; 4],
    /// Requests that waited in line before the backend.
    pub queued: AtomicU64,
    /// How long they waited in all, in microseconds.
    pub queued_micros: AtomicU64,
    /// How many wait there now.
    pub queue_length: AtomicU64,
    /// How many operations may be carried out at once, as of now.
    pub limit: AtomicU64,
    /// How many are.
    pub in_flight: AtomicU64,
    /// How much memory the process has resident, in bytes, as of the last look; 0 = not known.
    pub resident_bytes: AtomicU64,
    /// How much it may have; 0 = no limit is known.
    pub memory_limit_bytes: AtomicU64,
    /// How far up the stages of pressure it is: 0 (none) to 3 (requests are refused).
    pub stage: AtomicU64,
    /// How often a higher stage was reached.
    pub stages_reached: AtomicU64,
    /// The longest that a worker was late lately, in microseconds.
    pub lag_micros: AtomicU64,
    /// The part of requests that the busiest worker refuses now, in thousandths.
    pub shed_permille: AtomicU64,
    /// Connections that were refused at their start because the process is at the end of its memory.
    pub connections_refused: AtomicU64,
    /// Idle connections that were ended early, under pressure.
    pub connections_ended: AtomicU64,
}

impl Counts {
    /// How many requests of a priority were refused for a reason.
    #[must_use]
    pub fn shed(&self, reason: Reason, priority: Priority) -> u64 {
        let by_priority = self.shed.get(reason.index());
        let count = by_priority.and_then(|counts| counts.get(priority.index()));
        count.map_or(0, |count| count.load(Ordering::Relaxed))
    }

    pub(super) fn note_shed(&self, reason: Reason, priority: Priority) {
        let by_priority = self.shed.get(reason.index());
        if let Some(count) = by_priority.and_then(|counts| counts.get(priority.index())) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn gate_is(&self, limit: usize, in_flight: usize, queue_length: usize) {
        self.limit.store(limit as u64, Ordering::Relaxed);
        self.in_flight.store(in_flight as u64, Ordering::Relaxed);
        self.queue_length
            .store(queue_length as u64, Ordering::Relaxed);
    }

    pub(super) fn waited(&self, wait: Duration) {
        let micros = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        self.queued.fetch_add(1, Ordering::Relaxed);
        self.queued_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn stage_is(&self, stage: Stage) {
        let level = stage as u64;
        let before = self.stage.swap(level, Ordering::Relaxed);
        if level > before {
            self.stages_reached.fetch_add(1, Ordering::Relaxed);
        }
    }
}
