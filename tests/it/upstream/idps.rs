//! The IdPs that links are kept by: stub vendors that know the fixtures in their own ids.

use std::collections::BTreeSet;

use super::super::stubs::flip::{Flip, Linked};
use super::super::stubs::fusionauth::{self, FusionAuth};
use super::super::stubs::keycloak::{self, Keycloak};
use super::super::stubs::ory::{Entry, Ory};
use super::super::stubs::pingone::{self, PingOne};
use super::super::stubs::zitadel::{self, Zitadel};
use super::super::stubs::{Fate, Request, Stub, Vendor};
use super::super::support::fixtures::{PROVIDERS, ROSA, TENANTS, USERS};

/// What is accepted as the credential of linkbridge.
pub(crate) const TOKEN: &str = "upstream-token";
/// The secret of linkbridge where tokens are fetched; its name there is `linkbridge`.
pub(crate) const SECRET: &str = "upstream-secret";

/// A link, as an IdP keeps it: user, provider, account, in the vendor's ids.
pub(crate) type Kept = (String, String, String);

/// An IdP behind a socket.
pub(crate) trait Idp: Send + Sync {
    /// Where it is.
    fn url(&self) -> String;
    /// Every link that it keeps.
    fn links(&self) -> BTreeSet<Kept>;
    /// Makes a link there, behind linkbridge.
    fn link(&self, user: &str, provider: &str, subject: &str);
    /// Never answers requests to this path.
    fn hang(&self, path: &'static str);
    /// Every request since this was asked last.
    fn take_log(&self) -> Vec<Request>;
}

/// A stub, with how its state is looked into.
struct Running<V> {
    stub: Stub<V>,
    links: fn(&V) -> Vec<Kept>,
    link: fn(&mut V, Kept),
}

impl<V: Vendor + 'static> Idp for Running<V> {
    fn url(&self) -> String {
        self.stub.url()
    }

    fn links(&self) -> BTreeSet<Kept> {
        let links = self.links;
        self.stub.with(|vendor| links(vendor).into_iter().collect())
    }

    fn link(&self, user: &str, provider: &str, subject: &str) {
        let kept = (user.to_owned(), provider.to_owned(), subject.to_owned());
        self.stub.with(|vendor| (self.link)(vendor, kept));
    }

    fn hang(&self, path: &'static str) {
        self.stub.tamper(move |request| match request.path == path {
            true => Fate::Hang,
            false => Fate::Honest,
        });
    }

    fn take_log(&self) -> Vec<Request> {
        self.stub.take_log()
    }
}

/// Users of the first tenant whom an IdP knows; a stranger, who is nobody here, and these besides.
fn users(vendor: &str, more: &[String]) -> Vec<String> {
    let [a, b, ..] = &USERS;
    let known = [a, b, &ROSA].map(|user| user.id_or_key(vendor).to_owned());
    let known = known.into_iter().chain([stranger(vendor)]);
    known.chain(more.iter().cloned()).collect()
}

/// A user whom only the IdP knows.
pub(crate) fn stranger(vendor: &str) -> String {
    match vendor {
        "zitadel" => "311800000000000777".to_owned(),
        _ => "5742a9e0-1c3b-4d5e-8f60-718293a4b5c6".to_owned(),
    }
}

fn tenant(vendor: &str) -> &'static str {
    TENANTS[0].id_or_key(vendor)
}

/// The providers that a vendor has an id for: the id, a name and a kind.
fn providers(vendor: &str, kinds: [&str; 3]) -> Vec<(String, String, String)> {
    let named = PROVIDERS.iter().zip(["Acme OIDC", "Google", "Corp SAML"]);
    let all = named.zip(kinds).filter_map(|((provider, name), kind)| {
        let id = provider.id_at(vendor)?;
        Some((id.to_owned(), name.to_owned(), kind.to_owned()))
    });
    all.collect()
}

/// The IdP that is spoken to in this dialect.
pub(crate) fn start(dialect: &str) -> Box<dyn Idp> {
    start_knowing(dialect, &[])
}

/// The same, which knows these users besides.
pub(crate) fn start_knowing(dialect: &str, more: &[String]) -> Box<dyn Idp> {
    match dialect {
        "fusionauth" => Box::new(of_fusionauth(more)),
        "flip" | "flip-v3" => Box::new(of_flip(more)),
        "ory" => Box::new(of_ory(more)),
        "pingone" => Box::new(of_pingone(more)),
        "zitadel-v2" => Box::new(of_zitadel(more)),
        "keycloak" => Box::new(of_keycloak(more)),
        _ => panic!("no stub speaks {dialect}"),
    }
}

fn of_fusionauth(more: &[String]) -> Running<FusionAuth> {
    let name = "fusionauth";
    let mut vendor = FusionAuth::new(tenant(name), TOKEN);
    for user in users(name, more) {
        vendor = vendor.with_user(&user, tenant(name));
    }
    for (id, name, kind) in providers(name, ["OpenIDConnect", "Google", "SAMLv2"]) {
        vendor = vendor.with_provider(&id, &name, &kind);
    }
    Running {
        stub: Stub::start(vendor),
        links: |vendor| {
            let all = vendor.links.iter();
            all.map(|l| (l.user.clone(), l.provider.clone(), l.subject.clone()))
                .collect()
        },
        link: |vendor, (user, provider, subject)| {
            vendor.links.push(fusionauth::Link {
                tenant: tenant("fusionauth").to_owned(),
                user,
                provider,
                subject,
                display_name: None,
                token: None,
                at: 1_700_000_000_000,
            });
        },
    }
}

