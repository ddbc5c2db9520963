//! Who acts on whose data under which rules: actions on their way to the backend.

use std::sync::Arc;

use super::call::World;
use super::ids::Fault;
use super::present::{Asked, Presenter};
use crate::directory::{Tenant, Users};
use crate::edge::rate_limit::Toll;
use crate::model::operation::OnMissingDelete;
use crate::model::{
    Action, Failure, FailureKind, Field, Instant, LinkId, LinkLimit, Operation, OperationKind,
    Origin, Outcome, Page, ProviderId, Rules, Target, User, UserId, Which,
};
use crate::trace::{self, Key, Kind, Name, Value};

/// Who acts on whose data under which rules.
pub(super) struct Caller<'a> {
    pub(super) world: &'a World,
    pub(super) presenter: &'a Presenter<'a>,
    pub(super) tenant: &'a Tenant,
    pub(super) rules: Rules,
    pub(super) at: Instant,
    /// What a change pays at the limits.
    pub(super) toll: Option<&'a Toll>,
    pub(super) origin: &'a Arc<Origin>,
}

impl Caller<'_> {
    /// Carries an action out. `names_nothing` = a delete names an account that nobody can have; it is asked
    /// for without it, so that what else is wrong is told in the same order, and nothing is deleted.
    ///
    /// # Errors
    /// The backend's failure, or that of looking at what the action is about.
    pub(super) async fn carry_out(
        &self,
        action: Action,
        names_nothing: bool,
        asked: &mut Asked,
    ) -> Result<Outcome, Failure> {
        let is_delete = matches!(action, Action::LinkDelete(_));
        let holder = match &action {
            Action::LinkDelete(target) => target.holder().cloned(),
            _ => None,
        };
        let outcome = match self.look_and_apply(action, asked).await {
            Err(Failure::Invalid(_)) if names_nothing => Err(Failure::LinkNotFound),
            outcome => outcome,
        };
        match outcome {
            // What the client cannot see is missing, and a front may take that for done.
            Err(Failure::LinkNotFound)
                if is_delete && self.rules.on_missing_delete == OnMissingDelete::Same =>
            {
                Ok(Outcome::Links {
                    links: Vec::new(),
                    total: 0,
                })
            }
            Err(Failure::LinkNotFound) => Err(self.nobody_or(Failure::LinkNotFound, holder).await),
            outcome => outcome,
        }
    }

    /// That there is no such user, where only users of the directory exist and this is none; else the
    /// failure that is known.
    async fn nobody_or(&self, failure: Failure, user_id: Option<UserId>) -> Failure {
        match user_id.filter(|_| self.users_are_known()) {
            Some(user_id) => match self.look_at(&user_id).await {
                Err(nobody @ Failure::UserNotFound) => nobody,
                _ => failure,
            },
            None => failure,
        }
    }

    /// Where a link cannot be made whatever the user has, says first that the user may have no other one,
    /// as the transaction would have done.
    ///
    /// # Errors
    /// `UserAlreadyLinked`.
    pub(super) async fn refuse_one_more(
        &self,
        kind: OperationKind,
        user_id: Option<&UserId>,
    ) -> Result<(), Failure> {
        let (OperationKind::LinkCreate, Some(max), Some(user_id)) =
            (kind, self.rules.per_user, user_id)
        else {
            return Ok(());
        };
        let look = Action::LinkList {
            user_id: user_id.clone(),
            provider_id: None,
            subject: None,
            page: Page::default(),
        };
        match self.apply(look, None).await {
            Ok(Outcome::Links { total, .. }) if total >= u64::from(max) => {
                Err(Failure::UserAlreadyLinked)
            }
            _ => Ok(()),
        }
    }

    async fn look_and_apply(
        &self,
        mut action: Action,
        asked: &mut Asked,
    ) -> Result<Outcome, Failure> {
        let provider = match &mut action {
            // A user has few links, and some may not be told in this dialect: the whole list is
            // fetched, so that page and total are counted over what is told.
            Action::LinkList {
                page, provider_id, ..
            } => {
                asked.page = std::mem::take(page);
                provider_id.clone()
            }
            Action::PendingCreate {
                pending_id,
                provider_id,
                ..
            } => {
                asked.pending_id = Some(pending_id.clone());
                Some(provider_id.clone())
            }
            Action::LinkCreate { provider_id, .. } => Some(provider_id.clone()),
            Action::UserList { .. } => return self.users(action, asked.namesake.take()).await,
            other => self.guard(other).await?,
        };
        let mut outcome = self.apply(action, provider.as_ref()).await?;
        if let Outcome::Pending { pending, limit, .. } = &mut outcome {
            *limit = limit_at(&self.rules, self.tenant, Some(&pending.provider_id))
                .map(|max| LinkLimit { max });
        }
        Ok(outcome)
    }

    /// Looks at the provider of what only an id names: whether the client may touch it, whether the
    /// front can tell it, and what limits there are depend on it. Neither a link nor a pending link ever
    /// changes its provider, so looking first is no race.
    async fn guard(&self, action: &mut Action) -> Result<Option<ProviderId>, Failure> {
        match action {
            Action::PendingComplete {
                pending_id,
                user_id,
            } => {
                let look = Action::PendingGet {
                    pending_id: pending_id.clone(),
                    user_id: Some(user_id.clone()),
                };
                let Outcome::Pending { pending, .. } = self.apply(look, None).await? else {
                    return Err(Failure::PendingNotFound);
                };
                // What could not be told afterwards must not be written now.
                if !self.may_link(&pending.provider_id) {
                    return Err(Failure::PendingNotFound);
                }
                Ok(Some(pending.provider_id))
            }
            Action::LinkDelete(target) => {
                if let Target::Id { link_id, user_id } = target {
                    *target = self.exact(*link_id, user_id.clone()).await?;
                }
                Ok(None)
            }
            // A user's links at other providers would go with it.
            Action::UserDelete { .. } if self.presenter.client.providers.is_some() => {
                Err(Failure::Forbidden)
            }
            _ => Ok(None),
        }
    }

    /// A page of users. Where nobody has the user name that is looked for, it is the user of this id, if that
    /// one has no user name.
    async fn users(&self, action: Action, namesake: Option<UserId>) -> Result<Outcome, Failure> {
        let mut by_id = action.clone();
        let found = self.page_of_users(action).await?;
        let is_nobody = matches!(&found, Outcome::Users { total: 0, .. });
        let (Action::UserList { which, .. }, Some(user), true) = (&mut by_id, namesake, is_nobody)
        else {
            return Ok(found);
        };
        *which = Which::Ids(vec![user]);
        let other = self.page_of_users(by_id).await?;
        let is_named = match &other {
            Outcome::Users { users, .. } => users.iter().any(|(user, _)| has_username(user)),
            _ => true,
        };
        Ok(if is_named { found } else { other })
    }

    /// A page of users. One that holds nobody whom the vendor has an id for would end a client's way through
    /// the list, so the page after it takes its place.
    async fn page_of_users(&self, mut action: Action) -> Result<Outcome, Failure> {
        loop {
            let outcome = self.apply(action.clone(), None).await?;
            let Outcome::Users {
                users, more: true, ..
            } = &outcome
            else {
                return Ok(outcome);
            };
            for (user, _) in users {
                if self.presenter.has_id(user)? {
                    return Ok(outcome);
                }
            }
            match (&mut action, users.last()) {
                (Action::UserList { after, page, .. }, Some((last, _))) => {
                    *after = Some(last.user_id.clone());
                    page.offset = 0;
                }
                _ => return Ok(outcome),
            }
        }
    }

    /// The user of the link that an outcome is about; `None` if there is no such user.
    ///
    /// # Errors
    /// `Overloaded` and the like: what is there cannot be said.
    pub(super) async fn holder(
        &self,
        outcome: &Outcome,
        asked: &Asked,
    ) -> Result<Option<User>, Failure> {
        let of_link = match outcome {
            Outcome::Link { link, .. } => Some(&link.user_id),
            Outcome::Links { links, .. } => links
                .first()
                .map(|link| &link.user_id)
                .or(asked.about.as_ref().map(|(_, user)| user)),
            _ => None,
        };
        let Some(user_id) = of_link else {
            return Ok(None);
        };
        match self.look_at(user_id).await {
            Ok(Outcome::User { user, .. }) => Ok(Some(user)),
            Ok(_) | Err(Failure::UserNotFound) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The link that an id means, as everything that makes it: what was looked at is what is deleted.
    ///
    /// # Errors
    /// `LinkNotFound` also for a link that is not the client's to touch or that the front cannot tell.
    async fn exact(&self, link_id: LinkId, user_id: Option<UserId>) -> Result<Target, Failure> {
        let look = Action::LinkGet { link_id, user_id };
        match self.apply(look, None).await? {
            Outcome::Link { link, .. } if self.sees(&link.provider_id) => Ok(Target::Exact {
                user_id: link.user_id,
                provider_id: link.provider_id,
                subject: link.subject,
            }),
            _ => Err(Failure::LinkNotFound),
        }
    }

    fn sees(&self, provider_id: &ProviderId) -> bool {
        let provider = self.world.directory.provider(provider_id);
        provider.is_some_and(|p| self.presenter.sees(p))
    }

    /// Whether a link at this provider may be made by this client through this front: the provider is
    /// configured for the tenant, enabled, the client's to touch, and has an id that tells it.
    fn may_link(&self, provider_id: &ProviderId) -> bool {
        let provider = self.world.directory.provider(provider_id);
        provider.is_some_and(|p| {
            let is_tenants = p
                .tenant
                .as_ref()
                .is_none_or(|t| *t == self.tenant.tenant_id);
            p.enabled && is_tenants && self.presenter.sees(p)
        })
    }

    /// Where something else is wrong already, asks whether the user exists as well: the transaction that
    /// would have told is not reached.
    pub(super) async fn note_unknown_user(
        &self,
        kind: OperationKind,
        user_id: Option<&UserId>,
        faults: &mut Vec<Fault>,
    ) -> Result<(), Failure> {
        let must_be_there = match kind {
            OperationKind::UserUpdate => true,
            OperationKind::UserPut | OperationKind::UserCreate => false,
            _ => self.users_are_known(),
        };
        let Some(user_id) = user_id.filter(|_| must_be_there) else {
            return Ok(());
        };
        match self.look_at(user_id).await {
            Err(Failure::UserNotFound) => faults.insert(0, (Field::UserId, Failure::UserNotFound)),
            Err(failure) => return Err(failure),
            Ok(_) => {}
        }
        Ok(())
    }

    /// The user whom other systems know by this text. Of several, the first by id.
    ///
    /// # Errors
    /// `UserNotFound`; `Overloaded` and the like.
    pub(super) async fn known_elsewhere(&self, text: &str) -> Result<UserId, Failure> {
        let look = Action::UserList {
            which: Which::External(text.to_owned()),
            after: None,
            page: Page {
                offset: 0,
                limit: Some(1),
            },
            links: false,
        };
        match self.apply(look, None).await? {
            Outcome::Users { users, .. } => {
                let first = users.into_iter().next();
                first
                    .map(|(user, _)| user.user_id)
                    .ok_or(Failure::UserNotFound)
            }
            _ => Err(Failure::UserNotFound),
        }
    }

    async fn look_at(&self, user_id: &UserId) -> Result<Outcome, Failure> {
        let look = Action::UserGet {
            user_id: user_id.clone(),
            links: false,
        };
        self.apply(look, None).await
    }

    fn users_are_known(&self) -> bool {
        self.rules.known_users || self.tenant.users == Users::Known
    }

    async fn apply(
        &self,
        action: Action,
        provider: Option<&ProviderId>,
    ) -> Result<Outcome, Failure> {
        self.pay(&action)?;
        let operation = Operation {
            tenant: self.tenant.tenant_id.clone(),
            client: self.presenter.client.name.clone(),
            origin: Arc::clone(self.origin),
            at: self.at,
            rules: Rules {
                per_user_provider: limit_at(&self.rules, self.tenant, provider),
                known_users: self.users_are_known(),
                ..self.rules
            },
            action,
        };
        let mut span = trace::span(Name::Backend, Kind::Internal);
        span.set(Key::Operation, || {
            Value::Word(operation.action.kind().name())
        });
        let applied = span.inside(self.world.backend.apply(operation)).await;
        if let Err(failure) = &applied
            && is_fault(failure.kind())
        {
            span.fail(failure.kind().name());
        }
        applied
    }
}

impl Caller<'_> {
    /// Pays for a change, right before it is made: only here its user is known in every case.
    fn pay(&self, action: &Action) -> Result<(), Failure> {
        let (user, takes_away) = match action {
            Action::LinkCreate { user_id, .. }
            | Action::PendingComplete { user_id, .. }
            | Action::UserPut { user_id, .. }
            | Action::UserAlias { user_id, .. } => (Some(user_id), false),
            Action::UserDelete { user_id } => (Some(user_id), true),
            Action::LinkDelete(target) => (target.holder(), true),
            // There is no user yet.
            Action::PendingCreate { .. } => return Ok(()),
            Action::LinkGet { .. }
            | Action::LinkFind { .. }
            | Action::LinkList { .. }
            | Action::PendingGet { .. }
            | Action::ProviderList { .. }
            | Action::ProviderGet { .. }
            | Action::UserGet { .. }
            | Action::UserList { .. }
            | Action::Status => return Ok(()),
        };
        let tenant = &self.tenant.tenant_id;
        let paid = |toll: &Toll| toll.change(tenant, user, takes_away);
        self.toll.map_or(Ok(()), paid)
    }
}

/// Whether a failure is nobody's answer, but something that does not work.
fn is_fault(kind: FailureKind) -> bool {
    use FailureKind as K;
    matches!(
        kind,
        K::Internal
            | K::Overloaded
            | K::OutcomeUnknown
            | K::UpstreamDown
            | K::UpstreamRefused
            | K::UpstreamTimeout
    )
}

/// Whether a user's document has a user name.
fn has_username(user: &User) -> bool {
    let document = user.document.as_deref();
    let document = document.and_then(|text| serde_json::from_str(text).ok());
    document.is_some_and(|json: serde_json::Value| {
        json.get("username")
            .is_some_and(serde_json::Value::is_string)
    })
}

/// The stricter of the front's rule and the tenant's limit at a provider.
pub(super) fn limit_at(
    rules: &Rules,
    tenant: &Tenant,
    provider: Option<&ProviderId>,
) -> Option<u32> {
    let of_tenant = provider.and_then(|p| tenant.link_limits.get(p)).copied();
    [rules.per_user_provider, of_tenant]
        .into_iter()
        .flatten()
        .min()
}
