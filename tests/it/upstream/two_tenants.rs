//! Two tenants over one IdP and one credential that reaches both: what each has, and what became of it there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fronts::clients::client;
use crate::fronts::template::{Filled, Request, Values};
use crate::stubs::keycloak::{self, Keycloak};
use crate::stubs::ory::Ory;
use crate::stubs::paths::Paths;
use crate::stubs::pingone::{self, PingOne};
use crate::stubs::zitadel::{Caller, Idp, Zitadel};
use crate::stubs::{Request as Received, Stub, Vendor};
use crate::support::client::{Answer, Client};
use crate::support::config::{self, Profile};
use crate::support::fixtures::{
    DISABLED, Fixture, HARNESS, PROVIDERS, Q, TENANTS, THEIRS, USERS, VENDORS, W, Z,
};
use crate::support::server::{Server, binary, free_ports};

/// The token that linkbridge has.
pub(super) const TOKEN: &str = "a-token-that-reaches-everybody";

/// A dialect of an IdP with two tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Zitadel,
    PingOne,
    Keycloak,
    Ory,
}

pub(super) const KINDS: [Kind; 4] = [Kind::Zitadel, Kind::PingOne, Kind::Keycloak, Kind::Ory];

impl Kind {
    pub(super) fn dialect(self) -> &'static str {
        match self {
            Kind::Zitadel => "zitadel-v2",
            Kind::PingOne => "pingone",
            Kind::Keycloak => "keycloak",
            Kind::Ory => "ory",
        }
    }

    fn vendor(self) -> &'static str {
        match self {
            Kind::Zitadel => "zitadel",
            other => other.dialect(),
        }
    }
}

/// An IdP, whatever vendor it is of.
trait AnyIdp {
    fn url(&self) -> String;
    fn take_log(&self) -> Vec<Received>;
    /// What the other tenant has there.
    fn theirs(&self) -> String;
}

struct Watched<V, F> {
    stub: Stub<V>,
    theirs: F,
}

impl<V: Vendor + 'static, F: Fn(&V) -> String> AnyIdp for Watched<V, F> {
    fn url(&self) -> String {
        self.stub.url()
    }

    fn take_log(&self) -> Vec<Received> {
        self.stub.take_log()
    }

    fn theirs(&self) -> String {
        self.stub.with(|vendor| (self.theirs)(vendor))
    }
}

fn watched<V: Vendor + 'static>(
    vendor: V,
    theirs: impl Fn(&V) -> String + 'static,
) -> Box<dyn AnyIdp> {
    let stub = Stub::start(vendor);
    Box::new(Watched { stub, theirs })
}

/// The id of a fixture at a vendor.
fn id_at(fixture: &'static Fixture, vendor: &str) -> &'static str {
    fixture.id_or_key(vendor)
}

fn username(user: &Fixture) -> String {
    format!("person-{}", user.name)
}

/// Each tenant with its users, and whether it has the provider that only one has.
fn sides() -> [(&'static Fixture, &'static [Fixture], bool); 2] {
    let [acme, other] = &TENANTS;
    [(acme, &USERS[..2], false), (other, &USERS[2..3], true)]
}

fn providers(has_own: bool) -> impl Iterator<Item = &'static Fixture> {
    PROVIDERS.iter().chain(has_own.then_some(&THEIRS))
}

fn start(kind: Kind) -> Box<dyn AnyIdp> {
    let their_user = id_at(&USERS[2], kind.vendor());
    let them = id_at(&TENANTS[1], kind.vendor());
    match kind {
        Kind::Zitadel => watched(zitadel(), move |vendor: &Zitadel| {
            let mut links = vendor.links();
            links.retain(|(user, ..)| user == their_user);
            format!("{links:?}")
        }),
        Kind::PingOne => watched(pingone(), move |vendor: &PingOne| {
            let environment = &vendor.environments[them];
            format!("{:?} {:?}", environment.links, environment.users)
        }),
        Kind::Keycloak => watched(keycloak(), move |vendor: &Keycloak| {
            format!("{:?}", vendor.realms[them].users)
        }),
        Kind::Ory => watched(ory(), move |vendor: &Ory| {
            format!("{:?}", vendor.identities[their_user])
        }),
    }
}

