//! Certificates of clients: who gets in with which certificate and which key (`tests/tls/mutual.toml`).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::ExtendedKeyUsagePurpose;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::super::support::config::{self, Profile};
use super::super::support::fixtures::{A, LINK, P, T};
use super::super::support::server::{Server, free_port};
use super::asks::{self, Asks};
use super::authority::{Authority, Pair, certificates, dns, hex, revocations};

pub(super) const HOST: &str = "links.example.com";
pub(super) const BOUND_KEY: &str = "Bd8kL2mQ5vX9zC4nT7wR1yU6iO3pA0sD-fG_hJkLzXcV";

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    listener: String,
    certificate: Option<String>,
    key: Option<String>,
    #[serde(default)]
    asks: Asks,
    error: Option<String>,
    status: toml::Value,
}

/// A server with a listener of each kind.
struct Mutual {
    server: Server,
    ports: HashMap<&'static str, u16>,
    certificates: HashMap<&'static str, Pair>,
    root: String,
    dir: tempfile::TempDir,
}

impl Mutual {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (of_servers, trusted) = (Authority::new("of servers"), Authority::new("of clients"));
        let certificates = certificates(&trusted);
        let own = of_servers.sign(|params| {
            params.subject_alt_names = vec![dns(HOST)];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        });
        let file = |name: &str, text: &str| write(dir.path(), name, text);
        let pair = format!(
            "certificates = [{{ chain = \"file:{}\", key = \"file:{}\" }}], client_authorities = \"file:{}\"",
            file("own.pem", &own.chain).display(),
            file("own.key", &own.key).display(),
            file("clients.pem", &trusted.pem).display(),
        );
        let list = file("revoked.pem", &revocations(&trusted));
        let ways = [
            ("optional", "client_certificates = \"optional\"".to_owned()),
            ("required", "client_certificates = \"required\"".to_owned()),
            (
                "revoked",
                format!("client_revocations = \"file:{}\"", list.display()),
            ),
        ];
        let ports: HashMap<_, _> = ways.iter().map(|(name, _)| (*name, free_port())).collect();
        let profile = Profile {
            open_users: true,
            ..Profile::default()
        };
        let server = Server::start_with(dir.path(), &|given| {
            let mut text = config::text(&profile, given, &dir.path().join("data"));
            for (name, way) in &ways {
                let port = ports[name];
                write!(
                    text,
                    "\n[[listener]]\naddress = \"127.0.0.1:{port}\"\ntls = {{ {pair}, {way} }}\n"
                )
                .unwrap();
            }
            text + &clients(&certificates)
        });
        Self {
            server: server.unwrap(),
            ports,
            certificates,
            root: of_servers.pem,
            dir,
        }
    }

    /// What a case is answered.
    fn ask(&self, case: &Case) -> Option<(u16, String)> {
        let origin = format!("http://{}", self.server.addr);
        let request = asks::request(case.asks, case.key.as_deref(), &origin);
        self.send(&case.listener, case.certificate.as_deref(), &request)
    }

    /// The status and the rest of an answer; `None` if the handshake is not done.
    fn send(
        &self,
        listener: &str,
        certificate: Option<&str>,
        request: &str,
    ) -> Option<(u16, String)> {
        let pair = certificate.map(|name| &self.certificates[name]);
        let port = self.ports[listener];
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut stream = StreamOwned::new(self.client(pair), socket);
        let mut answer = Vec::new();
        let _ = stream
            .write_all(request.as_bytes())
            .and_then(|()| stream.read_to_end(&mut answer));
        let text = String::from_utf8_lossy(&answer);
        let (status, rest) = text.strip_prefix("HTTP/1.1 ")?.split_at(3);
        Some((status.parse().unwrap(), rest.to_owned()))
    }

    fn client(&self, pair: Option<&Pair>) -> ClientConnection {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(self.root.as_bytes()).unwrap();
        roots.add(root).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots);
        let config = match pair {
            None => config.with_no_client_auth(),
            Some(pair) => {
                let chain = CertificateDer::from_pem_slice(pair.chain.as_bytes()).unwrap();
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
                config.with_client_auth_cert(vec![chain], key).unwrap()
            }
        };
        ClientConnection::new(Arc::new(config), HOST.try_into().unwrap()).unwrap()
    }
}

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn clients(certificates: &HashMap<&'static str, Pair>) -> String {
    let pinned = &certificates["by-hash"].sha256;
    let key = hex(&Sha256::digest(BOUND_KEY.as_bytes()));
    format!(
        "\n[[client]]\nname = \"by-certificate\"\nscopes = [\"links.read\"]\n\
         certificates = [{{ dns = \"svc-billing.example.com\" }}, {{ uri = \"spiffe://example.com/billing\" }}, \
         {{ sha256 = \"{pinned}\" }}]\n\
         [[client]]\nname = \"bound\"\nscopes = [\"links.read\"]\nkey_sha256 = \"{key}\"\n\
         certificates = [{{ dns = \"bound.example.com\" }}]\ncertificate_required = true\n{}",
        asks::signs_as()
    )
}

