//! Requests that no op of a front has, passed on to an origin that writes down what it gets.

mod denied;
mod exchanges;
mod faults;
pub(crate) mod origin;
mod streams;
pub(crate) mod world;
