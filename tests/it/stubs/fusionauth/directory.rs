//! Identity providers and users, as far as callers of the link API read them.

use serde_json::{Value, json};

use super::super::{Answer, Request};
use super::input::Errors;
use super::{FusionAuth, Provider, Said};

impl FusionAuth {
    pub(super) fn directory(&self, request: &Request, named: Option<&str>) -> Said {
        let segments = request.segments();
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        match (&*request.method, &segments[..]) {
            ("GET", ["api", "identity-provider"]) => {
                let kind = request.param("type").filter(|kind| !kind.is_empty());
                let all = self.providers.iter();
                let told = all.filter(|p| kind.is_none_or(|kind| p.kind == kind));
                let told: Vec<_> = told.map(provider).collect();
                Ok(super::json(200, &json!({ "identityProviders": told })))
            }
            ("GET", ["api", "identity-provider", id]) => {
                let id = known(id)?;
                let found = self.provider(&id).ok_or_else(|| Answer::empty(404))?;
                let told = json!({ "identityProvider": provider(found) });
                Ok(super::json(200, &told))
            }
            ("GET", ["api", "user", id]) => {
                let id = known(id)?;
                let user = self.user(&id, named).ok_or_else(|| Answer::empty(404))?;
                let told = json!({ "active": true, "id": user.id, "tenantId": user.tenant });
                Ok(super::json(200, &json!({ "user": told })))
            }
            (
                _,
                ["api", "identity-provider" | "user"] | ["api", "identity-provider" | "user", _],
            ) => Err(Answer::empty(405)),
            _ => Err(Answer::empty(404)),
        }
    }
}

fn known(id: &str) -> Result<String, Answer> {
    let id = uuid::Uuid::try_parse(id);
    let bad = |_| Errors::field("couldNotConvert", "id").answer();
    id.map(|id| id.to_string()).map_err(bad)
}

fn provider(provider: &Provider) -> Value {
    let Provider {
        id,
        name,
        kind,
        enabled,
        tenant,
    } = provider;
    let mut told = json!({ "enabled": enabled, "id": id, "name": name });
    if let Some(tenant) = tenant {
        told["tenantId"] = Value::from(&**tenant);
    }
    told["type"] = Value::from(&**kind);
    told
}
