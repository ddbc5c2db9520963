//! Law 8: what two dialects both carry survives the trip from one to the other and back.
//!
//! A random link is told in the words of one dialect, read, told in the words of the other, read, and
//! told in the words of the first again. A directory of its own gives each vendor ids that the vendor can
//! have. The values are ones that both can spell; what only one of them can is in the loss report
//! ([`crate::dialect::loss`]), which this law shares its sets of fields with.

mod sides;
mod trips;

use std::collections::BTreeSet;

use self::sides::Side;
use self::trips::{Trip, answers, requests};
use super::super::Dialect;
use super::Rng;
use crate::model::{Field, Record};

/// How many random links each pair of ops carries.
const ROUNDS: usize = 6;

/// With how many links it is tried whether an op carries any.
const PROBES: usize = 12;

/// A dialect that carries links.
pub struct Carrier<'d> {
    side: Side<'d>,
    answers: Vec<Trip<'d>>,
    requests: Vec<Trip<'d>>,
    /// Ops that have places for links, and under none of their examples a link in one: conditions can keep
    /// a place empty, whatever is asked.
    pub idle: Vec<String>,
}

impl<'d> Carrier<'d> {
    /// The ways in which a dialect carries links, as far as some link takes them.
    #[must_use]
    pub fn new(dialect: &'d Dialect, rng: &mut Rng) -> Self {
        let mut carrier = Self {
            side: Side::new(dialect),
            answers: answers(dialect),
            requests: requests(dialect),
            idle: Vec::new(),
        };
        for trips in [&mut carrier.answers, &mut carrier.requests] {
            trips.retain(|trip| {
                let is_used = is_used(&carrier.side, trip, rng);
                if !is_used {
                    carrier.idle.push(trip.name(&carrier.side));
                }
                is_used
            });
        }
        carrier
    }
}

fn is_used(side: &Side<'_>, trip: &Trip<'_>, rng: &mut Rng) -> bool {
    (0..PROBES).any(|_| {
        let probe = sides::link(side, side, rng);
        trip.take(side, &probe, rng).is_some()
    })
}

/// What came of carrying links between two dialects.
#[derive(Debug, Default)]
pub struct Crossing {
    /// How many links arrived whole, in answers.
    pub answered: usize,
    /// How many links arrived whole, in requests.
    pub requested: usize,
    /// The fields that were compared.
    pub compared: BTreeSet<Field>,
    /// What did not arrive.
    pub faults: Vec<String>,
}

/// Carries random links between two dialects, in answers and in requests.
#[must_use]
pub fn cross(from: &Carrier<'_>, to: &Carrier<'_>, rng: &mut Rng) -> Crossing {
    let mut crossing = Crossing::default();
    let mut arrived = |here: &[Trip<'_>], there: &[Trip<'_>]| {
        let mut count = 0;
        for a in here {
            for b in there {
                let (a, b) = ((&from.side, a), (&to.side, b));
                let journeys = (0..ROUNDS).map_while(|_| journey(a, b, rng, &mut crossing));
                count += journeys.count();
            }
        }
        count
    };
    let answered = arrived(&from.answers, &to.answers);
    let requested = arrived(&from.requests, &to.requests);
    Crossing {
        answered,
        requested,
        ..crossing
    }
}

/// One link there and back; `None` if it did not arrive.
fn journey(
    (here, a): (&Side<'_>, &Trip<'_>),
    (there, b): (&Side<'_>, &Trip<'_>),
    rng: &mut Rng,
    crossing: &mut Crossing,
) -> Option<()> {
    let link = sides::link(here, there, rng);
    let path = format!("{} -> {}", a.name(here), b.name(there));
    let mut faults = Vec::new();
    let mut known = link.clone();
    for (side, trip) in [(here, a), (there, b), (here, a)] {
        let Some(read) = trip.take(side, &known, rng) else {
            faults.push(format!("{path}: {} cannot say {known:?}", trip.name(side)));
            break;
        };
        for field in a.carries(b) {
            crossing.compared.insert(field);
            let may_appear = a.completes(field) || b.completes(field);
            if read.value(field) != link.value(field) && (link.has(field) || !may_appear) {
                let (sent, came) = (link.value(field), read.value(field));
                let name = field.name();
                faults.push(format!(
                    "{path}: `{name}` was {sent:?}, and {} makes it {came:?}",
                    trip.name(side)
                ));
            }
        }
        known = overlaid(&link, &read);
    }
    // One fault of a pair of ops says what is wrong; the others would say it again.
    crossing.faults.extend(faults.first().cloned());
    faults.is_empty().then_some(())
}

/// What is known after a trip: what was read, and what the store has besides.
fn overlaid(link: &Record, read: &Record) -> Record {
    let mut known = link.clone();
    for (field, value) in read.iter() {
        known.set(field, value.clone());
    }
    known
}
