//! The vendor file's golden cases.

use serde_json::json;

use super::super::golden;
use super::{Link, PingOne, Provider, Role, Token, User};

const E: &str = "3b0c7f64-52b1-4f0e-9d0a-6f6f0a5c1e21";
const OTHER: &str = "5a5a3c1e-7d10-4c0f-8a3b-1f2e3d4c5b6a";
const U: &str = "c2a4d1f0-7f3e-4d55-8a7e-0c5d9f9b1a02";
const V: &str = "d7b1e0c4-1a2b-4c3d-9e4f-5a6b7c8d9e0f";

fn vendor() -> PingOne {
    let mut vendor = PingOne::new();
    let providers = [
        (
            "e91f5d3a-1c55-4a63-b1f0-7a2d64c5b903",
            "FACEBOOK",
            "Facebook",
        ),
        (
            "0d7a2c1e-8a44-4f1d-9c77-5b3e21f0aa04",
            "OPENID_CONNECT",
            "Corp",
        ),
    ];
    let environment = vendor.environment(E);
    environment.providers = providers
        .map(|(id, kind, name)| Provider {
            id: id.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            enabled: true,
        })
        .to_vec();
    for (id, name) in [(U, "ana"), (V, "bo")] {
        let document = json!({ "username": name, "name": { "given": name } });
        let user = User {
            document: document.as_object().unwrap().clone(),
            authority: None,
        };
        environment.users.insert(id.to_owned(), user);
    }
    vendor.environment(OTHER);
    vendor.accept("t", &[E]);
    vendor.accept("elsewhere", &[OTHER]);
    for (name, role) in [
        ("reads", Role::Reader),
        ("nothing", Role::Nothing),
        ("ana", Role::User(U.to_owned())),
    ] {
        let environments = vec![E.to_owned()];
        vendor
            .tokens
            .insert(name.to_owned(), Token { environments, role });
    }
    let worker = ("worker".to_owned(), ("secret".to_owned(), "t".to_owned()));
    vendor.workers.extend([worker]);
    vendor
}

fn given(vendor: &mut PingOne, words: &[&str]) {
    match words {
        ["link", id, user, provider, subject] => vendor.environment(E).links.push(Link {
            id: (*id).to_owned(),
            user: (*user).to_owned(),
            provider: (*provider).to_owned(),
            subject: (*subject).to_owned(),
        }),
        ["family", user, name] => {
            let user = vendor.environment(E).users.get_mut(*user).unwrap();
            user.document
                .insert("name".to_owned(), json!({ "family": name }));
        }
        ["owned", user, provider] => {
            let user = vendor.environment(E).users.get_mut(*user).unwrap();
            user.authority = Some(((*provider).to_owned(), "OPENID_CONNECT".to_owned()));
        }
        ["limited", times] => vendor.over_the_limit = times.parse().unwrap(),
        ["pages", most] => vendor.most = most.parse().unwrap(),
        ["created", status] => vendor.created = status.parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn pingone_is_as_its_documents_say() {
    assert!(golden::run("pingone.toml", vendor, given) >= 65);
}

#[test]
fn pages_lead_to_where_a_test_says() {
    use super::super::{Request, Vendor as _};
    let mut vendor = vendor();
    vendor.most = 1;
    vendor.origin = Some("https://elsewhere.test".to_owned());
    let request = Request {
        method: "GET".to_owned(),
        path: format!("/v1/environments/{E}/users"),
        query: Vec::new(),
        headers: vec![("authorization".to_owned(), "Bearer t".to_owned())],
        body: Vec::new(),
    };
    let answer = vendor.answer(&request, std::time::Instant::now());
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let next = body["_links"]["next"]["href"].as_str().unwrap();
    assert!(next.starts_with("https://elsewhere.test/v1/"), "{next}");
}
