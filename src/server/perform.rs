//! From a decoded request to a reply record: tenant, ids, operation, backend, ids back.

use std::sync::Arc;

use super::bind::{self, Binder, Ids};
use super::present::{Asked, Presenter};
use super::untold::Untold;
use super::{providers, tenant};
use crate::backend::Backend;
use crate::directory::{Aliases, Directory, Tenant, Users};
use crate::edge::authn::Client;
use crate::edge::scope::{self, Scope};
use crate::model::operation::OnMissingDelete;
use crate::model::{
    Action, Failure, Field, Instant, LinkId, LinkLimit, Operation, OperationKind, Outcome, Problem,
    Provider, ProviderId, Record, Rules, Target, TenantId, UserId, VendorName, Why,
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

/// A decoded request, with everything that is known about it.
pub(super) struct Call {
    /// What is asked for.
    pub(super) kind: OperationKind,
    /// Whose ids the params are in.
    pub(super) vendor: VendorName,
    /// The front's rules.
    pub(super) rules: Rules,
    /// What could be read.
    pub(super) params: Arc<Record>,
    /// Everything that is wrong with it.
    pub(super) problems: Vec<Problem>,
    /// What the mapping says of a value that cannot be read.
    pub(super) refusal: Option<Failure>,
    /// When it came.
    pub(super) at: Instant,
}

/// Carries a call out and answers the reply in the vendor's ids.
///
/// # Errors
/// Every failure but those of transport, head and credential.
pub(super) async fn perform(
    world: &World,
    client: Option<&Client>,
    call: Call,
) -> Result<Record, Failure> {
    if call.kind == OperationKind::Status {
        return Ok(status(world));
    }
    let client = client.ok_or(Failure::Unauthenticated)?;
    client.need(scope::needed(call.kind))?;
    if call.params.has(Field::Ids) {
        client.need(&[Scope::DirectoryWrite])?;
    }
    // A tenant that cannot be read is settled as one that is named and not known, before any other is
    // derived in its place.
    if call.refusal == Some(Failure::TenantUnknown) {
        return Err(match &client.tenant {
            Some(_) => Failure::Forbidden,
            None => Failure::TenantUnknown,
        });
    }
    let tenant = find_tenant(world, client, &call)?;
    if !call.problems.is_empty() {
        return Err(Failure::Invalid(call.problems));
    }
    if let Some(refusal) = call.refusal {
        return Err(refusal);
    }
    let presenter = Presenter {
        directory: &world.directory,
        aliases: &*world.aliases,
        vendor: &call.vendor,
        client,
        untold: &world.untold,
    };
    let caller = tenant.map(|tenant| Caller {
        world,
        presenter: &presenter,
        tenant,
        rules: call.rules,
        at: call.at,
    });
    let (ids, mut faults) = find_ids(world, &presenter, tenant, &call)?;
    let pending_ends = call
        .at
        .plus_seconds(tenant.map_or(0, |t| t.pending_seconds));
    if let Some(caller) = &caller
        && !faults.is_empty()
    {
        caller
            .note_unknown_user(ids.user.as_ref(), &mut faults)
            .await?;
    }
    let binder = Binder {
        params: &call.params,
        ids,
        directory: &world.directory,
        pending_ends,
    };
    refuse(faults, binder.problems(call.kind))?;
    let action = binder.action(call.kind)?;
    let tenant_id = tenant.map(|t| &t.tenant_id);
    match action {
        Action::ProviderList { name, kind, page } => {
            let outcome = providers::list(&presenter, tenant_id, name.as_deref(), kind, page);
            presenter.reply(outcome, &Asked::default())
        }
        Action::ProviderGet {
            provider_id,
            domain,
        } => {
            let outcome = providers::one(
                &presenter,
                tenant_id,
                provider_id.as_ref(),
                domain.as_deref(),
            )?;
            presenter.reply(outcome, &Asked::default())
        }
        action => {
            let caller = caller.ok_or(Failure::TenantRequired)?;
            let (outcome, asked) = caller.carry_out(action).await?;
            let reply = presenter.reply(outcome, &asked);
            // A write that was carried out and cannot be told is no refusal, whatever the reason is:
            // the caller must look before it tries again.
            if call.kind.writes() {
                reply.map_err(|_| Failure::OutcomeUnknown)
            } else {
                reply
            }
        }
    }
}

fn status(world: &World) -> Record {
    let mut reply = Record::new();
    reply.set(
        Field::Ready,
        crate::model::Value::Bool(world.backend.ready()),
    );
    reply
}

/// Providers are mostly everybody's: asking for them needs no tenant where none can be told.
fn find_tenant<'w>(
    world: &'w World,
    client: &Client,
    call: &Call,
) -> Result<Option<&'w Tenant>, Failure> {
    let found = tenant::resolve(
        &world.directory,
        &*world.aliases,
        &call.vendor,
        client,
        &call.params,
    );
    let needs_none = matches!(
        call.kind,
        OperationKind::ProviderList | OperationKind::ProviderGet
    );
    match found {
        Err(Failure::TenantRequired) if needs_none => Ok(None),
        found => found.map(Some),
    }
}

/// A field whose id means nothing, and the failure that says so when it is the only one.
type Fault = (Field, Failure);

