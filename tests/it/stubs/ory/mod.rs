//! Ory's admin identity API (Kratos by itself, or the hosted network), as its source and documents say.
//!
//! A link is an entry of a credential of an identity. A PUT appends links and clears what it leaves out; a
//! repeated or taken account is a conflict; the last first factor cannot be taken away; two PUTs at once can lose
//! one's links.

mod credentials;
mod list;
mod tests;
mod told;
mod write;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Answer, Later, Request, Vendor};

/// The vendor and all that it knows: one project.
pub(crate) struct Ory {
    /// What is accepted as a bearer token; anybody is let in if there is none, as at the admin port of Kratos.
    pub(crate) tokens: Vec<String>,
    /// The release that it behaves as.
    pub(crate) release: Release,
    /// Identities by id: lists are in this order.
    pub(crate) identities: BTreeMap<String, Identity>,
    /// How long a PUT takes between reading the identity and writing it.
    pub(crate) put_takes: Option<Duration>,
    /// How far lists that are not asked to be strongly consistent lag behind writes (hosted network).
    pub(crate) lists_lag: Duration,
    /// Where `Location` and the URLs of schemas begin.
    pub(crate) origin: String,
    /// What lists may still show: each state with the instant at which it ended.
    earlier: Vec<(Instant, BTreeMap<String, Identity>)>,
    began: Option<Instant>,
    n_made: u64,
}

/// Releases that differ in what callers notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Release {
    /// v1.3.1: the last link can be taken away; no credentials by SAML.
    V1_3,
    /// v25.4.0.
    V25_4,
    /// v26.2.0.
    V26_2,
}

/// An identity.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) external_id: Option<String>,
    pub(crate) schema_id: String,
    pub(crate) state: String,
    pub(crate) traits: Value,
    pub(crate) metadata_public: Value,
    pub(crate) metadata_admin: Value,
    pub(crate) organization_id: Option<String>,
    /// Links by OpenID Connect; there, if it was ever set up.
    pub(crate) oidc: Option<Vec<Entry>>,
    /// Links by SAML.
    pub(crate) saml: Option<Vec<Entry>>,
    /// The identifiers of a password, if there is one.
    pub(crate) password: Option<Vec<String>>,
    pub(crate) created_at: u64,
    pub(crate) updated_at: u64,
    /// When the links by OpenID Connect were changed last, and those by SAML.
    pub(crate) linked_at: [u64; 2],
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) provider: String,
    pub(crate) subject: String,
    pub(crate) organization: Option<String>,
    pub(crate) use_auto_link: bool,
}

impl Entry {
    pub(crate) fn new(provider: &str, subject: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            subject: subject.to_owned(),
            organization: None,
            use_auto_link: false,
        }
    }

    /// As the vendor keeps it unique: provider and subject.
    pub(crate) fn identifier(&self) -> String {
        format!("{}:{}", self.provider, self.subject)
    }
}

/// The types of credentials that links are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Oidc,
    Saml,
}

impl Kind {
    const ALL: [Kind; 2] = [Kind::Oidc, Kind::Saml];

    fn name(self) -> &'static str {
        match self {
            Kind::Oidc => "oidc",
            Kind::Saml => "saml",
        }
    }
}

impl Identity {
    fn new(id: String, at: u64) -> Self {
        Self {
            id,
            external_id: None,
            schema_id: "default".to_owned(),
            state: "active".to_owned(),
            traits: json!({}),
            metadata_public: Value::Null,
            metadata_admin: Value::Null,
            organization_id: None,
            oidc: None,
            saml: None,
            password: None,
            created_at: at,
            updated_at: at,
            linked_at: [at, at],
        }
    }

    fn entries(&self, kind: Kind) -> Option<&Vec<Entry>> {
        match kind {
            Kind::Oidc => self.oidc.as_ref(),
            Kind::Saml => self.saml.as_ref(),
        }
    }

    fn entries_mut(&mut self, kind: Kind) -> &mut Option<Vec<Entry>> {
        match kind {
            Kind::Oidc => &mut self.oidc,
            Kind::Saml => &mut self.saml,
        }
    }
}

/// What an operation says: an answer, or how it was refused.
type Said = Result<Answer, Answer>;

impl Ory {
    /// A project that lets these tokens in, or anybody if there is none.
    pub(crate) fn new(tokens: &[&str]) -> Self {
        Self {
            tokens: tokens.iter().map(|&token| token.to_owned()).collect(),
            release: Release::V26_2,
            identities: BTreeMap::new(),
            put_takes: None,
            lists_lag: Duration::ZERO,
            origin: "http://k.test".to_owned(),
            earlier: Vec::new(),
            began: None,
            n_made: 0,
        }
    }

    /// The same with one more identity, who has no credential.
    pub(crate) fn with_identity(mut self, id: &str, traits: Value) -> Self {
        let mut identity = Identity::new(id.to_owned(), 0);
        identity.traits = traits;
        self.identities.insert(id.to_owned(), identity);
        self
    }

    /// What is answered over the limit (hosted network).
    pub(crate) fn rate_limited() -> Answer {
        refusal(429, "Too many requests were made", None)
            .with("x-ratelimit-limit", "10, 10;w=1, 300;w=60")
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", "1")
    }

