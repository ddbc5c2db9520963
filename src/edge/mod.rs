//! The edge: what comes in, from whom, how much of it and how often.
//!
//! Nothing here knows a dialect, a backend or the configuration. Each file has its own settings, its
//! check and its tests, and knows no other; what a host is, those that read one share.

pub mod authn;
pub mod body;
pub mod connections;
pub mod head;
mod host;
pub mod http1;
pub mod http2;
pub mod issuer;
pub mod jwt;
pub mod keys;
pub mod overload;
pub mod peers;
pub mod rate_limit;
pub mod scope;
pub mod tls;
pub mod tokens;
