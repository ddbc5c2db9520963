//! The vendor's ids in a request, as canonical ones, and what of them means nothing.
//!
//! What the client may not touch does not exist. Where links are made, an id that means nothing is noted,
//! so that all faults are told together. Where they are looked for, it is the answer: nothing can be there.

use super::bind::problem;
use super::call::World;
use super::new_links::new_links;
use super::present::Presenter;
use crate::directory::{Tenant, id_at};
use crate::model::{
    Failure, Field, NewLink, OperationKind, Problem, Protocol, Provider, ProviderId, Record, Rules,
    Subject, TenantId, UserId, Why,
};

/// The most problems that are told of one request.
const MAX_PROBLEMS: usize = 100;

/// The canonical ids that the directory found for a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    /// The user.
    pub(super) user: Option<UserId>,
    /// The provider.
    pub(super) provider: Option<ProviderId>,
    /// The links that come with a user.
    pub(super) links: Vec<NewLink>,
    /// The users who are listed, those of them that mean somebody.
    pub(super) users: Option<Vec<UserId>>,
    /// The user whose id is the user name that is looked for.
    pub(super) namesake: Option<UserId>,
    /// The user after whom a page begins.
    pub(super) after: Option<UserId>,
    /// Among which links one is to be deleted.
    pub(super) among: Option<Among>,
}

/// Links of one protocol.
#[derive(Clone, Debug)]
pub(super) struct Among {
    /// The providers that speak it.
    pub(super) providers: Vec<ProviderId>,
    /// Which of the links is meant.
    pub(super) account: Account,
}

/// An account that a request names.
#[derive(Clone, Debug)]
pub(super) enum Account {
    /// It names none.
    Unnamed,
    /// One that nobody can have among these links.
    Impossible,
    /// This one.
    Named(ProviderId, Subject),
}

impl Ids {
    /// Whether the request names an account that nobody can have.
    pub(super) fn names_impossible_account(&self) -> bool {
        let account = self.among.as_ref().map(|among| &among.account);
        matches!(account, Some(Account::Impossible))
    }
}

/// A field whose id means nothing, and the failure that says so when it is the only one.
pub(super) type Fault = (Field, Failure);

/// What was found, and what is wrong.
#[derive(Default)]
pub(super) struct Found {
    pub(super) ids: Ids,
    pub(super) faults: Vec<Fault>,
    pub(super) problems: Vec<Problem>,
}

/// Finds the ids of one request's params.
pub(super) struct Finder<'a> {
    pub(super) world: &'a World,
    pub(super) presenter: &'a Presenter<'a>,
    pub(super) tenant: Option<&'a Tenant>,
    pub(super) kind: OperationKind,
    pub(super) rules: &'a Rules,
}

