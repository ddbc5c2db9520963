//! What stands beside links in replies, and what every reply says.

use super::call::{Call, Tells};
use super::testing::{call, call_with, link, list, record, refused, trial, user};
use crate::edge::scope::Scope;
use crate::model::{
    Action, Failure, Field, How, OperationKind, Outcome, ProviderKind, Record, Value, Why,
};

fn found() -> Result<Outcome, Failure> {
    Ok(Outcome::Link {
        link: link("google", "ext-1"),
        how: How::Found,
    })
}

fn links(of: &[(&str, &str)]) -> Result<Outcome, Failure> {
    let links: Vec<_> = of.iter().map(|(p, s)| link(p, s)).collect();
    let total = links.len() as u64;
    Ok(Outcome::Links { links, total })
}

const ACCOUNT: &[(Field, &str)] = &[
    (Field::UserId, "u-1@acme"),
    (Field::ProviderId, "at-acme-google"),
    (Field::Subject, "ext-1"),
];

#[test]
fn every_reply_says_when_and_for_which_tenant_and_about_whom() {
    let whom = Some("u-1@acme");
    let user = || {
        Ok(Outcome::User {
            user: user("u-1"),
            links: Vec::new(),
            created: false,
        })
    };
    for (kind, answer, about) in [
        (OperationKind::LinkFind, found(), whom),
        (OperationKind::LinkList, links(&[]), whom),
        (
            OperationKind::LinkDelete,
            links(&[("google", "ext-1")]),
            whom,
        ),
        (OperationKind::UserGet, user(), whom),
        (OperationKind::UserPut, user(), whom),
        (OperationKind::UserDelete, user(), whom),
        (OperationKind::ProviderGet, found(), None),
        (OperationKind::ProviderList, found(), None),
    ] {
        let trial = trial(Scope::ALL, vec![answer]);
        let reply = trial.run(call(kind, ACCOUNT)).unwrap();
        assert_eq!(
            reply.int(Field::CarriedOutAt),
            Some(1000),
            "{}",
            kind.name()
        );
        assert_eq!(reply.text(Field::Tenant), Some("at-acme-blue"));
        assert_eq!(reply.text(Field::UserId), about, "{}", kind.name());
    }
    let status = trial(&[], vec![])
        .run(call(OperationKind::Status, &[]))
        .unwrap();
    assert_eq!(status.int(Field::CarriedOutAt), Some(1000));
    assert_eq!(status.text(Field::Outcome), Some("ready"));
    assert_eq!(status.bool(Field::Ready), Some(true));
}

#[test]
fn a_tenant_without_an_id_at_the_vendor_is_not_named() {
    let mut trial = trial(Scope::ALL, vec![found()]);
    trial.change(|tenants, _| tenants[0].ids.clear());
    let reply = trial.run(call(OperationKind::LinkFind, ACCOUNT)).unwrap();
    assert!(!reply.has(Field::Tenant) && reply.has(Field::CarriedOutAt));
}

#[test]
fn a_link_and_a_provider_say_the_protocol_and_whether_it_may_be_used() {
    let mut trial = trial(Scope::ALL, vec![links(&[("google", "1"), ("off", "2")])]);
    trial.change(|_, providers| {
        for provider in providers.iter_mut().filter(|p| !p.enabled) {
            provider.kind = ProviderKind::SamlIdpInitiated;
        }
    });
    let fields = [(Field::UserId, "u-1@acme")];
    let reply = trial.run(call(OperationKind::LinkList, &fields)).unwrap();
    let shown = |list: &[Record]| -> Vec<_> {
        let of = |r: &Record| {
            (
                r.text(Field::Protocol).map(str::to_owned),
                r.bool(Field::Enabled),
            )
        };
        list.iter().map(of).collect()
    };
    let expected = [
        (Some("oidc".to_owned()), Some(true)),
        (Some("saml".to_owned()), Some(false)),
    ];
    assert_eq!(shown(reply.list(Field::Links).unwrap()), expected);
    let reply = trial.run(call(OperationKind::ProviderList, &[])).unwrap();
    assert_eq!(shown(reply.list(Field::Providers).unwrap())[..2], expected);
}

