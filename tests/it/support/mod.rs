//! What black-box tests share: the binary as a child process, its configuration, and a client of it.

pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod conflict;
pub(crate) mod exchange;
pub(crate) mod fault;
pub(crate) mod fixtures;
pub(crate) mod http2;
pub(crate) mod keycloak;
pub(crate) mod native;
pub(crate) mod random;
pub(crate) mod rpc;
pub(crate) mod server;
