//! Clients by their keys, secrets and identities, and grants that only ever lose.

use super::*;

fn client(name: &str, keys: &[&str]) -> Client {
    Client {
        name: ClientName::new(name).unwrap(),
        tenant: None,
        fronts: Some(vec!["acme-api".to_owned()]),
        scopes: [Scope::LinksRead].into_iter().collect(),
        providers: None,
        rate: None,
        rates: ClassRates::default(),
        delete_budget: None,
        keys: keys.iter().map(|key| keys::hash(key)).collect(),
        identities: Vec::new(),
        client_id: None,
        assertion_keys: Vec::new(),
        certificates: Vec::new(),
        certificate_required: false,
    }
}

#[test]
fn each_of_several_keys_names_its_client() {
    let clients = Clients::new(vec![
        client("a", &["one"]),
        client("b", &["two", "three"]),
        client("anon", &[]),
    ]);
    for (key, name) in [("one", "a"), ("two", "b"), ("three", "b")] {
        assert_eq!(
            clients
                .by_key(&Secret::new(key))
                .unwrap()
                .client()
                .name
                .as_str(),
            name
        );
    }
}

#[test]
fn a_secret_is_good_with_the_id_of_its_client_only() {
    let mut renamed = client("b", &["two", "three"]);
    renamed.client_id = Some("uuid-b".to_owned());
    let clients = Clients::new(vec![client("a", &["one"]), renamed, client("anon", &[])]);
    let name = |id: &str, secret: &str| {
        let found = clients.by_secret(id, &Secret::new(secret));
        found.map(|(grant, _)| grant.client().name.as_str().to_owned())
    };
    assert_eq!(name("a", "one").as_deref(), Ok("a"));
    assert_eq!(name("uuid-b", "two").as_deref(), Ok("b"));
    assert_eq!(name("uuid-b", "three").as_deref(), Ok("b"));
    let others = [
        ("a", "two"),
        ("b", "two"),
        ("anon", ""),
        ("", "one"),
        ("x", ""),
        ("A", "one"),
    ];
    for (id, secret) in others {
        assert_eq!(
            name(id, secret),
            Err(Failure::Unauthenticated),
            "{id} {secret}"
        );
    }
}

#[test]
fn an_unknown_or_empty_key_is_nobody() {
    let clients = Clients::new(vec![client("a", &["one"]), client("anon", &[])]);
    for key in ["", "two", "One", "one "] {
        assert_eq!(
            clients.by_key(&Secret::new(key)).unwrap_err(),
            Failure::Unauthenticated
        );
    }
}

#[test]
fn a_scope_or_front_that_is_not_given_is_not_allowed() {
    let client = client("a", &[]);
    assert_eq!(client.need(&[]), Ok(()));
    assert_eq!(client.need(&[Scope::LinksRead]), Ok(()));
    for scopes in [
        &[Scope::LinksCreate][..],
        &[Scope::LinksRead, Scope::LinksCreate],
    ] {
        assert_eq!(client.need(scopes), Err(Failure::Forbidden));
    }
    assert!(client.may_use("acme-api") && !client.may_use("other"));
}

#[test]
fn an_identity_is_one_issuers() {
    let mut known = client("a", &[]);
    known.identities = vec![IssuedId {
        issuer: "corp".to_owned(),
        id: "svc".to_owned(),
    }];
    let clients = Clients::new(vec![client("b", &["one"]), known]);
    let found = clients.by_identity("corp", "svc").unwrap();
    assert_eq!(found.client().name.as_str(), "a");
    assert_eq!(found.index(), ClientIndex(1));
    for (issuer, id) in [("corp", "SVC"), ("other", "svc"), ("corp", ""), ("", "svc")] {
        assert_eq!(
            clients.by_identity(issuer, id).unwrap_err(),
            Failure::Unauthenticated
        );
    }
}

#[test]
fn a_grant_only_ever_loses() {
    let clients = Clients::new(vec![client("a", &["one"])]);
    let grant = || clients.by_key(&Secret::new("one")).unwrap();
    let all: Scopes = Scope::ALL.iter().copied().collect();
    let blue = TenantId::new("blue").unwrap();
    let wide = grant().narrowed(Some(all), None).unwrap();
    assert_eq!(wide.client().scopes, grant().client().scopes);
    let none = grant().narrowed(Some(Scopes::default()), None).unwrap();
    assert_eq!(
        none.client().need(&[Scope::LinksRead]),
        Err(Failure::Forbidden)
    );
    let locked = none.narrowed(None, Some(blue.clone())).unwrap();
    assert_eq!(locked.client().tenant, Some(blue.clone()));
    assert_eq!(locked.client().scopes, Scopes::default());
    let other = TenantId::new("green").unwrap();
    let refused = locked.clone().narrowed(Some(all), Some(other));
    assert_eq!(refused.unwrap_err(), Failure::Forbidden);
    let same = locked.narrowed(None, Some(blue.clone())).unwrap();
    assert_eq!(same.client().tenant, Some(blue));
}
