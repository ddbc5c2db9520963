//! Two servers that differ in one thing: what the other tenant has.

use serde_json::json;

use super::super::super::support::client::{Answer, Client as Http};
use super::super::super::support::config::Profile;
use super::super::super::support::fixtures::{
    Fixture, HARNESS, K, PROVIDERS, Q, TENANTS, THEIRS, USERS, W,
};
use super::super::super::support::http2::Http2;
use super::super::super::support::native;
use super::super::super::support::rpc;
use super::super::super::support::server::Server;
use super::super::template::{Filled, Values};
use super::cases::Case;

/// A user of whom only the aliases matter.
const ALIASED: &str = "d4e2b0f3-6c75-4a1b-9e38-a1c2d3e4f506";

/// A tenant as one side of a test.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub(super) tenant: &'static Fixture,
    pub(super) user: &'static Fixture,
    /// The key that is locked to the tenant.
    pub(super) key: &'static str,
}

/// The first tenant's side and the second one's.
pub(super) fn sides() -> [Side; 2] {
    let side = |tenant: usize, user: usize, key| Side {
        tenant: &TENANTS[tenant],
        user: &USERS[user],
        key,
    };
    [side(0, 0, Q), side(1, 2, W)]
}

/// What is different about a pair of worlds.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// Who asks.
    pub(super) own: Side,
    /// Whose things are asked for.
    pub(super) foreign: Side,
    /// Whether the foreign tenant has a user of the same id, too.
    pub(super) has_twin: bool,
    /// Whether accounts are unique in their tenants only.
    pub(super) unique_in_tenant: bool,
}

/// One server.
pub(super) struct World {
    pub(super) server: Server,
    setting: Setting,
    is_full: bool,
    native: Http,
    /// A connection of whoever asks.
    pub(super) http: Http,
    http2: Http2,
    own_link: String,
    own_pending: String,
    foreign_link: String,
    foreign_pending: String,
}

impl World {
    /// Starts one in which the foreign tenant has things, or has none.
    pub(super) fn start(setting: &Setting, is_full: bool) -> Self {
        let option = |dialect: &str| (dialect.to_owned(), "unique_scope".into(), "tenant".into());
        let mut profile = Profile {
            two_tenants: true,
            provider_of: is_full.then_some(setting.foreign.tenant.key),
            ..Profile::default()
        };
        if setting.unique_in_tenant {
            profile.options = vec![option("zitadel-v2"), option("zitadel-v3alpha")];
        }
        let server = Server::start(&profile).unwrap();
        let mut world = Self {
            native: Http::new(server.addr),
            http: Http::new(server.addr),
            http2: Http2::new(server.http2),
            server,
            setting: setting.clone(),
            is_full,
            own_link: String::new(),
            own_pending: String::new(),
            foreign_link: String::new(),
            foreign_pending: String::new(),
        };
        world.refill_foreign();
        world.refill_own();
        world
    }

    /// Brings about what the asking tenant has, whatever has become of it.
    pub(super) fn refill_own(&mut self) {
        let Side { tenant, user, .. } = self.setting.own;
        // Whoever was put under a foreign id goes, too.
        for id in [self.setting.foreign.user.key, ALIASED, user.key] {
            self.delete_user(tenant.key, id);
        }
        let document = json!({ "username": "mine", "external_id": "mine" });
        native::put_fixture(&mut self.native, tenant.key, user.key, Some(&document)).unwrap();
        self.own_link = self.link(tenant, user, &PROVIDERS[0], "own-1");
        self.own_pending = self.pending(tenant, "own-2");
    }

    /// Brings about what the other tenant has, if it has things here.
    pub(super) fn refill_foreign(&mut self) {
        let Side { tenant, user, .. } = self.setting.foreign;
        for id in [user.key, ALIASED, self.setting.own.user.key] {
            self.delete_user(tenant.key, id);
        }
        if !self.is_full {
            return;
        }
        let document = json!({ "username": "theirs", "external_id": "theirs" });
        native::put_fixture(&mut self.native, tenant.key, user.key, Some(&document)).unwrap();
        let aliases = json!({ "ids": { "flip": "their-alias" } });
        native::put_user_with(&mut self.native, tenant.key, ALIASED, &aliases).unwrap();
        self.foreign_link = self.link(tenant, user, &PROVIDERS[0], "theirs-1");
        self.link(tenant, user, &THEIRS, "theirs-1");
        self.foreign_pending = self.pending(tenant, "theirs-2");
        if self.setting.has_twin {
            let twin = self.setting.own.user;
            let document = json!({ "username": "twin", "traits": { "twin": true } });
            native::put_fixture(&mut self.native, tenant.key, twin.key, Some(&document)).unwrap();
            self.link(tenant, twin, &PROVIDERS[1], "twin-1");
        }
    }