fn of_flip(more: &[String]) -> Running<Flip> {
    let name = "flip";
    let mut vendor = Flip::new(tenant(name), TOKEN).with_client("linkbridge", SECRET, true);
    for user in users(name, more) {
        vendor = vendor.with_user(&user);
    }
    for (id, name, _) in providers(name, ["", "", ""]) {
        vendor = vendor.with_provider(&id, &name, true);
    }
    Running {
        stub: Stub::start(vendor),
        links: |vendor| {
            let all = vendor.links.iter();
            all.map(|(user, l)| (user.clone(), l.provider.clone(), l.user_id.clone()))
                .collect()
        },
        link: |vendor, (user, provider, subject)| {
            let linked = Linked {
                provider,
                username: subject.clone(),
                user_id: subject,
            };
            vendor.links.insert(user, linked);
        },
    }
}

/// How long a PUT of Ory's takes between reading an identity and writing it.
const PUT_TAKES: std::time::Duration = std::time::Duration::from_millis(20);

fn of_ory(more: &[String]) -> Running<Ory> {
    let name = "ory";
    let mut vendor = Ory::new(&[TOKEN]);
    vendor.put_takes = Some(PUT_TAKES);
    for user in users(name, more) {
        vendor = vendor.with_identity(&user, serde_json::json!({}));
        // With a password, a link is not the last first factor.
        let identity = vendor.identities.get_mut(&user).unwrap();
        identity.password = Some(vec![format!("{user}@example.test")]);
    }
    // But one has none.
    let bare = USERS[1].id_or_key(name);
    vendor.identities.get_mut(bare).unwrap().password = None;
    Running {
        stub: Stub::start(vendor),
        links: |vendor| {
            let all = vendor.identities.values();
            let all = all.flat_map(|identity| {
                let entries = identity.oidc.iter().chain(&identity.saml).flatten();
                entries.map(|e| (identity.id.clone(), e.provider.clone(), e.subject.clone()))
            });
            all.collect()
        },
        link: |vendor, (user, provider, subject)| {
            let identity = vendor.identities.get_mut(&user).unwrap();
            let entries = identity.oidc.get_or_insert_default();
            entries.push(Entry::new(&provider, &subject));
        },
    }
}

fn of_pingone(more: &[String]) -> Running<PingOne> {
    let name = "pingone";
    let mut vendor = PingOne::new();
    vendor.accept(TOKEN, &[tenant(name)]);
    let environment = vendor.environment(tenant(name));
    for (id, name, kind) in providers(name, ["OPENID_CONNECT", "GOOGLE", "SAML"]) {
        environment.providers.push(pingone::Provider {
            id,
            kind,
            name,
            enabled: true,
        });
    }
    for user in users(name, more) {
        let document = serde_json::json!({ "username": user });
        let known = pingone::User {
            document: document.as_object().unwrap().clone(),
            authority: None,
        };
        environment.users.insert(user, known);
    }
    Running {
        stub: Stub::start(vendor),
        links: |vendor| {
            let all = vendor.environments.values();
            let all = all.flat_map(|environment| environment.links.iter());
            all.map(|l| (l.user.clone(), l.provider.clone(), l.subject.clone()))
                .collect()
        },
        link: |vendor, (user, provider, subject)| {
            let environment = vendor.environment(tenant("pingone"));
            let id = uuid::Uuid::from_u64_pair(0x4000, (2 << 62) | environment.links.len() as u64);
            environment.links.push(pingone::Link {
                id: id.to_string(),
                user,
                provider,
                subject,
            });
        },
    }
}

fn of_zitadel(more: &[String]) -> Running<Zitadel> {
    let name = "zitadel";
    let mut vendor = Zitadel::new();
    let organisation = tenant(name).to_owned();
    vendor
        .organisations
        .insert(organisation.clone(), "Acme".to_owned());
    for user in users(name, more) {
        vendor.user(&organisation, &user, &user);
    }
    for (id, name, kind) in providers(name, ["IDP_TYPE_OIDC", "IDP_TYPE_GOOGLE", "IDP_TYPE_SAML"]) {
        let idp = zitadel::Idp {
            organisation: None,
            name,
            kind,
            active: true,
        };
        vendor.idps.insert(id, idp);
    }
    let caller = zitadel::Caller::Instance(organisation);
    vendor.tokens.insert(TOKEN.to_owned(), caller);
    Running {
        stub: Stub::start(vendor),
        links: Zitadel::links,
        link: |vendor, (user, provider, subject)| vendor.link(&user, &provider, &subject, &subject),
    }
}

fn of_keycloak(more: &[String]) -> Running<Keycloak> {
    let name = "keycloak";
    let mut vendor = Keycloak::new();
    vendor.accept(TOKEN, tenant(name));
    let realm = vendor.realm(tenant(name));
    for (alias, name, kind) in providers(name, ["oidc", "google", "saml"]) {
        realm.providers.push(keycloak::Provider {
            alias,
            name,
            kind,
            enabled: true,
        });
    }
    for user in users(name, more) {
        let known = keycloak::User {
            username: user.clone(),
            enabled: true,
            ..keycloak::User::default()
        };
        realm.users.insert(user, known);
    }
    Running {
        stub: Stub::start(vendor),
        links: |vendor| {
            let users = vendor.realms.values().flat_map(|realm| &realm.users);
            let all = users.flat_map(|(id, user)| {
                let links = user.links.iter();
                links.map(|(alias, (subject, _))| {
                    (
                        id.clone(),
                        alias.clone(),
                        subject.clone().unwrap_or_default(),
                    )
                })
            });
            all.collect()
        },
        link: |vendor, (user, provider, subject)| {
            let realm = vendor.realm(tenant("keycloak"));
            let user = realm.users.get_mut(&user).unwrap();
            user.links.insert(provider, (Some(subject), None));
        },
    }
}