fn zitadel() -> Zitadel {
    let mut vendor = Zitadel::new();
    vendor.paths = Paths::Cleaned;
    for (tenant, users, _) in sides() {
        let id = id_at(tenant, "zitadel");
        vendor
            .organisations
            .insert(id.to_owned(), tenant.key.to_owned());
        for user in users {
            vendor.user(id, id_at(user, "zitadel"), &username(user));
        }
    }
    for provider in providers(true) {
        let owner = (provider.key == THEIRS.key).then(|| id_at(&TENANTS[1], "zitadel").to_owned());
        let idp = Idp {
            organisation: owner,
            name: provider.name.to_owned(),
            kind: "IDP_TYPE_OIDC".to_owned(),
            active: true,
        };
        vendor
            .idps
            .insert(id_at(provider, "zitadel").to_owned(), idp);
    }
    let own = id_at(&TENANTS[0], "zitadel").to_owned();
    vendor
        .tokens
        .insert(TOKEN.to_owned(), Caller::Instance(own));
    vendor
}

fn pingone() -> PingOne {
    let mut vendor = PingOne::new();
    vendor.paths = Paths::Cleaned;
    for (tenant, users, has_own) in sides() {
        let environment = vendor.environment(id_at(tenant, "pingone"));
        let shown = providers(has_own).map(|provider| pingone::Provider {
            id: id_at(provider, "pingone").to_owned(),
            kind: "OPENID_CONNECT".to_owned(),
            name: provider.name.to_owned(),
            enabled: true,
        });
        environment.providers = shown.collect();
        for user in users {
            let document = json!({ "username": username(user) });
            let shown = pingone::User {
                document: document.as_object().unwrap().clone(),
                authority: None,
            };
            environment
                .users
                .insert(id_at(user, "pingone").to_owned(), shown);
        }
    }
    let all = TENANTS.each_ref().map(|tenant| id_at(tenant, "pingone"));
    vendor.accept(TOKEN, &all);
    vendor
}

fn keycloak() -> Keycloak {
    let mut vendor = Keycloak::new();
    vendor.paths = Paths::Cleaned;
    for (tenant, users, has_own) in sides() {
        let realm = vendor.realm(id_at(tenant, "keycloak"));
        let shown = providers(has_own).map(|provider| keycloak::Provider {
            alias: id_at(provider, "keycloak").to_owned(),
            name: provider.name.to_owned(),
            kind: "oidc".to_owned(),
            enabled: true,
        });
        realm.providers = shown.collect();
        for user in users {
            let shown = keycloak::User {
                username: username(user),
                enabled: true,
                ..keycloak::User::default()
            };
            realm
                .users
                .insert(id_at(user, "keycloak").to_owned(), shown);
        }
    }
    vendor.accept(TOKEN, "master");
    vendor
}

fn ory() -> Ory {
    let users = sides().into_iter().flat_map(|(_, users, _)| users);
    users.fold(Ory::new(&[TOKEN]), |vendor, user| {
        vendor.with_identity(id_at(user, "ory"), json!({ "name": username(user) }))
    })
}

/// A server over an IdP.
pub(super) struct World {
    pub(super) server: Server,
    idp: Box<dyn AnyIdp>,
    http: Client,
    their_link: String,
    their_pending: String,
    own_link: String,
    own_pending: String,
    // Only held, so that the directory lives as long as the server.
    _dir: TempDir,
}

impl World {
    /// One in which both tenants have what they have.
    pub(super) fn start(kind: Kind) -> Self {
        let idp = start(kind);
        let (server, dir) = serve(kind, &idp.url());
        let mut world = Self {
            http: Client::new(server.addr),
            server,
            idp,
            their_link: String::new(),
            their_pending: String::new(),
            own_link: String::new(),
            own_pending: String::new(),
            _dir: dir,
        };
        let [acme, other] = TENANTS.each_ref().map(|tenant| tenant.key);
        let [own, _, their, _] = USERS.each_ref();
        world.their_link = world.link(other, their, &PROVIDERS[0], "theirs-1");
        world.link(other, their, &THEIRS, "theirs-1");
        world.their_pending = world.pending(other, "theirs-2");
        world.own_link = world.link(acme, own, &PROVIDERS[1], "own-1");
        world.own_pending = world.pending(acme, "own-2");
        world.idp.take_log();
        world
    }

