//! Bad input over HTTP against the real binary: each a clear answer, never a 500, and service goes on.
//!
//! Where a request is HTTP and addresses the FusionAuth dialect, a 400 must carry the vendor's errors object
//! (its SDKs raise on anything else, vendor reference section 6.2) and a 401, 404 or 405 must be empty. Where
//! the bytes are not HTTP at all, an error status is enough.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::exchanges::is_errors;
use super::support::client::{Answer, Client};
use super::support::config::Profile;
use super::support::fixtures::{A, B, K, LINK, P, create_body};
use super::support::native::put_user;
use super::support::server::Server;

/// A server with one known user, and what was found wrong so far.
struct Target {
    server: Server,
    wrong: Vec<String>,
}

impl Target {
    fn start() -> Self {
        let server = Server::start(&Profile::default()).unwrap();
        put_user(&mut Client::new(server.addr), "acme", A).unwrap();
        Self {
            server,
            wrong: Vec::new(),
        }
    }

    /// Sends a whole request and wants one of `statuses`, in the vendor's shape.
    fn ask(&mut self, what: &str, bytes: &[u8], statuses: &[u16]) {
        match raw(self.server.addr, bytes) {
            Err(error) => self.wrong.push(format!("{what}: {error}")),
            Ok(answer) => {
                if !statuses.contains(&answer.status) {
                    self.wrong.push(format!(
                        "{what}: {} {}, expected {statuses:?}",
                        answer.status,
                        answer.text()
                    ));
                } else if let Some(fault) = shape(&answer) {
                    self.wrong.push(format!("{what}: {fault}"));
                }
            }
        }
    }

    /// A POST of these bytes to the link path.
    fn post(&mut self, what: &str, body: &[u8], statuses: &[u16]) {
        let mut bytes = head(
            "POST",
            LINK,
            &[("Content-Type", "application/json")],
            Some(body.len()),
        );
        bytes.extend_from_slice(body);
        self.ask(what, &bytes, statuses);
    }

    /// A GET of this target.
    fn get(&mut self, what: &str, target: &str, statuses: &[u16]) {
        self.ask(what, &head("GET", target, &[], None), statuses);
    }

    /// The server must be the same process, must not have panicked, and must still write and read.
    fn finish(mut self) {
        if !self.server.lives() {
            self.wrong.push("the process has ended".to_owned());
        } else {
            let mut client = Client::new(self.server.addr);
            let made = client
                .post(LINK, &create_body(A, "afterwards", "Ann", "opaque"))
                .map(|a| a.status);
            let read = client.bare("GET", &format!("{LINK}?userId={A}"));
            let read = read.map(|a| a.status == 200 && a.text().contains("afterwards"));
            if !matches!((&made, &read), (Ok(200), Ok(true))) {
                self.wrong.push(format!(
                    "does not serve afterwards: create {made:?}, read {read:?}"
                ));
            }
        }
        let log = self.server.log();
        self.wrong.extend(
            log.lines()
                .filter(|line| line.contains("panicked"))
                .map(str::to_owned),
        );
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }
}

/// What is wrong with the shape of an answer of the FusionAuth dialect.
fn shape(answer: &Answer) -> Option<String> {
    let kind = answer.header("content-type");
    match answer.status {
        400 if !answer.json().is_ok_and(|json| is_errors(&json)) => Some(format!(
            "a 400 without the errors object: {}",
            answer.text()
        )),
        400 if !kind.is_some_and(|kind| kind.starts_with("application/json")) => {
            Some(format!("a 400 of type {kind:?}"))
        }
        401 | 404 | 405 if !answer.body.is_empty() || kind.is_some() => Some(format!(
            "a {} with {kind:?} and {}",
            answer.status,
            answer.text()
        )),
        // SDKs parse what calls itself JSON, whatever the status.
        _ if kind.is_some_and(|kind| kind.contains("json")) && answer.json().is_err() => {
            Some(format!("no JSON, though it says so: {}", answer.text()))
        }
        _ => None,
    }
}

