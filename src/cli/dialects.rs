//! The dialects that are built in, and what the configuration may know of them.

use std::sync::Arc;

use crate::config::{Catalog, KnownDialect};
use crate::dialect::Dialect;

/// Every built-in dialect, in the order of `mapping::builtin`.
pub(super) fn built_in() -> Vec<Arc<Dialect>> {
    Vec::new()
}

/// What a configuration may name.
pub(super) fn catalog(dialects: &[Arc<Dialect>]) -> Catalog {
    let known = |dialect: &Arc<Dialect>| KnownDialect {
        name: dialect.name().to_owned(),
        vendor: dialect.vendor().as_str().to_owned(),
        options: None,
    };
    Catalog(dialects.iter().map(known).collect())
}

/// Commands to try a dialect with at `origin`, one a line.
pub(super) fn examples(_dialect: &Dialect, _origin: &str) -> Vec<String> {
    Vec::new()
}
