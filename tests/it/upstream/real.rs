//! The same matrix over a real server: a Keycloak that the tests start on loopback, where it can be had. That takes
//! minutes and some memory, so that these tests run only where they are asked for; `.ci/run` does.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::stubs::Request;
use super::super::support::client::Answer;
use super::super::support::fixtures::TENANTS;
use super::super::support::keycloak::{Keycloak, keycloak};
use super::idps::{Idp, Kept};
use super::matrix::walk_over;
use super::world::World;

/// The realm of the tenant that all fixtures are of; its client for linkbridge has this name.
const CLIENT: &str = "linkbridge";

fn realm() -> &'static str {
    TENANTS[0].id_at("keycloak").unwrap()
}

/// The realm of a real server.
struct Real(&'static Keycloak);

impl Real {
    /// The realm, without links.
    fn empty(server: &'static Keycloak) -> Self {
        let real = Self(server);
        for (user, provider, _) in real.links() {
            let answer = real.ask("DELETE", &link_path(&user, &provider), None);
            assert_eq!(answer.status, 204, "{}", answer.text());
        }
        real
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let token = self.0.token(realm(), CLIENT);
        let target = format!("/admin/realms/{}/{path}", realm());
        self.0.admin(&token, method, &target, body)
    }

    /// What a list tells.
    fn list(&self, path: &str) -> Vec<Value> {
        let answer = self.ask("GET", path, None);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json().unwrap().as_array().unwrap().clone()
    }
}

fn link_path(user: &str, provider: &str) -> String {
    format!("users/{user}/federated-identity/{provider}")
}

fn text(of: &Value, member: &str) -> String {
    of[member].as_str().unwrap().to_owned()
}

impl Idp for Real {
    fn url(&self) -> String {
        format!("http://{}", self.0.addr)
    }

    fn links(&self) -> BTreeSet<Kept> {
        let users = self.list("users?max=100");
        let links = users.iter().flat_map(|user| {
            let id = text(user, "id");
            let links = self.list(&format!("users/{id}/federated-identity"));
            let kept = move |link: Value| {
                (
                    id.clone(),
                    text(&link, "identityProvider"),
                    text(&link, "userId"),
                )
            };
            links.into_iter().map(kept)
        });
        links.collect()
    }

    fn link(&self, user: &str, provider: &str, subject: &str) {
        let body = json!({ "userId": subject });
        let answer = self.ask("POST", &link_path(user, provider), Some(&body));
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    fn hang(&self, path: &'static str) {
        panic!("a real server does not hang at {path} because it is told to");
    }

    /// Nobody listens between linkbridge and the server: its stub tells what it is asked.
    fn take_log(&self) -> Vec<Request> {
        Vec::new()
    }
}

/// linkbridge over the realm, where it gets its tokens with the secret of its client.
fn world(server: &'static Keycloak) -> World {
    let upstream = |url: &str| {
        format!(
            "\n[backend.upstream]\ndialect = \"keycloak\"\nbase_url = \"{url}\"\nallow_http = true\n\
             allow_addresses = [\"127.0.0.1\"]\nfirst_byte_seconds = 20\ntotal_seconds = 25\n\
             credential = {{ kind = \"client_credentials\", client_auth = \"basic\", client_id = \"{CLIENT}\", \
             client_secret = \"file:real-secret\", \
             token_url = \"{url}/realms/{}/protocol/openid-connect/token\" }}\n",
            realm()
        )
    };
    World::over("keycloak", Box::new(Real::empty(server)), &upstream, false)
}

#[test]
#[ignore = "starts a real Keycloak; takes minutes"]
fn every_front_over_a_real_keycloak() {
    if let Some(server) = keycloak() {
        let _turn = server.alone();
        walk_over("keycloak", &|| world(server));
    }
}
