//! Users with their links and documents: what a client asks for, and what the backend hears of it.

use super::call::{Call, Tells};
use super::testing::{Trial, call_with, link, list, record, refused, trial, user};
use crate::edge::scope::Scope;
use crate::model::{
    Action, DocumentChange, Failure, Field, NewLink, OperationKind, Outcome, Protocol, ProviderId,
    ProviderKind, PutMode, Record, Rules, UserId, Value, Which, Why,
};

const PUTS: [OperationKind; 3] = [
    OperationKind::UserPut,
    OperationKind::UserCreate,
    OperationKind::UserUpdate,
];

const EVERYTHING: Tells = Tells {
    links: true,
    credentials: true,
    providers: false,
    user: false,
};

fn answered(links: &[(&str, &str)]) -> Outcome {
    Outcome::User {
        user: user("u-1"),
        links: links.iter().map(|(p, s)| link(p, s)).collect(),
        created: true,
    }
}

/// Google speaks one protocol, the tenant's own provider another.
fn trial_of_two_protocols(scopes: &[Scope], answers: Vec<Result<Outcome, Failure>>) -> Trial {
    let mut trial = trial(scopes, answers);
    trial.change(|_, providers| {
        for provider in providers.iter_mut().filter(|p| p.name == "Blue only") {
            provider.kind = ProviderKind::Saml;
        }
    });
    trial
}

fn ann() -> Record {
    record(&[(Field::UserId, "u-1@acme")])
}

fn new_link(provider: &str, subject: &str) -> Record {
    record(&[(Field::ProviderId, provider), (Field::Subject, subject)])
}

fn credential(protocol: &str, links: &[Record]) -> Record {
    record(&[(Field::Protocol, protocol)]).with(Field::Links, list(links))
}

#[test]
fn a_users_links_are_told_in_one_list_and_by_protocol() {
    let told = [
        ("blue-only", "s-1"),
        ("google", "g-1"),
        ("unnamed", "x"),
        ("google", "g-2"),
    ];
    let mut outcome = answered(&told);
    if let Outcome::User { links, .. } = &mut outcome {
        links[1].created_at = Some(crate::model::Instant(7));
        links[3].updated_at = Some(crate::model::Instant(9));
    }
    let trial = trial_of_two_protocols(&[Scope::UsersRead, Scope::LinksRead], vec![Ok(outcome)]);
    let get = Call {
        tells: EVERYTHING,
        ..call_with(OperationKind::UserGet, ann())
    };
    let reply = trial.run(get).unwrap();
    let asked = trial.asked();
    assert!(matches!(
        asked[0].action,
        Action::UserGet { links: true, .. }
    ));
    let shown = reply.record(Field::User).unwrap();
    let subjects = |record: &Record| -> Vec<String> {
        let links = record.list(Field::Links).unwrap();
        let subject = |link: &Record| link.text(Field::Subject).unwrap().to_owned();
        links.iter().map(subject).collect()
    };
    assert_eq!(subjects(shown), ["s-1", "g-1", "g-2"]);
    let credentials = shown.list(Field::Credentials).unwrap();
    let protocols = credentials.iter().map(|c| c.text(Field::Protocol).unwrap());
    assert_eq!(protocols.collect::<Vec<_>>(), ["oidc", "saml"]);
    assert_eq!(subjects(&credentials[0]), ["g-1", "g-2"]);
    let times = |c: &Record| (c.int(Field::CreatedAt), c.int(Field::UpdatedAt));
    assert_eq!(times(&credentials[0]), (Some(1), Some(9)));
    assert_eq!(times(&credentials[1]), (Some(1), Some(2)));
    // What was left out was counted.
    let unnamed = ProviderId::new("unnamed").unwrap();
    let vendor = super::testing::vendor();
    assert_eq!(trial.world.untold.counted(&unnamed, &vendor), 1);
}

