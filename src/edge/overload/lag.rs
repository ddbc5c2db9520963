//! When a worker has more to do than it can: how late it is, and what it then refuses before it does any
//! work for it.
//!
//! A worker is one thread that does one thing after the other, so that a timer of it that comes late says how
//! much was ready to be done at that time. If not even the best of several looks in a row finds it on time,
//! the work stands in line; then a part of the requests is refused by their heads alone, that of least
//! priority first, and the part grows for as long as it is late and falls by half as soon as it is not. A
//! worker that has few requests is late for some other reason, and refusing them would make nothing better.

use std::time::{Duration, Instant};

use super::priority::Priority;

/// How often a worker looks how late it is.
pub const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long looks are gathered before they are judged.
const WINDOW: Duration = Duration::from_millis(100);
/// How many windows in a row must be late: a burst that is over by then needs nobody refused.
const PATIENCE: u32 = 4;
/// How late is too late.
const LATE: Duration = Duration::from_millis(50);
/// With how many requests in a window refusing some can help.
const MANY: u32 = 32;
/// The largest part that is refused: at five times as much as can be done, what is left is what can be done.
/// Refusing is work, too. Were it more, a worker that is late with refusing alone would do nothing else.
const MOST: f64 = 0.8;

/// What one worker refuses.
#[derive(Debug)]
pub struct Lag {
    began: Instant,
    /// The least that it was late in this window.
    least: Duration,
    came: [u32; 5],
    /// How many windows were late in a row.
    late_for: u32,
    /// What part of all requests is refused.
    part: f64,
    /// What part of each priority that makes.
    parts: [f64; 5],
    /// What is left of a whole refusal, by priority: parts are refused evenly, not by chance.
    owed: [f64; 5],
}

impl Lag {
    /// A worker that is on time.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            began: now,
            least: Duration::MAX,
            came: [0; 5],
            late_for: 0,
            part: 0.0,
            parts: [0.0; 5],
            owed: [0.0; 5],
        }
    }

    /// The worker looked, and was so late.
    pub fn look(&mut self, now: Instant, late: Duration) {
        self.least = self.least.min(late);
        if now.saturating_duration_since(self.began) < WINDOW {
            return;
        }
        let all: u32 = self.came.iter().sum();
        let is_late = self.least >= LATE && all >= MANY;
        self.late_for = if is_late {
            self.late_for.saturating_add(1)
        } else {
            0
        };
        self.part = if self.late_for >= PATIENCE {
            (self.part + (1.0 - self.part) * 0.2).min(MOST)
        } else if self.part < 0.02 {
            0.0
        } else {
            self.part * 0.5
        };
        let mut left = f64::from(all) * self.part;
        for (index, part) in self.parts.iter_mut().enumerate() {
            let came = self.came.get(index).copied().map_or(0.0, f64::from);
            *part = match came > 0.0 {
                true => (left / came).clamp(0.0, 1.0),
                // Who did not come lately is refused if more of lesser priority than came is to be.
                false => f64::from(left > 0.0),
            };
            left = (left - came).max(0.0);
        }
        (self.began, self.least, self.came) = (now, Duration::MAX, [0; 5]);
    }

    /// Whether a request may go on.
    pub fn admits(&mut self, priority: Priority) -> bool {
        let index = priority.index();
        if let Some(came) = self.came.get_mut(index) {
            *came = came.saturating_add(1);
        }
        if self.part == 0.0 || priority == Priority::Health {
            return true;
        }
        let part = self.parts.get(index).copied().unwrap_or(0.0);
        let Some(owed) = self.owed.get_mut(index) else {
            return true;
        };
        *owed += part;
        if *owed < 1.0 {
            return true;
        }
        *owed -= 1.0;
        false
    }

    /// What part of all requests is refused, in thousandths.
    #[must_use]
    pub fn permille(&self) -> u64 {
        (self.part * 1000.0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Worker {
        lag: Lag,
        now: Instant,
    }

    impl Worker {
        fn new() -> Self {
            let now = Instant::now();
            let lag = Lag::new(now);
            Self { lag, now }
        }

        /// A window, with so many requests of each priority; how many of them were let on.
        fn window(&mut self, late: u64, come: [u32; 5]) -> [u32; 5] {
            let mut admitted = [0; 5];
            for (index, priority) in Priority::ALL.into_iter().enumerate() {
                for _ in 0..come[index] {
                    admitted[index] += u32::from(self.lag.admits(priority));
                }
            }
            for _ in 0..5 {
                self.now += LOOK_EVERY;
                self.lag.look(self.now, Duration::from_millis(late));
            }
            admitted
        }
    }

    #[test]
    fn the_least_goes_first() {
        let mut worker = Worker::new();
        let come = [100, 100, 100, 100, 10];
        assert_eq!(worker.window(50, come), come);
        let mut last = come;
        for _ in 0..30 {
            let admitted = worker.window(50, come);
            assert!(admitted.is_sorted() || admitted[4] == 10, "{admitted:?}");
            assert_eq!(admitted[4], 10, "health always");
            assert!(admitted.iter().zip(last).all(|(a, b)| *a <= b + 1));
            last = admitted;
        }
        assert_eq!(last[..3], [0, 0, 0]);
        assert!(last[3] > 0, "{last:?}");
    }

    #[test]
    fn who_is_on_time_again_refuses_nobody_within_a_second() {
        let mut worker = Worker::new();
        let come = [100; 5];
        for _ in 0..50 {
            worker.window(50, come);
        }
        assert!(worker.lag.permille() > 750);
        for _ in 0..8 {
            worker.window(1, come);
        }
        assert_eq!(worker.window(1, come), come);
    }

    #[test]
    fn who_has_little_to_do_is_late_for_another_reason() {
        let mut worker = Worker::new();
        let come = [10, 5, 5, 5, 5];
        for _ in 0..50 {
            assert_eq!(worker.window(500, come), come);
        }
    }

    #[test]
    fn one_late_look_is_nothing() {
        let mut worker = Worker::new();
        for _ in 0..20 {
            worker.lag.look(worker.now, Duration::from_secs(1));
            assert_eq!(worker.window(1, [100; 5]), [100; 5]);
        }
    }
}
