//! Who waits for a slot: a line with an end, in which what matters more stands in front.
//!
//! Among those that matter alike, the first come is the first served, for as long as the line empties or
//! somebody gets through it quickly now and then: then waiting is worth it, and it is fair. A line in which
//! nobody did for a whole interval only makes everybody late: whoever stands in front has waited so long that
//! its client may be gone, and who comes next will have to wait as long. So from then on, until there is room
//! to spare, the newest is served first, and nobody waits for longer than a few milliseconds; that serves as
//! many, each of them sooner, and says no at once to the rest. Both are the idea of CoDel, applied to requests
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
    pub(super) fn flows(&mut self, priority: Priority) {
        if let Some(queue) = self.queue(priority).filter(|queue| queue.places.is_empty()) {
            queue.since = None;
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
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_millis(100);

    fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn anybody(_: Priority) -> bool {
        true
    }

    #[test]
    fn what_matters_more_goes_first_and_else_who_came_first() {
        let (mut line, now) = (Line::new(WAIT), Instant::now());
        let come = [
            (Priority::Create, "c1"),
            (Priority::Get, "g1"),
            (Priority::Create, "c2"),
            (Priority::Delete, "d1"),
            (Priority::List, "l1"),
            (Priority::Get, "g2"),
        ];
        for (priority, who) in come {
            assert_eq!(line.push(priority, who, 10, now), Came::In);
        }
        let mut order = Vec::new();
        while let Some((_, who)) = line.pop(now, anybody) {
            order.push(who);
        }
        assert_eq!(order, ["d1", "g1", "g2", "l1", "c1", "c2"]);
        assert_eq!(line.len(), 0);
    }

    #[test]
    fn who_may_not_go_on_keeps_nobody_else() {
        let (mut line, now) = (Line::new(WAIT), Instant::now());
        line.push(Priority::List, "l", 10, now);
        line.push(Priority::Create, "c", 10, now);
        let next = line.pop(now, |priority| priority == Priority::Create);
        assert_eq!(next.map(|(_, who)| who), Some("c"));
        assert!(line.pop(now, |_| false).is_none());
        assert_eq!(line.len(), 1);
    }

    #[test]
    fn a_full_line_lets_the_oldest_of_the_least_go_for_what_matters_more() {
        let (mut line, now) = (Line::new(WAIT), Instant::now());
        line.push(Priority::Create, "c1", 2, now);
        line.push(Priority::Create, "c2", 2, now);
        assert_eq!(line.push(Priority::Create, "c3", 2, now), Came::Not);
        assert_eq!(line.push(Priority::Delete, "d", 2, now), Came::For("c1"));
        assert_eq!(line.push(Priority::Get, "g", 2, now), Came::For("c2"));
        assert_eq!(line.push(Priority::List, "l", 2, now), Came::Not);
        assert_eq!(line.len(), 2);
    }

    #[test]
    fn nobody_waits_for_longer_than_they_may() {
        let (mut line, now) = (Line::new(WAIT), Instant::now());
        line.push(Priority::Get, "early", 10, now);
        assert!(line.pop(now + millis(99), |_| false).is_none());
        assert_eq!(line.len(), 1);
        assert!(line.pop(now + millis(101), anybody).is_none());
        assert_eq!(line.len(), 0);
    }

    #[test]
    fn a_standing_line_serves_the_newest_and_is_short_of_patience() {
        let (mut line, start) = (Line::new(WAIT), Instant::now());
        // Somebody comes every millisecond, and one of two goes on.
        let mut waits = Vec::new();
        for n in 0..400_u64 {
            let now = start + millis(n);
            line.push(Priority::Create, n, 1000, now);
            if n % 2 == 0
                && let Some((_, came)) = line.pop(now, anybody)
            {
                waits.push((n, millis(n - came)));
            }
        }
        assert!(line.stands(Priority::Create, start + millis(399)));
        assert!(line.len() <= 7, "{}", line.len());
        let early = waits
            .iter()
            .filter(|(n, _)| *n < 100)
            .map(|(_, w)| *w)
            .max();
        assert!(early > Some(millis(20)), "in order before: {early:?}");
        let late = waits
            .iter()
            .filter(|(n, _)| *n > 110)
            .map(|(_, w)| *w)
            .max();
        assert_eq!(late, Some(Duration::ZERO), "the newest after");
        // That nobody is left, because all have lost patience, does not make it better. Room does.
        let later = start + millis(900);
        assert!(line.pop(later, anybody).is_none());
        assert!(line.stands(Priority::Create, later));
        line.flows(Priority::Create);
        assert!(!line.stands(Priority::Create, later));
        assert_eq!(line.patience(Priority::Create, later), WAIT);
    }

    #[test]
    fn a_line_that_is_quick_does_not_stand() {
        let (mut line, start) = (Line::new(WAIT), Instant::now());
        line.push(Priority::Get, 0, 10, start);
        for n in 1..400_u64 {
            let now = start + millis(n);
            line.push(Priority::Get, n, 10, now);
            assert_eq!(line.pop(now, anybody), Some((Priority::Get, n - 1)));
            assert!(!line.stands(Priority::Get, now));
        }
    }

    #[test]
    fn what_matters_more_keeps_its_patience_while_the_rest_stands() {
        let (mut line, start) = (Line::new(WAIT), Instant::now());
        for n in 0..200 {
            line.push(Priority::Create, n, 1000, start + millis(n));
        }
        let now = start + millis(200);
        assert!(line.stands(Priority::Create, now));
        line.push(Priority::Delete, 1000, 1000, now);
        assert_eq!(line.patience(Priority::Delete, now), WAIT);
        let next = line.pop(now + millis(80), anybody);
        assert_eq!(next, Some((Priority::Delete, 1000)));
    }

    #[test]
    fn a_full_standing_line_takes_the_newest_of_equals() {
        let (mut line, start) = (Line::new(WAIT), Instant::now());
        for n in 0..=100 {
            line.push(Priority::Create, n, 1000, start + millis(n));
        }
        let now = start + millis(100);
        assert!(line.stands(Priority::Create, now));
        // Those of the last five milliseconds are left.
        let came = line.push(Priority::Create, 1000, 6, now);
        assert_eq!(came, Came::For(95));
    }
}
