//! What Keycloak says: two envelopes of errors side by side, and its representations.

use serde_json::{Value, json};

use super::super::{Answer, Request};
use super::{Provider, User};

/// An error.
#[derive(Clone, Debug)]
pub(super) struct Error {
    status: u16,
    body: Value,
}

impl Error {
    /// An error of the framework: its message becomes the name.
    pub(super) fn status(status: u16) -> Self {
        let reason = match status {
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            415 => "Unsupported Media Type",
            _ => "Internal Server Error",
        };
        let body = json!({ "error": format!("HTTP {status} {reason}") });
        Self { status, body }
    }

    /// An error with a name.
    pub(super) fn named(status: u16, name: &str) -> Self {
        let body = json!({ "error": name });
        Self { status, body }
    }

    /// An error with a message.
    pub(super) fn said(status: u16, message: &str) -> Self {
        let body = json!({ "errorMessage": message });
        Self { status, body }
    }

    pub(super) fn no_json() -> Self {
        let body = json!({
            "error": "invalid_request",
            "error_description": "Cannot parse the JSON",
        });
        Self { status: 400, body }
    }

    /// A member of another type, as a real server of version 26.7.3 answered.
    pub(super) fn wrong_type() -> Self {
        let body = json!({
            "error": "unknown_error",
            "error_description": "Cannot parse the JSON",
        });
        Self { status: 400, body }
    }

    /// A member that is not known, as a real server of version 26.7.3 answered.
    pub(super) fn no_member(name: &str) -> Self {
        let what = "Invalid json representation for FederatedIdentityRepresentation";
        Self::named(
            400,
            &format!("{what}. Unrecognized field \"{name}\" at line 1 column 2."),
        )
    }

    /// The answer, which is a page if the request asks for one.
    pub(super) fn answer(self, request: &Request) -> Answer {
        let accept = request.header("accept").unwrap_or_default();
        if !accept.contains("text/html") {
            return Answer::json(self.status, self.body);
        }
        let mut page = Answer::empty(self.status).with("content-type", "text/html;charset=utf-8");
        page.body = b"<html><body>We are sorry...</body></html>".to_vec();
        page
    }
}

/// An answer of success.
pub(super) fn told(body: &Value) -> Answer {
    Answer::json_as(200, "application/json;charset=UTF-8", body).with("cache-control", "no-cache")
}

/// A user.
pub(super) fn user(id: &str, user: &User, brief: bool) -> Value {
    let mut shown = json!({
        "id": id,
        "username": user.username,
        "emailVerified": false,
        "enabled": user.enabled,
        "createdTimestamp": 1_767_600_000_000_u64,
        "totp": false,
        "disableableCredentialTypes": [],
        "requiredActions": [],
        "notBefore": 0,
        "access": { "manage": true },
    });
    if brief {
        let members = shown.as_object_mut().unwrap();
        members.retain(|name, _| {
            [
                "id",
                "username",
                "emailVerified",
                "enabled",
                "createdTimestamp",
                "access",
            ]
            .contains(&name.as_str())
        });
    }
    shown
}

/// An identity provider.
pub(super) fn provider(provider: &Provider, brief: bool) -> Value {
    let mut shown = json!({
        "alias": provider.alias,
        "displayName": provider.name,
        "internalId": format!("internal-{}", provider.alias),
        "providerId": provider.kind,
        "enabled": provider.enabled,
        "linkOnly": false,
        "config": { "clientId": "linking" },
    });
    if brief {
        let members = shown.as_object_mut().unwrap();
        members.retain(|name, _| {
            let brief = [
                "alias",
                "displayName",
                "internalId",
                "providerId",
                "enabled",
            ];
            brief.contains(&name.as_str())
        });
        shown["config"] = json!({});
    }
    shown
}

/// Objects of a list without what they do not say.
pub(super) fn without_nulls(list: Vec<Value>) -> Value {
    let kept = list.into_iter().map(|mut item| {
        if let Some(members) = item.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        item
    });
    kept.collect()
}
