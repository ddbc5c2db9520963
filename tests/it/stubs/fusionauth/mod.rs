//! FusionAuth's identity-provider link API, as its documents and SDKs say it behaves.
//!
//! Several links of a user at one provider, one owner of an account in a tenant, tenants derived from the user,
//! error codes by field, empty 401 and 404, pending links that are spent once.

mod directory;
mod input;
mod links;
mod pending;
mod tests;

use std::time::{Duration, Instant};

use serde_json::Value;

use self::input::Errors;
use super::{Answer, Request, Vendor};

/// The vendor and all that it knows.
pub(crate) struct FusionAuth {
    /// API keys.
    pub(crate) keys: Vec<Key>,
    /// Tenants.
    pub(crate) tenants: Vec<Tenant>,
    /// Users.
    pub(crate) users: Vec<User>,
    /// Identity providers.
    pub(crate) providers: Vec<Provider>,
    /// Links, in the order in which they were made.
    pub(crate) links: Vec<Link>,
    /// Pending links that are not spent.
    pub(crate) pending: Vec<Pending>,
    /// How long a pending link can be used.
    pub(crate) pending_ttl: Duration,
    began: Option<Instant>,
}

/// An API key.
pub(crate) struct Key {
    /// What is sent.
    pub(crate) secret: String,
    /// The tenant that it is locked to.
    pub(crate) tenant: Option<String>,
    /// The methods that it may use, with the endpoints; everything if there are none.
    pub(crate) may: Vec<(&'static str, &'static str)>,
}

/// A tenant.
pub(crate) struct Tenant {
    pub(crate) id: String,
    /// The most links of a user at one provider.
    pub(crate) max_links: Option<u64>,
}

/// A user.
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) tenant: String,
}

/// An identity provider.
pub(crate) struct Provider {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `OpenIDConnect`, `Google` …
    pub(crate) kind: String,
    pub(crate) enabled: bool,
    /// The one tenant that has it.
    pub(crate) tenant: Option<String>,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) tenant: String,
    pub(crate) user: String,
    pub(crate) provider: String,
    pub(crate) subject: String,
    pub(crate) display_name: Option<String>,
    pub(crate) token: Option<String>,
    /// When it was made, in milliseconds since the epoch.
    pub(crate) at: u64,
}

/// A pending link.
pub(crate) struct Pending {
    pub(crate) id: String,
    pub(crate) tenant: String,
    pub(crate) provider: String,
    pub(crate) subject: String,
    pub(crate) display_name: Option<String>,
    pub(crate) email: Option<String>,
    /// `None` until it is looked at for the first time.
    pub(crate) minted: Option<Instant>,
}

/// The link operations.
const LINK: &str = "/api/identity-provider/link";
/// A pending link, before its id.
const PENDING: &str = "/api/identity-provider/link/pending";
/// Where the stub's time begins, in milliseconds since the epoch.
const EPOCH: u64 = 1_700_000_000_000;

/// What an operation says: an answer, or how it was refused.
type Said = Result<Answer, Answer>;

impl FusionAuth {
    /// A vendor with one tenant and a key for everything.
    pub(crate) fn new(tenant: &str, key: &str) -> Self {
        Self {
            keys: vec![Key {
                secret: key.to_owned(),
                tenant: None,
                may: Vec::new(),
            }],
            tenants: Vec::new(),
            users: Vec::new(),
            providers: Vec::new(),
            links: Vec::new(),
            pending: Vec::new(),
            pending_ttl: Duration::from_secs(3600),
            began: None,
        }
        .with_tenant(tenant)
    }

    /// The same with one more tenant.
    pub(crate) fn with_tenant(mut self, id: &str) -> Self {
        self.tenants.push(Tenant {
            id: id.to_owned(),
            max_links: None,
        });
        self
    }

    /// The same with one more user.
    pub(crate) fn with_user(mut self, id: &str, tenant: &str) -> Self {
        self.users.push(User {
            id: id.to_owned(),
            tenant: tenant.to_owned(),
        });
        self
    }

