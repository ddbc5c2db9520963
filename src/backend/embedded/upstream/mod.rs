//! What is kept beside upstreams: [`State`] on two tables of its own and the table of pending links.
//!
//! Changes (`change`) go through the one writer and are answered after their commit, like operations;
//! reads (`rows`) run where they are asked for.

mod change;
mod look;
mod rows;

pub(super) use self::change::{Change, Changed};
use super::Embedded;
use super::group::Job;
use super::task::{Stop, hash};
use crate::backend::BoxFuture;
use crate::backend::upstream::state::{IndexStatus, Row, State};
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
        tenant: &'a TenantId,
        pending_id: &'a Secret,
        at: Instant,
    ) -> BoxFuture<'a, Result<PendingLink, Failure>> {
        let (tenant, id) = (tenant.clone(), hash(pending_id.expose()));
        Box::pin(async move {
            match self.change(Change::Take { tenant, id, at }).await? {
                Changed::Taken(pending) => Ok(*pending),
                Changed::Done => Err(Failure::OutcomeUnknown),
            }
        })
    }

    fn give_back_pending<'a>(
        &'a self,
        pending_id: &'a Secret,
        pending: PendingLink,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let id = hash(pending_id.expose());
        Box::pin(async move {
            self.change(Change::GiveBack {
                id,
                pending: Box::new(pending),
            })
            .await?;
            Ok(())
        })
    }
}