fn head(method: &str, target: &str, headers: &[(&str, &str)], length: Option<usize>) -> Vec<u8> {
    let mut text = format!(
        "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {K}\r\nConnection: close\r\n"
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(length) = length {
        text.push_str(&format!("Content-Length: {length}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// Writes bytes as they are, then reads one answer.
fn raw(addr: SocketAddr, bytes: &[u8]) -> Result<Answer, String> {
    let mut stream = TcpStream::connect(addr).map_err(|e| e.to_string())?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .map_err(|e| e.to_string())?;
    // A server may answer and close before it has read everything; its answer is still to be read.
    let _ = stream.write_all(bytes);
    let mut got = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        if let Some(answer) = parse(&got)? {
            return Ok(answer);
        }
        match stream.read(&mut buffer) {
            Ok(0) => return Err(format!("closed after {} bytes of answer", got.len())),
            Ok(n) => got.extend_from_slice(&buffer[..n]),
            Err(error) => return Err(format!("{error} after {} bytes of answer", got.len())),
        }
    }
}

/// An answer, once it is complete. All answers of the server have a length; one that has not is a fault.
fn parse(bytes: &[u8]) -> Result<Option<Answer>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Partial) => return Ok(None),
        Ok(httparse::Status::Complete(length)) => length,
        Err(error) => return Err(format!("not HTTP: {error}")),
    };
    let status = response.code.unwrap_or_default();
    let headers: Vec<_> = response
        .headers
        .iter()
        .map(|h| {
            (
                h.name.to_ascii_lowercase(),
                String::from_utf8_lossy(h.value).into_owned(),
            )
        })
        .collect();
    let mut answer = Answer {
        status,
        headers,
        body: Vec::new(),
    };
    let wanted: usize = match answer.header("content-length").map(str::parse) {
        Some(Ok(wanted)) => wanted,
        _ => return Err(format!("an answer without a length: {status}")),
    };
    if bytes.len() < length + wanted {
        return Ok(None);
    }
    answer.body = bytes[length..length + wanted].to_vec();
    Ok(Some(answer))
}

#[test]
fn broken_json() {
    let mut target = Target::start();
    let whole = create_body(A, "ü-1", "Ann", "opaque")
        .to_string()
        .into_bytes();
    for end in 1..whole.len() {
        target.post(&format!("the first {end} bytes"), &whole[..end], &[400]);
    }
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    target.post("10,000 arrays", deep("[", "]").as_bytes(), &[400]);
    target.post(
        "10,000 arrays, never closed",
        "[".repeat(10_000).as_bytes(),
        &[400],
    );
    target.post(
        "10,000 objects",
        format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)).as_bytes(),
        &[400],
    );
    let inside = format!("{{\"identityProviderLink\":{}}}", deep("[", "]"));
    target.post(
        "10,000 arrays where the link should be",
        inside.as_bytes(),
        &[400],
    );
    target.post(
        "10,000 arrays in an unknown member",
        format!("{{\"x\":{}}}", deep("[", "]")).as_bytes(),
        &[400],
    );
    for (what, body) in [
        (
            "invalid UTF-8 in a text",
            &b"{\"identityProviderLink\":{\"displayName\":\"\xff\xfe\"}}"[..],
        ),
        (
            "an overlong slash",
            b"{\"identityProviderLink\":{\"identityProviderUserId\":\"\xc0\xaf\"}}",
        ),
        (
            "half a surrogate pair",
            b"{\"identityProviderLink\":{\"identityProviderUserId\":\"\\ud800\"}}",
        ),
        ("UTF-16", b"\xff\xfe{\0}\0"),
        ("a byte order mark", b"\xef\xbb\xbf{}"),
        ("a bare NUL", b"\0"),
        (
            "a number that is none",
            b"{\"identityProviderLink\":{\"userId\":NaN}}",
        ),
        (
            "a number without end",
            b"{\"identityProviderLink\":{\"userId\":1e999999}}",
        ),
        ("single quotes", b"{'userId':'x'}"),
    ] {
        target.post(what, body, &[400]);
    }
    target.finish();
}

#[test]
fn wrong_types() {
    let mut target = Target::start();
    let members = [
        "identityProviderId",
        "identityProviderUserId",
        "userId",
        "displayName",
        "token",
    ];
    for member in members {
        for value in ["1", "-1.5e3", "true", "[]", "{}", "[\"x\"]", "{\"x\":1}"] {
            let mut link: serde_json::Value = create_body(A, "s", "Ann", "opaque");
            link["identityProviderLink"][member] = serde_json::from_str(value).unwrap();
            target.post(
                &format!("{member} is {value}"),
                link.to_string().as_bytes(),
                &[400],
            );
        }
    }
    for value in ["1", "true", "\"x\"", "[]"] {
        target.post(
            &format!("the link is {value}"),
            format!("{{\"identityProviderLink\":{value}}}").as_bytes(),
            &[400],
        );
        let pending = format!("{{\"pendingIdPLinkId\":{value},\"userId\":\"{A}\"}}");
        target.post(
            &format!("the pending id is {value}"),
            pending.as_bytes(),
            &[400],
        );
        target.post(
            &format!("the document is {value}"),
            value.as_bytes(),
            &[400],
        );
    }
    target.finish();
}

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