    /// What the foreign tenant's side is told of its own things.
    pub(super) fn foreign_state(&mut self) -> Vec<String> {
        let Side { tenant, user, .. } = self.setting.foreign;
        let twin = self.setting.own.user;
        let targets = [
            format!("users/{}", user.key),
            format!("users/{}/links", user.key),
            format!("users/{}/links", twin.key),
            format!("users/{ALIASED}"),
            format!("pending-links/{}", self.foreign_pending),
            "users".to_owned(),
            "providers".to_owned(),
        ];
        targets
            .iter()
            .map(|target| self.ask_native("GET", tenant.key, target))
            .collect()
    }

    /// Asks as the client does.
    pub(super) fn ask(&mut self, case: &Case, request: &Filled) -> Answer {
        let headers = request.headers.iter();
        let headers: Vec<_> = headers.map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let (method, target, body) = (&request.method, &request.target, request.body.as_deref());
        let sent = match &case.grpc {
            Some(name) => rpc::grpc(&mut self.http2, name, &headers, body.unwrap()),
            None => {
                let sent = self.http.send(method, target, &headers, body);
                sent.map_err(|lost| lost.to_string())
            }
        };
        sent.unwrap_or_else(|lost| panic!("{method} {target}: {lost}"))
    }

    pub(super) fn delete_user(&mut self, tenant: &str, id: &str) {
        self.ask_native("DELETE", tenant, &format!("users/{id}"));
    }

    fn ask_native(&mut self, method: &str, tenant: &str, target: &str) -> String {
        let bearer = format!("Bearer {HARNESS}");
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Linkbridge-Tenant", tenant),
        ];
        let target = format!("/linkbridge/v1/{target}");
        let answer = self.native.send(method, &target, &headers, None).unwrap();
        assert!(
            matches!(answer.status, 200 | 404),
            "{target}: {}",
            answer.text()
        );
        format!("{} {}", answer.status, answer.text())
    }

    /// Makes a link and answers its id.
    fn link(&mut self, tenant: &Fixture, user: &Fixture, at: &Fixture, subject: &str) -> String {
        let body = json!({ "user_id": user.key, "provider_id": at.key, "subject": subject });
        native::create_link(&mut self.native, tenant.key, &body).unwrap();
        let target = format!("providers/{}/subjects/{subject}", at.key);
        let found = self.ask_native("GET", tenant.key, &target);
        let json: serde_json::Value = serde_json::from_str(&found[4..]).unwrap();
        json["link_id"].as_str().unwrap().to_owned()
    }

    fn pending(&mut self, tenant: &Fixture, subject: &str) -> String {
        let body = json!({ "provider_id": PROVIDERS[0].key, "subject": subject });
        native::create_pending(&mut self.native, tenant.key, &body).unwrap()
    }

    /// What the asking tenant has, in the words of a vendor.
    pub(super) fn own_values(&self, vendor: &str, key: &'static str) -> Values {
        let mut values = side_values(&self.setting.own, vendor, key);
        values.set("provider", PROVIDERS[0].id_or_key(vendor));
        values.set("subject", "own-1");
        values.set("account", "fresh-1");
        values.set("link", &*self.own_link);
        values.set("pending", &*self.own_pending);
        values.set("username", "mine");
        values.set("domain", "acme.example");
        values.set("vendor_id", "own-alias");
        values
    }

    /// What the other tenant has, in the words of a vendor: of a world in which it has things.
    pub(super) fn foreign_values(&self, vendor: &str) -> Values {
        let mut values = side_values(&self.setting.foreign, vendor, K);
        values.set("provider", THEIRS.id_or_key(vendor));
        values.set("subject", "theirs-1");
        values.set("account", "theirs-1");
        values.set("link", &*self.foreign_link);
        values.set("pending", &*self.foreign_pending);
        values.set("username", "theirs");
        values.set("domain", "theirs.example");
        values.set("vendor_id", "their-alias");
        values
    }
}

fn side_values(side: &Side, vendor: &str, key: &'static str) -> Values {
    let mut values = Values::default();
    values.set("tenant", side.tenant.id_or_key(vendor));
    values.set("user", side.user.id_or_key(vendor));
    values.set("key", key);
    values
}
