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
mod tests {
    use super::super::testing::{self, FakeAliases, FakeBackend, client, link, vendor};
    use super::*;
    use crate::model::{ClientName, How, PendingLink, Subject, Value};

    struct Trial {
        world: World,
        backend: Arc<FakeBackend>,
        client: Client,
    }

    fn trial(scopes: &[Scope], answers: Vec<Result<Outcome, Failure>>) -> Trial {
        let backend = Arc::new(FakeBackend::default());
        *backend.answers.lock().unwrap() = answers;
        let world = World {
            directory: Arc::new(testing::directory(&["blue"])),
            aliases: Arc::new(FakeAliases),
            backend: Arc::clone(&backend) as Arc<dyn Backend>,
            untold: Arc::default(),
        };
        Trial {
            world,
            backend,
            client: client(scopes),
        }
    }

    fn call(kind: OperationKind, fields: &[(Field, &str)]) -> Call {
        let params = fields
            .iter()
            .map(|(f, t)| (*f, Value::Text((*t).to_owned())))
            .collect();
        Call {
            kind,
            vendor: vendor(),
            rules: Rules::default(),
            params: Arc::new(params),
            problems: Vec::new(),
            refusal: None,
            at: Instant(1000),
        }
    }

    impl Trial {
        fn run(&self, call: Call) -> Result<Record, Failure> {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            runtime.block_on(perform(&self.world, Some(&self.client), call))
        }

        fn asked(&self) -> Vec<Operation> {
            std::mem::take(&mut *self.backend.asked.lock().unwrap())
        }
    }

    const CREATE: &[(Field, &str)] = &[
        (Field::UserId, "u-1@acme"),
        (Field::ProviderId, "at-acme-google"),
        (Field::Subject, "ext-1"),
    ];

    fn created() -> Outcome {
        Outcome::Link {
            link: link("google", "ext-1"),
            how: How::Created,
        }
    }

    fn pending(provider: &str) -> Outcome {
        let pending = PendingLink {
            tenant: TenantId::new("blue").unwrap(),
            client: ClientName::new("tester").unwrap(),
            provider_id: ProviderId::new(provider).unwrap(),
            subject: Subject::new("ext-1").unwrap(),
            display_name: None,
            email: None,
            username: None,
            token: None,
            expires_at: Instant(9),
        };
        Outcome::Pending {
            pending,
            link_count: Some(1),
            limit: None,
        }
    }

    #[test]
    fn the_backend_sees_canonical_ids_and_the_client_its_vendors() {
        let trial = trial(&[Scope::LinksCreate], vec![Ok(created())]);
        let reply = trial.run(call(OperationKind::LinkCreate, CREATE)).unwrap();
        assert_eq!(
            reply.record(Field::Link).unwrap().text(Field::UserId),
            Some("u-1@acme")
        );
        assert_eq!(reply.text(Field::Outcome), Some("created"));
        let asked = trial.asked();
        let Action::LinkCreate {
            user_id,
            provider_id,
            ..
        } = &asked[0].action
        else {
            panic!("{asked:?}")
        };
        assert_eq!((user_id.as_str(), provider_id.as_str()), ("u-1", "google"));
        assert_eq!(
            (asked[0].tenant.as_str(), asked[0].at),
            ("blue", Instant(1000))
        );
    }

    #[test]
    fn a_missing_scope_comes_before_tenant_and_problems() {
        let trial = trial(&[Scope::LinksRead], vec![]);
        assert_eq!(
            trial.run(call(
                OperationKind::LinkCreate,
                &[(Field::Tenant, "nobody")]
            )),
            Err(Failure::Forbidden)
        );
        assert!(trial.asked().is_empty());
    }

    #[test]
    fn who_deletes_a_user_must_be_allowed_to_delete_what_goes_with_it() {
        let all = [Scope::UsersWrite, Scope::LinksDelete, Scope::DirectoryWrite];
        let delete = || call(OperationKind::UserDelete, &[(Field::UserId, "u-1@acme")]);
        for missing in all {
            let scopes: Vec<Scope> = all.into_iter().filter(|s| *s != missing).collect();
            let trial = trial(&scopes, vec![]);
            assert_eq!(trial.run(delete()), Err(Failure::Forbidden), "{missing:?}");
            assert!(trial.asked().is_empty());
        }
        let allowed = trial(&all, vec![Err(Failure::UserNotFound)]);
        assert_eq!(allowed.run(delete()), Err(Failure::UserNotFound));
    }

    #[test]
    fn the_tenant_is_settled_before_problems_are_told() {
        let trial = trial(&[Scope::LinksCreate], vec![]);
        let problem = Problem {
            place: crate::model::Place::Body,
            at: "a".into(),
            field: None,
            why: Why::Missing,
            max: None,
        };
        let faulty = |fields| Call {
            problems: vec![problem.clone()],
            ..call(OperationKind::LinkCreate, fields)
        };
        assert_eq!(
            trial.run(faulty(&[(Field::Tenant, "nobody")])),
            Err(Failure::TenantUnknown)
        );
        assert!(matches!(trial.run(faulty(&[])), Err(Failure::Invalid(_))));
    }

