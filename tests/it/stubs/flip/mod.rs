//! Flip's linked identities, both generations of paths, as its documents and published specifications say.
//!
//! A user has at most one linked identity; an account may be linked to any number of users, since nothing is said
//! of a check; accounts cannot be looked up.

mod links;
mod tests;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Answer, Request, Vendor};

/// The vendor and all that it knows: one organization.
pub(crate) struct Flip {
    /// The system id of the organization: the realm of its token endpoint.
    pub(crate) organization: String,
    /// API clients: id, secret, and whether they have the role that the link operations need.
    pub(crate) clients: Vec<(String, String, bool)>,
    /// How long a token can be used.
    pub(crate) token_ttl: Duration,
    /// Identity providers, by alias.
    pub(crate) providers: Vec<Provider>,
    /// Users, by id.
    pub(crate) users: BTreeSet<String>,
    /// The one linked identity of each user who has one.
    pub(crate) links: BTreeMap<String, Linked>,
    /// Tokens that were given out: whether they have the role, and until when; without end where `None`.
    tokens: BTreeMap<String, (bool, Option<Instant>)>,
    n_requests: u64,
}

/// An identity provider.
pub(crate) struct Provider {
    pub(crate) alias: String,
    pub(crate) name: String,
    pub(crate) active: bool,
}

/// A linked identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Linked {
    pub(crate) provider: String,
    pub(crate) user_id: String,
    pub(crate) username: String,
}

/// The generations of paths, which differ in little else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Generation {
    V3,
    V4,
}

/// What an operation says: an answer, or how it was refused.
type Said = Result<Answer, Answer>;

impl Flip {
    /// An organization with one token for everything.
    pub(crate) fn new(organization: &str, token: &str) -> Self {
        Self {
            organization: organization.to_owned(),
            clients: Vec::new(),
            token_ttl: Duration::from_secs(300),
            providers: Vec::new(),
            users: BTreeSet::new(),
            links: BTreeMap::new(),
            tokens: BTreeMap::from([(token.to_owned(), (true, None))]),
            n_requests: 0,
        }
    }

    /// The same with one more API client.
    pub(crate) fn with_client(mut self, id: &str, secret: &str, has_role: bool) -> Self {
        self.clients
            .push((id.to_owned(), secret.to_owned(), has_role));
        self
    }

    /// The same with one more user.
    pub(crate) fn with_user(mut self, id: &str) -> Self {
        self.users.insert(id.to_owned());
        self
    }

    /// The same with one more identity provider.
    pub(crate) fn with_provider(mut self, alias: &str, name: &str, active: bool) -> Self {
        self.providers.push(Provider {
            alias: alias.to_owned(),
            name: name.to_owned(),
            active,
        });
        self
    }

    fn act(&mut self, request: &Request, now: Instant) -> Said {
        let segments = request.segments();
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        if let [
            "auth",
            "realms",
            realm,
            "protocol",
            "openid-connect",
            "token",
        ] = segments[..]
        {
            return self.token(request, realm, now);
        }
        let (generation, rest) = match &segments[..] {
            ["api", "admin", "users", "v4", "users", rest @ ..] => (Generation::V4, rest),
            ["api", "v3", "admin", "users", rest @ ..] => (Generation::V3, rest),
            _ => return Err(Answer::empty(404)),
        };
        self.entitled(request, now)?;
        let refused = || Err(Answer::empty(405));
        match (&*request.method, rest) {
            ("GET", ["identity-providers"]) => Ok(self.linkable()),
            (_, ["identity-providers"]) => refused(),
            ("GET", [user, "linked-identities"]) => self.list(request, generation, user),
            ("POST", [user, "linked-identities"]) => self.link(request, generation, user),
            (_, [_, "linked-identities"]) => refused(),
            ("DELETE", [user, "linked-identities", alias]) => self.unlink(generation, user, alias),
            (_, [_, "linked-identities", _]) => refused(),
            _ => Err(Answer::empty(404)),
        }
    }
}

impl Vendor for Flip {
    fn answer(&mut self, request: &Request, now: Instant) -> Answer {
        self.n_requests += 1;
        let id = format!("r-{}", self.n_requests);
        let answer = self.act(request, now).unwrap_or_else(|refused| refused);
        answer.with("flip-request-id", id)
    }
}

/// What is wrong, in the vendor's envelope; the faulty field has another name in the third generation.
fn problem(
    generation: Generation,
    (status, title): (u16, &str),
    code: Option<&str>,
    field: Option<&str>,
) -> Answer {
    let mut told = json!({ "status": status, "title": title });
    if let Some(code) = code {
        told["error_code"] = Value::from(code);
    }
    if let Some(field) = field {
        let name = match generation {
            Generation::V3 => "field",
            Generation::V4 => "property",
        };
        told[name] = Value::from(field);
    }
    Answer::json(status, told)
}
