//! Servers with a canary in every place of the configuration that has a secret.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::super::support::client::Client;
use super::super::support::config::{self, Profile};
use super::super::support::fault::{Act, Fault, Seen};
use super::super::support::fixtures::{HARNESS, K, L, Q, R, USERS, VENDORS};
use super::super::support::server::{Server, free_port};
use super::super::telemetry::otlp::Collector;
use super::super::telemetry::wait_for;
use super::places::{Canaries, DATA, NOWHERE, Place, SEALED};

/// What linkbridge shows to others. Each is the text of a file that the configuration refers to.
const FILES: [(&str, &str); 4] = [
    ("upstream", "canary-upstream-credential-5qp1"),
    ("introspection", "canary-introspection-secret-8zx4"),
    ("collector", "canary-collector-credential-2mk7"),
    // 32 bytes in hex.
    (
        "token-key",
        "63616e6172792d6f662d6b6579732d666f722d746f6b656e732d617a37393031",
    ),
];

/// What comes in.
pub(super) const WRONG_KEY: &str = "canary-wrong-key-4kd8s0f3j5";
pub(super) const WRONG_JWT: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImNhbmFyeSJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tLyIsInN1YiI6ImNhbmFyeS1pbi1hLWp3dCJ9.Y2FuYXJ5LXNpZ25hdHVyZS05OTE3";
pub(super) const OPAQUE: &str = "canary-opaque-token-77af1c";
pub(super) const PASSWORD: &str = "canary-password-of-basic-3b9";
pub(super) const SUBJECT: &str = "canary-subject-61d0e7";
pub(super) const NAME: &str = "canary display name 90f2";
pub(super) const TOKEN: &str = "canary-token-of-a-link-5e8b21";
pub(super) const USERNAME: &str = "canary-username-1f77d2";
pub(super) const QUERY: &str = "canary-in-the-query-c01e55";
pub(super) const PATH: &str = "canary-in-the-path-88d213";
pub(super) const FIELD: &str = "canary-in-a-field-4410be";
/// What an IdP says: the text of its errors, the tokens that it issues.
const IDP_BODY: &str = "canary-in-an-answer-of-the-idp-7";
const IDP_TOKEN: &str = "canary-access-token-of-the-idp-3";

pub(super) struct World {
    pub(super) server: Server,
    pub(super) canaries: Canaries,
    pub(super) answers: Vec<(String, Vec<u8>)>,
    pub(super) asked: usize,
    collector: Collector,
    admin: u16,
    // Whoever is called.
    _idps: Vec<Fault>,
    dir: tempfile::TempDir,
}

