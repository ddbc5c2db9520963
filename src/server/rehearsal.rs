//! The walk without its edge: a decoded request carried out over whatever backend it is given, and answered.
//!
//! What `explain` shows is what is served, since it is the same code: nothing here decides anything.

use std::sync::Arc;

use super::Front;
use super::call::World;
use super::carry_out::{call, worded};
use super::perform::perform;
use crate::backend::Backend;
use crate::dialect::Decoded;
use crate::directory::{Aliases, Directory};
use crate::edge::authn::Client;
use crate::model::{Failure, Instant, Record, Response};

/// What a request is carried out with.
#[derive(Clone)]
pub struct Stage {
    /// Tenants and providers.
    pub directory: Arc<Directory>,
    /// Users' ids.
    pub aliases: Arc<dyn Aliases>,
    /// Where operations are carried out.
    pub backend: Arc<dyn Backend>,
}

/// What came of a request.
#[derive(Debug)]
pub struct Rehearsed {
    /// The failure, if it is one.
    pub failure: Option<Failure>,
    /// What it is answered with, else.
    pub told: Record,
    /// What the client is answered.
    pub response: Response,
}

/// Carries a request of this client out. Requests for tokens are none that a backend has a part in.
pub async fn rehearse(
    stage: &Stage,
    front: &Front,
    client: &Client,
    decoded: Decoded,
    at: Instant,
) -> Rehearsed {
    let world = World {
        directory: Arc::clone(&stage.directory),
        aliases: Arc::clone(&stage.aliases),
        backend: Arc::clone(&stage.backend),
        untold: Arc::default(),
    };
    let op = decoded.op;
    let call = call(front, decoded, &Record::new(), at);
    let params = Arc::clone(&call.params);
    let result = perform(&world, Some(client), call).await;
    Rehearsed {
        failure: result.as_ref().err().cloned(),
        told: result.as_ref().cloned().unwrap_or_default(),
        response: worded(front, op, result, &params, at),
    }
}
