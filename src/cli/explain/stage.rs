//! The scene: whom and what a request is about while it is explained, as that is learned from what a backend is
//! asked for.

use std::sync::{Arc, Mutex, PoisonError};

use crate::backend::{Answer, Atomicity, Backend, BoxFuture};
use crate::model::{
    Action, Instant, Link, LinkId, Operation, PendingLink, ProviderId, Subject, Target, TenantId,
    User, UserId, Which,
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

    pub(super) fn user(&self, user_id: &UserId) -> User {
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

    pub(super) fn pending(&self) -> Option<PendingLink> {
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
