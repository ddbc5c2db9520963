//! What stands for that which is kept here beside an upstream while a request is explained: users' ids, and an index.
//! Nothing is read or written.

use super::stage::{Shared, seen};
use crate::backend::BoxFuture;
use crate::backend::upstream::state::{Ending, IndexStatus, Intended, Intent, Mark, Row, State};
use crate::directory::Aliases;
use crate::model::{
    Failure, Instant, LinkId, Operation, PendingLink, ProviderId, Secret, Subject, TenantId,
    UserId, VendorName,
};

/// Users' ids as they would be without any alias; but for one user, whose id at one vendor is known.
pub(super) struct Ids {
    pub(super) scene: Shared,
    /// The vendor, and the id that it knows the user of the scene by.
    pub(super) known: Option<(VendorName, String)>,
}

impl Aliases for Ids {
    fn user_of(&self, _: &TenantId, vendor: &VendorName, id: &str) -> Result<UserId, Failure> {
        match &self.known {
            Some((known, told)) if known == vendor && told == id => Ok(seen(&self.scene).user),
            _ => UserId::new(id).map_err(|_| Failure::UserNotFound),
        }
    }

    fn vendor_id_of(
        &self,
        _: &TenantId,
        vendor: &VendorName,
        user: &UserId,
    ) -> Result<Option<String>, Failure> {
        Ok(Some(match &self.known {
            Some((known, told)) if known == vendor => told.clone(),
            _ => user.to_string(),
        }))
    }

    fn tenants_of(&self, _: &VendorName, _: &str) -> Result<Vec<TenantId>, Failure> {
        Ok(Vec::new())
    }
}

/// What is kept beside an upstream: an index that is complete and knows the link of the scene.
pub(super) struct Beside {
    pub(super) scene: Shared,
    /// Whether the link is there.
    pub(super) holds: bool,
    /// Whether the index is complete.
    pub(super) is_complete: bool,
}

impl Beside {
    fn row(&self) -> Row {
        let scene = seen(&self.scene);
        Row {
            tenant: scene.tenant,
            user_id: scene.user,
            provider_id: scene.provider,
            subject: scene.subject,
            vendor_link_id: None,
            display_name: None,
            token: None,
            created_at: None,
            mark: Mark::Candidate,
        }
    }

    fn rows(&self) -> Vec<Row> {
        match self.holds {
            true => vec![self.row()],
            false => Vec::new(),
        }
    }
}

/// It is done.
fn done<'a>() -> BoxFuture<'a, Result<(), Failure>> {
    Box::pin(std::future::ready(Ok(())))
}

impl State for Beside {
    fn put<'a>(&'a self, _: &'a str, _: Vec<Row>) -> BoxFuture<'a, Result<(), Failure>> {
        done()
    }

    fn acknowledge<'a>(
        &'a self,
        _: &'a str,
        _: &'a Operation,
        _: Vec<Row>,
        _: Vec<Row>,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        done()
    }

    fn intend<'a>(
        &'a self,
        _: &'a str,
        _: &'a Operation,
        intended: Intended,
        _: Vec<Row>,
    ) -> BoxFuture<'a, Result<Intent, Failure>> {
        Box::pin(std::future::ready(Ok(Intent {
            seq: 0,
            intended,
            is_concluded: false,
        })))
    }

    fn conclude<'a>(
        &'a self,
        _: &'a str,
        _: &'a Operation,
        _: &'a Intent,
        _: Ending,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        done()
    }

    fn note<'a>(
        &'a self,
        _: &'a str,
        _: Vec<Row>,
        _: Instant,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        done()
    }

    fn forget<'a>(&'a self, _: &'a str, _: Vec<Row>) -> BoxFuture<'a, Result<(), Failure>> {
        done()
    }

    fn of_user(&self, _: &str, _: &TenantId, _: &UserId) -> Result<Vec<Row>, Failure> {
        Ok(Vec::new())
    }

    fn of_account(
        &self,
        _: &str,
        tenant: &TenantId,
        provider: &ProviderId,
        subject: &Subject,
        _: bool,
    ) -> Result<Vec<Row>, Failure> {
        let is_it = |row: &Row| {
            row.tenant == *tenant && row.provider_id == *provider && row.subject == *subject
        };
        Ok(self.rows().into_iter().filter(is_it).collect())
    }

    fn of_link(&self, _: &str, _: &TenantId, _: LinkId) -> Result<Option<Row>, Failure> {
        Ok(self.rows().pop())
    }

    fn index_status(&self, _: &str, _: &TenantId) -> Result<IndexStatus, Failure> {
        Ok(IndexStatus {
            complete_since: self.is_complete.then(|| seen(&self.scene).at),
            ..IndexStatus::default()
        })
    }

    fn set_index_status<'a>(
        &'a self,
        _: &'a str,
        _: &'a TenantId,
        _: IndexStatus,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        done()
    }

    fn take_pending<'a>(
        &'a self,
        _: &'a Operation,
        _: &'a Secret,
    ) -> BoxFuture<'a, Result<PendingLink, Failure>> {
        let pending = seen(&self.scene).pending();
        Box::pin(std::future::ready(pending.ok_or(Failure::PendingNotFound)))
    }

    fn give_back_pending<'a>(
        &'a self,
        _: &'a Operation,
        _: &'a Secret,
        _: PendingLink,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        done()
    }
}
