//! What stands for the real things while a request is explained: a store with one user and one link in it, users'
//! ids, and what is kept beside an upstream. Nothing outside of this process is read or written.

use std::sync::{Arc, Mutex, PoisonError};

use crate::backend::upstream::state::{Ending, IndexStatus, Intended, Intent, Mark, Row, State};
use crate::backend::{Answer, Atomicity, Backend, BoxFuture};
use crate::directory::Aliases;
use crate::model::{
    Action, Failure, How, Instant, Link, LinkId, Operation, Outcome, PendingLink, ProviderId,
    Secret, Subject, Target, TenantId, User, UserId, VendorName, Which,
};

/// Whom and what the request is about; where it does not say, something plausible.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) tenant: TenantId,
    pub(super) user: UserId,
    pub(super) provider: ProviderId,
    pub(super) subject: Subject,
    pub(super) at: Instant,
}

impl Scene {
    /// Learns from an operation what it is about.
    pub(super) fn learn(&mut self, operation: &Operation) {
        self.tenant = operation.tenant.clone();
        match &operation.action {
            Action::LinkCreate {
                user_id,
                provider_id,
                subject,
                ..
            } => {
                self.user = user_id.clone();
                self.is_about(Some(provider_id), Some(subject));
            }
            Action::LinkFind {
                provider_id,
                subject,
                user_id,
            } => {
                self.user = user_id.clone().unwrap_or_else(|| self.user.clone());
                self.is_about(Some(provider_id), Some(subject));
            }
            Action::LinkList {
                user_id,
                provider_id,
                subject,
                ..
            } => {
                self.user = user_id.clone();
                self.is_about(provider_id.as_ref(), subject.as_ref());
            }
            Action::LinkDelete(target) => {
                if let Some(user) = target.holder() {
                    self.user = user.clone();
                }
                match target {
                    Target::Exact {
                        provider_id,
                        subject,
                        ..
                    } => self.is_about(Some(provider_id), Some(subject)),
                    Target::AtProvider { provider_id, .. } => {
                        self.is_about(Some(provider_id), None)
                    }
                    Target::Among {
                        account: Some((provider, subject)),
                        ..
                    } => self.is_about(Some(provider), Some(subject)),
                    Target::Among { .. } | Target::Id { .. } => {}
                }
            }
            Action::PendingCreate {
                provider_id,
                subject,
                ..
            } => self.is_about(Some(provider_id), Some(subject)),
            Action::UserList {
                which:
                    Which::Holder {
                        provider_id,
                        subject,
                    },
                ..
            } => self.is_about(Some(provider_id), Some(subject)),
            Action::UserList {
                which: Which::Ids(ids),
                ..
            } => self.user = ids.first().unwrap_or(&self.user).clone(),
            Action::LinkGet { user_id, .. } | Action::PendingGet { user_id, .. } => {
                self.user = user_id.clone().unwrap_or_else(|| self.user.clone());
            }
            Action::PendingComplete { user_id, .. }
            | Action::UserGet { user_id, .. }
            | Action::UserPut { user_id, .. }
            | Action::UserDelete { user_id }
            | Action::UserAlias { user_id, .. } => self.user = user_id.clone(),
            Action::UserList { .. }
            | Action::ProviderList { .. }
            | Action::ProviderGet { .. }
            | Action::Status => {}
        }
    }

    fn is_about(&mut self, provider: Option<&ProviderId>, subject: Option<&Subject>) {
        self.provider = provider.unwrap_or(&self.provider).clone();
        self.subject = subject.unwrap_or(&self.subject).clone();
    }

    /// The link that the request is about.
    pub(super) fn link(&self) -> Link {
        Link {
            link_id: self.link_id(),
            tenant: self.tenant.clone(),
            user_id: self.user.clone(),
            provider_id: self.provider.clone(),
            subject: self.subject.clone(),
            display_name: None,
            token: None,
            created_at: Some(self.at),
            updated_at: Some(self.at),
            last_login_at: None,
            revision: 1,
        }
    }

    pub(super) fn link_id(&self) -> LinkId {
        LinkId::of(&self.tenant, &self.user, &self.provider, &self.subject)
    }

    fn user(&self, user_id: &UserId) -> User {
        User {
            user_id: user_id.clone(),
            tenant: self.tenant.clone(),
            ids: Vec::new(),
            document: None,
            created_at: Some(self.at),
            updated_at: Some(self.at),
            revision: 1,
        }
    }