impl Finder<'_> {
    /// Finds every id. `refusal` is what the mapping says of a value that could not be read.
    ///
    /// # Errors
    /// The refusal, unless it speaks of an account among links: that comes late. `UserNotFound` and
    /// `ProviderNotFound` where nothing is made; `Overloaded` if the store cannot be read.
    pub(super) fn find(&self, params: &Record, refusal: Option<Failure>) -> Result<Found, Failure> {
        let mut found = Found::default();
        let protocol = is_among(self.kind, params).then(|| params.text(Field::Protocol));
        let is_impossible = match refusal {
            Some(Failure::LinkNotFound | Failure::ProviderNotFound) if protocol.is_some() => true,
            // Whether the user exists comes first.
            Some(refusal @ Failure::ProviderNotFound) if makes_links(self.kind) => {
                found.faults.push((Field::ProviderId, refusal));
                false
            }
            Some(refusal) => return Err(refusal),
            None => false,
        };
        if let (Some(id), Some(tenant)) = (params.text(Field::UserId), self.tenant) {
            let user = self.user(tenant, id);
            found.ids.user = self.noted(user, Field::UserId, params, &mut found.faults)?;
        }
        if let Some(protocol) = protocol.flatten() {
            self.among(params, protocol, is_impossible, &mut found);
        } else if let Some(id) = params.text(Field::ProviderId) {
            let provider = self.provider(id, makes_links(self.kind));
            let provider = provider.map(|p| p.provider_id.clone());
            found.ids.provider =
                self.noted(provider, Field::ProviderId, params, &mut found.faults)?;
        }
        if let Some(tenant) = self.tenant {
            self.list_of_users(tenant, params, &mut found)?;
            for (record, protocol) in new_links(self.kind, params) {
                self.new_link(tenant, record, protocol, &mut found);
            }
        }
        Ok(found)
    }

    fn user(&self, tenant: &Tenant, id: &str) -> Result<UserId, Failure> {
        let aliases = &self.world.aliases;
        aliases.user_of(&tenant.tenant_id, self.presenter.vendor, id)
    }

    fn noted<T>(
        &self,
        found: Result<T, Failure>,
        field: Field,
        params: &Record,
        faults: &mut Vec<Fault>,
    ) -> Result<Option<T>, Failure> {
        let notes = || makes_links(self.kind) || new_links(self.kind, params).next().is_some();
        match found {
            Ok(id) => Ok(Some(id)),
            Err(failure @ (Failure::UserNotFound | Failure::ProviderNotFound)) if notes() => {
                faults.push((field, failure));
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// What is linked already can be found and deleted at a disabled provider, too.
    pub(super) fn provider(&self, id: &str, must_be_enabled: bool) -> Result<&Provider, Failure> {
        let tenant = self.tenant.map(|t| &t.tenant_id);
        find_provider(self.presenter, tenant, id).and_then(|p| {
            (p.enabled || !must_be_enabled)
                .then_some(p)
                .ok_or(Failure::ProviderNotFound)
        })
    }

    /// The providers of a protocol, and the account there that a delete names.
    fn among(&self, params: &Record, protocol: &str, is_impossible: bool, found: &mut Found) {
        let (Some(protocol), Some(tenant)) = (Protocol::named(protocol), self.tenant) else {
            found
                .problems
                .push(problem(Field::Protocol, Why::UnknownValue, None));
            return;
        };
        let fits = |p: &Provider| p.kind.protocol() == protocol && self.presenter.sees(p);
        let of_tenant = self.world.directory.providers(&tenant.tenant_id);
        let providers = of_tenant
            .filter(|p| fits(p))
            .map(|p| p.provider_id.clone())
            .collect();
        let account = match (params.text(Field::ProviderId), params.text(Field::Subject)) {
            _ if is_impossible => Account::Impossible,
            (Some(id), Some(subject)) => match (self.provider(id, false), Subject::new(subject)) {
                (Ok(p), Ok(subject)) if fits(p) => Account::Named(p.provider_id.clone(), subject),
                _ => Account::Impossible,
            },
            _ => Account::Unnamed,
        };
        found.ids.among = Some(Among { providers, account });
    }

    /// The users whom a list names, and the one after whom it goes on.
    fn list_of_users(
        &self,
        tenant: &Tenant,
        params: &Record,
        found: &mut Found,
    ) -> Result<(), Failure> {
        if self.kind != OperationKind::UserList {
            return Ok(());
        }
        if let Some(listed) = params.list(Field::Users) {
            let mut users = Vec::with_capacity(listed.len());
            for id in listed.iter().filter_map(|user| user.text(Field::UserId)) {
                match self.user(tenant, id) {
                    Ok(user) => users.push(user),
                    // Who does not exist is not in the list.
                    Err(Failure::UserNotFound) => {}
                    Err(failure) => return Err(failure),
                }
            }
            users.sort();
            users.dedup();
            found.ids.users = Some(users);
        }
        // Who has no user name goes by the id.
        if let Some(name) = params.text(Field::Username) {
            found.ids.namesake = match self.user(tenant, name) {
                Err(Failure::UserNotFound) => None,
                user => Some(user?),
            };
        }
        if let Some(id) = params.text(Field::PageAfter) {
            match self.user(tenant, id) {
                Ok(user) => found.ids.after = Some(user),
                Err(Failure::UserNotFound) => {
                    found
                        .problems
                        .push(problem(Field::PageAfter, Why::Unresolved, None));
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }
}

/// Whether a delete means one of a user's links of some protocol.
pub(super) fn is_among(kind: OperationKind, params: &Record) -> bool {
    kind == OperationKind::LinkDelete && params.has(Field::Protocol) && !params.has(Field::LinkId)
}

/// One fault of existence is its own failure; several things that are wrong are told together.
///
/// # Errors
/// That failure.
pub(super) fn refuse(mut faults: Vec<Fault>, problems: Vec<Problem>) -> Result<(), Failure> {
    if problems.is_empty() && faults.len() <= 1 {
        return faults.pop().map_or(Ok(()), |(_, failure)| Err(failure));
    }
    let mut all = unresolved(&faults);
    all.extend(problems);
    all.truncate(MAX_PROBLEMS);
    Err(Failure::Invalid(all))
}

/// The ids that mean nothing, as problems.
pub(super) fn unresolved(faults: &[Fault]) -> Vec<Problem> {
    let unknown = faults.iter().map(|(field, _)| *field);
    unknown
        .map(|field| problem(field, Why::Unresolved, None))
        .collect()
}

/// Whether the operation is about making a link. Then its provider must be one that may be linked.
fn makes_links(kind: OperationKind) -> bool {
    use OperationKind as K;
    matches!(kind, K::LinkCreate | K::PendingCreate | K::PendingComplete)
}

fn find_provider<'p>(
    presenter: &Presenter<'p>,
    tenant: Option<&TenantId>,
    id: &str,
) -> Result<&'p Provider, Failure> {
    let directory = presenter.directory;
    let found = match tenant {
        Some(tenant) => Some(directory.provider_of(tenant, presenter.vendor, id)?),
        None => {
            let everybodys = |p: &&Provider| p.tenant.is_none();
            let means =
                |p: &Provider| id_at(p.provider_id.as_str(), &p.ids, presenter.vendor) == Some(id);
            let mut all = directory.all_providers().iter().filter(everybodys);
            all.find(|p| means(p))
        }
    };
    found
        .filter(|provider| presenter.sees(provider))
        .ok_or(Failure::ProviderNotFound)
}
