//! The integration tests: one binary, so that it links once. Helpers are in `support`.

#![allow(missing_docs, reason = "tests are read where they stand")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "helpers of tests may fail loudly; clippy exempts only the test functions themselves"
)]

// Clippy takes helpers for tests, which may unwrap, where the whole module is one for tests.
mod audit;
#[cfg(test)]
mod backend;
mod bearer;
mod caller;
mod calls;
mod canaries;
mod disk;
mod docs;
mod engine;
mod exchanges;
mod explain;
mod findings;
mod first_steps;
mod fronts;
mod hostile;
mod hostile_mapping;
mod http2;
mod import;
mod index;
mod kill;
mod laws;
mod layers;
mod lifecycle;
mod limits;
mod loss;
mod metrics;
mod outbound;
mod overload;
mod own_mappings;
mod passthrough;
mod race;
mod reflection;
mod rpc_cost;
mod side_by_side;
mod slow;
mod smuggling;
mod stubs;
mod support;
mod telemetry;
mod tls;
mod tokens;
mod transport;
mod upstream;