    fn pending(&self) -> Option<PendingLink> {
        Some(PendingLink {
            tenant: self.tenant.clone(),
            client: crate::model::ClientName::new("explain").ok()?,
            provider_id: self.provider.clone(),
            subject: self.subject.clone(),
            display_name: None,
            email: None,
            username: None,
            token: None,
            expires_at: self.at.plus_seconds(3600),
        })
    }
}

/// The scene, as all who play in it see it.
pub(super) type Shared = Arc<Mutex<Scene>>;

/// What the scene is now.
pub(super) fn seen(scene: &Shared) -> Scene {
    let scene = scene.lock().unwrap_or_else(PoisonError::into_inner);
    scene.clone()
}

/// A store in which the scene is so: its user is there, and its link, if it has it.
pub(super) struct Pretend {
    scene: Shared,
    holds: bool,
    /// What it has been told to hold since; `None` as long as nothing has changed.
    links: Mutex<Option<Vec<Link>>>,
    /// What it says instead of anything else.
    fault: Option<Failure>,
}

impl Pretend {
    pub(super) fn new(scene: &Shared, holds: bool) -> Self {
        Self {
            scene: Arc::clone(scene),
            holds,
            links: Mutex::default(),
            fault: None,
        }
    }

    pub(super) fn failing(scene: &Shared, fault: Option<Failure>) -> Self {
        Self {
            fault,
            ..Self::new(scene, false)
        }
    }

    fn links(&self) -> Vec<Link> {
        let changed = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let untouched = || match self.holds {
            true => vec![seen(&self.scene).link()],
            false => Vec::new(),
        };
        changed.clone().unwrap_or_else(untouched)
    }

    fn set(&self, links: Vec<Link>) {
        *self.links.lock().unwrap_or_else(PoisonError::into_inner) = Some(links);
    }

    fn add(&self, link: Link) -> Link {
        let mut links = self.links();
        links.push(link.clone());
        self.set(links);
        link
    }

    fn of_user(&self, user: &UserId) -> Vec<Link> {
        let mut links = self.links();
        links.retain(|link| link.user_id == *user);
        links
    }

    fn answer(&self, operation: &Operation) -> Answer {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let scene = seen(&self.scene);
        let found = |link: Option<Link>| {
            let link = link.ok_or(Failure::LinkNotFound)?;
            Ok(Outcome::Link {
                link,
                how: How::Found,
            })
        };
        let made = |user_id: &UserId, provider_id: &ProviderId, subject: &Subject| Link {
            link_id: LinkId::of(&operation.tenant, user_id, provider_id, subject),
            user_id: user_id.clone(),
            provider_id: provider_id.clone(),
            subject: subject.clone(),
            ..scene.link()
        };
        match &operation.action {
            Action::LinkCreate {
                user_id,
                provider_id,
                subject,
                display_name,
                token,
                ..
            } => {
                let link = Link {
                    display_name: display_name.clone(),
                    token: token.clone(),
                    ..made(user_id, provider_id, subject)
                };
                let link = self.add(link);
                Ok(Outcome::Link {
                    link,
                    how: How::Created,
                })
            }
            Action::LinkGet { link_id, .. } => {
                let mut links = self.links().into_iter();
                found(links.find(|link| link.link_id == *link_id))
            }
            Action::LinkFind {
                provider_id,
                subject,
                ..
            } => {
                let mut links = self.links().into_iter();
                found(links.find(|l| l.provider_id == *provider_id && l.subject == *subject))
            }
            Action::LinkList {
                user_id,
                provider_id,
                subject,
                ..
            } => {
                let mut links = self.of_user(user_id);
                links.retain(|link| {
                    provider_id.as_ref().is_none_or(|p| link.provider_id == *p)
                        && subject.as_ref().is_none_or(|s| link.subject == *s)
                });
                let total = links.len() as u64;
                Ok(Outcome::Links { links, total })
            }
            Action::LinkDelete(target) => self.delete(target),
            Action::PendingCreate { .. } | Action::PendingGet { .. } => {
                let pending = scene.pending().ok_or(Failure::PendingNotFound)?;
                Ok(Outcome::Pending {
                    pending,
                    link_count: Some(0),
                    limit: None,
                })
            }
            Action::PendingComplete { user_id, .. } => {
                let link = self.add(made(user_id, &scene.provider, &scene.subject));
                Ok(Outcome::Link {
                    link,
                    how: How::Created,
                })
            }
            Action::UserPut { user_id, links, .. } => {
                for link in links {
                    self.add(made(user_id, &link.provider_id, &link.subject));
                }
                Ok(Outcome::User {
                    user: scene.user(user_id),
                    links: self.of_user(user_id),
                    created: false,
                })
            }
            Action::UserGet { user_id, .. }
            | Action::UserDelete { user_id }
            | Action::UserAlias { user_id, .. } => Ok(Outcome::User {
                user: scene.user(user_id),
                links: self.of_user(user_id),
                created: false,
            }),
            Action::UserList { which, .. } => {
                let ids = match which {
                    Which::Ids(ids) => ids.clone(),
                    Which::Holder { .. } if !self.holds => Vec::new(),
                    _ => vec![scene.user.clone()],
                };
                let users = ids.iter().map(|id| (scene.user(id), self.of_user(id)));
                let users: Vec<_> = users.collect();
                let total = users.len() as u64;
                Ok(Outcome::Users {
                    users,
                    total,
                    more: false,
                })
            }
            Action::Status => Ok(Outcome::Status { ready: true }),
            action @ (Action::ProviderList { .. } | Action::ProviderGet { .. }) => {
                Err(Failure::Unsupported {
                    operation: action.kind(),
                })
            }
        }
    }

