//! Stub vendors: servers in the test process that behave as the vendors' public documents and sources say,
//! the judge of the upstream role from outside. They share no code with what they judge.

pub(crate) mod flip;
pub(crate) mod fusionauth;
pub(crate) mod golden;
mod independence;
pub(crate) mod keycloak;
mod message;
pub(crate) mod ory;
pub(crate) mod paths;
pub(crate) mod pingone;
mod server;
mod server_tests;
pub(crate) mod zitadel;

use std::time::{Duration, Instant};

pub(crate) use self::message::{Answer, Request};
pub(crate) use self::server::{Fate, Stub};

/// A vendor: answers one request after the other, at the instant that is given.
pub(crate) trait Vendor: Send {
    /// Does what a request says, and answers it.
    fn answer(&mut self, request: &Request, now: Instant) -> Answer;

    /// A request that takes time, between whose beginning and end others are served; `None` if it is
    /// answered at once.
    fn begin(&mut self, _request: &Request, _now: Instant) -> Option<Later<Self>>
    where
        Self: Sized,
    {
        None
    }
}

/// The rest of a request that takes time.
pub(crate) struct Later<V> {
    /// How long it takes.
    pub(crate) after: Duration,
    /// What happens then.
    pub(crate) end: End<V>,
}

/// Does what is left of a request, and answers it.
pub(crate) type End<V> = Box<dyn FnOnce(&mut V, Instant) -> Answer + Send>;