#[test]
fn the_providers_of_links_are_told_once_each_where_there_is_room() {
    let of = [
        ("off", "1"),
        ("google", "2"),
        ("unnamed", "3"),
        ("off", "4"),
    ];
    let run = |kind, answer, tells| {
        let trial = trial(Scope::ALL, vec![answer]);
        let fields = &ACCOUNT[..1];
        let fields = if kind == OperationKind::LinkFind {
            ACCOUNT
        } else {
            fields
        };
        trial
            .run(Call {
                tells,
                ..call(kind, fields)
            })
            .unwrap()
    };
    let room = Tells {
        providers: true,
        ..Tells::default()
    };
    let names = |reply: &Record| -> Vec<String> {
        let name = |p: &Record| p.text(Field::ProviderName).unwrap().to_owned();
        reply
            .list(Field::Providers)
            .unwrap()
            .iter()
            .map(name)
            .collect()
    };
    let listed = run(OperationKind::LinkList, links(&of), room);
    assert_eq!(names(&listed), ["Off", "Google"]);
    assert_eq!(
        names(&run(OperationKind::LinkFind, found(), room)),
        ["Google"]
    );
    assert_eq!(
        names(&run(OperationKind::LinkList, links(&[]), room)),
        [""; 0]
    );
    let without = run(OperationKind::LinkList, links(&of), Tells::default());
    assert!(!without.has(Field::Providers));
}

const WITH_USER: Tells = Tells {
    links: false,
    credentials: false,
    providers: false,
    user: true,
};

fn holder() -> Result<Outcome, Failure> {
    Ok(Outcome::User {
        user: user("u-1"),
        links: Vec::new(),
        created: false,
    })
}

fn create(tells: Tells) -> Call {
    Call {
        tells,
        ..call(OperationKind::LinkCreate, ACCOUNT)
    }
}

#[test]
fn the_user_of_a_link_is_looked_up_after_the_operation() {
    for (more, shows_document) in [(None, false), (Some(Scope::UsersRead), true)] {
        let scopes: Vec<Scope> = [Scope::LinksCreate].into_iter().chain(more).collect();
        let trial = trial(&scopes, vec![found(), holder()]);
        let reply = trial.run(create(WITH_USER)).unwrap();
        let shown = reply.record(Field::User).unwrap();
        assert_eq!(shown.text(Field::UserId), Some("u-1@acme"));
        assert_eq!(shown.has(Field::Document), shows_document);
        assert_eq!(shown.has(Field::Ids), shows_document);
        let asked = trial.asked();
        assert!(matches!(asked[0].action, Action::LinkCreate { .. }));
        assert!(
            matches!(&asked[1].action, Action::UserGet { user_id, .. } if user_id.as_str() == "u-1")
        );
        assert_eq!(asked.len(), 2);
    }
    let without = trial(&[Scope::LinksCreate], vec![found()]);
    assert!(
        !without
            .run(create(Tells::default()))
            .unwrap()
            .has(Field::User)
    );
    assert_eq!(without.asked().len(), 1);
}

#[test]
fn a_user_who_is_not_there_is_left_out_and_one_who_cannot_be_looked_up_is_not() {
    let run = |answer| trial(Scope::ALL, vec![found(), answer]).run(create(WITH_USER));
    assert!(!run(Err(Failure::UserNotFound)).unwrap().has(Field::User));
    let mut nameless = holder();
    if let Ok(Outcome::User { user, .. }) = &mut nameless {
        user.user_id = crate::model::UserId::new("u-nameless").unwrap();
    }
    assert!(!run(nameless).unwrap().has(Field::User));
    // The link is made: a failure would say that it is not.
    assert_eq!(run(Err(Failure::Conflict)), Err(Failure::OutcomeUnknown));
    let get = Call {
        tells: WITH_USER,
        ..call(OperationKind::LinkFind, ACCOUNT)
    };
    let reader = trial(Scope::ALL, vec![found(), Err(Failure::Conflict)]);
    assert_eq!(reader.run(get), Err(Failure::Conflict));
}

