//! How an identity is told.

use serde_json::{Map, Value, json};

use super::super::{Answer, Request};
use super::{Entry, Identity, Kind, MALFORMED, Ory, Said, refusal};

/// The types of credentials that can be asked for.
const TYPES: [&str; 9] = [
    "password",
    "oidc",
    "totp",
    "lookup_secret",
    "webauthn",
    "code",
    "passkey",
    "profile",
    "saml",
];

/// Where the vendor's time begins: so many seconds after midnight of 2026-03-01.
fn instant(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!(
        "2026-03-{:02}T{hours:02}:{minutes:02}:{:02}Z",
        1 + seconds / 86_400,
        seconds % 60
    )
}

/// Success, which has another media type than errors.
pub(super) fn success(status: u16, value: &Value) -> Answer {
    Answer::json_as(status, "application/json; charset=utf-8", value)
}

/// What is told of credentials.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// Whether anything is.
    pub(super) credentials: bool,
    /// The types whose configuration is told, too.
    pub(super) configs: Vec<String>,
}

impl Wanted {
    /// What the query asks for; `is_list`: a bad value is told by its name there, and by a quirk elsewhere.
    pub(super) fn of(request: &Request, is_list: bool) -> Result<Self, Answer> {
        let mut configs: Vec<String> = Vec::new();
        for kind in request.params("include_credential") {
            if !TYPES.contains(&kind) {
                let shown = match is_list {
                    true => kind.to_owned(),
                    false => format!("[{}]", configs.join(" ")),
                };
                let reason = format!("Invalid value `{shown}` for parameter `include_credential`.");
                return Err(refusal(400, MALFORMED, Some(&reason)));
            }
            configs.push(kind.to_owned());
        }
        Ok(Self {
            credentials: true,
            configs,
        })
    }
}

impl Ory {
    pub(super) fn get(&self, request: &Request, identity: &Identity) -> Said {
        let wanted = Wanted::of(request, false)?;
        Ok(success(200, &self.told(identity, &wanted)))
    }

    pub(super) fn told(&self, identity: &Identity, wanted: &Wanted) -> Value {
        let mut told = json!({ "id": identity.id });
        if let Some(id) = &identity.external_id {
            told["external_id"] = Value::from(&**id);
        }
        if wanted.credentials {
            let credentials = self.credentials(identity, wanted);
            if !credentials.is_empty() {
                told["credentials"] = Value::Object(credentials);
            }
        }
        let schema = base64(&identity.schema_id);
        let Value::Object(rest) = json!({
            "schema_id": identity.schema_id,
            "schema_url": format!("{}/schemas/{schema}", self.origin),
            "state": identity.state,
            "traits": identity.traits,
            "metadata_public": identity.metadata_public,
            "metadata_admin": identity.metadata_admin,
            "created_at": instant(identity.created_at),
            "updated_at": instant(identity.updated_at),
            "organization_id": identity.organization_id,
        }) else {
            unreachable!()
        };
        if let Value::Object(told) = &mut told {
            told.extend(rest);
        }
        told
    }

    fn credentials(&self, identity: &Identity, wanted: &Wanted) -> Map<String, Value> {
        let mut all = Map::new();
        if let Some(identifiers) = &identity.password {
            let at = instant(identity.created_at);
            let told = credential("password", identifiers.clone(), (&at, &at));
            all.insert("password".to_owned(), told);
        }
        for (kind, linked_at) in Kind::ALL.into_iter().zip(identity.linked_at) {
            let Some(entries) = identity.entries(kind) else {
                continue;
            };
            let mut identifiers: Vec<_> = entries.iter().map(Entry::identifier).collect();
            identifiers.sort_unstable();
            let at = instant(linked_at);
            let mut told = credential(kind.name(), identifiers, (&at, &at));
            let is_asked = wanted.configs.iter().any(|asked| asked == kind.name());
            // Of a credential whose last link is gone, the configuration is not told either.
            if is_asked && !entries.is_empty() {
                let providers: Vec<_> = entries.iter().map(|entry| config(kind, entry)).collect();
                told["config"] = json!({ "providers": providers });
            }
            all.insert(kind.name().to_owned(), told);
        }
        all
    }
}

fn credential(kind: &str, identifiers: Vec<String>, (created, updated): (&str, &str)) -> Value {
    json!({
        "type": kind,
        "identifiers": identifiers,
        "version": 0,
        "created_at": created,
        "updated_at": updated,
    })
}

fn config(kind: Kind, entry: &Entry) -> Value {
    let mut told = match kind {
        Kind::Oidc => json!({
            "initial_id_token": "",
            "initial_access_token": "",
            "initial_refresh_token": "",
        }),
        Kind::Saml => json!({}),
    };
    told["subject"] = Value::from(&*entry.subject);
    told["provider"] = Value::from(&*entry.provider);
    if let Some(organization) = &entry.organization {
        told["organization"] = Value::from(&**organization);
    }
    if entry.use_auto_link {
        told["use_auto_link"] = Value::from(true);
    }
    told
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}
