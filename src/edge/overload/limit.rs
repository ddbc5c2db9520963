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
#[path = "limit_tests.rs"]
mod tests;
