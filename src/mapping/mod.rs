//! wip: text -> compiled plan, or findings.

pub mod builtin;