/// The vendor's ids of user and provider, as canonical ones, and those that mean nothing. What the
/// client may not touch does not exist.
fn find_ids(
    world: &World,
    presenter: &Presenter<'_>,
    tenant: Option<&Tenant>,
    call: &Call,
) -> Result<(Ids, Vec<Fault>), Failure> {
    let (params, mut faults) = (&call.params, Vec::new());
    let mut ids = Ids::default();
    if let (Some(id), Some(tenant)) = (params.text(Field::UserId), tenant) {
        let user = world
            .aliases
            .user_of(&tenant.tenant_id, presenter.vendor, id);
        ids.user = found_or_noted(user, Field::UserId, call.kind, &mut faults)?;
    }
    if let Some(id) = params.text(Field::ProviderId) {
        let provider = find_provider(presenter, tenant.map(|t| &t.tenant_id), id).and_then(|p| {
            if makes_links(call.kind) && !p.enabled {
                return Err(Failure::ProviderNotFound);
            }
            Ok(p.provider_id.clone())
        });
        ids.provider = found_or_noted(provider, Field::ProviderId, call.kind, &mut faults)?;
    }
    Ok((ids, faults))
}

/// Where links are made, an id that means nothing is noted, so that all faults are told together. Where
/// they are looked for, it is the answer: nothing can be there.
fn found_or_noted<T>(
    found: Result<T, Failure>,
    field: Field,
    kind: OperationKind,
    faults: &mut Vec<Fault>,
) -> Result<Option<T>, Failure> {
    match found {
        Ok(id) => Ok(Some(id)),
        Err(failure @ (Failure::UserNotFound | Failure::ProviderNotFound)) if makes_links(kind) => {
            faults.push((field, failure));
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// One fault of existence is its own failure; several things that are wrong are told together.
fn refuse(mut faults: Vec<Fault>, mut problems: Vec<Problem>) -> Result<(), Failure> {
    if problems.is_empty() && faults.len() <= 1 {
        return faults.pop().map_or(Ok(()), |(_, failure)| Err(failure));
    }
    let unknown = faults
        .iter()
        .map(|(field, _)| bind::problem(*field, Why::Unresolved, None));
    problems.splice(0..0, unknown);
    Err(Failure::Invalid(problems))
}

/// Whether the provider must be one that may be linked. What is linked already can be found and deleted
/// whether it may or not.
fn makes_links(kind: OperationKind) -> bool {
    use OperationKind as K;
    matches!(kind, K::LinkCreate | K::PendingCreate | K::PendingComplete)
}

fn find_provider<'p>(
    presenter: &Presenter<'p>,
    tenant: Option<&TenantId>,
    id: &str,
) -> Result<&'p Provider, Failure> {
    let found = match tenant {
        Some(tenant) => Some(
            presenter
                .directory
                .provider_of(tenant, presenter.vendor, id)?,
        ),
        None => {
            let everybodys = |p: &&Provider| p.tenant.is_none();
            let mut all = presenter
                .directory
                .all_providers()
                .iter()
                .filter(everybodys);
            all.find(|p| {
                crate::directory::id_at(p.provider_id.as_str(), &p.ids, presenter.vendor)
                    == Some(id)
            })
        }
    };
    found
        .filter(|provider| presenter.sees(provider))
        .ok_or(Failure::ProviderNotFound)
}

/// Who acts on whose data under which rules.
struct Caller<'a> {
    world: &'a World,
    presenter: &'a Presenter<'a>,
    tenant: &'a Tenant,
    rules: Rules,
    at: Instant,
}

impl Caller<'_> {
    async fn carry_out(&self, mut action: Action) -> Result<(Outcome, Asked), Failure> {
        let mut asked = Asked::default();
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
            other => match self.guard(other).await {
                // What the client cannot see is missing, and a front may take that for done.
                Err(Failure::LinkNotFound) if self.missing_is_done(other) => {
                    return Ok((
                        Outcome::Links {
                            links: Vec::new(),
                            total: 0,
                        },
                        asked,
                    ));
                }
                guarded => guarded?,
            },
        };
        let mut outcome = self.apply(action, provider.as_ref()).await?;
        if let Outcome::Pending { pending, limit, .. } = &mut outcome {
            *limit = self
                .limit(Some(&pending.provider_id))
                .map(|max| LinkLimit { max });
        }
        Ok((outcome, asked))
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

    fn missing_is_done(&self, action: &Action) -> bool {
        matches!(action, Action::LinkDelete(_))
            && self.rules.on_missing_delete == OnMissingDelete::Same
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
    async fn note_unknown_user(
        &self,
        user_id: Option<&UserId>,
        faults: &mut Vec<Fault>,
    ) -> Result<(), Failure> {
        let Some(user_id) = user_id.filter(|_| self.users_are_known()) else {
            return Ok(());
        };
        let look = Action::UserGet {
            user_id: user_id.clone(),
            links: false,
        };
        match self.apply(look, None).await {
            Err(Failure::UserNotFound) => faults.insert(0, (Field::UserId, Failure::UserNotFound)),
            Err(failure) => return Err(failure),
            Ok(_) => {}
        }
        Ok(())
    }

    fn users_are_known(&self) -> bool {
        self.rules.known_users || self.tenant.users == Users::Known
    }

    async fn apply(
        &self,
        action: Action,
        provider: Option<&ProviderId>,
    ) -> Result<Outcome, Failure> {
        let operation = Operation {
            tenant: self.tenant.tenant_id.clone(),
            client: self.presenter.client.name.clone(),
            at: self.at,
            rules: Rules {
                per_user_provider: self.limit(provider),
                known_users: self.users_are_known(),
                ..self.rules
            },
            action,
        };
        self.world.backend.apply(operation).await
    }

    /// The stricter of the front's rule and the tenant's limit at the provider.
    fn limit(&self, provider: Option<&ProviderId>) -> Option<u32> {
        let of_tenant = provider
            .and_then(|p| self.tenant.link_limits.get(p))
            .copied();
        [self.rules.per_user_provider, of_tenant]
            .into_iter()
            .flatten()
            .min()
    }
}

#[cfg(test)]
#[path = "perform_tests.rs"]
mod tests;
