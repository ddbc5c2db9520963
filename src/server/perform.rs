//! From a decoded request to a reply record: tenant, ids, operation, backend, ids back.
//!
//! What concerns the whole request (who, whose data, what cannot be read) comes first. Then what it asks
//! for is carried out: once, or once for each of its items.

use std::sync::Arc;

use super::bind::Binder;
use super::call::{Call, Tells, World};
use super::caller::Caller;
use super::ids::{self, Finder, Found, Ids};
use super::new_links::new_links;
use super::present::{self, Asked, Presenter};
use super::{items, providers, tenant};
use crate::directory::Tenant;
use crate::edge::authn::Client;
use crate::edge::rate_limit::Toll;
use crate::edge::scope::{self, Besides};
use crate::model::{
    Action, Failure, Field, Instant, OperationKind, Origin, Outcome, Problem, Record, Rules,
};
use crate::trace;

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
        // It is the same for every tenant, known or not.
        if let Some(refusal) = call.refusal.filter(|r| *r != Failure::TenantUnknown) {
            return Err(refusal);
        }
        let mut reply = present::status(world.backend.ready());
        present::set_time(&mut reply, call.at);
        return Ok(reply);
    }
    let client = client.ok_or(Failure::Unauthenticated)?;
    allow(client, &call)?;
    // A tenant that cannot be read is settled as one that is named and not known, before any other is
    // derived in its place.
    if call.refusal == Some(Failure::TenantUnknown) {
        return Err(match &client.tenant {
            Some(_) => Failure::Forbidden,
            None => Failure::TenantUnknown,
        });
    }
    let tenant = find_tenant(world, client, &call)?;
    if let Some(tenant) = tenant {
        trace::note_tenant(tenant.tenant_id.as_str());
    }
    if let (Some(toll), Some(tenant)) = (&call.toll, tenant) {
        toll.tenant(&tenant.tenant_id)?;
    }
    let performer = Performer {
        world,
        presenter: Presenter {
            directory: &world.directory,
            aliases: &*world.aliases,
            vendor: &call.vendor,
            client,
            untold: &world.untold,
        },
        tenant,
        kind: call.kind,
        rules: call.rules,
        tells: call.tells,
        members: &call.members,
        at: call.at,
        toll: call.toll.as_deref(),
        origin: &call.origin,
    };
    if !call.problems.is_empty() {
        let problems = performer.with_faults(&call.params, call.problems).await;
        return Err(Failure::Invalid(problems));
    }
    match (call.params.list(Field::Items), call.refusal) {
        (Some(_), Some(refusal)) => Err(refusal),
        (Some(items), None) => Ok(items::each(&performer, &call.params, items).await),
        (None, refusal) => performer.one(&call.params, refusal, performer.toll).await,
    }
}

/// Refuses a client that lacks a scope for the operation, or for what the request has besides.
fn allow(client: &Client, call: &Call) -> Result<(), Failure> {
    client.need(scope::needed(call.kind))?;
    let items = call.params.list(Field::Items).unwrap_or_default();
    for params in std::iter::once(&*call.params).chain(items) {
        let attributes = params.list(Field::Attributes).unwrap_or_default();
        let besides = Besides {
            tells_links: call.tells.links_of_users(),
            makes_links: new_links(call.kind, params).next().is_some(),
            names_ids: params.has(Field::Ids),
            writes_attributes: !attributes.is_empty(),
        };
        for scope in scope::needed_besides(call.kind, besides) {
            client.need(&[scope])?;
        }
    }
    Ok(())
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

/// Carries out what a request asks for, for one client and tenant.
pub(super) struct Performer<'a> {
    world: &'a World,
    presenter: Presenter<'a>,
    tenant: Option<&'a Tenant>,
    kind: OperationKind,
    rules: Rules,
    tells: Tells,
    members: &'a [String],
    at: Instant,
    toll: Option<&'a Toll>,
    origin: &'a Arc<Origin>,
}