#[test]
fn an_answer_without_room_for_links_asks_for_none() {
    let trial = trial(
        &[Scope::UsersRead],
        vec![Ok(answered(&[("google", "g-1")]))],
    );
    let reply = trial.run(call_with(OperationKind::UserGet, ann())).unwrap();
    let asked = trial.asked();
    assert!(matches!(
        asked[0].action,
        Action::UserGet { links: false, .. }
    ));
    let shown = reply.record(Field::User).unwrap();
    assert!(!shown.has(Field::Links) && !shown.has(Field::Credentials));
}

#[test]
fn links_of_users_are_told_only_to_who_may_read_links() {
    let with_links = |kind| Call {
        tells: Tells {
            credentials: true,
            ..Tells::default()
        },
        ..call_with(kind, ann())
    };
    for kind in [OperationKind::UserGet, OperationKind::UserList] {
        let trial = trial(&[Scope::UsersRead], vec![]);
        assert_eq!(trial.run(with_links(kind)), Err(Failure::Forbidden));
        assert!(trial.asked().is_empty());
    }
    // A write is carried out, and keeps them back.
    for (scope, is_told) in [(Scope::UsersRead, false), (Scope::LinksRead, true)] {
        let answers = vec![Ok(answered(&[("google", "g-1")]))];
        let trial = trial(&[Scope::UsersWrite, scope], answers);
        let reply = trial.run(with_links(OperationKind::UserPut)).unwrap();
        let shown = reply.record(Field::User).unwrap();
        assert_eq!(shown.has(Field::Links), is_told);
        assert_eq!(shown.has(Field::Credentials), is_told);
    }
}

#[test]
fn links_that_come_with_a_user_need_the_scope_to_make_links() {
    let plain = ann().with(Field::Links, list(&[new_link("at-acme-google", "g-1")]));
    let by_protocol = ann().with(
        Field::Credentials,
        list(&[credential("oidc", &[new_link("at-acme-google", "g-1")])]),
    );
    let none = ann().with(Field::Credentials, list(&[credential("oidc", &[])]));
    for kind in PUTS {
        for params in [&plain, &by_protocol] {
            let writer = trial(&[Scope::UsersWrite], vec![]);
            let refused = writer.run(call_with(kind, params.clone()));
            assert_eq!(refused, Err(Failure::Forbidden));
            let maker = trial(
                &[Scope::UsersWrite, Scope::LinksCreate],
                vec![Ok(answered(&[]))],
            );
            maker.run(call_with(kind, params.clone())).unwrap();
        }
        let writer = trial(&[Scope::UsersWrite], vec![Ok(answered(&[]))]);
        writer.run(call_with(kind, none.clone())).unwrap();
    }
}

fn put_links(trial: &Trial) -> (PutMode, Vec<NewLink>) {
    match trial.asked().remove(0).action {
        Action::UserPut { mode, links, .. } => (mode, links),
        other => panic!("{other:?}"),
    }
}

#[test]
fn links_that_come_with_a_user_are_translated_with_their_limits() {
    let mut plain = new_link("at-acme-google", "g-1");
    plain.set_text(Field::DisplayName, "Ann");
    plain.set_text(Field::Token, "t-1");
    let params = ann().with(Field::Links, list(&[plain])).with(
        Field::Credentials,
        list(&[
            credential("saml", &[new_link("at-acme-blue-only", "s-1")]),
            credential("oidc", &[new_link("at-acme-google", "g-2")]),
        ]),
    );
    let modes = [PutMode::Either, PutMode::Create, PutMode::Update];
    for (kind, expected) in PUTS.into_iter().zip(modes) {
        let mut trial = trial_of_two_protocols(Scope::ALL, vec![Ok(answered(&[]))]);
        trial.change(|tenants, _| {
            let limits = &mut tenants[0].link_limits;
            limits.insert(ProviderId::new("google").unwrap(), 2);
            limits.insert(ProviderId::new("blue-only").unwrap(), 5);
        });
        let put = Call {
            rules: Rules {
                per_user_provider: Some(3),
                ..Rules::default()
            },
            ..call_with(kind, params.clone())
        };
        trial.run(put).unwrap();
        let (mode, links) = put_links(&trial);
        assert_eq!(mode, expected);
        let seen: Vec<_> = links
            .iter()
            .map(|l| (l.provider_id.as_str(), l.subject.as_str(), l.limit))
            .collect();
        assert_eq!(
            seen,
            [
                ("google", "g-1", Some(2)),
                ("blue-only", "s-1", Some(3)),
                ("google", "g-2", Some(2))
            ]
        );
        assert_eq!(links[0].display_name.as_deref(), Some("Ann"));
        assert_eq!(links[0].token.as_ref().map(|t| t.expose()), Some("t-1"));
    }
}

