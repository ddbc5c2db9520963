//! Mappings: one vendor's API as data, from text to a compiled [`Plan`] or to findings.
//!
//! The language has no loops, no functions, no arithmetic and no scripts: a closed set of value forms,
//! each with its inverse (`mappings/README.md` is its reference). Everything that can be wrong is found
//! at load; a plan that loaded cannot fail later for a reason that was knowable here.
//!
//! Nothing here does I/O: the loader gets texts.

pub mod builtin;
pub mod check;
pub mod codec;
pub mod condition;
mod context;
mod errors;
pub mod example;
mod form;
pub mod json;
mod load;
mod names;
pub mod neighbor;
mod op;
pub mod path;
pub mod pattern;
pub mod plan;
pub mod route;
mod row;
pub mod rpc;
mod rpc_rows;
pub mod rules;
mod source;
pub mod survey;
mod tree;
pub mod upstream;
mod words;

pub use load::{Includes, Loaded, load};
pub use plan::Plan;