    #[test]
    fn a_tenant_that_cannot_be_read_is_not_replaced_by_another() {
        let problem = bind::problem(Field::Subject, Why::Missing, None);
        for (lock, expected) in [
            (None, Failure::TenantUnknown),
            (Some("blue"), Failure::Forbidden),
        ] {
            let mut trial = trial(&[Scope::LinksCreate], vec![]);
            trial.client.tenant = lock.map(|key| TenantId::new(key).unwrap());
            let malformed = Call {
                refusal: Some(Failure::TenantUnknown),
                problems: vec![problem.clone()],
                ..call(OperationKind::LinkCreate, CREATE)
            };
            assert_eq!(trial.run(malformed), Err(expected));
            assert!(trial.asked().is_empty());
        }
    }

    #[test]
    fn an_unknown_or_disabled_or_forbidden_provider_does_not_exist() {
        let mut trial = trial(&[Scope::LinksCreate], vec![]);
        for provider in ["nobody", "at-acme-off", "google"] {
            let fields = [
                (Field::UserId, "u-1@acme"),
                (Field::ProviderId, provider),
                (Field::Subject, "e"),
            ];
            assert_eq!(
                trial.run(call(OperationKind::LinkCreate, &fields)),
                Err(Failure::ProviderNotFound),
                "{provider}"
            );
        }
        trial.client.providers = Some(vec![ProviderId::new("other").unwrap()]);
        assert_eq!(
            trial.run(call(OperationKind::LinkCreate, CREATE)),
            Err(Failure::ProviderNotFound)
        );
        assert!(trial.asked().is_empty());
    }

    fn refused(answer: Result<Record, Failure>) -> Vec<(Option<Field>, Why)> {
        match answer {
            Err(Failure::Invalid(problems)) => problems.iter().map(|p| (p.field, p.why)).collect(),
            other => panic!("not invalid: {other:?}"),
        }
    }

    #[test]
    fn faults_of_existence_are_told_together_and_one_alone_is_itself() {
        const GOOD: [&str; 3] = ["u-1@acme", "at-acme-google", "ext-1"];
        const BAD: [&str; 3] = ["nobody", "nothing", " "];
        let create = |user, provider, subject| {
            let fields = [
                (Field::UserId, user),
                (Field::ProviderId, provider),
                (Field::Subject, subject),
            ];
            let trial = trial(&[Scope::LinksCreate], vec![]);
            let answer = trial.run(call(OperationKind::LinkCreate, &fields));
            assert!(trial.asked().is_empty());
            answer
        };
        let unknown = |field| (Some(field), Why::Unresolved);
        let (user, provider) = (unknown(Field::UserId), unknown(Field::ProviderId));
        let subject = (Some(Field::Subject), Why::Blank);
        assert_eq!(create(BAD[0], GOOD[1], GOOD[2]), Err(Failure::UserNotFound));
        assert_eq!(
            create(GOOD[0], BAD[1], GOOD[2]),
            Err(Failure::ProviderNotFound)
        );
        assert_eq!(refused(create(GOOD[0], GOOD[1], BAD[2])), [subject]);
        assert_eq!(refused(create(BAD[0], BAD[1], GOOD[2])), [user, provider]);
        assert_eq!(
            refused(create(GOOD[0], BAD[1], BAD[2])),
            [provider, subject]
        );
        assert_eq!(
            refused(create(BAD[0], BAD[1], BAD[2])),
            [user, provider, subject]
        );
    }

    #[test]
    fn a_user_whom_only_the_backend_knows_is_looked_for_beside_another_fault() {
        let fields = [
            (Field::UserId, "u-1@acme"),
            (Field::ProviderId, "nothing"),
            (Field::Subject, "ext-1"),
        ];
        let create = |answers| {
            let trial = trial(&[Scope::LinksCreate], answers);
            let known = Call {
                rules: Rules {
                    known_users: true,
                    ..Rules::default()
                },
                ..call(OperationKind::LinkCreate, &fields)
            };
            let answer = trial.run(known);
            let asked = trial.asked();
            assert!(
                matches!(asked.as_slice(), [one] if !one.action.kind().writes()),
                "{asked:?}"
            );
            answer
        };
        assert_eq!(
            refused(create(vec![Err(Failure::UserNotFound)])),
            [
                (Some(Field::UserId), Why::Unresolved),
                (Some(Field::ProviderId), Why::Unresolved)
            ]
        );
        assert_eq!(
            create(vec![Ok(Outcome::Status { ready: true })]),
            Err(Failure::ProviderNotFound)
        );
    }

