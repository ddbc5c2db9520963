//! The bound on the number of fields holds over both versions of HTTP, with one answer.

use super::super::support::client::{Answer, Client};
use super::super::support::config::{self, Profile};
use super::super::support::fixtures::{A, K};
use super::super::support::http2::Http2;
use super::super::support::server::Server;

/// What the requests have besides fields that mean nothing: a credential, and the host.
const OWN: usize = 2;

/// An answer, as far as it must be the same.
fn gist(answer: &Answer) -> (u16, Option<String>, String) {
    let kind = answer.header("content-type").map(str::to_owned);
    (answer.status, kind, answer.text())
}

#[test]
fn too_many_fields_are_refused_alike_over_both_versions() {
    let dir = tempfile::tempdir().unwrap();
    let profile = Profile {
        open_users: true,
        ..Profile::default()
    };
    let server = Server::start_with(dir.path(), &|ports| {
        let text = config::text(&profile, ports, &dir.path().join("data"));
        text.replacen("[limits]\n", "[limits]\nhead_fields = 20\n", 1)
    });
    let server = server.unwrap();
    let path = format!("/api/admin/users/v4/users/{A}/linked-identities");
    let key = format!("Bearer {K}");
    // The same name again is a field of its own, and so is one that is dropped later.
    for name in ["x-many", "x_many", "cookie", "accept-language"] {
        for (fields, status) in [(20, 200), (21, 431)] {
            let mut headers = vec![("authorization", key.as_str())];
            headers.resize(1 + fields - OWN, (name, "a"));
            let first = Client::new(server.addr).send("GET", &path, &headers, None);
            let second = Http2::new(server.http2).send("GET", &path, &headers, Vec::new());
            let (first, second) = (first.unwrap(), second.unwrap());
            assert_eq!(first.status, status, "{name}: {}", first.text());
            assert_eq!(gist(&first), gist(&second), "{name}");
            if status == 431 {
                let kind = first.header("content-type");
                assert_eq!(kind, Some("application/problem+json"), "{name}");
            }
        }
    }
    // A connection of HTTP/2 goes on with its other requests.
    let mut client = Http2::new(server.http2);
    let many = vec![("x-many", "a"); 40];
    let refused = client.send("GET", &path, &many, Vec::new()).unwrap();
    let few = [("authorization", key.as_str())];
    let taken = client.send("GET", &path, &few, Vec::new()).unwrap();
    assert_eq!((refused.status, taken.status), (431, 200));
}

/// A call is refused below its protocol, as one with a field that is too long is.
#[test]
fn a_call_with_too_many_fields_is_refused_below_its_protocol() {
    let profile = Profile {
        open_users: true,
        ..Profile::default()
    };
    let server = Server::start(&profile).unwrap();
    let mut headers = vec![("content-type", "application/grpc"), ("te", "trailers")];
    headers.resize(70, ("x-many", "a"));
    let path = "/zitadel.user.v2.UserService/ListIDPLinks";
    let mut client = Http2::new(server.http2);
    let answer = client.send("POST", path, &headers, vec![0; 5]).unwrap();
    assert_eq!(answer.status, 431, "{}", answer.text());
}
