//! Who waits for a slot: a line with an end, in which what matters more stands in front.
//!
//! Among those that matter alike, the first come is the first served, for as long as the line empties or
//! somebody gets through it quickly now and then: then waiting is worth it, and it is fair. A line in which
//! nobody did for a whole interval only makes everybody late: whoever stands in front has waited so long that
//! its client may be gone, and who comes next will have to wait as long. So from then on, until nobody has had
//! to wait for as long an interval, the newest is served first, and nobody waits for longer than a few
//! milliseconds; that serves as many, each of them sooner, and says no at once to the rest. Both are the idea of CoDel, applied to requests
//! instead of packets. Each priority stands for itself: who goes before the others does not wait for them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::priority::Priority;

/// How long a line may go without being empty or quick before it counts as standing.
const INTERVAL: Duration = Duration::from_millis(100);
/// How long anybody waits in a standing line; who waited less in another one got through it quickly.
const STANDING_WAIT: Duration = Duration::from_millis(5);

/// A line of waiting `T`: one for each priority, with a common end.
#[derive(Debug)]
pub(super) struct Line<T> {
    queues: [Queue<T>; 5],
    /// The longest wait, in a queue that does not stand.
    wait: Duration,
}

#[derive(Debug)]
struct Queue<T> {
    places: VecDeque<Place<T>>,
    /// Since when it has been neither empty nor quick.
    since: Option<Instant>,
    /// Since when nobody has had to wait, if it stands.
    room: Option<Instant>,
}

#[derive(Debug)]
struct Place<T> {
    who: T,
    came: Instant,
}

/// What came of somebody who wanted into a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came<T> {
    /// Waits.
    In,
    /// Waits in the place of somebody who had to go.
    For(T),
    /// The line is full.
    Not,
}

impl<T> Queue<T> {
    fn stands(&self, now: Instant) -> bool {
        self.since
            .is_some_and(|since| now.saturating_duration_since(since) >= INTERVAL)
    }

    /// Nobody waits, and nobody would have to. Where it stood, that may be the luck of a moment: a slot between
    /// two of those who lost patience. Were it forgotten at once, everybody of the next interval would wait long
    /// again, and in vain.
    fn flows(&mut self, now: Instant) {
        let stands = self.stands(now);
        let room = *self.room.get_or_insert(now);
        if !stands || now.saturating_duration_since(room) >= INTERVAL {
            (self.since, self.room) = (None, None);
        }
    }

    /// How long who comes now may wait.
    fn patience(&self, wait: Duration, now: Instant) -> Duration {
        match self.stands(now) {
            true => wait.min(STANDING_WAIT),
            false => wait,
        }
    }

    fn next(&mut self, now: Instant) -> Option<T> {
        if self.stands(now) {
            return self.places.pop_back().map(|place| place.who);
        }
        let place = self.places.pop_front()?;
        let waited = now.saturating_duration_since(place.came);
        if self.places.is_empty() || waited < STANDING_WAIT {
            self.since = (!self.places.is_empty()).then_some(now);
        }
        Some(place.who)
    }

    /// Lets everybody go who has waited for too long. They learn it from the end of `T`.
    fn expire(&mut self, wait: Duration, now: Instant) {
        let patience = self.patience(wait, now);
        let is_over = |place: &Place<T>| now.saturating_duration_since(place.came) > patience;
        while self.places.front().is_some_and(is_over) {
            self.places.pop_front();
        }
    }
}

impl<T> Line<T> {
    /// An empty line in which nobody waits for longer than this.
    pub(super) fn new(wait: Duration) -> Self {
        let queue = |_| Queue {
            places: VecDeque::new(),
            since: None,
            room: None,
        };
        Self {
            queues: Priority::ALL.map(queue),
            wait,
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.queues.iter().map(|queue| queue.places.len()).sum()
    }

    /// Who comes with this priority does not have to wait.
    pub(super) fn flows(&mut self, priority: Priority, now: Instant) {
        if let Some(queue) = self.queue(priority).filter(|queue| queue.places.is_empty()) {
            queue.flows(now);
        }
    }

    /// How long who comes now may wait.
    pub(super) fn patience(&mut self, priority: Priority, now: Instant) -> Duration {
        let wait = self.wait;
        let queue = self.queue(priority);
        queue.map_or(wait, |queue| queue.patience(wait, now))
    }

    /// Takes somebody in, in a line of `most`; if it is full, in the place of who has waited longest of
    /// those that matter least.
    pub(super) fn push(
        &mut self,
        priority: Priority,
        who: T,
        most: usize,
        now: Instant,
    ) -> Came<T> {
        self.expire(now);
        let mut came = Came::In;
        if self.len() >= most.max(1) {
            match self.make_place(priority, now) {
                Some(who) => came = Came::For(who),
                None => return Came::Not,
            }
        }
        if let Some(queue) = self.queue(priority) {
            queue.places.push_back(Place { who, came: now });
            queue.since.get_or_insert(now);
            queue.room = None;
        }
        came
    }

    /// Whoever goes for somebody of this priority. Of those that matter alike the newest is better than the
    /// oldest in a standing queue only.
    fn make_place(&mut self, priority: Priority, now: Instant) -> Option<T> {
        let mut queues = Priority::ALL.into_iter().zip(&mut self.queues);
        let (least, queue) = queues.find(|(_, queue)| !queue.places.is_empty())?;
        if least < priority || (least == priority && queue.stands(now)) {
            queue.places.pop_front().map(|place| place.who)
        } else {
            None
        }
    }

    /// Who is next, of those that `may` go on.
    pub(super) fn pop(
        &mut self,
        now: Instant,
        may: impl Fn(Priority) -> bool,
    ) -> Option<(Priority, T)> {
        self.expire(now);
        let mut queues = Priority::ALL.into_iter().zip(&mut self.queues).rev();
        queues.find_map(|(priority, queue)| {
            let next = may(priority).then(|| queue.next(now)).flatten();
            Some((priority, next?))
        })
    }

    /// Forgets who is not there any more.
    pub(super) fn retain(&mut self, is_there: impl Fn(&T) -> bool) {
        for queue in &mut self.queues {
            queue.places.retain(|place| is_there(&place.who));
        }
    }

    fn expire(&mut self, now: Instant) {
        for queue in &mut self.queues {
            queue.expire(self.wait, now);
        }
    }

    fn queue(&mut self, priority: Priority) -> Option<&mut Queue<T>> {
        self.queues.get_mut(priority.index())
    }

    #[cfg(test)]
    fn stands(&self, priority: Priority, now: Instant) -> bool {
        self.queues[priority.index()].stands(now)
    }
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