#[test]
fn what_is_wrong_with_links_of_a_user_is_told_together() {
    let run = |links: &[Record], credentials: &[Record]| {
        let trial = trial_of_two_protocols(Scope::ALL, vec![]);
        let params = ann()
            .with(Field::Links, list(links))
            .with(Field::Credentials, list(credentials));
        let answer = trial.run(call_with(OperationKind::UserPut, params));
        assert!(trial.asked().is_empty());
        answer
    };
    let good = new_link("at-acme-google", "g-1");
    // One provider alone is not there: unknown, disabled, or of another protocol.
    for (protocol, id) in [
        ("oidc", "x"),
        ("oidc", "at-acme-off"),
        ("saml", "at-acme-google"),
    ] {
        let faulty = credential(protocol, &[new_link(id, "g-1")]);
        assert_eq!(
            run(std::slice::from_ref(&good), &[faulty]),
            Err(Failure::ProviderNotFound),
            "{id}"
        );
    }
    let unknown = (Some(Field::ProviderId), Why::Unresolved);
    let bad = |field, why| (Some(field), why);
    assert_eq!(
        refused(run(&[new_link("at-acme-google", " ")], &[])),
        [bad(Field::Subject, Why::Blank)]
    );
    let no_provider = record(&[(Field::Subject, "g-1")]);
    let no_subject = record(&[(Field::ProviderId, "at-acme-google")]);
    assert_eq!(
        refused(run(
            &[new_link("x", "a\0"), no_provider],
            &[credential("oidc", &[no_subject, new_link("y", "g")])]
        )),
        [
            unknown,
            unknown,
            bad(Field::Subject, Why::Malformed),
            bad(Field::ProviderId, Why::Missing),
            bad(Field::Subject, Why::Missing)
        ]
    );
    let mut long = good;
    long.set_text(Field::DisplayName, "x".repeat(1025));
    assert_eq!(
        refused(run(&[long], &[])),
        [bad(Field::DisplayName, Why::TooLong)]
    );
    let many: Vec<Record> = (0..200).map(|n| new_link("x", &n.to_string())).collect();
    assert_eq!(refused(run(&many, &[])).len(), 100);
}

#[test]
fn a_client_held_to_providers_makes_no_links_at_others_with_a_user() {
    let mut trial = trial(Scope::ALL, vec![]);
    trial.client.providers = Some(vec![ProviderId::new("off").unwrap()]);
    let params = ann().with(Field::Links, list(&[new_link("at-acme-google", "g-1")]));
    let put = call_with(OperationKind::UserPut, params);
    assert_eq!(trial.run(put), Err(Failure::ProviderNotFound));
}

#[test]
fn who_is_changed_must_be_there_and_who_is_put_need_not() {
    let params = ann().with(Field::Links, list(&[new_link("x", "g-1")]));
    let run = |kind| {
        let trial = trial(Scope::ALL, vec![Err(Failure::UserNotFound)]);
        (
            trial.run(call_with(kind, params.clone())),
            trial.asked().len(),
        )
    };
    let (update, n_asked) = run(OperationKind::UserUpdate);
    let unknown = |field| (Some(field), Why::Unresolved);
    assert_eq!(
        refused(update),
        [unknown(Field::UserId), unknown(Field::ProviderId)]
    );
    assert_eq!(n_asked, 1);
    for kind in [OperationKind::UserPut, OperationKind::UserCreate] {
        assert_eq!(run(kind), (Err(Failure::ProviderNotFound), 0));
    }
    let nobody = trial(Scope::ALL, vec![]);
    let nameless = call_with(OperationKind::UserUpdate, Record::new());
    assert_eq!(
        refused(nobody.run(nameless)),
        [(Some(Field::UserId), Why::Missing)]
    );
}