fn secret_file(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// An IdP that does everything that IdPs do, one after the other.
fn idp() -> Fault {
    let count = AtomicUsize::new(0);
    let body = format!("{{\"error\":\"{IDP_BODY}\",\"message\":\"{IDP_BODY}\",\"code\":5}}");
    Fault::choosing(Box::new(move |seen: &Seen| {
        if seen.line().contains("/token") {
            let token = format!(
                "{{\"access_token\":\"{IDP_TOKEN}\",\"token_type\":\"Bearer\",\"expires_in\":300}}"
            );
            return Act::ok(&token);
        }
        let n = count.fetch_add(1, Ordering::Relaxed);
        match n % 14 {
            0 => Act::ok("{}"),
            1 => Act::json(500, &body),
            2 => Act::json(404, &body),
            3 => Act::json(401, &body),
            4 => Act::json(403, &body),
            5 => Act::ok(&format!("{{ no JSON {IDP_BODY}")),
            6 => Act::json(409, &body),
            7 => Act::SaysAndCloses(
                format!("HTTP/1.1 200 {IDP_BODY}\r\ncontent-length: 9000\r\n\r\n{IDP_BODY}")
                    .into_bytes(),
            ),
            8 => Act::SaysAndCloses(format!("{IDP_BODY} is no HTTP\r\n\r\n").into_bytes()),
            9 => Act::status(302, &format!("location: https://{IDP_BODY}.example/\r\n")),
            10 => Act::json(400, &body),
            11 => Act::json(429, &body),
            12 => Act::SaysAndResets(Vec::new()),
            _ => Act::ok(&body),
        }
    }))
}

impl World {
    pub(super) fn over_the_store() -> Self {
        Self::start("", Vec::new())
    }

    /// Over an IdP of this dialect, to which linkbridge shows this kind of credential.
    pub(super) fn over_an_idp(dialect: &str, credential: &str) -> Self {
        let idp = idp();
        let url = idp.url.clone();
        let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/test-only-rsa.pem");
        let credential = match credential {
            "static" => "{ kind = \"static\", token = \"file:upstream\" }".to_owned(),
            "client_credentials" => format!(
                "{{ kind = \"client_credentials\", token_url = \"{url}/token\", client_id = \"linkbridge\", \
                 client_secret = \"file:upstream\", client_auth = \"basic\" }}"
            ),
            _ => format!(
                "{{ kind = \"private_key_jwt\", token_url = \"{url}/token\", client_id = \"linkbridge\", \
                 key = \"file:{key}\", key_id = \"1\", algorithm = \"RS256\", grant = \"jwt_bearer\", \
                 assertion_audience = \"{url}\" }}"
            ),
        };
        let upstream = format!(
            "\n[backend.upstream]\ndialect = \"{dialect}\"\nbase_url = \"{url}\"\nallow_http = true\n\
             allow_addresses = [\"127.0.0.1\"]\nbreaker = {{ failures = 1000000, open_seconds = 1 }}\n\
             credential = {credential}\n"
        );
        Self::start(&upstream, vec![idp])
    }

    fn start(upstream: &str, mut idps: Vec<Fault>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut canaries = Canaries::default();
        for (name, text) in FILES {
            secret_file(&dir.path().join(name), text);
            canaries.add(name, text, NOWHERE);
        }
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = certified.signing_key.serialize_pem();
        secret_file(&dir.path().join("tls.key"), &key);
        fs::write(dir.path().join("tls.pem"), certified.cert.pem()).unwrap();
        canaries.add("the key of TLS", key.lines().nth(1).unwrap(), NOWHERE);
        let rsa = fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/keys/test-only-rsa.pem"
        ));
        canaries.add(
            "the key of assertions",
            rsa.unwrap().lines().nth(2).unwrap(),
            NOWHERE,
        );
        for (name, value) in [
            ("key K", K),
            ("key Q", Q),
            ("key R", R),
            ("key L", L),
            ("key of the harness", HARNESS),
            ("a wrong key", WRONG_KEY),
            ("a wrong token", WRONG_JWT),
            ("an opaque token", OPAQUE),
            ("a password", PASSWORD),
            ("a text of the IdP", IDP_BODY),
            ("a token of the IdP", IDP_TOKEN),
            ("a text in a query", QUERY),
        ] {
            canaries.add(name, value, NOWHERE);
        }
        canaries.add("a text in a path", PATH, NOWHERE);
        // The id that a client gives a request is told to that client where the vendor does so.
        canaries.add("a text in a field", FIELD, &[Place::Answer]);
        canaries.add("the token of a link", TOKEN, SEALED);
        for (name, value) in [
            ("a subject", SUBJECT),
            ("a display name", NAME),
            ("a user name", USERNAME),
        ] {
            canaries.add(name, value, DATA);
        }
        for user in &USERS {
            for vendor in VENDORS {
                canaries.add(
                    &format!("user {} at {vendor}", user.name),
                    user.id_or_key(vendor),
                    DATA,
                );
            }
        }
        let collector = Collector::start();
        let introspection = Fault::start(vec![
            Act::json(500, IDP_BODY),
            Act::ok(IDP_BODY),
            Act::ok("{\"active\":false}"),
        ]);
        let tls = free_port();
        let admin = AtomicUsize::new(0);
        let at = |path: &str| dir.path().join(path).display().to_string();
        let certificates = format!(
            "[{{ chain = \"file:{}\", key = \"file:{}\" }}]",
            at("tls.pem"),
            at("tls.key")
        );
        let profile = Profile {
            open_users: true,
            tls: Some((tls, certificates)),
            ..Profile::default()
        };
        let more = format!(
            "\n[log]\naccess = \"file:access.log\"\nsource = \"none\"\n\
             [outbound]\nallow_addresses = [\"127.0.0.1\"]\n\
             [traces]\nendpoint = \"{}\"\nallow_http = true\nheaders = {{ Authorization = \"file:collector\" }}\n\
             [[issuer]]\nname = \"opaque\"\nissuer = \"https://id.example.com/\"\nallow_http = true\n\
             introspection = {{ endpoint = \"{}/introspect\", client_id = \"linkbridge\", client_secret = \"file:introspection\" }}\n",
            collector.0.url, introspection.url
        );
        let server = Server::start_with(dir.path(), &|ports| {
            admin.store(ports.admin.into(), Ordering::Relaxed);
            let text = config::text(&profile, ports, &dir.path().join("data"));
            let text = text.replacen("[server]\n", "[server]\nlog = \"trace\"\n", 1);
            let store = "[backend]\ntoken_keys = [\"file:token-key\"]\n";
            text.replacen("[backend]\n", store, 1) + &more + upstream
        });
        idps.push(introspection);
        Self {
            server: server.unwrap(),
            canaries,
            answers: Vec::new(),
            asked: 0,
            collector,
            admin: u16::try_from(admin.load(Ordering::Relaxed)).unwrap(),
            _idps: idps,
            dir,
        }
    }

    fn access_log(&self) -> String {
        fs::read_to_string(self.dir.path().join("access.log")).unwrap_or_default()
    }

    /// That nothing was found must not be for want of anything to be found in.
    pub(super) fn assert_that_it_was_loud(&self) {
        wait_for("a line for each request", || {
            (self.access_log().lines().count() >= self.asked).then_some(())
        });
        wait_for("spans", || {
            (self.collector.spans().len() > 100).then_some(())
        });
        std::thread::sleep(Duration::from_millis(100));
        let log = self.server.log();
        for foreign in [" h2::", " hyper", " rustls", " tokio"] {
            let line = log
                .lines()
                .find(|line| line.contains("TRACE") && line.contains(foreign));
            assert_eq!(line, None, "libraries tell what goes over the wire");
        }
    }

    /// Everything that was written or told.
    pub(super) fn told(&self) -> Vec<(Place, String, Vec<u8>)> {
        let mut told = vec![
            (
                Place::Log,
                "the log".to_owned(),
                self.server.log().into_bytes(),
            ),
            (
                Place::Log,
                "the access log".to_owned(),
                self.access_log().into_bytes(),
            ),
        ];
        for seen in self.collector.0.seen() {
            told.push((Place::Trace, "a batch".to_owned(), seen.body));
        }
        let mut admin = Client::new(([127, 0, 0, 1], self.admin).into());
        for path in [
            "/livez",
            "/readyz",
            "/readyz?verbose",
            "/startupz",
            "/metrics",
            "/configz",
            "/routes",
        ] {
            let answer = admin.send("GET", path, &[], None).unwrap();
            told.push((Place::Admin, path.to_owned(), answer.body));
        }
        for (request, answer) in &self.answers {
            told.push((Place::Answer, request.clone(), answer.clone()));
        }
        let mut folders = vec![self.dir.path().join("data")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = fs::read(&path).unwrap();
                    told.push((Place::Database, path.display().to_string(), bytes));
                }
            }
        }
        told
    }
}