    fn delete(&self, target: &Target) -> Answer {
        let is_meant = |link: &Link| match target {
            Target::Id { link_id, .. } => link.link_id == *link_id,
            Target::Exact {
                user_id,
                provider_id,
                subject,
            } => {
                link.user_id == *user_id
                    && link.provider_id == *provider_id
                    && link.subject == *subject
            }
            Target::AtProvider {
                user_id,
                provider_id,
                ..
            } => link.user_id == *user_id && link.provider_id == *provider_id,
            Target::Among {
                user_id, account, ..
            } => {
                let is_it = |(provider, subject): &(ProviderId, Subject)| {
                    link.provider_id == *provider && link.subject == *subject
                };
                link.user_id == *user_id && account.as_ref().is_none_or(is_it)
            }
        };
        let (links, kept): (Vec<Link>, Vec<Link>) =
            self.links().into_iter().partition(|link| is_meant(link));
        self.set(kept);
        if links.is_empty() {
            return Err(Failure::LinkNotFound);
        }
        let total = links.len() as u64;
        Ok(Outcome::Links { links, total })
    }
}

impl Backend for Pretend {
    fn apply(&self, operation: Operation) -> BoxFuture<'_, Answer> {
        Box::pin(std::future::ready(self.answer(&operation)))
    }

    fn apply_all(&self, operations: Vec<Operation>, _: Atomicity) -> BoxFuture<'_, Vec<Answer>> {
        let answers = operations.iter().map(|one| self.answer(one)).collect();
        Box::pin(std::future::ready(answers))
    }

    fn ready(&self) -> bool {
        true
    }
}

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

/// Stands before a backend and notes what it is asked for.
pub(super) struct Recorder {
    pub(super) inner: Arc<dyn Backend>,
    pub(super) scene: Shared,
    pub(super) seen: Mutex<Vec<Operation>>,
}

impl Recorder {
    /// Notes an operation. The id of a link cannot be turned back into what it means: it is taken for that of
    /// the link of the scene.
    fn noted(&self, mut operation: Operation) -> Operation {
        let mut scene = self.scene.lock().unwrap_or_else(PoisonError::into_inner);
        scene.learn(&operation);
        let mut noted = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        noted.push(operation.clone());
        match &mut operation.action {
            Action::LinkGet { link_id, .. } | Action::LinkDelete(Target::Id { link_id, .. }) => {
                *link_id = scene.link_id();
            }
            _ => {}
        }
        operation
    }
}

impl Backend for Recorder {
    fn apply(&self, operation: Operation) -> BoxFuture<'_, Answer> {
        let operation = self.noted(operation);
        self.inner.apply(operation)
    }

    fn apply_all(
        &self,
        operations: Vec<Operation>,
        atomicity: Atomicity,
    ) -> BoxFuture<'_, Vec<Answer>> {
        let noted = operations.into_iter().map(|one| self.noted(one)).collect();
        self.inner.apply_all(noted, atomicity)
    }

    fn ready(&self) -> bool {
        self.inner.ready()
    }
}
