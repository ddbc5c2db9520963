//! The fronts over a real server of a vendor: links are kept by a Keycloak that the tests start, and every client is
//! answered as over the store. These tests take minutes and some memory, so that they run only where they are asked for.

use std::path::Path;

use super::super::support::config::{self, Profile};
use super::super::support::fixtures::{PROVIDERS, Q, ROSA, TENANTS, USERS};
use super::super::support::keycloak::{Keycloak, keycloak, secret};
use super::super::support::server::Server;
use super::clients::{CLIENTS, client};
use super::facts::{Fact, new_subject};
use super::impossible::{creates, is_impossible};
use super::matrix::walk;
use super::speaker::Speaker;

/// linkbridge over that server, and all its clients.
struct Over {
    real: &'static Keycloak,
    token: String,
    speakers: Vec<Speaker>,
    server: Server,
    _dir: tempfile::TempDir,
}

/// The realm of the tenant `acme`.
fn realm() -> &'static str {
    TENANTS[0].id_at("keycloak").unwrap()
}

impl Over {
    fn start(real: &'static Keycloak) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secret"), secret("linkbridge")).unwrap();
        let text = |ports| {
            let text = config::text(&Profile::default(), ports, &dir.path().join("data"));
            text + &upstream(real, dir.path())
        };
        let server = Server::start_with(dir.path(), &text).unwrap();
        super::settle(server.addr, false);
        let over = Self {
            real,
            token: real.token(realm(), "linkbridge"),
            speakers: Speaker::all(server.addr, Q),
            server,
            _dir: dir,
        };
        over.clear();
        over
    }

    fn clear(&self) {
        for user in [&USERS[0], &USERS[1], &ROSA] {
            let user = user.id_at("keycloak").unwrap();
            self.real.clear(&self.token, realm(), user);
        }
    }
}

fn upstream(real: &Keycloak, dir: &Path) -> String {
    let (addr, realm) = (real.addr, realm());
    let secret = dir.join("secret");
    format!(
        "\n[backend.upstream]\nname = \"real\"\ndialect = \"keycloak\"\nbase_url = \"http://{addr}\"\nallow_http = true\n\
         allow_addresses = [\"127.0.0.1/32\"]\nprotocols = [\"http/1.1\"]\nfirst_byte_seconds = 20\ntotal_seconds = 30\n\
         credential = {{ kind = \"client_credentials\", \
         token_url = \"http://{addr}/realms/{realm}/protocol/openid-connect/token\", client_id = \"linkbridge\", \
         client_secret = \"file:{}\", client_auth = \"basic\" }}\n",
        secret.display()
    )
}

#[test]
#[ignore = "starts a real Keycloak; takes minutes"]
fn what_one_front_makes_at_a_real_keycloak_every_front_tells_and_any_front_removes() {
    let Some(real) = keycloak() else { return };
    let _turn = real.alone();
    let mut over = Over::start(real);
    let (mut n_links, mut wrong) = (0, Vec::new());
    for (provider, step) in [("acme-oidc", 2), ("corp-saml", 5)] {
        let (n, found) = walk(&mut over.speakers, provider, step);
        n_links += n;
        wrong.extend(found);
    }
    let shown = wrong.len().min(40);
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong[..shown].join("\n")
    );
    let log = over.server.log();
    assert!(!log.contains("panicked"), "{log}");
    eprintln!("real matrix: {n_links} links");
}

/// The same account again, of the same user and of another one; and a user and a provider who are nowhere.
#[test]
#[ignore = "starts a real Keycloak; takes minutes"]
fn what_a_real_keycloak_would_take_twice_is_refused_in_each_vendors_words() {
    let Some(real) = keycloak() else { return };
    let _turn = real.alone();
    let mut over = Over::start(real);
    let mut wrong = Vec::new();
    for (maker, make) in creates("google") {
        let fact = Fact::new("A", "G", &new_subject());
        let mut fact = over.speakers[maker].must_create(make, &fact);
        let native = over.speakers.iter_mut().find(|s| s.name() == "linkbridge");
        fact.link = native.unwrap().link_id(&fact);
        let there = real.links(&over.token, realm(), fact.user.id_at("keycloak").unwrap());
        let provider = PROVIDERS[1].id_at("keycloak").unwrap();
        assert_eq!(there.len(), 1, "{there:?}");
        assert_eq!(there[0]["identityProvider"], provider);
        assert_eq!(there[0]["userId"], *fact.subject);
        for (index, again) in creates("google") {
            let speaker = &mut over.speakers[index];
            for (rule, user) in [("same_user", "A"), ("another_user", "B")] {
                let said = speaker.client.rule(rule).unwrap();
                let wanted = fact.of(user);
                let answer = speaker.create(again, &wanted);
                let found = speaker.says(said, &wanted, &answer).into_iter();
                let (by, name) = (&CLIENTS[maker].dialect, speaker.name());
                wrong.extend(found.map(|f| format!("by {by}, {rule} by {name}: {f}")));
            }
        }
        over.clear();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A link that somebody made at the server itself is there for every client.
#[test]
#[ignore = "starts a real Keycloak; takes minutes"]
fn what_was_made_at_a_real_keycloak_itself_is_told_by_every_front() {
    let Some(real) = keycloak() else { return };
    let _turn = real.alone();
    let mut over = Over::start(real);
    let mut fact = Fact::new("A", "P", &new_subject()).kept_by(&["name".to_owned()]);
    let user = fact.user.id_at("keycloak").unwrap();
    let provider = fact.provider.id_at("keycloak").unwrap();
    let target = format!("/admin/realms/{}/users/{user}/federated-identity/{provider}", realm());
    let body = serde_json::json!({ "userId": fact.subject, "userName": fact.name });
    let made = real.admin(&over.token, "POST", &target, Some(&body));
    assert_eq!(made.status, 204, "{}", made.text());
    let native = over.speakers.iter_mut().find(|s| s.name() == "linkbridge");
    fact.link = native.unwrap().link_id(&fact);
    assert!(fact.link.is_some());
    for speaker in &mut over.speakers {
        for read in &speaker.client.reads {
            if is_impossible(speaker.name(), "read", fact.provider.key) {
                continue;
            }
            let answer = speaker.ask(&read.request, &fact);
            let text = answer.text();
            assert_eq!(answer.status, 200, "{} ({}): {text}", speaker.name(), read.way);
            // Who tells only the user does not tell the account.
            let tells = text.contains(fact.user.id_or_key(&speaker.client.vendor))
                || answer.json().unwrap().to_string().contains(&fact.subject);
            assert!(tells, "{} ({}): {text}", speaker.name(), read.way);
        }
    }
    let mut native = Speaker::new(client("linkbridge"), over.server.addr, Q);
    let answer = native.delete(&client("linkbridge").deletes[0], &fact);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(real.links(&over.token, realm(), user).is_empty());
}
