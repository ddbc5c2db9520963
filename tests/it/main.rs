//! The integration tests: one binary, so that it is linked once.

// Clippy takes helpers for tests, which may unwrap, where the whole module is one for tests.
#[cfg(test)]
mod backend;
