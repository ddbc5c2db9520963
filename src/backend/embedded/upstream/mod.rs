//! What is kept beside upstreams: [`State`] on two tables of its own and the table of pending links.
//!
//! Changes (`change`) go through the one writer and are answered after their commit, like operations;
//! reads (`rows`) run where they are asked for.

mod audit;
mod change;
mod look;
mod rows;

pub(super) use self::change::{Change, Changed};
use std::sync::atomic::Ordering;

use super::Embedded;
use super::group::Job;
use super::task::{Stop, hash};
use crate::backend::BoxFuture;
use crate::backend::upstream::state::{Ending, IndexStatus, Intended, Intent, Row, State};
use crate::model::{
    Failure, Instant, LinkId, Operation, PendingLink, ProviderId, Secret, Subject, TenantId, UserId,
};

impl Embedded {
    async fn change(&self, change: Change) -> Result<Changed, Failure> {
        self.queue(|reply| Job::Beside { change, reply }).await?
    }
}

impl State for Embedded {
    fn put<'a>(&'a self, upstream: &'a str, rows: Vec<Row>) -> BoxFuture<'a, Result<(), Failure>> {
        let upstream = upstream.to_owned();
        Box::pin(async move {
            self.change(Change::Put { upstream, rows }).await?;
            Ok(())
        })
    }

    fn acknowledge<'a>(
        &'a self,
        upstream: &'a str,
        operation: &'a Operation,
        put: Vec<Row>,
        forget: Vec<Row>,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let change = Change::Acknowledge {
            upstream: upstream.to_owned(),
            operation: Box::new(operation.clone()),
            put,
            forget,
        };
        Box::pin(async move {
            self.change(change).await?;
            Ok(())
        })
    }

    fn intend<'a>(
        &'a self,
        upstream: &'a str,
        operation: &'a Operation,
        intended: Intended,
        note: Vec<Row>,
    ) -> BoxFuture<'a, Result<Intent, Failure>> {
        let change = Change::Intend {
            upstream: upstream.to_owned(),
            operation: Box::new(operation.clone()),
            intended: intended.clone(),
            note,
        };
        Box::pin(async move {
            match self.change(change).await? {
                Changed::Intended(seq) => Ok(Intent {
                    seq,
                    intended,
                    is_concluded: false,
                }),
                Changed::Done | Changed::Taken(_) => Err(Failure::OutcomeUnknown),
            }
        })
    }

    fn conclude<'a>(
        &'a self,
        upstream: &'a str,
        operation: &'a Operation,
        intent: &'a Intent,
        ending: Ending,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let change = Change::Conclude {
            upstream: upstream.to_owned(),
            operation: Box::new(operation.clone()),
            seq: intent.seq,
            intended: intent.intended.clone(),
            ending,
        };
        Box::pin(async move {
            let kept = self.change(change).await;
            if let Err(failure) = &kept {
                self.audited.outcomes_lost.fetch_add(1, Ordering::Relaxed);
                self.audited.lost.add(intent.seq);
                let failure = failure.kind().name();
                tracing::error!(
                    upstream,
                    seq = intent.seq,
                    failure,
                    "what became of a request to an IdP could not be written down"
                );
            }
            kept.map(drop)
        })
    }

    fn note<'a>(
        &'a self,
        upstream: &'a str,
        rows: Vec<Row>,
        at: Instant,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let upstream = upstream.to_owned();
        Box::pin(async move {
            self.change(Change::Note { upstream, rows, at }).await?;
            Ok(())
        })
    }

    fn forget<'a>(
        &'a self,
        upstream: &'a str,
        rows: Vec<Row>,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let upstream = upstream.to_owned();
        let links = rows.iter().map(Row::link_id).collect();
        Box::pin(async move {
            self.change(Change::Forget { upstream, links }).await?;
            Ok(())
        })
    }

    fn of_user(
        &self,
        upstream: &str,
        tenant: &TenantId,
        user: &UserId,
    ) -> Result<Vec<Row>, Failure> {
        self.readers
            .with(|conn| rows::of_user(conn, &self.keys, upstream, tenant, user))
            .map_err(Stop::into_failure)
    }

    fn of_account(
        &self,
        upstream: &str,
        tenant: &TenantId,
        provider: &ProviderId,
        subject: &Subject,
        fold: bool,
    ) -> Result<Vec<Row>, Failure> {
        let account = rows::Account {
            upstream,
            tenant,
            provider,
            subject,
        };
        self.readers
            .with(|conn| rows::of_account(conn, &self.keys, &account, fold))
            .map_err(Stop::into_failure)
    }

    fn of_link(
        &self,
        upstream: &str,
        tenant: &TenantId,
        link_id: LinkId,
    ) -> Result<Option<Row>, Failure> {
        self.readers
            .with(|conn| rows::of_link(conn, &self.keys, upstream, tenant, link_id))
            .map_err(Stop::into_failure)
    }

    fn index_status(&self, upstream: &str, tenant: &TenantId) -> Result<IndexStatus, Failure> {
        self.readers
            .with(|conn| rows::status(conn, upstream, tenant))
            .map_err(Stop::into_failure)
    }

    fn set_index_status<'a>(
        &'a self,
        upstream: &'a str,
        tenant: &'a TenantId,
        status: IndexStatus,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let (upstream, tenant) = (upstream.to_owned(), tenant.clone());
        Box::pin(async move {
            self.change(Change::Status {
                upstream,
                tenant,
                status,
            })
            .await?;
            Ok(())
        })
    }

    fn take_pending<'a>(
        &'a self,
        operation: &'a Operation,
        pending_id: &'a Secret,
    ) -> BoxFuture<'a, Result<PendingLink, Failure>> {
        let change = Change::Take {
            operation: Box::new(operation.clone()),
            id: hash(pending_id.expose()),
        };
        Box::pin(async move {
            match self.change(change).await? {
                Changed::Taken(pending) => Ok(*pending),
                Changed::Done | Changed::Intended(_) => Err(Failure::OutcomeUnknown),
            }
        })
    }

    fn give_back_pending<'a>(
        &'a self,
        operation: &'a Operation,
        pending_id: &'a Secret,
        pending: PendingLink,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let id = hash(pending_id.expose());
        let operation = Box::new(operation.clone());
        Box::pin(async move {
            self.change(Change::GiveBack {
                operation,
                id,
                pending: Box::new(pending),
            })
            .await?;
            Ok(())
        })
    }
}
