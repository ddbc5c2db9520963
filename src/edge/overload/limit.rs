//! How many operations may be carried out at the same time: found out, not configured.
//!
//! A backend that is asked for more than it can do gets slower. So the times that operations take are held
//! against the times that they take when little goes on, per priority, since a create at an IdP is several
//! calls and a look is one. Every window the limit is made anew:
//!
//! * the backend itself says to most that it has too much (a full queue, no turn): a fifth less than what was
//!   going on. Not to a few: that may be one IdP of many, which has a limit of its own;
//! * the times are over what is tolerated: as much less than what was going on as they are over it, and a
//!   little more (half of the square root), so that there is something to queue and full use can be seen;
//! * else it grows by a seventh: up to a level of rest if it is not in use, up to its ceiling if it is. From
//!   floor to rest that takes about a second.
//!
//! The median over a window decides, not the mean: one IdP of many that hangs ends few operations, however
//! many of them wait for it. What is normal is learned downwards at once, and upwards only while too little
//! goes on for us to be the reason: under half of the floor, or at the floor. Under a load that stays,
//! what is slow therefore never becomes normal by lasting.

use std::time::{Duration, Instant};

use super::priority::Priority;

/// How long times are gathered before they are judged.
const WINDOW: Duration = Duration::from_millis(100);
/// After how long few times must do.
const LONG_WINDOW: Duration = Duration::from_millis(500);
/// How many operations of one priority say something.
const ENOUGH: usize = 5;
/// How many times of a priority are kept of one window.
const KEPT: usize = 64;
/// How much slower than normal is still normal, and how much it always may be: disks and schedulers have
/// moods of some milliseconds.
const TOLERATED: f64 = 1.5;
const SLACK: f64 = 0.005;
/// How many floors the level of rest has.
const REST: usize = 4;
/// By how much the limit grows in a good window.
const GROWTH: f64 = 1.15;

/// The range of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub floor: usize,
    /// The most.
    pub ceiling: usize,
}

/// A limit that follows what the backend can do.
#[derive(Debug)]
pub(super) struct Limit {
    range: Range,
    limit: f64,
    /// What an operation takes when little goes on, in seconds, by priority; 0 = not known yet.
    normal: [f64; 5],
    window: Window,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    /// The most operations at the same time.
    peak: usize,
    /// How many operations ended well.
    ended: usize,
    /// How many times the backend said that it has too much.
    pushed_back: usize,
    times: [Vec<f64>; 5],
}

impl Window {
    fn new(began: Instant) -> Self {
        Self {
            began,
            peak: 0,
            ended: 0,
            pushed_back: 0,
            times: Default::default(),
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        let length = now.saturating_duration_since(self.began);
        let says_much = self.ended + self.pushed_back >= 2 * ENOUGH;
        length >= LONG_WINDOW || (says_much && length >= WINDOW)
    }
}

impl Limit {
    /// A limit at its level of rest.
    pub(super) fn new(range: Range, now: Instant) -> Self {
        let floor = range.floor.max(1);
        let range = Range {
            floor,
            ceiling: range.ceiling.max(floor),
        };
        let mut limit = Self {
            range,
            limit: 0.0,
            normal: [0.0; 5],
            window: Window::new(now),
        };
        limit.limit = limit.rest();
        limit
    }

    fn floor(&self) -> f64 {
        number(self.range.floor)
    }

    fn ceiling(&self) -> f64 {
        number(self.range.ceiling)
    }

    fn rest(&self) -> f64 {
        number(self.range.floor.saturating_mul(REST)).min(self.ceiling())
    }

    /// How many operations there may be now.
    pub(super) fn now(&self) -> usize {
        // Within 1 and the ceiling, which is a count.
        self.limit as usize
    }

    /// So many are going on.
    pub(super) fn saw(&mut self, in_flight: usize) {
        self.window.peak = self.window.peak.max(in_flight);
    }

    /// An operation was carried out.
    pub(super) fn ended(&mut self, priority: Priority, took: Duration) {
        self.window.ended += 1;
        if let Some(times) = self.window.times.get_mut(priority.index()) {
            let took = took.as_secs_f64();
            // When there are many, later ones take the places of earlier ones.
            match times.len() < KEPT {
                true => times.push(took),
                false => {
                    let place = self.window.ended % KEPT;
                    if let Some(time) = times.get_mut(place) {
                        *time = took;
                    }
                }
            }
        }
    }

    /// The backend said that it has too much.
    pub(super) fn pushed_back(&mut self) {
        self.window.pushed_back += 1;
    }

    /// Makes the limit anew, if it is time.
    pub(super) fn turn(&mut self, now: Instant) {
        if !self.window.is_over(now) {
            return;
        }
        let mut window = std::mem::replace(&mut self.window, Window::new(now));
        let slowness = self.judge(&mut window);
        let peak = number(window.peak);
        let target = if window.pushed_back > window.ended {
            self.limit.min(peak) * 0.8
        } else if slowness > 1.0 {
            // Half of it at the most: one window may be a hiccup.
            let target = peak * (1.0 / slowness).max(0.5) + peak.sqrt() / 2.0;
            self.limit.min(target)
        } else {
            let is_used = peak * 2.0 >= self.limit;
            let top = if is_used { self.ceiling() } else { self.rest() };
            (self.limit * GROWTH + 1.0).min(top).max(self.limit)
        };
        self.limit = target.clamp(self.floor(), self.ceiling());
        // The next window begins with what still goes on; whoever calls says how much that is.
    }