#[test]
fn the_user_of_an_empty_list_is_the_one_who_was_asked_for() {
    let trial = trial(Scope::ALL, vec![links(&[]), holder()]);
    let list = Call {
        tells: WITH_USER,
        ..call(OperationKind::LinkList, &ACCOUNT[..1])
    };
    assert!(trial.run(list).unwrap().has(Field::User));
}

#[test]
fn a_user_operation_looks_nobody_up_besides() {
    let trial = trial(Scope::ALL, vec![holder()]);
    let get = Call {
        tells: WITH_USER,
        ..call(OperationKind::UserGet, &ACCOUNT[..1])
    };
    assert!(trial.run(get).unwrap().has(Field::User));
    assert_eq!(trial.asked().len(), 1);
}

fn attribute(name: &str, update: Option<&str>) -> Record {
    let mut attribute = record(&[(Field::Attribute, name)]);
    attribute.set_text_opt(Field::AttributeUpdate, update);
    attribute.with(Field::AttributeValue, Value::Json(serde_json::json!("Ito")))
}

fn with_attributes(attributes: &[Record]) -> Call {
    let params = record(ACCOUNT).with(Field::Attributes, list(attributes));
    call_with(OperationKind::LinkCreate, params)
}

#[test]
fn attributes_are_written_along_with_a_link() {
    let trial = trial(Scope::ALL, vec![found()]);
    let create = with_attributes(&[
        attribute("name.family", Some("if_empty")),
        attribute("email", None),
        attribute("nick", Some("always")),
    ]);
    trial.run(create).unwrap();
    let Action::LinkCreate { attributes, .. } = &trial.asked()[0].action else {
        panic!("no link is made")
    };
    let seen: Vec<_> = attributes
        .iter()
        .map(|a| (a.path.join("/"), a.only_if_empty))
        .collect();
    let expected = [("name/family", true), ("email", false), ("nick", false)];
    assert_eq!(seen, expected.map(|(path, only)| (path.to_owned(), only)));
    assert_eq!(attributes[0].value, serde_json::json!("Ito"));
}

#[test]
fn attributes_need_the_scope_to_write_users() {
    let maker = trial(&[Scope::LinksCreate], vec![found()]);
    let create = || with_attributes(&[attribute("email", None)]);
    assert_eq!(maker.run(create()), Err(Failure::Forbidden));
    maker.run(with_attributes(&[])).unwrap();
    let writer = trial(&[Scope::LinksCreate, Scope::UsersWrite], vec![found()]);
    writer.run(create()).unwrap();
}

#[test]
fn everything_that_is_wrong_with_attributes_is_told() {
    let trial = trial(Scope::ALL, vec![]);
    let deep = vec!["a"; 33].join(".");
    let answer = trial.run(with_attributes(&[
        attribute("", None),
        attribute("a..b", None),
        attribute("a.", None),
        record(&[(Field::Attribute, "a")]),
        attribute("a", Some("never")),
        attribute(&deep, None),
    ]));
    assert_eq!(
        refused(answer),
        [
            (Some(Field::Attribute), Why::Malformed),
            (Some(Field::Attribute), Why::Malformed),
            (Some(Field::Attribute), Why::Malformed),
            (Some(Field::AttributeValue), Why::Missing),
            (Some(Field::AttributeUpdate), Why::UnknownValue),
            (Some(Field::Attribute), Why::TooLong),
        ]
    );
    assert!(trial.asked().is_empty());
}
