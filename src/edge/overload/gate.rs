//! The gate before the backend: so many operations at once as it can do; the rest waits in line for a moment,
//! or is told to come back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::counts::{Counts, Reason};
use super::limit::{Limit, Range};
use super::line::{Came, Line};
use super::priority::Priority;

/// Lets operations through to the backend.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct State {
    limit: Limit,
    line: Line<oneshot::Sender<Permit>>,
    in_flight: usize,
}

/// The slot of one operation. Dropping it gives the slot to whoever is next.
#[derive(Debug)]
pub struct Permit {
    /// `None` if there is no slot to give back.
    gate: Option<Arc<Gate>>,
    priority: Priority,
    began: Instant,
    end: End,
}

/// What the end of an operation says of the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was carried out: how long that took says how busy the backend is.
    Done,
    /// It was refused for a reason of its own, or nobody knows: that says nothing.
    Other,
    /// The backend had too much to do.
    PushedBack,
}

impl Permit {
    /// A permit of nobody, for what never waits.
    pub(super) fn free(priority: Priority) -> Self {
        Self {
            gate: None,
            priority,
            began: Instant::now(),
            end: End::Other,
        }
    }

    /// Ends the operation.
    pub fn finish(mut self, end: End) {
        self.end = end;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.leave(self.priority, self.began, self.end);
        }
    }
}

/// What is said to whoever asks.
enum Asked {
    Through(Permit),
    Waits(oneshot::Receiver<Permit>, Duration),
    Refused,
}

impl Gate {
    /// A gate with a limit in this range, in whose line nobody waits for longer than `wait`.
    pub(super) fn new(range: Range, wait: Duration, counts: Arc<Counts>) -> Arc<Self> {
        let state = State {
            limit: Limit::new(range, Instant::now()),
            line: Line::new(wait),
            in_flight: 0,
        };
        counts.gate_is(state.limit.now(), 0, 0);
        Arc::new(Self {
            state: Mutex::new(state),
            counts,
        })
    }

    /// A slot, now or within the patience of whoever asks.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn enter(
        self: &Arc<Self>,
        priority: Priority,
        patience: Duration,
    ) -> Result<Permit, Reason> {
        let came = Instant::now();
        let (mut place, wait) = match self.ask(priority, came) {
            Asked::Through(permit) => return Ok(permit),
            Asked::Waits(place, wait) => (place, wait),
            Asked::Refused => return Err(Reason::LineFull),
        };
        let permit = match tokio::time::timeout(wait.min(patience), &mut place).await {
            Ok(Ok(permit)) => Some(permit),
            // Others pushed it out of the line, or the line became impatient.
            Ok(Err(_)) => None,
            // The slot may have come in the very moment.
            Err(_) => {
                place.close();
                place.try_recv().ok()
            }
        };
        self.counts.waited(came.elapsed());
        permit.ok_or(Reason::Waited)
    }

    fn ask(self: &Arc<Self>, priority: Priority, now: Instant) -> Asked {
        let mut state = self.lock();
        state.turn(now);
        state.note_room(now);
        let asked = if state.has_room(priority) {
            Asked::Through(state.begin(self, priority, now))
        } else {
            let (sender, receiver) = oneshot::channel();
            let wait = state.line.patience(priority, now);
            let most = state.limit.now();
            if state.line.len() >= most {
                state.line.retain(|place| !place.is_closed());
            }
            match state.line.push(priority, sender, most, now) {
                Came::Not => Asked::Refused,
                // Whoever was pushed out learns it from the end of its channel.
                Came::In | Came::For(_) => Asked::Waits(receiver, wait),
            }
        };
        state.tell(&self.counts);
        asked
    }

    /// Gives a slot back, and on to whoever is next.
    fn leave(self: &Arc<Self>, priority: Priority, began: Instant, end: End) {
        let now = Instant::now();
        let mut state = self.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        match end {
            End::Done => state
                .limit
                .ended(priority, now.saturating_duration_since(began)),
            End::PushedBack => state.limit.pushed_back(),
            End::Other => {}
        }
        state.turn(now);
        while let Some((priority, place)) = state.next(now) {
            let permit = state.begin(self, priority, now);
            if let Err(mut unwanted) = place.send(permit) {
                // Its client went away, and the slot goes on to the next one. Dropping a permit with a gate
                // would wait for the lock that is held here.
                unwanted.gate = None;
                state.in_flight = state.in_flight.saturating_sub(1);
            }
        }
        state.note_room(now);
        state.tell(&self.counts);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_room(&self, priority: Priority) -> bool {
        self.in_flight < priority.share(self.limit.now())
    }

    fn begin(&mut self, gate: &Arc<Gate>, priority: Priority, now: Instant) -> Permit {
        self.in_flight += 1;
        self.limit.saw(self.in_flight);
        Permit {
            gate: Some(Arc::clone(gate)),
            priority,
            began: now,
            end: End::Other,
        }
    }

    fn next(&mut self, now: Instant) -> Option<(Priority, oneshot::Sender<Permit>)> {
        let (limit, in_flight) = (self.limit.now(), self.in_flight);
        self.line
            .pop(now, |priority| in_flight < priority.share(limit))
    }

    /// Whoever need not wait has a line that flows.
    fn note_room(&mut self, now: Instant) {
        for priority in Priority::ALL {
            if self.has_room(priority) {
                self.line.flows(priority, now);
            }
        }
    }

    fn turn(&mut self, now: Instant) {
        self.limit.turn(now);
        self.limit.saw(self.in_flight);
    }

    fn tell(&self, counts: &Counts) {
        counts.gate_is(self.limit.now(), self.in_flight, self.line.len());
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