    #[test]
    fn where_links_are_looked_for_the_first_id_that_means_nothing_is_the_answer() {
        let fields = [
            (Field::UserId, "nobody"),
            (Field::ProviderId, "nothing"),
            (Field::Subject, "ext-1"),
        ];
        let trial = trial(Scope::ALL, vec![]);
        for kind in [OperationKind::LinkFind, OperationKind::LinkDelete] {
            assert_eq!(trial.run(call(kind, &fields)), Err(Failure::UserNotFound));
        }
    }

    #[test]
    fn links_at_a_disabled_provider_can_be_found_and_deleted_and_not_made() {
        let fields = [
            (Field::UserId, "u-1@acme"),
            (Field::ProviderId, "at-acme-off"),
            (Field::Subject, "ext-1"),
        ];
        let removed = Outcome::Links {
            links: vec![link("off", "ext-1")],
            total: 1,
        };
        for (kind, answer) in [
            (OperationKind::LinkFind, found("off").unwrap()),
            (OperationKind::LinkList, removed.clone()),
            (OperationKind::LinkDelete, removed),
        ] {
            let trial = trial(Scope::ALL, vec![Ok(answer)]);
            trial.run(call(kind, &fields)).unwrap();
            assert_eq!(trial.asked().len(), 1, "{}", kind.name());
        }
        for kind in [
            OperationKind::LinkCreate,
            OperationKind::PendingCreate,
            OperationKind::ProviderGet,
        ] {
            let trial = trial(Scope::ALL, vec![]);
            assert_eq!(
                trial.run(call(kind, &fields)),
                Err(Failure::ProviderNotFound),
                "{}",
                kind.name()
            );
            assert!(trial.asked().is_empty());
        }
    }

    #[test]
    fn a_tenants_limit_travels_with_the_operation_also_when_a_pending_link_is_completed() {
        let mut trial = trial(
            &[Scope::PendingComplete],
            vec![Ok(pending("google")), Ok(created())],
        );
        let mut tenants = trial.world.directory.tenants().to_vec();
        tenants[0]
            .link_limits
            .insert(ProviderId::new("google").unwrap(), 2);
        let providers = trial.world.directory.all_providers().to_vec();
        trial.world.directory = Arc::new(Directory::new(tenants, providers).unwrap());
        let fields = [(Field::PendingId, "pl-1"), (Field::UserId, "u-1@acme")];
        trial
            .run(call(OperationKind::PendingComplete, &fields))
            .unwrap();
        let asked = trial.asked();
        assert_eq!(asked.len(), 2);
        assert_eq!(asked[1].rules.per_user_provider, Some(2));
    }

    #[test]
    fn a_pending_link_that_this_front_cannot_tell_is_not_spent() {
        for provider in ["unnamed", "off", "gone", "green-only", "google"] {
            let mut trial = trial(
                &[Scope::PendingComplete],
                vec![Ok(pending(provider)), Ok(created())],
            );
            let mut providers = trial.world.directory.all_providers().to_vec();
            for p in &mut providers {
                if p.name == "Blue only" {
                    p.provider_id = ProviderId::new("green-only").unwrap();
                    p.tenant = TenantId::new("green").ok();
                }
            }
            let tenants = trial.world.directory.tenants().to_vec();
            trial.world.directory = Arc::new(Directory::new(tenants, providers).unwrap());
            if provider == "google" {
                trial.client.providers = Some(vec![ProviderId::new("other").unwrap()]);
            }
            let fields = [(Field::PendingId, "pl-1"), (Field::UserId, "u-1@acme")];
            assert_eq!(
                trial.run(call(OperationKind::PendingComplete, &fields)),
                Err(Failure::PendingNotFound),
                "{provider}"
            );
            let asked = trial.asked();
            assert!(
                matches!(asked.as_slice(), [one] if !one.action.kind().writes()),
                "{provider}: {asked:?}"
            );
        }
    }

    #[test]
    fn a_pending_link_tells_its_limit_and_its_ends() {
        let trial = trial(&[Scope::PendingCreate], vec![Ok(pending("google"))]);
        let fields = [
            (Field::ProviderId, "at-acme-google"),
            (Field::Subject, "ext-1"),
        ];
        let reply = trial
            .run(call(OperationKind::PendingCreate, &fields))
            .unwrap();
        assert_eq!(reply.text(Field::PendingId).map(str::len), Some(43));
        assert_eq!(
            (reply.int(Field::LinkCount), reply.has(Field::LimitEnabled)),
            (Some(1), false)
        );
        let asked = trial.asked();
        assert!(matches!(
            asked[0].action,
            Action::PendingCreate {
                expires_at: Instant(3_601_000),
                ..
            }
        ));
    }

