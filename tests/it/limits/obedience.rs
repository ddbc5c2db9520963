//! Who obeys is not refused again, at every front and over gRPC, alone and as a crowd.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::super::fronts::clients::CLIENTS;
use super::super::fronts::facts::Fact;
use super::super::fronts::speaker::Speaker;
use super::super::support::client::{Answer, Client};
use super::super::support::fixtures::USERS;
use super::super::support::http2::Http2;
use super::super::support::rpc;
use super::{KEYS, Told, ask, requests, serve};

/// Asks so often, as fast as it is told that it may; answers how often it was refused.
fn obey(times: u32, mut ask: impl FnMut() -> Answer) -> (u32, u32) {
    let (mut refused, mut waited) = (0, 0);
    for _ in 0..times {
        let answer = ask();
        let told = Told::of(&answer);
        if answer.status == 429 || answer.status == 503 {
            refused += 1;
        }
        assert_eq!(
            answer.status == 429,
            told.retry_after.is_some(),
            "{answer:?}"
        );
        if told.remaining == 0 {
            waited += 1;
            std::thread::sleep(Duration::from_secs(told.reset));
        }
    }
    (refused, waited)
}

#[test]
fn who_obeys_is_never_refused_at_any_front() {
    let dir = tempfile::tempdir().unwrap();
    let times = requests();
    // Slow enough for a busy machine to reach it, and the whole within a quarter of a minute.
    let rate = format!("rate = \"{}/s burst 15\"", (times / 15).max(5));
    let server = serve(dir.path(), "", &rate, &[]);
    let waits = AtomicU32::new(0);
    std::thread::scope(|threads| {
        for (client, key) in CLIENTS.iter().zip(KEYS) {
            let (addr, waits) = (server.addr, &waits);
            threads.spawn(move || {
                let mut speaker = Speaker::new(client, addr, key);
                let fact = Fact::new("A", "P", "nobody");
                // Where nothing can be read, the same link is made again and again.
                let read = client.reads.first().map(|read| &read.request);
                let read = read.unwrap_or_else(|| &client.creates[0].request);
                let (refused, waited) = obey(times, || speaker.ask(read, &fact));
                assert_eq!(refused, 0, "{}", client.dialect);
                waits.fetch_add(waited, Ordering::Relaxed);
            });
        }
        let (http2, key) = (server.http2, KEYS[11]);
        threads.spawn(move || {
            let mut http2 = Http2::new(http2);
            let bearer = format!("Bearer {key}");
            let headers = [
                ("Authorization", &*bearer),
                ("Content-Type", "application/grpc+proto"),
            ];
            let message = serde_json::json!({ "userId": USERS[0].id_at("zitadel") }).to_string();
            let name = "zitadel.user.v2.UserService/ListIDPLinks";
            let (refused, _) = obey(times, || {
                rpc::grpc(&mut http2, name, &headers, message.as_bytes()).unwrap()
            });
            assert_eq!(refused, 0, "gRPC");
        });
    });
    assert!(waits.load(Ordering::Relaxed) > 0);
    eprintln!(
        "limits: {times} requests at each front, {} waits, 0 refused",
        waits.into_inner()
    );
}

/// Several requests of one client that are refused together, each of which comes back when it was told to.
#[test]
fn a_crowd_that_obeys_is_refused_once_each() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(dir.path(), "", "rate = \"2/s burst 6\"", &[]);
    let mut first = Client::new(server.addr);
    while ask(&mut first, KEYS[0]).status == 200 {}
    std::thread::scope(|threads| {
        for _ in 0..5 {
            let addr = server.addr;
            threads.spawn(move || {
                let mut client = Client::new(addr);
                let refused = ask(&mut client, KEYS[0]);
                assert_eq!(refused.status, 429);
                let wait = Told::of(&refused).retry_after.unwrap();
                std::thread::sleep(Duration::from_secs(wait));
                let again = ask(&mut client, KEYS[0]);
                assert_eq!(again.status, 200, "after {wait} s: {:?}", again.headers);
            });
        }
    });
}

/// What a refusal looks like over gRPC: the code of the vendor, and when to come back, among the header fields.
#[test]
fn a_refused_call_says_when_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(dir.path(), "", "rate = \"1/h burst 1\"", &[]);
    let mut http2 = Http2::new(server.http2);
    let bearer = format!("Bearer {}", KEYS[0]);
    let headers = [
        ("Authorization", &*bearer),
        ("Content-Type", "application/grpc+proto"),
    ];
    let name = "zitadel.user.v2.UserService/ListIDPLinks";
    let message = serde_json::json!({ "userId": USERS[0].id_at("zitadel") }).to_string();
    let mut call = || rpc::grpc(&mut http2, name, &headers, message.as_bytes()).unwrap();
    assert_eq!(call().status, 200);
    let refused = call();
    assert_eq!(refused.status, 429);
    let told = Told::of(&refused);
    assert_eq!((told.quota, told.window), (1, 3600));
    assert!(
        (3590..=3600).contains(&told.retry_after.unwrap()),
        "{told:?}"
    );
}

/// The vendor's own names tell the same numbers, unless that is switched off; others do not have them.
#[test]
fn a_vendor_s_own_headers_say_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let server = serve(dir.path(), "", "rate = \"5/s burst 10\"", &[]);
    let mut client = Client::new(server.addr);
    let bearer = format!("Bearer {}", KEYS[0]);
    let headers = [("Authorization", &*bearer)];
    let answer = client
        .send("GET", "/admin/identities", &headers, None)
        .unwrap();
    let told = Told::of(&answer);
    let numbers = [
        (
            "x-ratelimit-limit",
            format!("{0}, {0};w={1}", told.quota, told.window),
        ),
        ("x-ratelimit-remaining", told.remaining.to_string()),
        ("x-ratelimit-reset", told.reset.to_string()),
    ];
    for (name, value) in numbers {
        assert_eq!(answer.header(name), Some(&*value), "{:?}", answer.headers);
    }
    let plain = ask(&mut client, KEYS[0]);
    assert_eq!(plain.header("x-ratelimit-limit"), None);
    // Who is not known is told nothing.
    let nobody = client.send("GET", "/admin/identities", &[], None).unwrap();
    assert_eq!((nobody.status, nobody.header("ratelimit")), (401, None));
}