impl Performer<'_> {
    /// What one of several things pays that are asked for in one request.
    ///
    /// # Errors
    /// `RateLimited`, for this one.
    pub(super) fn toll_of(&self, index: usize) -> Result<Option<Toll>, Failure> {
        let tenant = self.tenant.map(|tenant| &tenant.tenant_id);
        self.toll.map(|toll| toll.item(index, tenant)).transpose()
    }

    /// Takes what it has paid into account for what the client is told.
    pub(super) fn add(&self, item: Option<Toll>) {
        if let (Some(toll), Some(item)) = (self.toll, item) {
            toll.add(&item);
        }
    }

    /// The reply to one thing that is asked for.
    ///
    /// # Errors
    /// Its failure. A filter that names what does not exist is none: it finds nothing.
    pub(super) async fn one(
        &self,
        params: &Record,
        refusal: Option<Failure>,
        toll: Option<&Toll>,
    ) -> Result<Record, Failure> {
        let answer = self.answer(params, refusal, toll).await;
        let mut reply = match (self.kind, answer) {
            (
                OperationKind::UserList,
                Err(Failure::UserNotFound | Failure::ProviderNotFound | Failure::LinkNotFound),
            ) => present::nobody(),
            (_, answer) => answer?,
        };
        self.stamp(&mut reply);
        Ok(reply)
    }

    /// What every reply says: when, and for which tenant.
    pub(super) fn stamp(&self, reply: &mut Record) {
        present::set_time(reply, self.at);
        if let Some(tenant) = self.tenant {
            self.presenter.set_tenant(reply, &tenant.tenant_id);
        }
    }

    fn finder(&self) -> Finder<'_> {
        Finder {
            world: self.world,
            presenter: &self.presenter,
            tenant: self.tenant,
            kind: self.kind,
            rules: &self.rules,
        }
    }

    /// The problems of a request and, where a link is to be made, its ids that mean nothing.
    async fn with_faults(&self, params: &Record, mut problems: Vec<Problem>) -> Vec<Problem> {
        let looks = self.kind == OperationKind::LinkCreate;
        let Some(Ok(mut found)) = looks.then(|| self.finder().find(params, None)) else {
            return problems;
        };
        if let Some(caller) = self.caller(None) {
            let user = found.ids.user.as_ref();
            // What cannot be looked up now is not told; the rest is.
            let _ = caller
                .note_unknown_user(self.kind, user, &mut found.faults)
                .await;
        }
        let unknown = ids::unresolved(&found.faults);
        let is_told = |p: &Problem| problems.iter().any(|other| other.field == p.field);
        let unknown: Vec<Problem> = unknown.into_iter().filter(|p| !is_told(p)).collect();
        problems.extend(unknown);
        problems
    }

    async fn answer(
        &self,
        params: &Record,
        refusal: Option<Failure>,
        toll: Option<&Toll>,
    ) -> Result<Record, Failure> {
        let finder = self.finder();
        let Found {
            mut ids,
            mut faults,
            mut problems,
        } = finder.find(params, refusal)?;
        let caller = self.caller(toll);
        if let (OperationKind::UserGet, None, Some(text), Some(caller)) = (
            self.kind,
            &ids.user,
            params.text(Field::ExternalId),
            &caller,
        ) {
            ids.user = Some(caller.known_elsewhere(text).await?);
        }
        if let (Some(caller), false) = (&caller, faults.is_empty()) {
            caller
                .note_unknown_user(self.kind, ids.user.as_ref(), &mut faults)
                .await?;
            if matches!(faults.as_slice(), [(Field::ProviderId, _)]) {
                let user = ids.user.as_ref();
                caller.refuse_one_more(self.kind, user).await?;
            }
        }
        let binder = Binder {
            params,
            ids: &ids,
            directory: &self.world.directory,
            members: self.members,
            with_links: self.tells.links_of_users(),
            pending_ends: self
                .at
                .plus_seconds(self.tenant.map_or(0, |t| t.pending_seconds)),
        };
        problems.extend(binder.problems(self.kind));
        ids::refuse(faults, problems)?;
        match (binder.action(self.kind)?, caller) {
            (Action::ProviderList { name, kind, page }, _) => {
                let tenant = self.tenant.map(|t| &t.tenant_id);
                let found = providers::list(&self.presenter, tenant, name.as_deref(), kind, page);
                self.presenter.reply(found, &Asked::default())
            }
            (
                Action::ProviderGet {
                    provider_id,
                    domain,
                },
                _,
            ) => {
                let tenant = self.tenant.map(|t| &t.tenant_id);
                let (id, domain) = (provider_id.as_ref(), domain.as_deref());
                let found = providers::one(&self.presenter, tenant, id, domain)?;
                self.presenter.reply(found, &Asked::default())
            }
            (action, Some(caller)) => self.carry_out(&caller, action, ids).await,
            (_, None) => Err(Failure::TenantRequired),
        }
    }

    fn caller<'c>(&'c self, toll: Option<&'c Toll>) -> Option<Caller<'c>> {
        Some(Caller {
            world: self.world,
            presenter: &self.presenter,
            tenant: self.tenant?,
            rules: self.rules,
            at: self.at,
            toll,
            origin: self.origin,
        })
    }

    async fn carry_out(
        &self,
        caller: &Caller<'_>,
        action: Action,
        ids: Ids,
    ) -> Result<Record, Failure> {
        let names_nothing = ids.names_impossible_account();
        let tenant = &caller.tenant.tenant_id;
        let mut asked = Asked {
            namesake: ids.namesake,
            about: ids.user.map(|user| (tenant.clone(), user)),
            is_delete: self.kind == OperationKind::LinkDelete,
            tells: self.tells,
            ..Asked::default()
        };
        let outcome = caller.carry_out(action, names_nothing, &mut asked).await?;
        let reply = self.tell(caller, outcome, asked).await;
        // A write that was carried out and cannot be told is no refusal, whatever the reason is: the
        // caller must look before it tries again.
        if self.kind.writes() {
            reply.map_err(|_| Failure::OutcomeUnknown)
        } else {
            reply
        }
    }

    async fn tell(
        &self,
        caller: &Caller<'_>,
        outcome: Outcome,
        mut asked: Asked,
    ) -> Result<Record, Failure> {
        if self.tells.user {
            asked.holder = caller.holder(&outcome, &asked).await?;
        }
        self.presenter.reply(outcome, &asked)
    }
}

#[cfg(test)]
#[path = "perform_tests.rs"]
mod tests;
