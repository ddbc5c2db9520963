//! The vendor file's golden cases, and what two writers at once do to each other.

use std::time::Duration;

use serde_json::json;

use super::super::{Fate, Stub, golden};
use super::{Entry, Kind, Ory, Release};
use crate::support::client::Client;

const U: &str = "9d2a1f0c-3b57-4a7e-8c11-5e0d6f4b2a90";
const W: &str = "b1f4c2e0-0000-4000-8000-000000000003";

fn vendor() -> Ory {
    Ory::new(&["pat"])
        .with_identity(U, json!({ "email": "ana@example.org" }))
        .with_identity(W, json!({ "email": "bob@example.org" }))
}

fn given(vendor: &mut Ory, words: &[&str]) {
    match words {
        [kind @ ("oidc" | "saml"), user, provider, subject] => {
            let kind = if *kind == "oidc" {
                Kind::Oidc
            } else {
                Kind::Saml
            };
            let identity = vendor.identities.get_mut(*user).unwrap();
            let entries = identity.entries_mut(kind).get_or_insert_default();
            entries.push(Entry::new(provider, subject));
        }
        ["organization", user, id] => {
            let identity = vendor.identities.get_mut(*user).unwrap();
            let entries = identity.oidc.as_mut().unwrap();
            entries.last_mut().unwrap().organization = Some((*id).to_owned());
        }
        ["password", user, identifier] => {
            let identity = vendor.identities.get_mut(*user).unwrap();
            identity.password = Some(vec![(*identifier).to_owned()]);
        }
        ["metadata_admin", user] => {
            let identity = vendor.identities.get_mut(*user).unwrap();
            identity.metadata_admin = json!({ "a": 1 });
            identity.external_id = Some("ext-1".to_owned());
        }
        ["third", id] => {
            let before = std::mem::replace(vendor, Ory::new(&[]));
            *vendor = before.with_identity(id, json!({}));
        }
        ["release", "1.3"] => vendor.release = Release::V1_3,
        ["release", "25.4"] => vendor.release = Release::V25_4,
        ["anybody"] => vendor.tokens.clear(),
        ["lists", "lag"] => vendor.lists_lag = Duration::from_millis(4800),
        _ => panic!("{words:?}"),
    }
}

#[test]
fn ory_is_as_its_source_and_documents_say() {
    let n_exchanges = golden::run("ory.toml", vendor, given);
    assert!(n_exchanges >= 65, "{n_exchanges} exchanges");
}

fn put(stub: &Stub<Ory>, user: &'static str, subject: &str) -> std::thread::JoinHandle<u16> {
    let addr = stub.addr();
    let body = json!({
        "schema_id": "default", "state": "active", "traits": {},
        "credentials": { "oidc": { "config": { "providers": [
            { "provider": "corp", "subject": subject }
        ] } } },
    });
    std::thread::spawn(move || {
        let headers = [
            ("Authorization", "Bearer pat"),
            ("Content-Type", "application/json"),
        ];
        let target = format!("/admin/identities/{user}");
        let body = body.to_string().into_bytes();
        let answer = Client::new(addr).send("PUT", &target, &headers, Some(&body));
        answer.unwrap().status
    })
}

#[test]
fn two_puts_at_once_lose_one_link_and_one_after_the_other_lose_none() {
    let stub = Stub::start(vendor());
    stub.with(|ory| ory.put_takes = Some(Duration::from_millis(300)));
    let (one, two) = (put(&stub, U, "s-1"), put(&stub, U, "s-2"));
    assert_eq!((one.join().unwrap(), two.join().unwrap()), (200, 200));
    let n_links = |stub: &Stub<Ory>, user: &str| {
        stub.with(|ory| ory.identities[user].oidc.as_ref().map_or(0, Vec::len))
    };
    assert_eq!(n_links(&stub, U), 1, "both were acknowledged, one is lost");
    stub.with(|ory| ory.put_takes = Some(Duration::from_millis(1)));
    assert_eq!(put(&stub, W, "s-3").join().unwrap(), 200);
    assert_eq!(put(&stub, W, "s-4").join().unwrap(), 200);
    assert_eq!(n_links(&stub, W), 2);
}

#[test]
fn two_identities_that_want_one_account_at_once_do_not_both_get_it() {
    let stub = Stub::start(vendor());
    stub.with(|ory| ory.put_takes = Some(Duration::from_millis(200)));
    let (one, two) = (put(&stub, U, "s-1"), put(&stub, W, "s-1"));
    let mut statuses = [one.join().unwrap(), two.join().unwrap()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}

#[test]
fn over_the_limit_the_hosted_network_says_when_to_come_back() {
    let stub = Stub::start(vendor());
    stub.tamper_next([Fate::Instead(Ory::rate_limited())]);
    let ask = || {
        let headers = [("Authorization", "Bearer pat")];
        let answer = Client::new(stub.addr()).send("GET", "/admin/identities", &headers, None);
        answer.unwrap()
    };
    let answer = ask();
    assert_eq!(answer.status, 429, "{}", answer.text());
    let limit = answer.header("x-ratelimit-limit");
    assert_eq!(limit, Some("10, 10;w=1, 300;w=60"));
    assert_eq!(answer.header("x-ratelimit-reset"), Some("1"));
    assert_eq!(ask().status, 200);
}