/// The status of a read over a connection that stays open.
fn ask_again(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> u16 {
    let request = format!(
        "GET {LINK}?identityProviderId={P}&userId={A} HTTP/1.1\r\nHost: {HOST}\r\nX-FusionAuth-TenantId: {T}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let (_, length) = head.split_once("content-length: ").unwrap();
    let length = length.split("\r\n").next().unwrap().parse().unwrap();
    stream.read_exact(&mut vec![0; length]).unwrap();
    head.strip_prefix("http/1.1 ").unwrap()[..3]
        .parse()
        .unwrap()
}

#[test]
fn whom_nobody_trusts_any_more_is_refused_on_an_open_connection() {
    let mutual = Mutual::start();
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, mutual.ports["optional"])).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let pair = &mutual.certificates["by-dns"];
    let mut stream = StreamOwned::new(mutual.client(Some(pair)), socket);
    let known = ask_again(&mut stream);
    assert_ne!(known, 401, "{}", mutual.server.log());
    let other = Authority::new("of others");
    write(mutual.dir.path(), "clients.pem", &other.pem);
    // One list of each authority that clients' chains lead through.
    write(mutual.dir.path(), "revoked.pem", &revocations(&other));
    let pid = mutual.server.pid().to_string();
    let mut hup = std::process::Command::new("kill");
    assert!(hup.args(["-HUP", &pid]).status().unwrap().success());
    let began = std::time::Instant::now();
    let mut status = known;
    while status == known && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
        status = ask_again(&mut stream);
    }
    assert_eq!(status, 401, "{}", mutual.server.log());
}

#[test]
fn who_gets_in_with_which_certificate_and_which_key() {
    let text = include_str!("../../tls/mutual.toml");
    let cases: Cases = toml::from_str(text).unwrap();
    let mutual = Mutual::start();
    let mut wrong = String::new();
    for case in &cases.case {
        let expected = case.status.as_integer().map(|n| u16::try_from(n).unwrap());
        assert!(expected.is_some() || case.status.as_str() == Some("refused"));

        let found = mutual.ask(case);
        let is_so = found.as_ref().map(|(status, _)| *status) == expected;
        let error = case
            .error
            .as_ref()
            .map(|word| format!("\"error\":\"{word}\""));
        let told = found.as_ref().map_or("", |(_, rest)| rest.as_str());
        if !is_so || error.is_some_and(|error| !told.contains(&error)) {
            writeln!(wrong, "{}: {found:?} instead of {expected:?}", case.name).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}{}", mutual.server.log());
}

/// It is worth no more than the key that it was issued for.
#[test]
fn a_token_of_a_bound_client_is_good_with_its_certificate_only() {
    let mutual = Mutual::start();
    let origin = format!("http://{}", mutual.server.addr);
    let ask = |certificate, request: &str| mutual.send("optional", certificate, request).unwrap();
    let request = asks::request(Asks::Flip, Some("bound"), &origin);
    let (status, answer) = ask(Some("bound"), &request);
    assert_eq!(status, 200, "{answer}");
    let (_, rest) = answer.split_once("\"access_token\":\"").unwrap();
    let (token, _) = rest.split_once('"').unwrap();
    let read = asks::read(token);
    for (certificate, expected) in [
        (Some("bound"), 200),
        (None, 401),
        (Some("unknown"), 401),
        (Some("by-dns"), 401),
    ] {
        let (status, answer) = ask(certificate, &read);
        assert_eq!(status, expected, "{certificate:?}: {answer}");
    }
}
