//! The golden cases once more, asked of a real server: so the stub is held to what its vendor does.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;

use super::super::golden::{self, Place};
use crate::support::keycloak::{Keycloak, keycloak};

/// The tokens of the cases: the realm and the client that each is of.
const TOKENS: [(&str, &str, &str); 5] = [
    ("t", "shop", "worker"),
    ("reads", "shop", "reads"),
    ("nothing", "shop", "nothing"),
    ("elsewhere", "other", "worker"),
    ("all", "master", "all"),
];

/// The realm of the cases, in its usual state.
struct Shop(&'static Keycloak);

impl Shop {
    fn path(user: &str, alias: &str) -> String {
        format!("/admin/realms/shop/users/{user}/federated-identity/{alias}")
    }

    /// Takes every link away, also those at providers that are not there, which no list tells.
    fn clear(&self, token: &str) {
        let users = self.0.admin(token, "GET", "/admin/realms/shop/users", None);
        for user in users.json().unwrap().as_array().unwrap() {
            for alias in ["google", "corp-oidc", "nowhere"] {
                let path = Self::path(user["id"].as_str().unwrap(), alias);
                let answer = self.0.admin(token, "DELETE", &path, None);
                assert!(matches!(answer.status, 204 | 404), "{}", answer.text());
            }
        }
    }
}

impl Place for Shop {
    fn addr(&self) -> SocketAddr {
        self.0.addr
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.addr)
    }

    fn advance(&self, by: Duration) {
        assert!(by.is_zero(), "nobody sets its clock");
    }

    fn header(&self, value: String) -> String {
        let meant = TOKENS
            .iter()
            .find(|(name, ..)| value == format!("Bearer {name}"));
        meant.map_or(value, |(_, realm, client)| {
            format!("Bearer {}", self.0.token(realm, client))
        })
    }
}

/// The realm as a case wants it; nothing for what this server is not.
fn place(server: &'static Keycloak, given: &[String]) -> Option<Box<dyn Place>> {
    let shop = Shop(server);
    let token = server.token("shop", "worker");
    shop.clear(&token);
    for line in given {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            ["link", user, alias, subject, name] => {
                let body = json!({ "userId": subject, "userName": name });
                let path = Shop::path(user, alias);
                let answer = server.admin(&token, "POST", &path, Some(&body));
                assert_eq!(answer.status, 204, "{}", answer.text());
            }
            // It is started without a path before all others.
            ["relative", "auth"] => return None,
            other => panic!("{other:?}"),
        }
    }
    Some(Box::new(shop))
}

#[test]
#[ignore = "starts a real Keycloak; takes a minute"]
fn a_real_keycloak_is_as_its_stub() {
    if let Some(server) = keycloak() {
        let _turn = server.alone();
        let asked = golden::judge("keycloak.toml", &|given| place(server, given));
        assert!(asked >= 45, "{asked}");
    }
}
