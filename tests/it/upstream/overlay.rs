//! What was acknowledged is told at once, although the IdP's lists show it a minute later.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use super::two_tenants::{TOKEN, upstream};
use crate::stubs::Stub;
use crate::stubs::zitadel::{Caller, Idp, Zitadel};
use crate::support::client::{Answer, Client};
use crate::support::config::{self, Profile};
use crate::support::fixtures::{HARNESS, PROVIDERS, TENANTS};
use crate::support::server::Server;

/// How many links are made.
const LINKS: usize = 10_000;
/// How many users they are of.
const USERS: usize = 2_500;
/// How many clients ask at once.
const CLIENTS: usize = 48;

fn user(n: usize) -> String {
    format!("3118{n:014}")
}

fn vendor() -> Zitadel {
    let mut vendor = Zitadel::new();
    let organisation = TENANTS[0].id_or_key("zitadel");
    vendor
        .organisations
        .insert(organisation.to_owned(), "Acme".to_owned());
    for n in 0..USERS {
        vendor.user(organisation, &user(n), &format!("user-{n}"));
    }
    let idp = Idp {
        organisation: None,
        name: "Acme".to_owned(),
        kind: "IDP_TYPE_OIDC".to_owned(),
        active: true,
    };
    let id = PROVIDERS[0].id_or_key("zitadel").to_owned();
    vendor.idps.insert(id, idp);
    let caller = Caller::Instance(organisation.to_owned());
    vendor.tokens.insert(TOKEN.to_owned(), caller);
    vendor
}

fn ask(client: &mut Client, method: &str, target: &str, body: Option<String>) -> Answer {
    let bearer = format!("Bearer {HARNESS}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
    ];
    let body = body.as_deref().map(str::as_bytes);
    let sent = client.send(method, target, &headers, body);
    sent.unwrap_or_else(|lost| panic!("{method} {target}: {lost}"))
}

/// Makes links one after the other, and asks for each at once; tells how many were missed.
fn make_and_get(addr: SocketAddr, next: &AtomicUsize) -> usize {
    let mut client = Client::new(addr);
    let mut missed = 0;
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= LINKS {
            return missed;
        }
        let (user, subject) = (user(n % USERS), format!("account-{n}"));
        let body = json!({
            "user_id": user, "provider_id": PROVIDERS[0].key, "subject": subject,
        });
        let made = ask(
            &mut client,
            "POST",
            "/linkbridge/v1/links",
            Some(body.to_string()),
        );
        assert_eq!(made.status, 201, "{n}: {}", made.text());
        // By list, by id and by account: every one of them is a GET that must not miss.
        let id = made.json().unwrap()["link_id"].as_str().unwrap().to_owned();
        let provider = PROVIDERS[0].key;
        let target = match n % 3 {
            0 => format!("/linkbridge/v1/users/{user}/links"),
            1 => format!("/linkbridge/v1/links/{id}"),
            _ => format!("/linkbridge/v1/providers/{provider}/subjects/{subject}"),
        };
        let got = ask(&mut client, "GET", &target, None);
        if got.status != 200 || !got.text().contains(&format!("\"{subject}\"")) {
            missed += 1;
            eprintln!("missed: {target}: {} {}", got.status, got.text());
        }
    }
}

#[test]
fn what_was_made_is_told_at_once_although_lists_lag() {
    let stub = Stub::start(vendor());
    let dir = tempfile::tempdir().unwrap();
    let text = |ports| {
        let profile = Profile {
            open_users: true,
            ..Profile::default()
        };
        let text = config::text(&profile, ports, &dir.path().join("data"));
        let (before, after) = text.split_once("[[tenant]]").unwrap();
        let upstream = upstream("zitadel-v2", &stub.url(), dir.path());
        format!("{before}{upstream}[[tenant]]{after}")
    };
    let server = Server::start_with(dir.path(), &text).unwrap();
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    let missed: usize = std::thread::scope(|scope| {
        let clients = [(); CLIENTS].map(|()| scope.spawn(|| make_and_get(server.addr, &next)));
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum()
    });
    let took = began.elapsed();
    assert_eq!(missed, 0);
    assert_eq!(stub.with(|vendor| vendor.links().len()), LINKS);
    eprintln!("overlay: {LINKS} links made and got in {took:?}, none missed");
    // The IdP itself shows them when its time has come, and what was taken away stays away meanwhile.
    stub.advance(Duration::from_secs(61));
    let mut client = Client::new(server.addr);
    let target = format!("/linkbridge/v1/users/{}/links", user(0));
    let of_user = |answer: &Answer| answer.json().unwrap()["links"].as_array().unwrap().len();
    assert_eq!(
        of_user(&ask(&mut client, "GET", &target, None)),
        LINKS / USERS
    );
    let one = format!(
        "{target}?provider_id={}&subject=account-0",
        PROVIDERS[0].key
    );
    assert_eq!(ask(&mut client, "DELETE", &one, None).status, 200);
    let rest = ask(&mut client, "GET", &target, None);
    assert_eq!(of_user(&rest), LINKS / USERS - 1, "{}", rest.text());
}
