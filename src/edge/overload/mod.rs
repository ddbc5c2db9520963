//! Too much to do: what is refused then, so that the rest is served in time.
//!
//! Three gates, from the outside in. Connections are limited ([`connections`](super::connections)), and
//! memory that runs out ends idle ones early, then all after their answer, then refuses ([`Stage`]). A
//! worker that is late refuses a part of the requests by their heads alone, before it has checked a
//! credential or read a body ([`Lag`]). And as many operations are carried out at the same time as the
//! backend can do (`limit`), the others waiting in line for a moment (`gate`, `line`). What is refused first
//! is what matters least ([`Priority`]). Health is never refused.
//!
//! The parts are state machines that are told the time. Whoever is refused is told to come back in one to
//! three seconds, not all in the same one.

mod counts;
mod gate;
mod lag;
mod limit;
mod line;
mod memory;
mod priority;
mod process;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

pub use self::counts::{Counts, Reason};
use self::gate::Gate;
pub use self::gate::{End, Permit};
pub use self::lag::{LOOK_EVERY, Lag};
pub use self::limit::Range;
pub use self::memory::Stage;
use self::memory::Stages;
pub use self::priority::Priority;
pub use self::process::{connections_within, raise_descriptor_limit};
use crate::model::Failure;

/// How often memory is looked at.
pub const SAMPLE_EVERY: Duration = Duration::from_millis(250);

/// How long an idle connection lives under pressure.
pub const SHORT_IDLE: Duration = Duration::from_secs(2);

/// When what is too much is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many operations may be carried out at the same time: between these, as many as the backend can
    /// do.
    pub concurrency: Range,
    /// How long an operation may wait for its turn.
    pub queue: Duration,
    /// How many bytes of memory the process may have; `None` = what its control group leaves it, if that
    /// limits it.
    pub memory: Option<u64>,
}

/// The gates of one process.
#[derive(Debug)]
pub struct Overload {
    gate: Arc<Gate>,
    memory_limit: u64,
    stages: Mutex<[Stages; 2]>,
    stage: watch::Sender<Stage>,
    counts: Arc<Counts>,
    turn: AtomicU64,
}

impl Overload {
    /// Gates that are open.
    #[must_use]
    pub fn new(settings: &Settings) -> Arc<Self> {
        let counts = Arc::<Counts>::default();
        let memory_limit = settings.memory.or_else(process::memory_limit);
        let memory_limit = memory_limit.unwrap_or(0);
        counts
            .memory_limit_bytes
            .store(memory_limit, Ordering::Relaxed);
        Arc::new(Self {
            gate: Gate::new(settings.concurrency, settings.queue, Arc::clone(&counts)),
            memory_limit,
            stages: Mutex::default(),
            stage: watch::Sender::new(Stage::Calm),
            counts,
            turn: AtomicU64::new(0),
        })
    }

    /// A slot for an operation, at once or within a moment, `patience` at the longest. Health needs none.
    ///
    /// # Errors
    /// [`Failure::Overloaded`].
    pub async fn enter(&self, priority: Priority, patience: Duration) -> Result<Permit, Failure> {
        if priority == Priority::Health {
            return Ok(Permit::free(priority));
        }
        let entered = self.gate.enter(priority, patience).await;
        entered.map_err(|reason| self.refused(reason, priority))
    }

    /// Lets a request go on of which only the head is known.
    ///
    /// # Errors
    /// [`Failure::Overloaded`]: the process is at the end of its memory, or the worker of its time.
    pub fn pass(&self, priority: Priority, lag: &mut Lag) -> Result<(), Failure> {
        let on_time = lag.admits(priority);
        if priority == Priority::Health {
            Ok(())
        } else if self.stage() == Stage::Refuse {
            Err(self.refused(Reason::Memory, priority))
        } else if on_time {
            Ok(())
        } else {
            Err(self.refused(Reason::Busy, priority))
        }
    }

    /// Whether there is memory for another connection. Counts it if there is not.
    #[must_use]
    pub fn takes_connections(&self) -> bool {
        let takes = self.stage() < Stage::Refuse;
        if !takes {
            self.counts
                .connections_refused
                .fetch_add(1, Ordering::Relaxed);
        }
        takes
    }

    /// When to come back: in one to three seconds, not all in the same one.
    #[must_use]
    pub fn come_back(&self) -> Duration {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        Duration::from_secs(1 + turn % 3)
    }

