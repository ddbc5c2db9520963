//! A real Keycloak on loopback, which `tests/keycloak/run` starts and ends: one for all tests of a run.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::Value;

use super::client::{Answer, Client};
use super::server::free_port;

/// A running server.
#[derive(Debug)]
pub(crate) struct Keycloak {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    // The server ends when this is closed: at the latest, when this process ends, however it does.
    _runs: ChildStdin,
    _child: Mutex<Child>,
}

/// The one server, unless it cannot be had.
static SERVER: LazyLock<Option<Keycloak>> = LazyLock::new(start);

/// The server that all tests of this run share, or nothing where it cannot be had; that is said aloud.
pub(crate) fn keycloak() -> Option<&'static Keycloak> {
    SERVER.as_ref()
}

#[allow(
    clippy::zombie_processes,
    reason = "it ends with the tests, when its standard input is closed"
)]
fn start() -> Option<Keycloak> {
    let port = free_port();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keycloak/run");
    let mut child = Command::new(script)
        .arg(port.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let runs = child.stdin.take().unwrap();
    let mut said = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut said).unwrap();
    if let Some(reason) = said.strip_prefix("skipped ") {
        child.wait().unwrap();
        eprintln!("SKIPPED: no test has asked a real Keycloak: {reason}");
        return None;
    }
    if said.trim_end() != "ready" {
        child.wait().unwrap();
        panic!("tests/keycloak/run: {said}");
    }
    Some(Keycloak {
        addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        _runs: runs,
        _child: Mutex::new(child),
    })
}

/// The secret of a client of the realms beside `tests/keycloak/run`.
pub(crate) fn secret(client: &str) -> String {
    format!("made-up-secret-of-{client}")
}

impl Keycloak {
    /// Who tests without others about: what one leaves behind would be met by the next.
    pub(crate) fn alone(&self) -> impl Drop {
        static TURN: Mutex<()> = Mutex::new(());
        TURN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token for a client of a realm.
    pub(crate) fn token(&self, realm: &str, client: &str) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id={client}&client_secret={}",
            secret(client)
        );
        let target = format!("/realms/{realm}/protocol/openid-connect/token");
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = Client::new(self.addr).send("POST", &target, &headers, Some(form.as_bytes()));
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json().unwrap()["access_token"].clone();
        token.as_str().unwrap().to_owned()
    }

    /// Sends a request of its admin API.
    pub(crate) fn admin(
        &self,
        token: &str,
        method: &str,
        target: &str,
        body: Option<&Value>,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Accept", "application/json"),
            ("Content-Type", "application/json"),
        ];
        let body = body.map(Value::to_string);
        let body = body.as_deref().map(str::as_bytes);
        let sent = Client::new(self.addr).send(method, target, &headers, body);
        sent.unwrap()
    }
}
