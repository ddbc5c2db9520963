//! Deletes: what their replies say, and deletes of one link among those of a protocol.

use super::call::Call;
use super::testing::{Trial, call, link, refused, trial};
use crate::edge::scope::Scope;
use crate::model::operation::OnMissingDelete;
use crate::model::{
    Action, Failure, Field, OperationKind, Outcome, Place, Problem, ProviderId, ProviderKind,
    Record, Rules, Target, Why,
};

fn removed(links: &[(&str, &str)]) -> Result<Outcome, Failure> {
    let links: Vec<_> = links.iter().map(|(p, s)| link(p, s)).collect();
    let total = links.len() as u64;
    Ok(Outcome::Links { links, total })
}

fn no_account() -> Failure {
    Failure::Invalid(vec![Problem {
        place: Place::Query,
        at: String::new(),
        field: Some(Field::Subject),
        why: Why::Missing,
        max: None,
    }])
}

const AT_GOOGLE: &[(Field, &str)] = &[
    (Field::UserId, "u-1@acme"),
    (Field::ProviderId, "at-acme-google"),
    (Field::Many, "all"),
];

#[test]
fn what_was_removed_is_told_with_its_revision_and_alone_if_it_is_one() {
    let run = |links: &[(&str, &str)]| {
        let trial = trial(&[Scope::LinksDelete], vec![removed(links)]);
        trial
            .run(call(OperationKind::LinkDelete, AT_GOOGLE))
            .unwrap()
    };
    let one = run(&[("google", "g-1")]);
    assert_eq!(one.int(Field::Revision), Some(1));
    let alone = one.record(Field::Link).unwrap();
    assert_eq!(alone.text(Field::Subject), Some("g-1"));
    assert_eq!(one.text(Field::UserId), Some("u-1@acme"));
    let two = run(&[("google", "g-1"), ("google", "g-2")]);
    assert_eq!(two.int(Field::Revision), Some(1));
    assert!(!two.has(Field::Link));
    assert_eq!(two.list(Field::Links).map(<[_]>::len), Some(2));
    let none = run(&[]);
    assert!(!none.has(Field::Revision) && !none.has(Field::Link));
}

#[test]
fn a_list_is_no_delete() {
    let trial = trial(&[Scope::LinksRead], vec![removed(&[("google", "g-1")])]);
    let list = call(OperationKind::LinkList, &[(Field::UserId, "u-1@acme")]);
    let reply = trial.run(list).unwrap();
    assert!(!reply.has(Field::Revision) && !reply.has(Field::Link));
}

/// The tenant's own provider speaks SAML, and one that has no id at the vendor does so too.
fn trial_of_two_protocols(answers: Vec<Result<Outcome, Failure>>) -> Trial {
    let mut trial = trial(&[Scope::LinksDelete], answers);
    trial.change(|_, providers| {
        for provider in providers.iter_mut() {
            if ["Blue only", "Unnamed"].contains(&provider.name.as_str()) {
                provider.kind = ProviderKind::Saml;
            }
        }
    });
    trial
}

fn among(protocol: &str, account: Option<(&str, &str)>) -> Call {
    let mut fields = vec![(Field::UserId, "u-1@acme"), (Field::Protocol, protocol)];
    if let Some((provider, subject)) = account {
        fields.extend([(Field::ProviderId, provider), (Field::Subject, subject)]);
    }
    call(OperationKind::LinkDelete, &fields)
}