    /// How slow the slowest priority is, against what is tolerated; and learns what is normal.
    fn judge(&mut self, window: &mut Window) -> f64 {
        let is_quiet = window.peak.saturating_mul(2) <= self.range.floor;
        let is_at_floor = self.limit <= self.floor();
        let mut slowest = 0.0_f64;
        for (times, normal) in window.times.iter_mut().zip(&mut self.normal) {
            if times.len() < ENOUGH {
                continue;
            }
            let middle = times.len() / 2;
            let (_, median, _) = times.select_nth_unstable_by(middle, f64::total_cmp);
            let median = *median;
            if *normal == 0.0 {
                *normal = median;
            } else if median < *normal {
                *normal += (median - *normal) * 0.3;
            } else if is_quiet {
                *normal += (median - *normal) * 0.1;
            } else if is_at_floor {
                *normal += (median - *normal) * 0.05;
            }
            let tolerated = (*normal * TOLERATED).max(*normal + SLACK);
            slowest = slowest.max(median / tolerated);
        }
        slowest
    }
}

/// Counts here are small: connections and what they ask for.
fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: Range = Range {
        floor: 8,
        ceiling: 512,
    };

    /// A backend that does so many at once, each in 20 ms, and queues the rest.
    struct Model {
        limit: Limit,
        now: Instant,
        at_once: usize,
        pushes_back_from: usize,
    }

    impl Model {
        fn new(at_once: usize) -> Self {
            let now = Instant::now();
            Self {
                limit: Limit::new(RANGE, now),
                now,
                at_once,
                pushes_back_from: usize::MAX,
            }
        }

        /// Runs for a time with so many who want something; answers the limits it went through.
        fn run(&mut self, wanted: usize, millis: u64) -> Vec<usize> {
            let end = self.now + Duration::from_millis(millis);
            let mut limits = Vec::new();
            while self.now < end {
                let going_on = wanted.min(self.limit.now());
                self.limit.saw(going_on);
                let rounds = going_on.div_ceil(self.at_once).max(1) as u32;
                for _ in 0..going_on.min(self.at_once).min(self.pushes_back_from) {
                    let took = Duration::from_millis(20) * rounds;
                    self.limit.ended(Priority::Create, took);
                }
                for _ in self.pushes_back_from..going_on {
                    self.limit.pushed_back();
                }
                self.now += Duration::from_millis(20);
                self.limit.turn(self.now);
                limits.push(self.limit.now());
            }
            limits
        }
    }

    #[test]
    fn it_comes_down_to_what_the_backend_can_do_and_keeps_it_busy() {
        let mut model = Model::new(16);
        model.run(4, 1000);
        let under_load = model.run(10_000, 10_000);
        let late = &under_load[100..];
        assert!(
            late.iter().all(|limit| (12..=40).contains(limit)),
            "{late:?}"
        );
        // An hour later what is slow still has not become normal.
        let later = model.run(10_000, 600_000);
        assert!(later.iter().all(|limit| *limit <= 48), "{:?}", later.last());
    }

    #[test]
    fn it_grows_where_the_backend_can_do_more() {
        let mut model = Model::new(10_000);
        model.run(4, 1000);
        let limits = model.run(10_000, 3000);
        assert_eq!(limits.last(), Some(&RANGE.ceiling));
    }

    #[test]
    fn it_comes_back_within_two_seconds() {
        let mut model = Model::new(16);
        model.run(4, 1000);
        model.run(10_000, 5000);
        model.at_once = 1;
        model.run(10_000, 5000);
        assert!(model.limit.now() <= 2 * RANGE.floor);
        model.at_once = 10_000;
        model.run(4, 2000);
        assert!(model.limit.now() >= RANGE.floor * REST);
    }

    #[test]
    fn it_believes_a_backend_that_says_it_has_too_much() {
        let mut model = Model::new(10_000);
        model.pushes_back_from = 32;
        let limits = model.run(10_000, 5000);
        let late = &limits[100..];
        assert!(
            late.iter().all(|limit| (16..=96).contains(limit)),
            "{late:?}"
        );
    }

    #[test]
    fn a_slow_backend_that_nobody_overloads_is_left_alone() {
        let mut model = Model::new(1000);
        model.run(4, 1000);
        let (now, limit) = (model.now, &mut model.limit);
        let before = limit.now();
        // A hundred times slower than before, with three at once.
        for step in 1..200_u32 {
            limit.saw(3);
            (0..6).for_each(|_| limit.ended(Priority::Create, Duration::from_secs(2)));
            limit.turn(now + Duration::from_millis(500) * step);
        }
        assert!(limit.now() >= before, "{} < {before}", limit.now());
    }

    #[test]
    fn one_that_hangs_among_many_changes_nothing() {
        let now = Instant::now();
        let mut limit = Limit::new(RANGE, now);
        let before = limit.now();
        for step in 1..100_u32 {
            limit.saw(30);
            (0..20).for_each(|_| limit.ended(Priority::Get, Duration::from_millis(20)));
            (0..5).for_each(|_| limit.ended(Priority::Get, Duration::from_secs(5)));
            limit.turn(now + WINDOW * step);
        }
        assert!(limit.now() >= before);
    }

    #[test]
    fn no_times_and_odd_times_keep_it_in_its_range() {
        let now = Instant::now();
        let odd = Range {
            floor: 0,
            ceiling: 0,
        };
        let mut limit = Limit::new(odd, now);
        assert_eq!(limit.now(), 1);
        for step in 1..1000_u64 {
            limit.saw(usize::MAX);
            (0..100).for_each(|n| {
                limit.ended(Priority::List, Duration::from_secs(step * n % 7));
                limit.pushed_back();
            });
            limit.turn(now + Duration::from_millis(200 * step));
            assert_eq!(limit.now(), 1);
        }
    }
}