    /// The same with one more identity provider, which every tenant has.
    pub(crate) fn with_provider(mut self, id: &str, name: &str, kind: &str) -> Self {
        self.providers.push(Provider {
            id: id.to_owned(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            enabled: true,
            tenant: None,
        });
        self
    }

    fn millis(&mut self, now: Instant) -> u64 {
        let began = *self.began.get_or_insert(now);
        EPOCH + u64::try_from((now - began).as_millis()).unwrap_or_default()
    }

    /// The key of a request, if it is one that may do this.
    fn key(&self, request: &Request) -> Result<&Key, Answer> {
        // Never 403: a key without the permission is answered as an unknown one.
        let refused = || Answer::empty(401);
        let given = request.header("authorization").ok_or_else(refused)?;
        let mut keys = self.keys.iter();
        let key = keys.find(|key| key.secret == given).ok_or_else(refused)?;
        let endpoint = match &*request.path {
            path if path.starts_with(PENDING) => PENDING,
            path => path,
        };
        let may = key.may.is_empty() || key.may.contains(&(&request.method, endpoint));
        if may { Ok(key) } else { Err(refused()) }
    }

    /// The tenant that a request names by its key or header; `None` if it names none.
    fn named_tenant(&self, request: &Request, key: &Key) -> Result<Option<String>, Answer> {
        let header = request.header("x-fusionauth-tenantid");
        let header = header.filter(|value| !value.is_empty());
        let Some(given) = header else {
            return Ok(key.tenant.clone());
        };
        let known = self
            .tenants
            .iter()
            .find(|t| t.id.eq_ignore_ascii_case(given));
        let Some(known) = known else {
            return Err(Errors::general("[InvalidTenantId]").answer());
        };
        match &key.tenant {
            Some(locked) if *locked != known.id => Err(Answer::empty(401)),
            _ => Ok(Some(known.id.clone())),
        }
    }

    /// The tenant of a request that names no user.
    fn needed_tenant(&self, named: Option<String>) -> Result<String, Answer> {
        match (named, &self.tenants[..]) {
            (Some(named), _) => Ok(named),
            (None, [only]) => Ok(only.id.clone()),
            (None, _) => Err(Errors::general("[TenantIdRequired]").answer()),
        }
    }

    /// A user, as far as the tenant that is named has one.
    fn user(&self, id: &str, named: Option<&str>) -> Option<&User> {
        let mut users = self.users.iter();
        let user = users.find(|user| user.id == id)?;
        named
            .is_none_or(|named| user.tenant == named)
            .then_some(user)
    }

    fn provider(&self, id: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.id == id)
    }

    fn act(&mut self, request: &Request, now: Instant) -> Said {
        if request.path == "/api/status" && request.method == "GET" {
            return Ok(json(200, &Value::Object(serde_json::Map::new())));
        }
        let key = self.key(request)?;
        let named = self.named_tenant(request, key)?;
        let refused = || Err(Answer::empty(405));
        let method = &*request.method;
        if let Some(id) = request.path.strip_prefix(PENDING) {
            return match (method, id.strip_prefix('/')) {
                ("GET", Some(_)) => self.pending_of(request, named.as_deref(), now),
                ("GET", None) => Err(Answer::empty(404)),
                _ => refused(),
            };
        }
        if request.path == LINK {
            return match method {
                "POST" => self.create(request, named.as_deref(), now),
                "GET" => self.read(request, named),
                "DELETE" => self.delete(request, named.as_deref()),
                _ => refused(),
            };
        }
        self.directory(request, named.as_deref())
    }
}

impl Vendor for FusionAuth {
    fn answer(&mut self, request: &Request, now: Instant) -> Answer {
        // An answer either way.
        self.act(request, now).unwrap_or_else(|refused| refused)
    }
}

/// A document as the vendor sends it.
fn json(status: u16, value: &Value) -> Answer {
    Answer::json_as(status, "application/json; charset=UTF-8", value)
        .with("cache-control", "no-cache")
}