    fn refused(&self, reason: Reason, priority: Priority) -> Failure {
        self.counts.note_shed(reason, priority);
        Failure::Overloaded {
            retry_after: self.come_back(),
        }
    }

    /// Looks how much memory there is left, and how many of the connections that may be there are.
    pub fn look(&self, connections: usize, most: usize) {
        let resident = process::resident_bytes().unwrap_or(0);
        self.observe(resident, (connections, most));
    }

    /// So much memory is in use, and so many connections of those that there may be.
    pub(crate) fn observe(&self, resident: u64, (connections, most): (usize, usize)) {
        let counts = &self.counts;
        counts.resident_bytes.store(resident, Ordering::Relaxed);
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        let [of_memory, of_connections] = &mut *stages;
        let of_memory = of_memory.observe(resident, self.memory_limit);
        // Too many connections are no reason to refuse requests, only to make room for others.
        let of_connections = of_connections.observe(connections as u64, most as u64);
        let stage = of_memory.max(of_connections.min(Stage::ShortIdle));
        counts.stage_is(stage);
        let before = self.stage();
        if before != stage {
            tracing::warn!(
                stage = ?stage,
                before = ?before,
                resident_bytes = resident,
                memory_limit_bytes = self.memory_limit,
                connections,
                "the pressure has changed"
            );
            self.stage.send_replace(stage);
        }
    }

    /// How great the pressure is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    /// Tells how the pressure changes.
    #[must_use]
    pub fn stages(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }

    /// A worker was so late, and refuses such a part of its requests.
    pub fn note_lag(&self, late: Duration, permille: u64) {
        let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        // The greatest of lately: each look takes an eighth off what was.
        for (gauge, now) in [
            (&self.counts.lag_micros, micros),
            (&self.counts.shed_permille, permille),
        ] {
            let before = gauge.load(Ordering::Relaxed);
            gauge.store(now.max(before - before.div_ceil(8)), Ordering::Relaxed);
        }
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// An idle connection was ended early.
    pub fn note_ended_connection(&self) {
        self.counts
            .connections_ended
            .fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overload(bytes: u64) -> Arc<Overload> {
        Overload::new(&Settings {
            concurrency: Range {
                floor: 1,
                ceiling: 1,
            },
            queue: Duration::from_millis(1),
            memory: Some(bytes),
        })
    }

    #[test]
    fn at_the_end_of_memory_only_health_is_answered() {
        let overload = overload(100);
        let mut lag = Lag::new(std::time::Instant::now());
        overload.observe(96, (0, 10));
        assert!(!overload.takes_connections());
        for priority in Priority::ALL {
            let passes = overload.pass(priority, &mut lag).is_ok();
            assert_eq!(passes, priority == Priority::Health);
        }
        overload.observe(10, (0, 10));
        assert!(overload.takes_connections());
        assert!(overload.pass(Priority::Create, &mut lag).is_ok());
        let counts = overload.counts();
        assert_eq!(counts.shed(Reason::Memory, Priority::Delete), 1);
        assert_eq!(counts.shed(Reason::Memory, Priority::Health), 0);
        assert_eq!(counts.connections_refused.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn many_connections_shorten_the_idle_time_and_no_more() {
        let overload = overload(0);
        overload.observe(1 << 40, (100, 100));
        assert_eq!(overload.stage(), Stage::ShortIdle);
        overload.observe(1 << 40, (50, 100));
        assert_eq!(overload.stage(), Stage::Calm);
    }

    #[tokio::test]
    async fn health_waits_for_nobody() {
        let overload = overload(0);
        let wait = Duration::from_secs(1);
        let _held = overload.enter(Priority::Get, wait).await.unwrap();
        assert!(overload.enter(Priority::Delete, wait).await.is_err());
        assert!(overload.enter(Priority::Health, wait).await.is_ok());
        let counts = overload.counts();
        assert_eq!(counts.shed(Reason::Waited, Priority::Delete), 1);
        assert_eq!(counts.queued.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn not_all_come_back_in_the_same_second() {
        let overload = overload(0);
        let mut seconds: Vec<u64> = (0..6).map(|_| overload.come_back().as_secs()).collect();
        seconds.sort_unstable();
        assert_eq!(seconds, [1, 1, 2, 2, 3, 3]);
    }
}
