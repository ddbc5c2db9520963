//! Metrics: what can be read of this process, and how it is written down for Prometheus.
//!
//! Nothing here is on the path of a request but [`Histogram`] and [`Requests`], which are arrays of atomics.
//! Everything else is *read* when somebody asks for it: a [`Registry`] holds closures over whatever counts,
//! wherever that is. So no module has to know the registry, and a module that has no business with telemetry
//! shows plain atomics.
//!
//! Labels are bounded: a closure says which there are, and their values come from the configuration, from the
//! mappings or from a closed list, never from a request.

mod histogram;
mod process;
mod requests;
mod text;
mod what;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::histogram::{BOUNDS, Histogram, Snapshot};
pub use self::process::process;
pub use self::requests::{FrontSeries, Requests};
pub use self::text::Format;
pub use self::what::{Outcome, What};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only ever grows; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often a value was in which range.
    Histogram,
}

/// A name and a value of a label.
pub type Label<'a> = (&'static str, &'a str);

/// What was read of one metric.
#[derive(Debug, Default)]
pub struct Samples(Vec<Sample>);

#[derive(Debug)]
struct Sample {
    labels: Vec<(&'static str, String)>,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Count(u64),
    Number(f64),
    Ranges(Snapshot),
}

impl Samples {
    /// A count.
    pub fn count(&mut self, labels: &[Label<'_>], value: u64) {
        self.push(labels, Value::Count(value));
    }

    /// A number.
    pub fn number(&mut self, labels: &[Label<'_>], value: f64) {
        self.push(labels, Value::Number(value));
    }

    /// How often a value was in which range.
    pub fn ranges(&mut self, labels: &[Label<'_>], value: Snapshot) {
        self.push(labels, Value::Ranges(value));
    }

    fn push(&mut self, labels: &[Label<'_>], value: Value) {
        let labels = labels
            .iter()
            .map(|(name, text)| (*name, (*text).to_owned()));
        let labels = labels.collect();
        self.0.push(Sample { labels, value });
    }
}

type Read = Box<dyn Fn(&mut Samples) + Send + Sync>;

struct Metric {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    read: Read,
}

/// Metrics that come and go together: those of one upstream, say.
#[derive(Default)]
pub struct Group(Vec<Metric>);

impl Group {
    /// A group without a metric.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A metric that has several samples, or none yet.
    pub fn family(
        &mut self,
        name: &'static str,
        kind: Kind,
        help: &'static str,
        read: impl Fn(&mut Samples) + Send + Sync + 'static,
    ) {
        let read = Box::new(read);
        self.0.push(Metric {
            name,
            help,
            kind,
            read,
        });
    }

    /// A counter. Its name ends in `_total`.
    pub fn counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[Label<'_>],
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        let labels = owned(labels);
        self.family(name, Kind::Counter, help, move |samples| {
            samples.count(&borrowed(&labels), read());
        });
    }

    /// A gauge.
    pub fn gauge(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[Label<'_>],
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        let labels = owned(labels);
        self.family(name, Kind::Gauge, help, move |samples| {
            samples.number(&borrowed(&labels), read());
        });
    }

    /// A histogram.
    pub fn histogram(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[Label<'_>],
        read: impl Fn() -> Snapshot + Send + Sync + 'static,
    ) {
        let labels = owned(labels);
        self.family(name, Kind::Histogram, help, move |samples| {
            samples.ranges(&borrowed(&labels), read());
        });
    }
}

fn owned(labels: &[Label<'_>]) -> Vec<(&'static str, String)> {
    let labels = labels.iter();
    labels
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}

fn borrowed<'l>(labels: &'l [(&'static str, String)]) -> Vec<Label<'l>> {
    let labels = labels.iter();
    labels
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

/// Every metric that there is.
#[derive(Default)]
pub struct Registry(Mutex<BTreeMap<String, Arc<Group>>>);

impl Registry {
    /// A registry without a metric.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Puts a group in place of the one that has had this name: what was made anew counts anew, and what is
    /// gone is not told any more.
    pub fn set(&self, name: &str, group: Group) {
        self.lock().insert(name.to_owned(), Arc::new(group));
    }

    /// One counter, in place of the one with the same name and labels.
    pub fn counter(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[Label<'_>],
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        let mut group = Group::new();
        group.counter(name, help, labels, read);
        self.set(&format!("{name} {labels:?}"), group);
    }

    /// One gauge, in place of the one with the same name and labels.
    pub fn gauge(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[Label<'_>],
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        let mut group = Group::new();
        group.gauge(name, help, labels, read);
        self.set(&format!("{name} {labels:?}"), group);
    }

    /// Reads everything, and writes it down. May take as long as the slowest reading: not for the thread of a
    /// worker.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        // What is read may register; nothing is locked meanwhile.
        let groups: Vec<Arc<Group>> = self.lock().values().cloned().collect();
        let mut families: BTreeMap<&str, (Kind, &str, Samples)> = BTreeMap::new();
        for metric in groups.iter().flat_map(|group| &group.0) {
            let (_, _, samples) = families
                .entry(metric.name)
                .or_insert_with(|| (metric.kind, metric.help, Samples::default()));
            (metric.read)(samples);
        }
        text::render(&families, format)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Group>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Registry").field(&self.lock().len()).finish()
    }
}

#[cfg(test)]
mod tests;
