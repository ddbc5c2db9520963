//! What `perform` makes of a call, over a backend that answers what it is told to.

use std::sync::Arc;

use super::super::testing::{FakeAliases, Trial, call, link, refused, trial};
use super::*;
use crate::directory::Aliases;
use crate::edge::scope::Scope;
use crate::model::operation::OnMissingDelete;
use crate::model::{
    ClientName, How, PendingLink, Problem, ProviderId, Subject, Target, TenantId, UserId,
    VendorName, Why,
};
use crate::server::bind;

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

/// The backend was asked one thing, and changed nothing.
fn assert_only_looked(trial: &Trial, about: &str) {
    let asked = trial.asked();
    assert!(
        matches!(asked.as_slice(), [one] if !one.action.kind().writes()),
        "{about}: {asked:?}"
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
        assert_only_looked(&trial, "a user");
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
    for kind in [OperationKind::LinkCreate, OperationKind::PendingCreate] {
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
    trial.change(|tenants, _| {
        let google = ProviderId::new("google").unwrap();
        tenants[0].link_limits.insert(google, 2);
    });
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
        trial.change(|_, providers| {
            for p in providers.iter_mut().filter(|p| p.name == "Blue only") {
                p.provider_id = ProviderId::new("green-only").unwrap();
                p.tenant = TenantId::new("green").ok();
            }
        });
        if provider == "google" {
            trial.client.providers = Some(vec![ProviderId::new("other").unwrap()]);
        }
        let fields = [(Field::PendingId, "pl-1"), (Field::UserId, "u-1@acme")];
        assert_eq!(
            trial.run(call(OperationKind::PendingComplete, &fields)),
            Err(Failure::PendingNotFound),
            "{provider}"
        );
        assert_only_looked(&trial, provider);
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
        assert_only_looked(&trial, provider);
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
