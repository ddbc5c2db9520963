//! Making and changing identities, links with them.

use serde_json::{Map, Value};

use super::super::{Answer, Request};
use super::told::{Wanted, success};
use super::{Entry, Identity, Kind, MALFORMED, Ory, Release, Said, refusal};

/// The only schema.
const SCHEMA: &str = "default";

/// What is told of an identity that was written: credentials without their configuration.
fn plain() -> Wanted {
    Wanted {
        credentials: true,
        configs: Vec::new(),
    }
}

fn malformed(reason: &str) -> Answer {
    refusal(400, MALFORMED, Some(reason))
}

/// The body of a write, where JSON is insisted on.
fn body(request: &Request) -> Result<Map<String, Value>, Answer> {
    if request.body.is_empty() || request.media_type() != Some("application/json") {
        return Err(malformed(
            "Unable to decode HTTP Request Body because it has no JSON",
        ));
    }
    match request.json() {
        Some(Value::Object(body)) => Ok(body),
        _ => Err(malformed("Unable to decode JSON payload")),
    }
}

/// The links that a body adds, by type.
fn added(body: &Map<String, Value>, release: Release) -> Result<Vec<(Kind, Entry)>, Answer> {
    let mut added = Vec::new();
    for kind in Kind::ALL {
        let credentials = body.get("credentials").and_then(|all| all.get(kind.name()));
        let config = credentials.and_then(|credential| credential.get("config"));
        let providers = config.and_then(|config| config.get("providers"));
        let providers = providers.and_then(Value::as_array);
        for provider in providers.into_iter().flatten() {
            // Before that release, links by SAML could not be imported; what was sent was ignored.
            if kind == Kind::Saml && release < Release::V25_4 {
                continue;
            }
            let text = |name: &str| provider.get(name).and_then(Value::as_str);
            let (Some(name), Some(subject)) = (text("provider"), text("subject")) else {
                return Err(malformed("provider and subject must be given"));
            };
            let mut entry = Entry::new(name, subject);
            entry.organization = text("organization").map(str::to_owned);
            entry.use_auto_link = provider.get("use_auto_link") == Some(&Value::Bool(true));
            added.push((kind, entry));
        }
    }
    Ok(added)
}

/// A change of an identity: as it was read, and what is to be written.
pub(super) struct Read {
    identity: Identity,
    body: Map<String, Value>,
}

impl Ory {
    /// The first half of a PUT: reads the identity and checks the body.
    pub(super) fn read(&self, request: &Request, id: &str) -> Result<Read, Answer> {
        let body = body(request)?;
        let identity = self.known(id)?.clone();
        for name in ["schema_id", "state", "traits"] {
            if body.get(name).is_none_or(Value::is_null) {
                return Err(malformed(&format!("{name} is required")));
            }
        }
        Ok(Read { identity, body })
    }

    /// The second half: writes it over whatever is there now.
    pub(super) fn put(&mut self, read: Read, at: u64) -> Said {
        let Read { identity, body } = read;
        self.known(&identity.id)?;
        let is_new = |identifier: &str, kind: Kind| {
            let own = identity.entries(kind).into_iter().flatten();
            !own.map(Entry::identifier).any(|own| own == identifier)
        };
        let added = added(&body, self.release)?;
        let mut written = identity.clone();
        fill(&mut written, &body)?;
        for (kind, entry) in &added {
            let is_taken = self
                .owner(*kind, &entry.identifier(), Some(&identity.id))
                .is_some();
            if is_taken || !is_new(&entry.identifier(), *kind) {
                return Err(in_use());
            }
        }
        if self.has_external_id(&written) {
            return Err(in_use());
        }
        link(&mut written, added, at)?;
        written.updated_at = at;
        let told = self.told(&written, &plain());
        self.identities.insert(written.id.clone(), written);
        Ok(success(200, &told))
    }

