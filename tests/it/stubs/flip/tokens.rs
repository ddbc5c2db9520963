//! Who asks: bearer tokens, and the endpoint that gives them out.

use std::time::Instant;

use serde_json::json;

use super::super::{Answer, Request};
use super::{Flip, Said};

impl Flip {
    /// Tokens that were given out are good no more.
    pub(crate) fn revoke(&mut self) {
        self.tokens.clear();
    }

    pub(super) fn token(&mut self, request: &Request, realm: &str, now: Instant) -> Said {
        let refused = |status: u16, error: &str| {
            let told = json!({ "error": error, "error_description": "no token for this" });
            Err(Answer::json(status, told))
        };
        if realm != self.organization {
            return Err(Answer::json(
                404,
                json!({ "error": "Realm does not exist" }),
            ));
        }
        if request.method != "POST" {
            return Err(Answer::empty(405));
        }
        let form = request.form();
        let member = |name: &str| {
            let found = form.iter().find(|(given, _)| given == name);
            found.map(|(_, value)| value.as_str())
        };
        if request.media_type() != Some("application/x-www-form-urlencoded") {
            return refused(400, "invalid_request");
        }
        if member("grant_type") != Some("client_credentials") {
            return refused(400, "unsupported_grant_type");
        }
        let mut clients = self.clients.iter();
        let is_meant = |(id, secret, _): &&(String, String, bool)| {
            member("client_id") == Some(id) && member("client_secret") == Some(secret)
        };
        let Some((_, _, has_role)) = clients.find(is_meant) else {
            return refused(401, "unauthorized_client");
        };
        let token = format!("tok-{}", self.n_requests);
        let until = now + self.token_ttl;
        self.tokens.insert(token.clone(), (*has_role, Some(until)));
        Ok(Answer::json(
            200,
            json!({
                "access_token": token,
                "expires_in": self.token_ttl.as_secs(),
                "refresh_expires_in": 0,
                "token_type": "Bearer",
                "not-before-policy": 0,
                "scope": "profile email",
            }),
        ))
    }

    /// Whether the token of a request is good and has the role. Such answers have no JSON: the one document that
    /// says anything of their body has text.
    pub(super) fn entitled(&self, request: &Request, now: Instant) -> Result<(), Answer> {
        let text = |status: u16, text: &str| {
            let mut answer = Answer::empty(status).with("content-type", "text/plain");
            answer.body = text.as_bytes().to_vec();
            Err(answer)
        };
        let given = request.credential("Bearer").unwrap_or_default();
        match self.tokens.get(given) {
            Some((_, Some(until))) if *until <= now => text(401, "Unauthorized"),
            Some((true, _)) => Ok(()),
            Some((false, _)) => text(403, "Forbidden"),
            None => text(401, "Unauthorized"),
        }
    }
}
