//! The mapping files that are built in: the one place in Rust that names vendors.

/// Name and text of every built-in mapping.
pub const SOURCES: &[(&str, &str)] = &[];
