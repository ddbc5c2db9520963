//! A decoded request on its way, and the world that it is carried out in.

use std::sync::Arc;

use super::untold::Untold;
use crate::backend::Backend;
use crate::dialect::{Dialect, OpId};
use crate::directory::{Aliases, Directory};
use crate::edge::rate_limit::Toll;
use crate::model::{
    Failure, Field, Instant, OperationKind, Origin, Problem, Record, Rules, VendorName,
};

/// Where operations are carried out, and whose ids mean what.
#[derive(Clone)]
pub(super) struct World {
    /// Tenants and providers.
    pub(super) directory: Arc<Directory>,
    /// Users' ids.
    pub(super) aliases: Arc<dyn Aliases>,
    /// Links.
    pub(super) backend: Arc<dyn Backend>,
    /// What was left out of answers.
    pub(super) untold: Arc<Untold>,
}

/// What an op's answer has room for, beside what its operation answers anyway.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tells {
    /// Links.
    pub(super) links: bool,
    /// A user's links, by protocol.
    pub(super) credentials: bool,
    /// The providers of links.
    pub(super) providers: bool,
    /// The user of a link.
    pub(super) user: bool,
}

impl Tells {
    /// What the answer of an op has room for.
    pub(super) fn of(dialect: &Dialect, op: OpId) -> Self {
        let tells = |field| dialect.answers(op, field);
        Self {
            links: tells(Field::Links),
            credentials: tells(Field::Credentials),
            providers: tells(Field::Providers),
            user: tells(Field::User),
        }
    }

    /// Whether a user's record has the links.
    pub(super) fn links_of_users(self) -> bool {
        self.links || self.credentials
    }
}

/// A decoded request, with everything that is known about it.
pub(super) struct Call {
    /// What is asked for.
    pub(super) kind: OperationKind,
    /// Whose ids the params are in.
    pub(super) vendor: VendorName,
    /// The front's rules.
    pub(super) rules: Rules,
    /// What the answer has room for.
    pub(super) tells: Tells,
    /// The members of a user's document that are spoken of; none if it is all of them.
    pub(super) members: Vec<String>,
    /// What could be read.
    pub(super) params: Arc<Record>,
    /// Everything that is wrong with it.
    pub(super) problems: Vec<Problem>,
    /// What the mapping says of a value that cannot be read.
    pub(super) refusal: Option<Failure>,
    /// When it came.
    pub(super) at: Instant,
    /// What it pays at the limits; nothing where there are none.
    pub(super) toll: Option<Arc<Toll>>,
    /// How it came.
    pub(super) origin: Arc<Origin>,
}
