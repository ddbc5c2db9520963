//! What a server sees of a request.

use http::{HeaderName, HeaderValue, Method};
use linkbridge::backend::upstream::caller::Caller;
use linkbridge::backend::upstream::exchange::{Effect, Exchange, Unanswered};
use linkbridge::backend::upstream::settings::Credential;
use linkbridge::model::{Failure, OwnedRequest};

use super::{World, endpoint, request};
use crate::support::fault::{Act, Fault};

#[test]
fn a_request_is_sent_below_the_base_url_with_our_credential() {
    let server = Fault::start(vec![Act::ok("{\"a\":1}")]);
    let world = World::at(&format!("{}/base/", server.url));
    let mut request = OwnedRequest {
        method: Method::PUT,
        path: "/users/a%2Fb".to_owned(),
        query: "limit=2&q=a%20b".to_owned(),
        body: b"{\"x\":2}".to_vec(),
        ..OwnedRequest::default()
    };
    let json = HeaderValue::from_static("application/json");
    request.headers.insert("content-type", json);
    for (name, value) in [
        ("host", "evil.example"),
        ("authorization", "Bearer theirs"),
        ("content-length", "1"),
    ] {
        let name = HeaderName::from_static(name);
        request
            .headers
            .insert(name, HeaderValue::from_static(value));
    }
    let call = world.caller.exchange(&request, Effect::Writes);
    let answer = world.runtime.block_on(call).unwrap();
    assert_eq!((answer.status, answer.body), (200, b"{\"a\":1}".to_vec()));
    assert_eq!(answer.headers["content-type"], "application/json");
    let seen = server.seen().remove(0);
    assert_eq!(seen.body, b"{\"x\":2}");
    let mut lines: Vec<String> = seen.head.lines().map(str::to_ascii_lowercase).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "accept-encoding: identity".to_owned(),
            "accept: application/json".to_owned(),
            "authorization: bearer canary".to_owned(),
            "content-length: 7".to_owned(),
            "content-type: application/json".to_owned(),
            format!("host: {}", server.addr),
            "put /base/users/a%2fb?limit=2&q=a%20b http/1.1".to_owned(),
            format!("user-agent: linkbridge/{}", env!("CARGO_PKG_VERSION")),
        ]
    );
}

#[test]
fn the_length_of_nothing_is_said_where_something_could_be() {
    for (method, length) in [
        (Method::POST, Some("0")),
        (Method::PUT, Some("0")),
        (Method::PATCH, Some("0")),
        (Method::GET, None),
        (Method::DELETE, None),
    ] {
        let server = Fault::start(vec![Act::ok("{}")]);
        let world = World::at(&server.url);
        let request = OwnedRequest {
            method: method.clone(),
            body: Vec::new(),
            ..request(Effect::Writes)
        };
        let call = world.caller.exchange(&request, Effect::Writes);
        assert!(world.runtime.block_on(call).is_ok());
        let seen = server.seen().remove(0);
        assert_eq!(seen.field("content-length"), length, "{method}");
        assert_eq!(seen.field("transfer-encoding"), None);
    }
}

#[test]
fn a_credential_stands_where_the_dialect_has_it() {
    let server = Fault::start(vec![Act::ok("{}")]);
    let send = |credential: Credential, header: &'static str, scheme: Option<&str>| {
        let mut endpoint = endpoint(&server.url);
        endpoint.credential = credential;
        let header = HeaderName::from_static(header);
        let caller = Caller::new(&endpoint, header, scheme.map(str::to_owned)).unwrap();
        let world = World {
            caller,
            ..World::new(&endpoint)
        };
        assert!(world.read().is_ok());
        server.seen().pop().unwrap()
    };
    let token = || endpoint(&server.url).credential;
    assert_eq!(
        send(token(), "authorization", None).field("authorization"),
        Some("canary")
    );
    let seen = send(token(), "x-api-key", None);
    assert_eq!(
        (seen.field("x-api-key"), seen.field("authorization")),
        (Some("canary"), None)
    );
    let seen = send(Credential::None, "authorization", Some("Bearer"));
    assert_eq!(seen.field("authorization"), None);
}

#[test]
fn what_could_be_read_in_two_ways_is_not_sent() {
    let server = Fault::start(vec![Act::ok("{}")]);
    let world = World::at(&format!("{}/api", server.url));
    for path in [
        "/a/../b",
        "//evil.example/",
        "@evil.example/",
        "/a/%2e%2e/b",
        "/a\r\nx: y",
        "",
        "/a/..%2f..%2fb",
    ] {
        let request = OwnedRequest {
            path: path.to_owned(),
            ..request(Effect::Reads)
        };
        let call = world.caller.exchange(&request, Effect::Reads);
        let answer = world.runtime.block_on(call).map(drop);
        assert_eq!(
            answer,
            Err(Unanswered::NotSent(Failure::UpstreamRefused)),
            "{path:?}"
        );
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn nothing_shows_the_credential() {
    let endpoint = endpoint("https://login.example.com");
    let shown = format!("{endpoint:?} {:?}", World::new(&endpoint).caller);
    assert!(!shown.contains("canary"), "{shown}");
}