    /// Seconds since the vendor was asked first.
    fn seconds(&mut self, now: Instant) -> u64 {
        (now - *self.began.get_or_insert(now)).as_secs()
    }

    fn let_in(&self, request: &Request) -> Result<(), Answer> {
        let given = request.credential("Bearer").unwrap_or_default();
        let is_let_in = self.tokens.is_empty() || self.tokens.iter().any(|token| token == given);
        match is_let_in {
            true => Ok(()),
            false => Err(refusal(401, "The request could not be authorized", None)),
        }
    }

    /// An identity by the id in a path; one that is no UUID is that of nobody.
    fn known(&self, id: &str) -> Result<&Identity, Answer> {
        let id = uuid::Uuid::try_parse(id).unwrap_or_default().to_string();
        self.identities.get(&id).ok_or_else(not_located)
    }

    fn act(&mut self, request: &Request, now: Instant) -> Said {
        self.let_in(request)?;
        let at = self.seconds(now);
        self.forget_earlier(now);
        let segments = request.segments();
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        let ["admin", "identities", rest @ ..] = &segments[..] else {
            return Err(refusal(404, NOT_FOUND, None));
        };
        match (&*request.method, rest) {
            ("GET", []) => self.list(request, now),
            ("POST", []) => self.writing(now, |ory| ory.create(request, at)),
            ("GET", ["by", "external", id]) => {
                let mut all = self.identities.values();
                let found = all.find(|identity| identity.external_id.as_deref() == Some(id));
                self.get(request, found.ok_or_else(not_located)?)
            }
            ("GET", [id]) => self.get(request, self.known(id)?),
            ("PUT", [id]) => self.writing(now, |ory| {
                let read = ory.read(request, id)?;
                ory.put(read, at)
            }),
            ("PATCH", [id]) => self.writing(now, |ory| ory.patch(request, id, at)),
            ("DELETE", [id]) => self.writing(now, |ory| {
                let id = ory.known(id)?.id.clone();
                ory.identities.remove(&id);
                Ok(Answer::empty(204))
            }),
            ("DELETE", [id, "credentials", kind]) => {
                self.writing(now, |ory| ory.delete_credential(request, id, kind, at))
            }
            (_, [] | [_] | [_, "credentials", _]) => {
                Err(refusal(405, "The method is not allowed here", None))
            }
            _ => Err(refusal(404, NOT_FOUND, None)),
        }
    }

    /// Changes something, and keeps what was before for lists that lag.
    fn writing(&mut self, now: Instant, write: impl FnOnce(&mut Self) -> Said) -> Said {
        if self.lists_lag > Duration::ZERO {
            self.earlier.push((now, self.identities.clone()));
        }
        write(self)
    }

    fn forget_earlier(&mut self, now: Instant) {
        let lag = self.lists_lag;
        self.earlier.retain(|(ended, _)| now - *ended < lag);
    }
}

impl Vendor for Ory {
    fn answer(&mut self, request: &Request, now: Instant) -> Answer {
        let said = self.act(request, now);
        said.unwrap_or_else(|refused| echo(request, refused))
    }

    fn begin(&mut self, request: &Request, now: Instant) -> Option<Later<Self>> {
        let after = self.put_takes.filter(|_| request.method == "PUT")?;
        self.let_in(request).ok()?;
        let segments = request.segments();
        let [_, _, id] = &segments[..] else {
            return None;
        };
        let read = self.read(request, id).ok()?;
        let at = self.seconds(now);
        let request = request.clone();
        let end = move |ory: &mut Self, now| {
            let said = ory.writing(now, |ory| ory.put(read, at));
            said.unwrap_or_else(|refused| echo(&request, refused))
        };
        Some(Later {
            after,
            end: Box::new(end),
        })
    }
}

/// The message where the vendor's handler finds nothing.
const NOT_FOUND: &str = "The requested resource could not be found";
/// The message where a request is at fault.
const MALFORMED: &str = "The request was malformed or contained invalid parameters";

/// The message where the vendor's database finds nothing.
fn not_located() -> Answer {
    refusal(404, "Unable to locate the resource", None)
}

/// An error in the vendor's envelope.
fn refusal(status: u16, message: &str, reason: Option<&str>) -> Answer {
    let phrase = http::StatusCode::from_u16(status).ok();
    let phrase = phrase.and_then(|status| status.canonical_reason());
    let mut error = json!({ "code": status, "status": phrase, "message": message });
    if let Some(reason) = reason {
        error["reason"] = Value::from(reason);
    }
    Answer::json(status, json!({ "error": error }))
}

/// The same error with the id of the request, where it has one.
fn echo(request: &Request, refused: Answer) -> Answer {
    let Some(id) = request.header("x-request-id") else {
        return refused;
    };
    let Ok(mut told) = serde_json::from_slice::<Value>(&refused.body) else {
        return refused;
    };
    told["error"]["request"] = Value::from(id);
    Answer {
        body: told.to_string().into_bytes(),
        ..refused
    }
}
