//! Bad input over HTTP against the real binary: each a clear answer, never a 500, and service goes on.
//!
//! Where a request is HTTP and addresses the FusionAuth dialect, a 400 must carry the vendor's errors object
//! (its SDKs raise on anything else, vendor reference section 6.2) and a 401, 404 or 405 must be empty. Where
//! the bytes are not HTTP at all, an error status is enough.

mod edge;
mod fields;
pub(crate) mod raw;

use self::raw::{head, raw};
use super::exchanges::is_errors;
use super::support::client::{Answer, Client};
use super::support::config::Profile;
use super::support::fixtures::{A, LINK, create_body};
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
