//! Requests by front, operation and outcome.
//!
//! All three are known when a front is mounted, so that a request is noted with an index into an array, and
//! never with a lookup. A front that is mounted again, after a reload say, goes on counting where it was.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::what::{N_OUTCOME, N_WHAT, NONE, Outcome, What};
use super::{Group, Histogram, Kind, Samples};

/// One operation of one front.
#[derive(Debug)]
struct Cell {
    outcomes: [AtomicU64; N_OUTCOME],
    duration: Histogram,
    received: AtomicU64,
    sent: AtomicU64,
}

impl Default for Cell {
    fn default() -> Self {
        Self {
            outcomes: std::array::from_fn(|_| AtomicU64::new(0)),
            duration: Histogram::default(),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        }
    }
}

/// The requests of one front.
#[derive(Debug)]
pub struct FrontSeries {
    cells: [Cell; N_WHAT],
    /// Answers by the first digit of their status, from 1 to 5.
    classes: [AtomicU64; 5],
}

impl FrontSeries {
    fn new() -> Self {
        Self {
            cells: std::array::from_fn(|_| Cell::default()),
            classes: Default::default(),
        }
    }

    /// Notes a request with its answer.
    pub fn note(&self, what: What, outcome: Outcome, status: u16, duration: Duration) {
        let Some(cell) = self.cells.get(what.index()) else {
            return;
        };
        if let Some(count) = cell.outcomes.get(outcome.index()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        cell.duration.observe(duration);
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some(count) = self.classes.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes bytes of a request's body.
    pub fn received(&self, what: What, bytes: usize) {
        if bytes > 0
            && let Some(cell) = self.cells.get(what.index())
        {
            cell.received.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Notes bytes of an answer's body.
    pub fn sent(&self, what: What, bytes: usize) {
        if bytes > 0
            && let Some(cell) = self.cells.get(what.index())
        {
            cell.sent.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }
}

/// The requests of every front.
#[derive(Debug, Default)]
pub struct Requests(Mutex<BTreeMap<String, Arc<FrontSeries>>>);

impl Requests {
    /// The series of a front by its name; `None` for requests that no front is meant by.
    #[must_use]
    pub fn front(&self, name: Option<&str>) -> Arc<FrontSeries> {
        let mut fronts = self.lock();
        let series = fronts.entry(name.unwrap_or(NONE).to_owned());
        Arc::clone(series.or_insert_with(|| Arc::new(FrontSeries::new())))
    }

    /// Puts what is counted here into a group.
    pub fn register(self: &Arc<Self>, group: &mut Group) {
        let this = Arc::clone(self);
        group.family(
            "linkbridge_requests_total",
            Kind::Counter,
            "Requests that were answered, by front, operation and outcome (ok, or the kind of the failure).",
            move |samples| this.each(|front, what, cell| outcomes(samples, front, what, cell)),
        );
        let this = Arc::clone(self);
        group.family(
            "linkbridge_request_duration_seconds",
            Kind::Histogram,
            "From the complete head of a request to its answer; of what is passed on, to the head of the answer.",
            move |samples| {
                this.each(|front, what, cell| {
                    let labels = [("front", front), ("operation", what.name())];
                    samples.ranges(&labels, cell.duration.snapshot());
                });
            },
        );
        let this = Arc::clone(self);
        group.family(
            "linkbridge_request_body_bytes_total",
            Kind::Counter,
            "Bytes of the bodies of requests.",
            move |samples| {
                this.each(|front, what, cell| bytes(samples, front, what, &cell.received))
            },
        );
        let this = Arc::clone(self);
        group.family(
            "linkbridge_response_body_bytes_total",
            Kind::Counter,
            "Bytes of the bodies of answers; those of streams of server reflection are not counted.",
            move |samples| this.each(|front, what, cell| bytes(samples, front, what, &cell.sent)),
        );
        let this = Arc::clone(self);
        group.family(
            "linkbridge_responses_total",
            Kind::Counter,
            "Answers by front and class of their HTTP status. A call may fail with 200.",
            move |samples| this.classes(samples),
        );
    }

    /// Every operation of every front that was asked for so far.
    fn each(&self, mut visit: impl FnMut(&str, What, &Cell)) {
        for (front, series) in self.all() {
            for (what, cell) in What::all().zip(&series.cells) {
                if !cell.duration.is_empty() {
                    visit(&front, what, cell);
                }
            }
        }
    }

    fn classes(&self, samples: &mut Samples) {
        const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
        for (front, series) in self.all() {
            for (class, count) in CLASSES.iter().zip(&series.classes).skip(1) {
                let labels = [("front", front.as_str()), ("class", class)];
                samples.count(&labels, count.load(Ordering::Relaxed));
            }
        }
    }

    fn all(&self) -> Vec<(String, Arc<FrontSeries>)> {
        let fronts = self.lock();
        let fronts = fronts.iter();
        fronts
            .map(|(name, series)| (name.clone(), Arc::clone(series)))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<FrontSeries>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Success is told from the first request on, so that there is something to compare with; failures when there
/// was one.
fn outcomes(samples: &mut Samples, front: &str, what: What, cell: &Cell) {
    for (outcome, count) in Outcome::all().zip(&cell.outcomes) {
        let count = count.load(Ordering::Relaxed);
        if count > 0 || outcome == Outcome::Ok {
            let labels = [
                ("front", front),
                ("operation", what.name()),
                ("outcome", outcome.name()),
            ];
            samples.count(&labels, count);
        }
    }
}

fn bytes(samples: &mut Samples, front: &str, what: What, count: &AtomicU64) {
    let labels = [("front", front), ("operation", what.name())];
    samples.count(&labels, count.load(Ordering::Relaxed));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_front_that_is_mounted_again_goes_on_counting() {
        let requests = Requests::default();
        let first = requests.front(Some("a"));
        assert!(Arc::ptr_eq(&first, &requests.front(Some("a"))));
        assert!(!Arc::ptr_eq(&first, &requests.front(None)));
    }
}