fn target(trial: &Trial) -> (Vec<String>, Option<(String, String)>) {
    let mut asked = trial.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    match asked.remove(0).action {
        Action::LinkDelete(Target::Among {
            user_id,
            providers,
            account,
        }) => {
            assert_eq!(user_id.as_str(), "u-1");
            let account = account.map(|(p, s)| (p.to_string(), s.to_string()));
            (providers.iter().map(ToString::to_string).collect(), account)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_delete_of_a_protocol_is_among_the_providers_that_the_client_can_be_told_of() {
    let named = Some(("at-acme-off", "ext-1"));
    let mut trial = trial_of_two_protocols(vec![removed(&[("off", "ext-1")])]);
    trial.run(among("oidc", named)).unwrap();
    let (providers, account) = target(&trial);
    // What is linked at a disabled provider can be deleted.
    assert_eq!(providers, ["google", "off"]);
    assert_eq!(account, Some(("off".to_owned(), "ext-1".to_owned())));
    trial.run(among("saml", None)).unwrap_err();
    assert_eq!(target(&trial), (vec!["blue-only".to_owned()], None));
    trial.client.providers = Some(vec![ProviderId::new("google").unwrap()]);
    trial.run(among("oidc", None)).unwrap_err();
    assert_eq!(target(&trial).0, ["google"]);
    trial.run(among("saml", None)).unwrap_err();
    assert_eq!(target(&trial).0, Vec::<String>::new());
}

#[test]
fn an_account_that_nobody_can_have_is_not_found_in_its_turn_and_deletes_nothing() {
    let run = |account, refusal: Option<Failure>, answer: Failure| {
        let trial = trial_of_two_protocols(vec![Err(answer)]);
        let delete = Call {
            refusal,
            ..among("oidc", account)
        };
        let result = trial.run(delete);
        assert_eq!(target(&trial).1, None);
        result
    };
    let impossible = [
        (Some(("nobody", "ext-1")), None),
        (Some(("at-acme-blue-only", "ext-1")), None),
        (Some(("at-acme-google", " ")), None),
        (None, Some(Failure::LinkNotFound)),
        (None, Some(Failure::ProviderNotFound)),
    ];
    for (account, refusal) in impossible {
        let run = |answer| run(account, refusal.clone(), answer);
        assert_eq!(run(no_account()), Err(Failure::LinkNotFound), "{account:?}");
        // What is told before it, is told before it.
        for earlier in [
            Failure::UserNotFound,
            Failure::NothingLinked,
            Failure::LastFactor,
        ] {
            assert_eq!(run(earlier.clone()), Err(earlier));
        }
    }
    let unnamed = run(None, None, no_account());
    assert_eq!(refused(unnamed), [(Some(Field::Subject), Why::Missing)]);
}

#[test]
fn other_refusals_of_a_delete_come_at_once() {
    let trial = trial_of_two_protocols(vec![]);
    let delete = Call {
        refusal: Some(Failure::UserNotFound),
        ..among("oidc", None)
    };
    assert_eq!(trial.run(delete), Err(Failure::UserNotFound));
    let unknown = call(
        OperationKind::LinkDelete,
        &[(Field::UserId, "nobody"), (Field::Protocol, "oidc")],
    );
    assert_eq!(trial.run(unknown), Err(Failure::UserNotFound));
    assert_eq!(
        refused(trial.run(among("carrier pigeon", None))),
        [(Some(Field::Protocol), Why::UnknownValue)]
    );
    assert!(trial.asked().is_empty());
}

#[test]
fn a_front_that_takes_missing_for_done_does_so_for_an_impossible_account() {
    let trial = trial_of_two_protocols(vec![Err(no_account())]);
    let lenient = Call {
        rules: Rules {
            on_missing_delete: OnMissingDelete::Same,
            ..Rules::default()
        },
        ..among("oidc", Some(("nobody", "ext-1")))
    };
    let reply = trial.run(lenient).unwrap();
    assert_eq!(reply.list(Field::Links), Some(&[] as &[Record]));
}

#[test]
fn a_protocol_beside_the_id_of_a_link_says_nothing() {
    let id = "69e818f5-646c-5de2-bb50-1acdef60e91c";
    let trial = trial(&[Scope::LinksDelete], vec![]);
    let fields = [(Field::LinkId, id), (Field::Protocol, "oidc")];
    let answer = trial.run(call(OperationKind::LinkDelete, &fields));
    assert_eq!(answer, Err(Failure::LinkNotFound));
    assert!(matches!(trial.asked()[0].action, Action::LinkGet { .. }));
}
