//! How long a client waits: over a backend that takes longer, a call ends when its client's time is over, and says so.

use std::time::{Duration, Instant};

use super::super::support::client::Client;
use super::super::support::config::Profile;
use super::super::support::conflict::start_slow;
use super::super::support::fixtures::{K, PROVIDERS, USERS};
use super::super::support::http2::Http2;
use super::super::support::rpc::{framed, method, to_binary};

/// Longer than a client waits here, and shorter than a server lets an operation take.
const SLOW: Duration = Duration::from_secs(5);

/// A read and a write, with their messages.
fn calls() -> [(&'static str, serde_json::Value); 2] {
    let (user, provider) = (USERS[0].id_at("zitadel"), PROVIDERS[0].id_at("zitadel"));
    let link = serde_json::json!({ "idpId": provider, "userId": "late", "userName": "Rosa" });
    [
        ("ListIDPLinks", serde_json::json!({ "userId": user })),
        (
            "AddIDPLink",
            serde_json::json!({ "userId": user, "idpLink": link }),
        ),
    ]
}

#[test]
fn a_call_ends_with_the_time_of_its_client() {
    let server = start_slow(&Profile::default(), SLOW).unwrap();
    let (mut http1, mut http2) = (Client::new(server.addr), Http2::new(server.http2));
    let bearer = format!("Bearer {K}");
    for (name, message) in calls() {
        let name = format!("zitadel.user.v2.UserService/{name}");
        let target = format!("/{name}");
        let began = Instant::now();
        let headers = [
            ("Authorization", &*bearer),
            ("Content-Type", "application/grpc+proto"),
            ("grpc-timeout", "50m"),
        ];
        let input = method(&name).unwrap().input();
        let body = framed(&to_binary(input, &message).unwrap());
        let answer = http2.send("POST", &target, &headers, body).unwrap();
        assert_eq!(
            (answer.status, answer.header("grpc-status")),
            (200, Some("4")),
            "{name}"
        );

        let headers = [
            ("Authorization", &*bearer),
            ("Content-Type", "application/json"),
            ("Connect-Timeout-Ms", "50"),
        ];
        let body = message.to_string();
        let answer = http1.send("POST", &target, &headers, Some(body.as_bytes()));
        let answer = answer.unwrap();
        let code = answer.json().unwrap()["code"].clone();
        assert_eq!(
            (answer.status, code),
            (504, "deadline_exceeded".into()),
            "{name}"
        );
        let took = began.elapsed();
        assert!(
            took >= Duration::from_millis(100) && took < SLOW,
            "{took:?}"
        );
    }
}
