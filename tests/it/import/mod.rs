//! `linkbridge users import`: the real binary over a real store.

mod formats;
mod place;
mod refusals;
mod resume;
mod rules;
mod speed;