    fn native(&mut self, method: &str, tenant: &str, target: &str, body: Option<&Value>) -> Value {
        let bearer = format!("Bearer {HARNESS}");
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Linkbridge-Tenant", tenant),
            ("Content-Type", "application/json"),
        ];
        let target = format!("/linkbridge/v1/{target}");
        let body = body.map(Value::to_string);
        let sent = self.http.send(
            method,
            &target,
            &headers,
            body.as_deref().map(str::as_bytes),
        );
        let answer = sent.unwrap();
        assert!(
            answer.status < 300,
            "{method} {target}: {} {}\n{:?}\n{}",
            answer.status,
            answer.text(),
            self.idp.take_log(),
            self.server.log()
        );
        answer.json().unwrap_or_default()
    }

    /// Makes a link and answers its id.
    fn link(&mut self, tenant: &str, user: &Fixture, at: &Fixture, subject: &str) -> String {
        let body = json!({ "user_id": user.key, "provider_id": at.key, "subject": subject });
        let made = self.native("POST", tenant, "links", Some(&body));
        made["link_id"].as_str().unwrap().to_owned()
    }

    fn pending(&mut self, tenant: &str, subject: &str) -> String {
        let body = json!({ "provider_id": PROVIDERS[0].key, "subject": subject });
        let made = self.native("POST", tenant, "pending-links", Some(&body));
        made["pending_id"].as_str().unwrap().to_owned()
    }

    /// What the other tenant has at the IdP.
    pub(super) fn theirs(&self) -> String {
        self.idp.theirs()
    }

    /// What the IdP was asked since this was asked last.
    pub(super) fn take_log(&self) -> Vec<Received> {
        self.idp.take_log()
    }

    /// What fills the requests of a client of the first tenant, in the words of a front's vendor. `theirs` is
    /// what the second tenant has, or what nobody has.
    pub(super) fn values(&self, vendor: &str, theirs: bool) -> Values {
        let mut values = Values::default();
        let own = [
            ("tenant", id_at(&TENANTS[0], vendor)),
            ("user", id_at(&USERS[0], vendor)),
            ("provider", id_at(&PROVIDERS[0], vendor)),
            ("own_provider", id_at(&PROVIDERS[1], vendor)),
            ("own_subject", "own-1"),
            ("own_link", &self.own_link),
            ("own_pending", &self.own_pending),
            ("key", Q),
        ];
        let pairs = if theirs {
            self.theirs_values(vendor)
        } else {
            self.nobodys_values(vendor)
        };
        for (name, value) in own
            .into_iter()
            .chain(pairs.each_ref().map(|(n, v)| (*n, v.as_str())))
        {
            values.set(name, value);
        }
        values
    }

    pub(super) fn theirs_values(&self, vendor: &str) -> [(&'static str, String); 9] {
        let disabled = PROVIDERS.iter().find(|p| p.key == DISABLED).unwrap();
        [
            ("their_tenant", id_at(&TENANTS[1], vendor).to_owned()),
            ("their_user", id_at(&USERS[2], vendor).to_owned()),
            ("their_provider", id_at(&THEIRS, vendor).to_owned()),
            ("their_subject", "theirs-1".to_owned()),
            ("THEIR_SUBJECT", "THEIRS-1".to_owned()),
            ("their_link", self.their_link.clone()),
            ("their_pending", self.their_pending.clone()),
            ("their_username", username(&USERS[2])),
            ("disabled_provider", id_at(disabled, vendor).to_owned()),
        ]
    }

    /// Ids of the same form that nothing has.
    pub(super) fn nobodys_values(&self, vendor: &str) -> [(&'static str, String); 9] {
        let (tenant, provider) = match vendor {
            "zitadel" => ("311700000000000099", "311900000000000099"),
            "linkbridge" | "flip" | "ory" | "keycloak" => ("nowhere", "no-provider"),
            _ => (Z, "b41115f6-c193-4560-8ebe-53fcf974ac7f"),
        };
        let turned: String = self.their_pending.chars().rev().collect();
        [
            ("their_tenant", tenant.to_owned()),
            ("their_user", id_at(&USERS[3], vendor).to_owned()),
            ("their_provider", provider.to_owned()),
            ("their_subject", "nobody-1".to_owned()),
            ("THEIR_SUBJECT", "NOBODY-1".to_owned()),
            (
                "their_link",
                "69e818f5-646c-5de2-bb50-1acdef60e91c".to_owned(),
            ),
            ("their_pending", turned),
            ("their_username", "nobody".to_owned()),
            ("disabled_provider", provider.to_owned()),
        ]
    }

    /// What fills the same requests of a client of the second tenant.
    pub(super) fn owners_values(&self, vendor: &str) -> Values {
        let mut values = self.values(vendor, true);
        values.set("key", W);
        values.set("tenant", id_at(&TENANTS[1], vendor));
        values.set("user", id_at(&USERS[2], vendor));
        values.set("own_pending", &*self.their_pending);
        values
    }

    /// What a vendor would be asked about the other tenant by.
    pub(super) fn names_of_theirs(&self, kind: Kind) -> Vec<&'static str> {
        let tenant = id_at(&TENANTS[1], kind.vendor());
        let user = id_at(&USERS[2], kind.vendor());
        match kind {
            // It has no tenants.
            Kind::Ory => vec![user],
            // A word that stands for itself.
            Kind::Keycloak => vec![user, "/realms/other"],
            _ => vec![user, tenant],
        }
    }

    /// Asks as the client of a front does.
    pub(super) fn ask(&mut self, dialect: &str, request: &Request, values: &Values) -> Answer {
        let filled = request.fill(&client(dialect).headers, values).unwrap();
        let Filled {
            method,
            target,
            headers,
            body,
        } = &filled;
        let headers: Vec<_> = headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let sent = self.http.send(method, target, &headers, body.as_deref());
        sent.unwrap_or_else(|lost| panic!("{method} {target}: {lost}"))
    }
}

