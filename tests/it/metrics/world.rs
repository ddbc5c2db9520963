//! A running binary that has one of everything that there are metrics of: every front, a passthrough, TLS, an
//! issuer, and an upstream that needs an index.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use linkbridge::mapping::builtin;
use serde_json::Value;

use super::exposition::Exposition;
use crate::support::client::{Answer, Client};
use crate::support::config::{self, Profile};
use crate::support::fixtures::TENANTS;
use crate::support::server::{Server, free_port};

/// What the origin of the passthrough answers.
pub(super) const SAID: &str = "what an origin says";
/// A secret of the configuration, as markers go.
pub(super) const UPSTREAM_TOKEN: &str = "MARK-the-token-of-the-upstream-5d1f";
/// The dialect of the upstream.
pub(super) const UPSTREAM_DIALECT: &str = "zitadel-v2";
/// The front that passes requests on.
pub(super) const PASSING: &str = "fusionauth";

pub(super) struct World {
    pub(super) server: Server,
    pub(super) admin: SocketAddr,
    pub(super) tls: SocketAddr,
    /// What the upstream answers to everything.
    upstream: Arc<AtomicU16>,
    _dir: tempfile::TempDir,
}

impl World {
    pub(super) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let upstream = Arc::new(AtomicU16::new(401));
        let says = Arc::clone(&upstream);
        let idp = serve(move |_| (says.load(Ordering::SeqCst), "{}".to_owned()));
        let origin = serve(|_| (200, SAID.to_owned()));
        std::fs::write(dir.path().join("token"), UPSTREAM_TOKEN).unwrap();
        std::fs::write(dir.path().join("jwks.json"), "{\"keys\":[]}").unwrap();
        let tls = free_port();
        let profile = Profile {
            two_tenants: true,
            open_users: true,
            tls: Some((tls, certificate(dir.path()))),
            ..Profile::default()
        };
        let admin = Mutex::new(0);
        let data = dir.path().join("data");
        let server = Server::start_with(dir.path(), &|ports| {
            *admin.lock().unwrap() = ports.admin;
            let text = config::text(&profile, ports, &data);
            text + &more(idp, origin)
        });
        let admin = *admin.lock().unwrap();
        let world = Self {
            server: server.unwrap(),
            admin: (Ipv4Addr::LOCALHOST, admin).into(),
            tls: (Ipv4Addr::LOCALHOST, tls).into(),
            upstream,
            _dir: dir,
        };
        world.settle();
        world
    }

    /// Waits until the scan of the index has begun and been refused: that is a write.
    fn settle(&self) {
        for _ in 0..1000 {
            let metrics = self.metrics();
            if metrics.sum("linkbridge_store_group_operations_sum", &[]) > 0.0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("no scan began:\n{}", self.server.log());
    }

    pub(super) fn upstream_says(&self, status: u16) {
        self.upstream.store(status, Ordering::SeqCst);
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.server.addr)
    }

    /// Asks the admin listener.
    pub(super) fn ask(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        let mut client = Client::new(self.admin);
        client.send("GET", target, headers, None).unwrap()
    }

    pub(super) fn metrics(&self) -> Exposition {
        let answer = self.ask("/metrics", &[]);
        assert_eq!(answer.status, 200);
        Exposition::read(&answer.text()).unwrap_or_else(|e| panic!("{e}\n{}", answer.text()))
    }

    pub(super) fn routes(&self) -> Value {
        self.ask("/routes", &[]).json().unwrap()
    }
}

fn certificate(dir: &std::path::Path) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let made = rcgen::generate_simple_self_signed(vec!["links.example.com".to_owned()]).unwrap();
    std::fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
    let key = dir.join("key.pem");
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    "[{ chain = \"file:cert.pem\", key = \"file:key.pem\" }]".to_owned()
}

/// What the configuration of the tests does not have.
fn more(idp: u16, origin: u16) -> String {
    let mut out = String::from("[outbound]\nallow_addresses = [\"127.0.0.1\"]\n\n");
    for (dialect, _) in builtin::SOURCES {
        write!(out, "[[front]]\ndialect = \"{dialect}\"\n").unwrap();
        if *dialect == PASSING {
            write!(
                out,
                "[front.passthrough]\norigin = \"http://127.0.0.1:{origin}\"\nallow_http = true\n\
                 allow = [\"* /api/theme/**\"]\ncredential = \"none\"\n"
            )
            .unwrap();
        }
        out.push('\n');
    }
    let other = TENANTS[1].key;
    write!(
        out,
        "[[issuer]]\nname = \"corp\"\nissuer = \"https://login.example.com/\"\n\
         audience = [\"linkbridge\"]\nkeys = \"file:jwks.json\"\nalgorithms = [\"RS256\"]\n\n\
         [[backend.route]]\ntenants = [\"{other}\"]\n[backend.route.upstream]\nname = \"main\"\n\
         dialect = \"{UPSTREAM_DIALECT}\"\nbase_url = \"http://127.0.0.1:{idp}\"\nallow_http = true\n\
         allow_addresses = [\"127.0.0.1\"]\nbreaker = {{ failures = 2, open_seconds = 60 }}\n\
         retry_percent = 0\ncredential = {{ kind = \"static\", token = \"file:token\" }}\n"
    )
    .unwrap();
    out
}

/// A server that reads a request and answers it, one connection for each; ends with the process.
fn serve(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let request = request(&mut stream);
            let (status, body) = answer(&request);
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    port
}

/// A request with its body, if it says how long that is.
fn request(stream: &mut TcpStream) -> String {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return text,
        }
    }
}