#[test]
fn who_is_made_without_an_id_gets_a_new_one() {
    let made = || {
        let trial = trial(Scope::ALL, vec![Ok(answered(&[]))]);
        trial
            .run(call_with(OperationKind::UserCreate, Record::new()))
            .unwrap();
        match trial.asked().remove(0).action {
            Action::UserPut { user_id, .. } => user_id,
            other => panic!("{other:?}"),
        }
    };
    let (one, other) = (made(), made());
    assert!(uuid::Uuid::try_parse(one.as_str()).is_ok());
    assert_ne!(one, other);
}

fn changed(members: &[&str], params: Record) -> Option<DocumentChange> {
    let trial = trial(Scope::ALL, vec![Ok(answered(&[]))]);
    let put = Call {
        members: members.iter().map(|m| (*m).to_owned()).collect(),
        ..call_with(OperationKind::UserUpdate, params)
    };
    trial.run(put).unwrap();
    match trial.asked().remove(0).action {
        Action::UserPut { document, .. } => document,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_document_is_put_whole_or_as_far_as_the_op_speaks_of_it() {
    let document = || Value::Json(serde_json::json!({"a": 1}));
    let with_document = || ann().with(Field::Document, document());
    assert_eq!(changed(&[], ann()), None);
    assert_eq!(
        changed(&[], with_document()),
        Some(DocumentChange::Whole(r#"{"a":1}"#.to_owned()))
    );
    let set = serde_json::json!({"a": 1}).as_object().unwrap().clone();
    let of = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(
        changed(&["a", "b"], with_document()),
        Some(DocumentChange::Members {
            of: of.clone(),
            set
        })
    );
    // An op that speaks of members and has none of them clears them.
    let set = serde_json::Map::new();
    assert_eq!(
        changed(&["a", "b"], ann()),
        Some(DocumentChange::Members { of, set })
    );
}

#[test]
fn a_member_of_what_is_no_object_cannot_be_set() {
    let trial = trial(Scope::ALL, vec![]);
    let put = Call {
        members: vec!["a".to_owned()],
        ..call_with(
            OperationKind::UserPut,
            ann().with(Field::Document, Value::Json(serde_json::json!([1]))),
        )
    };
    assert_eq!(
        refused(trial.run(put)),
        [(Some(Field::Document), Why::WrongType)]
    );
}

fn listed(params: Record) -> Action {
    let nobody = Outcome::Users {
        users: Vec::new(),
        total: 0,
        more: false,
    };
    let trial = trial(Scope::ALL, vec![Ok(nobody)]);
    trial
        .run(call_with(OperationKind::UserList, params))
        .unwrap();
    trial.asked().remove(0).action
}

#[test]
fn a_list_of_users_is_narrowed_by_one_filter() {
    let id = |text: &str| UserId::new(text).unwrap();
    let which = |params| match listed(params) {
        Action::UserList { which, .. } => which,
        other => panic!("{other:?}"),
    };
    assert_eq!(which(Record::new()), Which::All);
    let named = |id| record(&[(Field::UserId, id)]);
    // Who is not known is not in the list, and nobody is in it twice.
    let users = list(&["u-2@acme", "nobody", "u-1@acme", "u-2@acme"].map(named));
    assert_eq!(
        which(Record::new().with(Field::Users, users)),
        Which::Ids(vec![id("u-1"), id("u-2")])
    );
    assert_eq!(
        which(Record::new().with(Field::Users, list(&[]))),
        Which::Ids(vec![])
    );
    assert!(matches!(
        which(new_link("at-acme-off", "s-1")),
        Which::Holder { provider_id, subject }
            if provider_id.as_str() == "off" && subject.as_str() == "s-1"
    ));
    assert_eq!(
        which(record(&[(Field::Username, "ann")])),
        Which::Named("ann".to_owned())
    );
    let page = listed(record(&[(Field::PageAfter, "u-7@acme")]));
    assert!(matches!(page, Action::UserList { after: Some(after), .. } if after == id("u-7")));
}

#[test]
fn a_filter_that_names_what_does_not_exist_finds_nobody() {
    let run = |params: Record, refusal| {
        let trial = trial(Scope::ALL, vec![]);
        let list = Call {
            refusal,
            ..call_with(OperationKind::UserList, params)
        };
        let reply = trial.run(list);
        assert!(trial.asked().is_empty());
        reply
    };
    let refusals = [
        Failure::UserNotFound,
        Failure::ProviderNotFound,
        Failure::LinkNotFound,
    ];
    let by_refusal = refusals.map(|refusal| run(Record::new(), Some(refusal)));
    let by_value = [
        run(new_link("nobody", "s-1"), None),
        run(new_link("at-acme-google", " "), None),
    ];
    for reply in by_refusal.into_iter().chain(by_value) {
        let reply = reply.unwrap();
        assert_eq!(reply.list(Field::Users), Some(&[][..]));
        assert_eq!(reply.int(Field::Total), Some(0));
        assert_eq!(reply.text(Field::Tenant), Some("at-acme-blue"));
    }
    // Half a filter is a mistake, and so is a page that begins after nobody.
    let refused = |params| refused(run(params, None));
    assert_eq!(
        refused(record(&[(Field::Subject, "s-1")])),
        [(Some(Field::ProviderId), Why::Missing)]
    );
    assert_eq!(
        refused(record(&[(Field::ProviderId, "at-acme-google")])),
        [(Some(Field::Subject), Why::Missing)]
    );
    assert_eq!(
        refused(record(&[(Field::PageAfter, "nobody")])),
        [(Some(Field::PageAfter), Why::Unresolved)]
    );
    assert_eq!(
        run(Record::new(), Some(Failure::LinkExists)),
        Err(Failure::LinkExists)
    );
}

fn page(ids: &[&str], more: bool) -> Result<Outcome, Failure> {
    Ok(Outcome::Users {
        users: ids.iter().map(|id| (user(id), Vec::new())).collect(),
        total: 9,
        more,
    })
}

#[test]
fn a_page_of_users_says_where_the_next_one_begins() {
    let run = |answers| {
        let trial = trial(Scope::ALL, answers);
        let params = Record::new().with(Field::PageOffset, Value::Int(3));
        let reply = trial
            .run(call_with(OperationKind::UserList, params))
            .unwrap();
        let told = reply.list(Field::Users).unwrap().len();
        let next = reply.text(Field::PageNext).map(str::to_owned);
        (told, next, trial.asked())
    };
    let (told, next, _) = run(vec![page(&["u-1", "u-2"], true)]);
    assert_eq!((told, next.as_deref()), (2, Some("u-2@acme")));
    let (told, next, _) = run(vec![page(&["u-1", "u-2"], false)]);
    assert_eq!((told, next), (2, None));
    let (told, next, _) = run(vec![page(&["u-1", "u-nameless"], true)]);
    assert_eq!((told, next.as_deref()), (1, Some("u-1@acme")));
    // A page of nobody who can be told would look like the last one.
    let (told, next, asked) = run(vec![page(&["u-nameless"], true), page(&["u-p"], false)]);
    assert_eq!((told, next), (1, None));
    let expected = UserId::new("u-nameless").unwrap();
    assert!(matches!(
        &asked[1].action,
        Action::UserList { after: Some(after), page, .. } if *after == expected && page.offset == 0
    ));
}

#[test]
fn every_kind_of_provider_has_its_protocol() {
    for kind in ProviderKind::ALL {
        let is_saml = kind.name().starts_with("saml");
        assert_eq!(
            kind.protocol() == Protocol::Saml,
            is_saml,
            "{}",
            kind.name()
        );
    }
    for protocol in Protocol::ALL {
        assert_eq!(Protocol::named(protocol.name()), Some(*protocol));
    }
}
