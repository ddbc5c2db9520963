//! The upstream backend: links are kept by one IdP of any vendor that a mapping describes.
//!
//! The same mapping files as in front, the other way round: canonical ids become the vendor's, an op's
//! request is written and sent, its answer is read. What the vendor lacks is emulated by the plans of its
//! mapping, or by what is kept beside it ([`state`]). Where to call and with which credential comes from
//! the configuration alone.
//!
//! Users' documents, their ids and pending links are kept in the local store. A link is made or taken away
//! under a lock of its user and its account, after a look at what the user has; what is not known afterwards
//! is looked up, and what cannot be is [`Failure::OutcomeUnknown`].

mod audit;
pub mod caller;
mod claim;
mod create;
mod delete;
pub mod exchange;
mod find;
mod links;
mod locks;
mod pending;
mod refusals;
mod room;
pub mod scan;
pub mod settings;
pub mod state;
mod talk;
mod users;
mod users_here;
mod users_there;
mod users_write;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use self::caller::Caller;
use self::exchange::Exchange;
use self::locks::Locks;
pub use self::settings::Settings;
use self::state::State;
use self::talk::Talk;
use super::{Answer, Atomicity, Backend, BoxFuture};
use crate::dialect;
use crate::directory::{Aliases, Directory};
use crate::model::{Action, Failure, Operation, Outcome, Rules, TenantId, VendorName};

/// What an upstream works with.
#[derive(Clone)]
pub struct Parts {
    /// Tenants and providers with their ids.
    pub directory: Arc<Directory>,
    /// Users' ids.
    pub aliases: Arc<dyn Aliases>,
    /// Where users' documents and pending links are kept.
    pub local: Arc<dyn Backend>,
    /// What is kept beside the links.
    pub state: Arc<dyn State>,
    /// Where pending links that are not known here are asked for.
    pub pending_origin: Option<Arc<dyn Exchange>>,
}

/// One IdP that keeps links.
pub struct Upstream {
    settings: Settings,
    /// What the dialect is spoken with.
    speech: dialect::Settings,
    /// What the vendor itself decides.
    rules: Rules,
    exchange: Arc<dyn Exchange>,
    parts: Parts,
    locks: Arc<Locks>,
    /// Who shares it, if requests do not say who asks.
    sharing: Vec<TenantId>,
    /// One tenant at a time makes a user of the IdP its own.
    claims: Arc<tokio::sync::Mutex<()>>,
    /// Questions and changes that took several calls: the IdP does not carry them out as one.
    chains: AtomicU64,
}

impl Upstream {
    /// An upstream that is called by `exchange`. Nothing is called yet.
    #[must_use]
    pub fn open(settings: Settings, exchange: Arc<dyn Exchange>, parts: Parts) -> Self {
        let speech = dialect::Settings {
            origin: settings.endpoint.base_url.to_string(),
            options: settings.options.clone(),
        };
        Self {
            rules: settings.dialect.rules(&speech),
            speech,
            settings,
            exchange,
            parts,
            locks: Arc::new(Locks::new()),
            sharing: Vec::new(),
            claims: Arc::default(),
            chains: AtomicU64::new(0),
        }
    }

    /// Takes the place of another of its name whose requests may not have ended: neither writes what the
    /// other has locked.
    #[must_use]
    pub fn succeeding(mut self, previous: &Self) -> Self {
        self.locks = Arc::clone(&previous.locks);
        self.claims = Arc::clone(&previous.claims);
        self
    }

    /// Its name in the backend tree.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// What there is to tell of the calls to it.
    #[must_use]
    pub fn reading(&self) -> Option<caller::Reading> {
        self.exchange.reading()
    }

    /// How many plans of several steps were run: the IdP does not carry them out as one.
    #[must_use]
    pub fn chains(&self) -> u64 {
        self.chains.load(Ordering::Relaxed)
    }

    fn count_chain(&self) {
        self.chains.fetch_add(1, Ordering::Relaxed);
    }

    fn vendor(&self) -> &VendorName {
        self.settings.dialect.vendor()
    }

    fn talk<'a>(&'a self, operation: &'a Operation) -> Talk<'a> {
        Talk::new(self, &operation.tenant)
    }

    /// Carries another action out in the local store, on the same behalf.
    async fn local(&self, operation: &Operation, action: Action) -> Answer {
        let operation = Operation {
            action,
            ..operation.clone()
        };
        self.parts.local.apply(operation).await
    }

    async fn carry_out(&self, operation: &Operation) -> Answer {
        match &operation.action {
            Action::LinkCreate { .. } => self.link_create(operation).await,
            Action::LinkGet { link_id, user_id } => {
                self.link_get(operation, *link_id, user_id.as_ref()).await
            }
            Action::LinkFind {
                provider_id,
                subject,
                user_id,
            } => {
                let user = user_id.as_ref();
                self.link_find(operation, provider_id, subject, user).await
            }
            Action::LinkList { .. } => self.link_list(operation).await,
            Action::LinkDelete(target) => self.link_delete(operation, target).await,
            Action::PendingCreate { .. } => self.parts.local.apply(operation.clone()).await,
            Action::UserAlias { .. } => self.user_alias(operation).await,
            Action::PendingGet {
                pending_id,
                user_id,
            } => {
                let user = user_id.as_ref();
                self.pending_get(operation, pending_id, user).await
            }
            Action::PendingComplete {
                pending_id,
                user_id,
            } => self.pending_complete(operation, pending_id, user_id).await,
            Action::UserGet { user_id, links } => self.user_get(operation, user_id, *links).await,
            Action::UserPut { .. } => self.user_put(operation).await,
            Action::UserList { .. } => self.user_list(operation).await,
            Action::UserDelete { user_id } => self.user_delete(operation, user_id).await,
            Action::Status => Ok(Outcome::Status {
                ready: self.ready(),
            }),
            action @ (Action::ProviderList { .. } | Action::ProviderGet { .. }) => {
                Err(Failure::Unsupported {
                    operation: action.kind(),
                })
            }
        }
    }
}

impl Backend for Upstream {
    fn apply(&self, operation: Operation) -> BoxFuture<'_, Answer> {
        Box::pin(async move { self.carry_out(&operation).await })
    }

    fn apply_all(
        &self,
        operations: Vec<Operation>,
        atomicity: Atomicity,
    ) -> BoxFuture<'_, Vec<Answer>> {
        Box::pin(async move {
            let writes = |operation: &Operation| operation.action.kind().writes();
            // An IdP has no transactions over several calls.
            if atomicity == Atomicity::Together
                && let [first, _, ..] = operations.as_slice()
                && operations.iter().any(writes)
            {
                let operation = first.action.kind();
                return vec![Err(Failure::Unsupported { operation }); operations.len()];
            }
            let mut answers = Vec::with_capacity(operations.len());
            for operation in &operations {
                let answer = self.carry_out(operation).await;
                if let (Atomicity::Together, Err(failure)) = (atomicity, &answer) {
                    return vec![Err(failure.clone()); operations.len()];
                }
                answers.push(answer);
            }
            answers
        })
    }

    fn ready(&self) -> bool {
        self.parts.local.ready() && self.exchange.ready()
    }
}
