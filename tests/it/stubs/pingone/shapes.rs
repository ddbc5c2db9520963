//! What PingOne's answers look like: HAL, with absolute links, and one envelope for errors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::Answer;
use super::{Link, Provider, User};

/// An id of version 4 that is made of a number.
pub(super) fn uuid(number: u128) -> String {
    let bytes = number.to_be_bytes();
    let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
    id.to_string()
}

/// An error of the vendor.
pub(super) struct Fault {
    status: u16,
    code: &'static str,
    message: &'static str,
    details: Vec<Value>,
    headers: Vec<(&'static str, &'static str)>,
}

impl Fault {
    fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self {
            status,
            code,
            message,
            details: Vec::new(),
            headers: Vec::new(),
        }
    }

    fn of(mut self, detail: &str, target: &str) -> Self {
        self.details.push(Self::detail(detail, target, None));
        self
    }

    /// One entry of `details`.
    pub(super) fn detail(code: &str, target: &str, inner: Option<Value>) -> Value {
        let mut detail =
            json!({ "code": code, "message": format!("The value is refused: {code}.") });
        if !target.is_empty() {
            detail["target"] = target.into();
        }
        if let Some(inner) = inner {
            detail["innerError"] = inner;
        }
        detail
    }

    pub(super) fn unauthenticated() -> Self {
        let message =
            "The request could not be completed. There was an issue validating the token.";
        Self::new(401, "ACCESS_FAILED", message).of("INVALID_TOKEN", "")
    }

    pub(super) fn forbidden() -> Self {
        let message =
            "The request could not be completed. You do not have access to this resource.";
        Self::new(403, "ACCESS_FAILED", message).of("INSUFFICIENT_PERMISSIONS", "")
    }

    pub(super) fn not_found() -> Self {
        let message = "The request could not be completed. The requested resource was not found.";
        Self::new(404, "NOT_FOUND", message)
    }

    pub(super) fn method(allow: &'static str) -> Self {
        let message = "The request could not be completed. The method is not supported.";
        let mut fault = Self::new(405, "METHOD_NOT_ALLOWED", message);
        fault.headers.push(("allow", allow));
        fault
    }

    pub(super) fn media_type() -> Self {
        let message = "The request could not be completed. The media type is not supported.";
        Self::new(415, "INVALID_REQUEST", message)
    }

    pub(super) fn no_json() -> Self {
        Self::new(
            400,
            "INVALID_REQUEST",
            "The request body could not be read.",
        )
    }

    pub(super) fn filter() -> Self {
        let inner = json!({
            "supportedAttributes": ["username", "email", "externalId", "name.given", "name.family"],
            "supportedOperators": ["eq", "sw"],
        });
        let mut fault = Self::new(400, "INVALID_REQUEST", "The filter could not be read.");
        fault
            .details
            .push(Self::detail("INVALID_FILTER", "filter", Some(inner)));
        fault
    }

    pub(super) fn data(details: Vec<Value>) -> Self {
        let message = "The request could not be completed. One or more validation errors were in the request.";
        let mut fault = Self::new(400, "INVALID_DATA", message);
        fault.details = details;
        fault
    }

    pub(super) fn over_the_limit() -> Self {
        let message = "The request could not be completed. Too many requests were sent.";
        let mut fault = Self::new(429, "REQUEST_LIMITED", message).of("LIMIT_EXCEEDED", "");
        fault.headers.push(("retry-after", "1"));
        fault
    }

    pub(super) fn answer(self, id: &str, media_type: &str) -> Answer {
        let mut body = json!({ "id": id, "code": self.code, "message": self.message });
        if !self.details.is_empty() {
            body["details"] = self.details.into();
        }
        let answer = Answer::json_as(self.status, media_type, &body);
        let with = |answer: Answer, (name, value): (&str, &str)| answer.with(name, value);
        self.headers.into_iter().fold(answer, with)
    }
}

/// An environment as its links name it.
pub(super) struct Place {
    url: String,
    id: String,
}

