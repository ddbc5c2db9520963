//! Tokens at the binary: what they open, what they do not, and what is answered instead.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::hostile;
use super::idp::{Does, Idp};
use super::sign::By;
use super::world::{all_keys, jwks, varied};
use crate::support::client::{Answer, Client};
use crate::support::server::free_port;

const KEY: &str = linkbridge::edge::keys::EXAMPLE_KEY;
const START: Duration = Duration::from_secs(20);

struct Server {
    child: Child,
    client: std::cell::RefCell<Client>,
    dir: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config(port: u16, idp: &Idp, limits: &str) -> String {
    let endpoint = idp.url("/introspect");
    format!(
        r#"
[server]
listen = "127.0.0.1:{port}"
admin_listen = "off"
log = "trace"
[outbound]
allow_addresses = ["127.0.0.0/8"]
total_seconds = 1
[limits]
{limits}
[[tenant]]
key = "acme"
users = "open"
ids = {{ zitadel = "111" }}
[[tenant]]
key = "other"
users = "open"
ids = {{ zitadel = "222" }}
[[provider]]
key = "google"
name = "Google"
kind = "google"
ids = {{ zitadel = "333" }}
[[issuer]]
name = "corp"
issuer = "https://login.example.com/"
audience = ["linkbridge"]
keys = "file:jwks.json"
algorithms = ["RS256", "ES256"]
fronts = ["linkbridge", "zitadel-v2"]
claims = {{ client = "azp", tenant = "org_id" }}
[[issuer]]
name = "opaque"
issuer = "https://id.example.com/"
allow_http = true
introspection = {{ endpoint = "{endpoint}", client_id = "linkbridge", client_secret = "file:secret" }}
claims = {{ tenant = "org" }}
tenant_ids = "zitadel"
[[client]]
name = "billing"
key_sha256 = "9567b5065ac529c393384465d792de6598e4477f7a506e26036023b41f0fdc33"
scopes = ["links.read", "links.create", "users.read"]
identities = [{{ issuer = "corp", id = "svc-billing" }}, {{ issuer = "opaque", id = "svc" }}]
[[client]]
name = "locked"
tenant = "other"
scopes = ["links.read"]
identities = [{{ issuer = "corp", id = "svc-locked" }}]
"#
    )
}

impl Server {
    fn start(idp: &Idp, limits: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        };
        write("config.toml", &config(port, idp, limits));
        write("jwks.json", &jwks(&all_keys()));
        write("secret", "a secret of ours");
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_linkbridge"))
            .args(["serve", "--config", "config.toml"])
            .current_dir(dir.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let client = Client::new(([127, 0, 0, 1], port).into());
        let server = Self {
            child,
            client: client.into(),
            dir,
        };
        let began = Instant::now();
        while !server.log().contains("listening at") {
            assert!(began.elapsed() < START, "{}", server.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    fn send(&self, method: &str, target: &str, token: &str, more: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("Authorization", bearer.as_str())];
        headers.extend(more);
        let body = json!({"user_id": "ann", "provider_id": "google", "subject": "1170"});
        let body = body.to_string().into_bytes();
        let has_body = method == "POST";
        if has_body {
            headers.push(("Content-Type", "application/json"));
        }
        let mut client = self.client.borrow_mut();
        client
            .send(method, target, &headers, has_body.then_some(&body))
            .unwrap_or_else(|lost| panic!("{method} {target}: {lost}"))
    }

    fn list(&self, token: &str) -> u16 {
        self.send("GET", "/linkbridge/v1/users/ann/links", token, &[])
            .status
    }

    fn create(&self, token: &str) -> u16 {
        self.send("POST", "/linkbridge/v1/links", token, &[]).status
    }
}

/// A token of now, with these claims changed.
fn corp(changed: &[(&str, &str)]) -> String {
    let mut claims = vec![("iat", ""), ("nbf", ""), ("exp", "4000000000")];
    claims.extend(changed);
    varied(&[], &claims, &By::Rs256)
}

const MANY: &str = "failed_auth_rate = \"100000/s burst 100000\"";

#[test]
fn a_token_opens_what_client_and_token_both_allow() {
    let server = Server::start(&Idp::start(Does::Closes), MANY);
    // The client may create, this token may not.
    assert_eq!(server.list(&corp(&[])), 200);
    assert_eq!(server.create(&corp(&[])), 403);
    // A token that says nothing of scopes has those of its client.
    assert_eq!(server.create(&corp(&[("scope", "")])), 201);
    // No token gives what its client has not.
    let delete = |token: &str| {
        let target = "/linkbridge/v1/users/ann/links?provider_id=google&subject=1170";
        server.send("DELETE", target, token, &[]).status
    };
    let all = corp(&[("scope", r#""links.read links.delete links.create""#)]);
    assert_eq!((server.list(&all), delete(&all)), (200, 403));
    let nothing = corp(&[("scope", r#""openid""#)]);
    assert_eq!(server.list(&nothing), 403);
    // The link is the tenant's of the token, and another one's token does not see it.
    let links = |token: &str| {
        let answer = server.send("GET", "/linkbridge/v1/users/ann/links", token, &[]);
        answer.json().unwrap()["links"].as_array().unwrap().len()
    };
    assert_eq!(links(&corp(&[])), 1);
    assert_eq!(links(&corp(&[("org_id", r#""other""#)])), 0);
}

#[test]
fn a_token_is_for_one_tenant() {
    let server = Server::start(&Idp::start(Does::Closes), MANY);
    let locked = |tenant| server.list(&corp(&[("azp", r#""svc-locked""#), ("org_id", tenant)]));
    assert_eq!(locked(r#""other""#), 200);
    assert_eq!(locked(""), 200);
    assert_eq!(locked(r#""acme""#), 403);
    assert_eq!(locked(r#""nobody""#), 403);
    // An id of a vendor is none of ours.
    assert_eq!(locked(r#""222""#), 403);
    let free = |tenant| server.list(&corp(&[("org_id", tenant)]));
    assert_eq!(free(r#""other""#), 200);
    assert_eq!(free(r#""nobody""#), 403);
    // Tokens of this issuer name their tenant: one that does not is not good for all of them.
    assert_eq!(free(""), 403);
    // What the request says cannot widen it.
    let naming = |tenant| {
        let target = "/linkbridge/v1/users/ann/links";
        let header = [("Linkbridge-Tenant", tenant)];
        server.send("GET", target, &corp(&[]), &header).status
    };
    assert_eq!(
        [naming("acme"), naming("other"), naming("nobody")],
        [200, 403, 403]
    );
}

#[test]
fn a_token_opens_the_fronts_of_its_issuer() {
    let server = Server::start(&Idp::start(Does::say(r#"{"active":false}"#)), MANY);
    let search = server.send("POST", "/v2/users/ann/links/_search", &corp(&[]), &[]);
    assert_eq!(search.status, 200, "{}", search.text());
    let elsewhere = server.send("GET", "/admin/identities/ann", &corp(&[]), &[]);
    assert_eq!(elsewhere.status, 401, "{}", elsewhere.text());
}

#[test]
fn keys_work_beside_tokens_and_strangers_do_not() {
    let idp = Idp::start(Does::say(r#"{"active":false}"#));
    let server = Server::start(&idp, MANY);
    let with_key = server.send(
        "GET",
        "/linkbridge/v1/users/ann/links",
        KEY,
        &[("Linkbridge-Tenant", "acme")],
    );
    assert_eq!(with_key.status, 200);
    assert_eq!(server.list(&corp(&[("azp", r#""svc-nobody""#)])), 401);
    let sent = hostile::cases().into_iter().filter(|(_, token)| {
        let fits = token.len() < 8000 && token.bytes().all(|b| b.is_ascii_graphic());
        // At this time of day those of the tests' own time are bad anyway: they come before it. And who holds
        // the static key is let in.
        fits && token != KEY
    });
    let mut n_sent = 0;
    for (name, token) in sent {
        assert_eq!(server.list(&token), 401, "{name}");
        n_sent += 1;
    }
    assert!(n_sent > 200, "only {n_sent} were sent");
    assert_eq!(server.list(&corp(&[])), 200);
}

#[test]
fn an_opaque_token_is_asked_about_and_the_issuers_outage_is_no_refusal() {
    let idp = Idp::start(Does::say(
        r#"{"active":true,"client_id":"svc","scope":"links.read","org":"222"}"#,
    ));
    let server = Server::start(&idp, MANY);
    assert_eq!(server.list("canary-1"), 200);
    assert_eq!(server.create("canary-1"), 403);
    idp.now_does(Does::say(r#"{"active":false}"#));
    assert_eq!(server.list("canary-2"), 401);
    idp.now_does(Does::Closes);
    let down = server.send("GET", "/linkbridge/v1/users/ann/links", "canary-3", &[]);
    assert_eq!(down.status, 503);
    assert!(down.header("retry-after").is_some());
    // What is remembered, and what needs no question, goes on.
    assert_eq!(server.list("canary-1"), 200);
    assert_eq!(server.list(&corp(&[])), 200);
    let log = server.log();
    assert!(log.contains("tokens of corp (https://login.example.com/), keys in jwks.json"));
    assert!(log.contains("cannot be asked about tokens"), "{log}");
    for secret in ["canary-", "a secret of ours", "YSBzZWNyZXQ", "eyJ"] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}

#[test]
fn a_source_that_fails_too_often_makes_us_ask_nobody() {
    let idp = Idp::start(Does::say(r#"{"active":false}"#));
    let server = Server::start(&idp, "failed_auth_rate = \"1/h burst 3\"");
    let statuses: Vec<u16> = (0..8).map(|n| server.list(&format!("guess-{n}"))).collect();
    assert_eq!(statuses, [401, 401, 401, 429, 429, 429, 429, 429]);
    // After the third, nobody was asked any more.
    assert_eq!(idp.asked(), 3);
    assert_eq!(server.list(&corp(&[])), 200);
}
