//! What is so: links, as every vendor's client has to be told them in its own ids.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use toml::Table;

use super::super::support::fixtures::{Fixture, PROVIDERS, TENANTS, USERS};
use super::clients;
use super::template::Values;

/// A link.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    /// Its tenant.
    pub(crate) tenant: &'static Fixture,
    /// Its user.
    pub(crate) user: &'static Fixture,
    /// Its provider.
    pub(crate) provider: &'static Fixture,
    /// The account.
    pub(crate) subject: String,
    /// Its name, if the front that made it carries one.
    pub(crate) name: Option<String>,
    /// Its token, if the front that made it carries one.
    pub(crate) token: Option<String>,
    /// Its id, once it is known.
    pub(crate) link: Option<String>,
    /// When it was used last, if anybody knows.
    pub(crate) last_login: Option<String>,
}

impl Fact {
    /// An account of a user of `acme`, with a name and a token.
    pub(crate) fn new(user: &str, provider: &str, subject: &str) -> Self {
        Self {
            tenant: &TENANTS[0],
            user: fixture(&USERS, user),
            provider: fixture(&PROVIDERS, provider),
            subject: subject.to_owned(),
            name: Some(format!("Rosa \"Ü\" <{subject}>")),
            token: Some("opaque-1".to_owned()),
            link: None,
            last_login: None,
        }
    }

    /// The link as a front makes it that carries only this beyond the account.
    pub(crate) fn kept_by(mut self, keeps: &[String]) -> Self {
        let is_kept = |what: &str| keeps.iter().any(|kept| kept == what);
        self.name = self.name.filter(|_| is_kept("name"));
        self.token = self.token.filter(|_| is_kept("token"));
        self
    }

    /// The same account, of another user.
    pub(crate) fn of(&self, user: &str) -> Self {
        Self {
            user: fixture(&USERS, user),
            ..self.clone()
        }
    }

    /// Whether the directory has an id for its provider at a vendor.
    pub(crate) fn is_known_to(&self, vendor: &str) -> bool {
        vendor == "linkbridge" || self.provider.id_at(vendor).is_some()
    }

    /// What a vendor's client says and is told of it.
    pub(crate) fn values(&self, vendor: &str) -> Values {
        let mut values = words(self.provider.key);
        values.set("tenant", self.tenant.id_or_key(vendor));
        values.set("user", self.user.id_or_key(vendor));
        values.set("provider", self.provider.id_or_key(vendor));
        values.set("subject", &*self.subject);
        values.set_opt("name", self.name.as_deref());
        values.set_opt("token", self.token.as_deref());
        values.set_opt("link", self.link.as_deref());
        values.set_opt("last_login", self.last_login.as_deref());
        values
    }
}

/// The fixture with this placeholder, or this key.
pub(crate) fn fixture(list: &'static [Fixture], name: &str) -> &'static Fixture {
    let mut all = list.iter();
    all.find(|item| item.name == name || item.key == name)
        .unwrap_or_else(|| panic!("there is no {name}"))
}

/// The vendors' words for a provider.
fn words(provider: &str) -> Values {
    static WORDS: LazyLock<Table> = LazyLock::new(|| clients::table("providers.toml").unwrap());
    let mut values = Values::default();
    let words = WORDS.get(provider).and_then(toml::Value::as_table);
    for (name, word) in words.into_iter().flatten() {
        values.set_opt(name, word.as_str());
    }
    values
}

/// Subjects that no path, query or body takes for anything but data, each given once.
pub(crate) fn new_subject() -> String {
    const KINDS: [&str; 9] = [
        "ext-7781",
        "sp ace+plus&amp=;",
        "https://sts.example/7?x=y#z",
        "ü-日本-😀",
        "a|b\"c\\d'e",
        "%2F%25+",
        "a:b:c,d",
        "<x> {y} $z",
        "~!*()@^`[]",
    ];
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let given = GIVEN.fetch_add(1, Ordering::Relaxed);
    let kind = KINDS[given as usize % KINDS.len()];
    format!("{kind}-{given}")
}
