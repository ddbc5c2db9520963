//! Bodies that are too large or lie, targets and heads that no client should send, and bytes that are not HTTP.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::super::support::config::Profile;
use super::super::support::fixtures::create_body;
use super::super::support::fixtures::{A, B, K, LINK, P};
use super::super::support::server::Server;
use super::Target;
use super::raw::{head, raw, read};

#[test]
fn large_and_lying_bodies() {
    let mut target = Target::start();
    let large = create_body(A, "large", &"x".repeat(1 << 20), "opaque").to_string();
    target.post("1 MB of display name", large.as_bytes(), &[413]);
    target.post(
        "1 MB of white space",
        &[&vec![b' '; 1 << 20][..], b"{}"].concat(),
        &[413],
    );
    target.post("1 MB that is no JSON", &vec![0xff; 1 << 20], &[413]);
    let announced = head(
        "POST",
        LINK,
        &[("Content-Type", "application/json")],
        Some(1 << 40),
    );
    target.ask("a terabyte is announced", &announced, &[413]);
    let mut chunked = head(
        "POST",
        LINK,
        &[
            ("Content-Type", "application/json"),
            ("Transfer-Encoding", "chunked"),
        ],
        None,
    );
    for _ in 0..128 {
        chunked.extend_from_slice(format!("2000\r\n{}\r\n", "x".repeat(0x2000)).as_bytes());
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    target.ask("1 MB in chunks", &chunked, &[413]);
    // A client that goes away in the middle of its body gets nothing, and nobody else notices.
    let mut short = head(
        "POST",
        LINK,
        &[("Content-Type", "application/json")],
        Some(500),
    );
    short.extend_from_slice(b"{\"identityProviderLink\":");
    let mut stream = TcpStream::connect(target.server.addr).unwrap();
    stream.write_all(&short).unwrap();
    stream.shutdown(Shutdown::Both).unwrap();
    target.finish();
}

#[test]
fn odd_targets() {
    let mut target = Target::start();
    let twice = format!("{LINK}?userId={A}&userId={A}");
    target.get("userId twice", &twice, &[400]);
    target.get(
        "two userIds",
        &format!("{LINK}?userId={A}&userId={B}"),
        &[400],
    );
    target.get(
        "userId and a blank one",
        &format!("{LINK}?userId={A}&userId="),
        &[200, 400],
    );
    target.get(
        "two providers",
        &format!("{LINK}?identityProviderId={P}&identityProviderId={P}&userId={A}"),
        &[400],
    );
    target.get(
        "1,000 parameters",
        &format!("{LINK}?userId={A}{}", "&x=1".repeat(1000)),
        &[200, 400, 414],
    );
    let subject =
        |text: &str| format!("{LINK}?identityProviderId={P}&identityProviderUserId={text}");
    for text in [
        "%",
        "%z",
        "%zz",
        "a%2",
        "%ff%fe",
        "%00",
        "%C0%AF",
        "a=b=c",
        "'%22%3C%3E",
        "..%2F..%2Fetc",
    ] {
        target.get(&format!("the subject {text}"), &subject(text), &[400, 404]);
    }
    target.get(
        "a subject of 5,000 characters",
        &subject(&"s".repeat(5000)),
        &[400, 404],
    );
    target.get(
        "an id of invalid UTF-8",
        &format!("{LINK}?userId=%ff"),
        &[400],
    );
    for path in ["/api", "/api/", "/api/identity-provider/link/x/y/z"] {
        target.get(&format!("the path {path}"), path, &[404]);
    }
    // Nearest to no vendor: the shape is the house's own, if there is one.
    for path in [
        "/",
        "//",
        "/..",
        "/%2e%2e/x",
        "/API/IDENTITY-PROVIDER/LINK",
        "/%ff",
    ] {
        match raw(target.server.addr, &head("GET", path, &[], None)) {
            Ok(answer) if matches!(answer.status, 400 | 404) => {}
            other => target.wrong.push(format!("the path {path}: {other:?}")),
        }
    }
    target.get(
        "a pending id of 5,000 characters",
        &format!("{LINK}/pending/{}", "p".repeat(5000)),
        &[404],
    );
    target.get(
        "a pending id of escaped bytes",
        &format!("{LINK}/pending/%ff%00%2F"),
        &[400, 404],
    );
    for method in ["PUT", "PATCH", "OPTIONS", "TRACE"] {
        target.ask(
            &format!("the method {method}"),
            &head(method, LINK, &[], None),
            &[405],
        );
    }
    // The vendor answers verbs that no standard names with 501 (vendor reference, section 2).
    target.ask("the method FROB", &head("FROB", LINK, &[], None), &[501]);
    target.finish();
}

#[test]
fn odd_heads_and_garbage() {
    let mut target = Target::start();
    let get = |more: &str| {
        format!(
            "GET {LINK}?userId={A} HTTP/1.1\r\nAuthorization: {K}\r\nConnection: close\r\n{more}\r\n"
        )
    };
    // These are faults below the vendor's API; a status in the 400s is what HTTP asks for.
    let faults: [(&str, String); 9] = [
        ("no Host", get("")),
        ("two Hosts", get("Host: a\r\nHost: b\r\n")),
        ("a Host that is none", get("Host: a b/c\r\n")),
        (
            "two lengths",
            get("Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n"),
        ),
        (
            "a length that is none",
            get("Host: a\r\nContent-Length: -1\r\n"),
        ),
        ("a header without a colon", get("Host: a\r\nnonsense\r\n")),
        ("a folded header", get("Host: a\r\nX-A: 1\r\n 2\r\n")),
        ("white space before the colon", get("Host : a\r\n")),
        ("words", "hello there\r\n\r\n".to_owned()),
    ];
    for (what, text) in &faults {
        match raw(target.server.addr, text.as_bytes()) {
            Ok(answer) if (400..500).contains(&answer.status) => {}
            other => target.wrong.push(format!("{what}: {other:?}")),
        }
    }
    let long = format!(
        "GET {LINK} HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n",
        "x".repeat(1 << 20)
    );
    let fields = format!(
        "GET {LINK} HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "X-A: 1\r\n".repeat(5000)
    );
    for (what, text) in [("a header of 1 MB", long), ("5,000 headers", fields)] {
        match raw(target.server.addr, text.as_bytes()) {
            Ok(answer) if matches!(answer.status, 400 | 431) => {}
            // Unread bytes may turn the close into a reset that overtakes the answer.
            Err(error) if error.contains("reset") => {}
            other => target.wrong.push(format!("{what}: {other:?}")),
        }
    }
    for garbage in [
        &b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"[..],
        b"\0\0\0\0",
        b"\r\n\r\n\r\n",
        b"GET",
        b"PRI * HTTP/2.0\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(target.server.addr).unwrap();
        // Whether it is answered or closed is free; only that it hurts nobody is asked, below.
        let _ = stream
            .write_all(garbage)
            .and_then(|()| stream.shutdown(Shutdown::Write));
        stream
            .set_read_timeout(Some(Duration::from_millis(200)))
            .unwrap();
        let _ = stream.read(&mut [0; 64]);
    }
    // Two credentials or a credential that is no text are no credential.
    let two = format!(
        "GET {LINK}?userId={A} HTTP/1.1\r\nHost: a\r\nAuthorization: wrong\r\nAuthorization: {K}\r\nConnection: close\r\n\r\n"
    );
    target.ask("two credentials", two.as_bytes(), &[400, 401]);
    let mut bytes = format!(
        "GET {LINK}?userId={A} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: "
    )
    .into_bytes();
    bytes.extend_from_slice(b"\xff\xfe\r\n\r\n");
    target.ask("a credential of bytes", &bytes, &[400, 401]);
    target.finish();
}

#[test]
fn a_connection_is_not_closed_unannounced() {
    let server = Server::start(&Profile::default()).unwrap();
    let mut stream = TcpStream::connect(server.addr).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let request = b"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    // A client that was not told sends its next request into the close, and cannot know what became of it.
    // Servers limit the requests of a connection; the default of this one is below what is sent here.
    for number in 1..=10_100 {
        let sent = stream.write_all(request).map_err(|e| e.to_string());
        let answer = sent.and_then(|()| read(&mut stream));
        let answer = answer.unwrap_or_else(|error| panic!("request {number}: {error}"));
        if answer
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
        {
            return;
        }
    }
}
