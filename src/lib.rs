//! linkbridge: a compatibility proxy for identity-link APIs.
//!
//! Read the modules in this order: `model` (the vocabulary), `mapping` (one vendor's API as data),
//! `dialect` (that data at work), `transport` (the framing of RPC protocols), `directory` (whose ids), `backend` (where operations are carried
//! out), `edge` (who may come in), `trace` (what goes along with a request), `server` (the walk of a request), `config` and `cli` (the outside).

pub mod backend;
pub mod cli;
pub mod config;
pub mod dialect;
pub mod directory;
pub mod edge;
pub mod finding;
pub mod json;
pub mod mapping;
pub mod model;
pub mod outbound;
pub mod server;
pub mod telemetry;
pub mod trace;
pub mod transport;