/// The binary, with both tenants over this IdP.
fn serve(kind: Kind, url: &str) -> (Server, TempDir) {
    let profile = Profile {
        two_tenants: true,
        provider_of: Some(TENANTS[1].key),
        ..Profile::default()
    };
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let text = |ports| {
        let text = config::text(&profile, ports, &data);
        let (before, after) = text.split_once("[[tenant]]").unwrap();
        format!(
            "{before}{}[[tenant]]{after}",
            upstream(kind.dialect(), url, dir.path())
        )
    };
    prepare(dir.path(), &text(free_ports()));
    let server = Server::start_with(dir.path(), &text);
    let server = server.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
    (server, dir)
}

/// Makes the users of both tenants known, and an index where one is needed, as an operator does before the
/// server runs.
fn prepare(dir: &Path, config: &str) {
    std::fs::write(dir.join("prepare.toml"), config).unwrap();
    let mut lines = String::new();
    for (tenant, users, _) in sides() {
        for user in users {
            let ids = VENDORS.iter().map(|v| (*v, user.id_or_key(v)));
            // Where a vendor's id is the canonical one, it stands for itself.
            let aliases = ids.filter(|(_, id)| *id != user.key);
            let aliases: BTreeMap<&str, &str> = aliases.collect();
            let document = json!({ "username": username(user) });
            let line = json!({ "user_id": user.key, "tenant": tenant.key, "ids": aliases, "document": document });
            writeln!(lines, "{line}").unwrap();
        }
    }
    std::fs::write(dir.join("users.jsonl"), lines).unwrap();
    let run = |words: &[&str], codes: &[i32]| {
        let mut command = Command::new(binary());
        command.args(words).args(["--config", "prepare.toml"]);
        let ran = command.current_dir(dir).env_clear().output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        let is_fine = ran.status.code().is_some_and(|code| codes.contains(&code));
        assert!(is_fine, "{words:?}: {} {said}", ran.status);
    };
    run(&["users", "import", "users.jsonl"], &[0]);
    // 2: there is nothing to index.
    run(&["index", "build"], &[0, 2]);
}

/// The table of an upstream on loopback; its token is put beside the data.
pub(super) fn upstream(dialect: &str, url: &str, dir: &Path) -> String {
    let token = dir.join("token");
    std::fs::write(&token, TOKEN).unwrap();
    // What others could read is refused.
    std::fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
    format!(
        "[backend.upstream]\ndialect = \"{dialect}\"\nbase_url = \"{url}\"\nallow_http = true\n\
         allow_addresses = [\"127.0.0.0/8\"]\n\
         credential = {{ kind = \"static\", token = \"file:{}\" }}\n\n",
        token.display()
    )
}