impl Place {
    pub(super) fn new(origin: &str, environment: &str) -> Self {
        Self {
            url: format!("{origin}/v1/environments/{environment}"),
            id: environment.to_owned(),
        }
    }

    pub(super) fn below(&self, path: &str) -> String {
        format!("{}/{path}", self.url)
    }

    pub(super) fn of_user(&self, user: &str, path: &str) -> String {
        format!("{}/users/{user}/{path}", self.url)
    }

    /// Where a page is that begins after an id.
    pub(super) fn page(
        &self,
        path: &str,
        limit: usize,
        filter: Option<&str>,
        after: &str,
    ) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &limit.to_string());
        if let Some(filter) = filter {
            query.append_pair("filter", filter);
        }
        query.append_pair("cursor", &URL_SAFE_NO_PAD.encode(format!("after>{after}")));
        format!("{}/{path}?{}", self.url, query.finish())
    }

    /// What a cursor says.
    pub(super) fn after(cursor: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        text.strip_prefix("after>").map(str::to_owned)
    }

    pub(super) fn link(&self, link: &Link) -> Value {
        let Link {
            id,
            user,
            provider,
            subject,
        } = link;
        json!({
            "_links": {
                "self": { "href": self.of_user(user, &format!("linkedAccounts/{id}")) },
                "environment": { "href": self.url },
                "user": { "href": self.below(&format!("users/{user}")) },
            },
            "id": id,
            "environment": { "id": self.id },
            "user": { "id": user },
            "identityProvider": { "id": provider },
            "externalId": subject,
        })
    }

    /// A provider as it stands beside links.
    pub(super) fn linked_provider(&self, provider: &Provider) -> Value {
        let at = self.below(&format!("identityProviders/{}", provider.id));
        json!({
            "_links": {
                "self": { "href": at },
                "environment": { "href": self.url },
                "attributes": { "href": format!("{at}/attributes") },
            },
            "id": provider.id,
            "environment": { "id": self.id },
            "type": provider.kind,
            "name": provider.name,
        })
    }

    pub(super) fn provider(&self, provider: &Provider) -> Value {
        let mut shown = self.linked_provider(provider);
        shown["enabled"] = provider.enabled.into();
        shown["createdAt"] = "2026-01-05T08:00:00.000Z".into();
        shown["updatedAt"] = "2026-01-05T08:00:00.000Z".into();
        shown
    }

    pub(super) fn user(&self, id: &str, user: &User) -> Value {
        let at = self.below(&format!("users/{id}"));
        let population = "d0f7a3b2-9c1e-4a57-8f60-1b2c3d4e5f60";
        let mut shown = json!({
            "_links": {
                "self": { "href": at },
                "environment": { "href": self.url },
                "population": { "href": self.below(&format!("populations/{population}")) },
                "linkedAccounts": { "href": format!("{at}/linkedAccounts") },
            },
            "id": id,
            "environment": { "id": self.id },
            "account": { "canAuthenticate": true, "status": "OK" },
            "createdAt": "2026-01-05T08:00:00.000Z",
            "enabled": true,
            "identityProvider": Self::owner(user),
            "lifecycle": { "status": "ACCOUNT_OK" },
            "mfaEnabled": false,
            "population": { "id": population },
            "updatedAt": "2026-01-05T08:00:00.000Z",
            "verifyStatus": "NOT_INITIATED",
        });
        let members = shown.as_object_mut().unwrap();
        members.extend(user.document.clone());
        shown
    }

    fn owner(user: &User) -> Value {
        match &user.authority {
            None => json!({ "type": "PING_ONE" }),
            Some((id, kind)) => json!({ "id": id, "type": kind }),
        }
    }

    /// Whose account a user's is.
    pub(super) fn authority(&self, id: &str, user: &User) -> Value {
        let mut shown = Self::owner(user);
        shown["_links"] = json!({
            "self": { "href": self.of_user(id, "identityProvider") },
            "user": { "href": self.below(&format!("users/{id}")) },
        });
        shown
    }
}
