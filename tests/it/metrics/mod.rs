//! Metrics and the admin listener of the real binary: counts are exact, series are bounded, nothing secret is
//! told, and what is written for operators names what there is.

mod exact;
mod exposition;
mod hostile;
mod operations;
mod promql;
mod telling;
mod world;
