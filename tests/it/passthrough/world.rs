//! The real binary with fronts that pass requests on to an origin of a test.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::origin::Origin;
use crate::support::config::{self, Profile};
use crate::support::server::Server;

/// A key that was adopted from the vendor.
pub(crate) use crate::support::fixtures::K as THEIRS;
/// The key of a client that linkbridge has made: the one of the example configuration.
pub(crate) use linkbridge::edge::keys::EXAMPLE_KEY as OURS;

/// The key of a client that may use another front only.
pub(crate) const ELSEWHERE: &str = "an-adopted-key-for-another-front-0192837465";
/// The key of a client that may ask once.
pub(crate) const SELDOM: &str = "an-adopted-key-that-may-ask-once-0192837465";

pub(crate) struct World {
    pub(crate) server: Server,
    _dir: tempfile::TempDir,
}

/// Two seconds for whatever does not move, one for the head of an answer.
const FAST: &str = "first_byte_seconds = 1\nstall_seconds = 2\n";

impl World {
    /// A server whose front of this dialect passes these on, with these keys besides.
    pub(crate) fn start(origin: &Origin, dialect: &str, allow: &str, more: &str) -> Self {
        Self::start_at(&origin.url(), dialect, allow, more)
    }

    pub(crate) fn start_at(origin: &str, dialect: &str, allow: &str, more: &str) -> Self {
        let front = front(origin, dialect, "", allow, more);
        Self::with_fronts(&front)
    }

    /// A server with these fronts.
    pub(crate) fn with_fronts(fronts: &str) -> Self {
        Self::with("", fronts)
    }

    /// A server with these fronts, and with these keys of `[outbound]`.
    pub(crate) fn with(outbound: &str, fronts: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let profile = Profile {
            open_users: true,
            ..Profile::default()
        };
        let data = dir.path().join("data");
        let server = Server::start_with(dir.path(), &|ports| {
            let mut text = config::text(&profile, ports, &data);
            let allowed = "allow_addresses = [\"127.0.0.1\"]";
            write!(text, "[outbound]\n{allowed}\n{outbound}\n\n").unwrap();
            for (name, key, more) in [
                ("made", OURS, ""),
                ("elsewhere", ELSEWHERE, "fronts = [\"ory\"]\n"),
                ("seldom", SELDOM, "rate = \"1/h burst 1\"\n"),
            ] {
                let hash = Sha256::digest(key.as_bytes());
                let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
                write!(
                    text,
                    "[[client]]\nname = \"{name}\"\nkey_sha256 = \"{hash}\"\nscopes = []\n{more}\n"
                )
                .unwrap();
            }
            text.push_str(fronts);
            text
        })
        .unwrap();
        Self { server, _dir: dir }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// Sends a request as it stands, and reads everything up to the end of the connection.
    pub(crate) fn raw(&self, request: &str) -> String {
        let mut stream = connect(self.addr());
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A connection may be reset once the answer has gone.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends a request with the adopted key, without a body.
    pub(crate) fn ask(&self, method: &str, target: &str, more: &str) -> String {
        self.raw(&request(method, target, THEIRS, more))
    }
}

pub(crate) fn front(origin: &str, dialect: &str, at: &str, allow: &str, more: &str) -> String {
    let credential = match more.contains("credential =") {
        true => "",
        false => "credential = \"client\"\n",
    };
    format!(
        "[[front]]\ndialect = \"{dialect}\"\n{at}\n[front.passthrough]\norigin = \"{origin}\"\n\
         allow_http = true\nallow = {allow}\n{FAST}{credential}{more}\n\n"
    )
}

pub(crate) fn request(method: &str, target: &str, key: &str, more: &str) -> String {
    format!(
        "{method} {target} HTTP/1.1\r\nHost: front.example:8443\r\nAuthorization: {key}\r\n\
         {more}Connection: close\r\n\r\n"
    )
}

pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
        .set_write_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> u16 {
    let word = answer.split(' ').nth(1);
    word.and_then(|word| word.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {answer:?}"))
}