    pub(super) fn create(&mut self, request: &Request, at: u64) -> Said {
        let body = body(request)?;
        let known = [
            "schema_id",
            "traits",
            "credentials",
            "verifiable_addresses",
            "recovery_addresses",
            "metadata_public",
            "metadata_admin",
            "state",
            "organization_id",
            "external_id",
        ];
        if let Some(name) = body.keys().find(|name| !known.contains(&name.as_str())) {
            let message = format!("json: unknown field \"{name}\"");
            return Err(refusal(400, &message, None));
        }
        self.n_made += 1;
        let id = uuid::Uuid::from_u64_pair(0x0dd0_0000_0000_4000, (2 << 62) | self.n_made);
        let mut identity = Identity::new(id.to_string(), at);
        fill(&mut identity, &body)?;
        let added = added(&body, self.release)?;
        let is_taken =
            |(kind, entry): &(Kind, Entry)| self.owner(*kind, &entry.identifier(), None).is_some();
        if added.iter().any(is_taken) || self.has_external_id(&identity) {
            let message = "The resource could not be created due to a conflict";
            let reason = "This identity conflicts with another identity that already exists.";
            return Err(refusal(409, message, Some(reason)));
        }
        link(&mut identity, added, at)?;
        let told = self.told(&identity, &plain());
        let location = format!("{}/identities/{}", self.origin, identity.id);
        self.identities.insert(identity.id.clone(), identity);
        Ok(success(201, &told).with("location", location))
    }

    /// A JSON Patch: what is about links is refused, by a list that each release has in another form.
    pub(super) fn patch(&mut self, request: &Request, id: &str, at: u64) -> Said {
        let patch = match request.json() {
            Some(Value::Array(patch)) if request.media_type() == Some("application/json") => patch,
            _ => return Err(malformed("Unable to decode JSON payload")),
        };
        let mut identity = self.known(id)?.clone();
        let failed =
            |message: String| Err(refusal(400, &message, Some("failed to apply JSON patch")));
        for step in &patch {
            let text = |name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default();
            let (op, path) = (text("op"), text("path"));
            if !["add", "remove", "replace"].contains(&op) {
                return failed(format!("unsupported operation: {op}"));
            }
            let lower = path.to_ascii_lowercase();
            if lower == "/id" || lower == "/statechangedat" || lower.starts_with("/credentials") {
                return failed(format!("patch includes denied path: {path}"));
            }
            let value = match op {
                "remove" => Value::Null,
                _ => step.get("value").cloned().unwrap_or_default(),
            };
            let place = match path {
                "/metadata_admin" => &mut identity.metadata_admin,
                "/metadata_public" => &mut identity.metadata_public,
                "/traits" => &mut identity.traits,
                _ => return failed(format!("this stub cannot patch {path}")),
            };
            *place = value;
        }
        identity.updated_at = at;
        let told = self.told(&identity, &plain());
        self.identities.insert(identity.id.clone(), identity);
        Ok(success(200, &told))
    }

    /// Who has an identifier of this type, besides one identity.
    fn owner(&self, kind: Kind, identifier: &str, besides: Option<&str>) -> Option<&Identity> {
        let mut others = self.identities.values();
        others.find(|identity| {
            let mut entries = identity.entries(kind).into_iter().flatten();
            besides != Some(&*identity.id) && entries.any(|entry| entry.identifier() == identifier)
        })
    }

    fn has_external_id(&self, of: &Identity) -> bool {
        let mut others = self.identities.values().filter(|other| other.id != of.id);
        of.external_id.is_some() && others.any(|other| other.external_id == of.external_id)
    }
}

fn in_use() -> Answer {
    let message =
        "Unable to insert or update resource because a resource with that value exists already";
    refusal(409, message, None)
}

/// Everything but links: what a body leaves out is cleared.
fn fill(identity: &mut Identity, body: &Map<String, Value>) -> Result<(), Answer> {
    let member = |name: &str| body.get(name).cloned().unwrap_or_default();
    if member("schema_id")
        .as_str()
        .is_none_or(|id| id != SCHEMA && !id.is_empty())
    {
        return Err(malformed("Unable to find JSON Schema ID"));
    }
    match member("state").as_str() {
        None | Some("") => {}
        Some(state @ ("active" | "inactive")) => identity.state = state.to_owned(),
        Some(_) => return Err(malformed("identity state is not valid")),
    }
    let traits = member("traits");
    if !traits.is_object() {
        return Err(malformed("traits must be an object"));
    }
    identity.traits = traits;
    identity.metadata_public = member("metadata_public");
    identity.metadata_admin = member("metadata_admin");
    let external_id = member("external_id").as_str().map(str::to_owned);
    identity.external_id = external_id.filter(|id| !id.is_empty());
    Ok(())
}

/// Appends links; two that are the same collide.
fn link(identity: &mut Identity, added: Vec<(Kind, Entry)>, at: u64) -> Result<(), Answer> {
    for (kind, entry) in added {
        let entries = identity.entries_mut(kind).get_or_insert_default();
        if entries
            .iter()
            .any(|there| there.identifier() == entry.identifier())
        {
            return Err(in_use());
        }
        entries.push(entry);
        identity.linked_at[kind as usize] = at;
    }
    Ok(())
}