    const DELETE: &[(Field, &str)] = &[(Field::LinkId, "69e818f5-646c-5de2-bb50-1acdef60e91c")];

    fn found(provider: &str) -> Result<Outcome, Failure> {
        Ok(Outcome::Link {
            link: link(provider, "ext-1"),
            how: How::Found,
        })
    }

    #[test]
    fn a_delete_by_id_deletes_exactly_what_was_looked_at() {
        let removed = Outcome::Links {
            links: vec![link("google", "ext-1")],
            total: 1,
        };
        let trial = trial(&[Scope::LinksDelete], vec![found("google"), Ok(removed)]);
        trial.run(call(OperationKind::LinkDelete, DELETE)).unwrap();
        let asked = trial.asked();
        assert_eq!(asked.len(), 2);
        let Action::LinkDelete(Target::Exact {
            user_id,
            provider_id,
            subject,
        }) = &asked[1].action
        else {
            panic!("{asked:?}")
        };
        assert_eq!(
            (user_id.as_str(), provider_id.as_str(), subject.as_str()),
            ("u-1", "google", "ext-1")
        );
    }

    #[test]
    fn a_client_held_to_providers_cannot_reach_others_by_an_id() {
        let mut trial = trial(&[Scope::LinksDelete], vec![found("google")]);
        trial.client.providers = Some(vec![ProviderId::new("other").unwrap()]);
        assert_eq!(
            trial.run(call(OperationKind::LinkDelete, DELETE)),
            Err(Failure::LinkNotFound)
        );
        assert_eq!(trial.asked().len(), 1, "it was looked at and not deleted");
    }

    #[test]
    fn a_link_that_this_front_cannot_tell_is_not_deleted_by_its_id() {
        for provider in ["unnamed", "gone"] {
            let trial = trial(&[Scope::LinksDelete], vec![found(provider)]);
            assert_eq!(
                trial.run(call(OperationKind::LinkDelete, DELETE)),
                Err(Failure::LinkNotFound),
                "{provider}"
            );
            let asked = trial.asked();
            assert!(
                matches!(asked.as_slice(), [one] if !one.action.kind().writes()),
                "{provider}: {asked:?}"
            );
        }
    }

    #[test]
    fn a_look_that_fails_deletes_nothing() {
        let overloaded = Failure::Overloaded {
            retry_after: std::time::Duration::from_secs(1),
        };
        let mut trial = trial(
            &[Scope::LinksDelete],
            vec![Err(overloaded.clone()), Ok(Outcome::Status { ready: true })],
        );
        trial.client.providers = Some(vec![ProviderId::new("other").unwrap()]);
        for failure in [overloaded, Failure::LinkNotFound] {
            assert_eq!(
                trial.run(call(OperationKind::LinkDelete, DELETE)),
                Err(failure)
            );
            assert_eq!(trial.asked().len(), 1);
        }
    }

    /// Finds users, and cannot say their ids any more.
    struct OneWay;

    impl Aliases for OneWay {
        fn user_of(&self, t: &TenantId, v: &VendorName, id: &str) -> Result<UserId, Failure> {
            FakeAliases.user_of(t, v, id)
        }

        fn vendor_id_of(
            &self,
            _: &TenantId,
            _: &VendorName,
            _: &UserId,
        ) -> Result<Option<String>, Failure> {
            Err(Failure::Overloaded {
                retry_after: std::time::Duration::from_secs(1),
            })
        }

        fn tenants_of(&self, _: &VendorName, _: &str) -> Result<Vec<TenantId>, Failure> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn a_write_that_cannot_be_told_has_an_unknown_outcome() {
        let answers = vec![Ok(created()), found("google"), Err(Failure::LinkExists)];
        let mut trial = trial(&[Scope::LinksCreate, Scope::LinksRead], answers);
        trial.world.aliases = Arc::new(OneWay);
        let create = || call(OperationKind::LinkCreate, CREATE);
        assert_eq!(trial.run(create()), Err(Failure::OutcomeUnknown));
        // A read is not written, and a refusal is one.
        assert!(matches!(
            trial.run(call(OperationKind::LinkGet, DELETE)),
            Err(Failure::Overloaded { .. })
        ));
        assert_eq!(trial.run(create()), Err(Failure::LinkExists));
    }

    #[test]
    fn a_front_that_takes_missing_for_done_says_so_of_a_hidden_link_too() {
        let trial = trial(&[Scope::LinksDelete], vec![found("unnamed")]);
        let lenient = Call {
            rules: Rules {
                on_missing_delete: OnMissingDelete::Same,
                ..Rules::default()
            },
            ..call(OperationKind::LinkDelete, DELETE)
        };
        let reply = trial.run(lenient).unwrap();
        assert_eq!(reply.int(Field::Total), Some(0));
        assert_eq!(trial.asked().len(), 1);
    }
}
