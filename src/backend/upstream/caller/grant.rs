//! One request for a token, and the answer to it (RFC 6749, section 5).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value as Json;
use zeroize::Zeroizing;

use super::assertion::Signer;
use crate::backend::upstream::settings::{
    Assertion, AssertionGrant, ClientAuth, SecretPlace, TokenRequest,
};
use crate::json;
use crate::model::{Failure, Secret};
use crate::outbound::{self, StartFault};

/// The largest answer, and the longest token in it.
const MAX_BYTES: usize = 64 * 1024;
const MAX_TOKEN: usize = 16 * 1024;
/// How long a token is taken for good where nobody says, and at most.
const USUAL_LIFE: Duration = Duration::from_secs(300);
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How a token is asked for.
pub(super) struct Grant {
    request: TokenRequest,
    proof: Proof,
}

enum Proof {
    Secret(ClientAuth),
    Assertion(Signer, AssertionGrant),
}

/// What was given.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) token: Secret,
    pub(super) life: Duration,
}

/// Why nothing was given: what it means to callers, and a text for the log, without anything secret.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) failure: Failure,
    pub(super) why: String,
}

impl Refusal {
    fn new(failure: Failure, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { failure, why }
    }
}

impl Grant {
    pub(super) fn by_secret(request: &TokenRequest, auth: &ClientAuth) -> Self {
        Self {
            request: request.clone(),
            proof: Proof::Secret(auth.clone()),
        }
    }

    /// # Errors
    /// If the key does not serve the algorithm.
    pub(super) fn by_assertion(
        request: &TokenRequest,
        assertion: &Assertion,
    ) -> Result<Self, StartFault> {
        let signer = Signer::new(request, assertion)?;
        Ok(Self {
            request: request.clone(),
            proof: Proof::Assertion(signer, assertion.grant),
        })
    }

    /// Asks for a token, once.
    pub(super) async fn ask(&self, http: &outbound::Client) -> Result<Given, Refusal> {
        let unable = || Refusal::new(Failure::UpstreamRefused, "no assertion could be signed");
        let (body, authorization) = self.form().ok_or_else(unable)?;
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let mut headers: Vec<(HeaderName, HeaderValue)> = vec![
            (ACCEPT, HeaderValue::from_static("application/json")),
            (CONTENT_TYPE, form),
        ];
        headers.extend(authorization.map(|value| (AUTHORIZATION, value)));
        let request = outbound::Request {
            method: Method::POST,
            url: &self.request.url,
            headers,
            body: Bytes::from_owner(body),
            max_bytes: MAX_BYTES,
        };
        let answer = http.call(request).await.map_err(|fault| {
            let why = format!("the token endpoint: {fault}");
            Refusal::new(super::failure_of(&fault), why)
        })?;
        read(answer.status, &answer.body)
    }

    /// The form and the header, if the credential goes there.
    fn form(&self) -> Option<(Zeroizing<Vec<u8>>, Option<HeaderValue>)> {
        let mut form = Form::default();
        let mut header = None;
        match &self.proof {
            Proof::Secret(auth) => {
                form.add("grant_type", "client_credentials");
                match auth.place {
                    SecretPlace::Basic => header = Some(basic(&self.request, &auth.secret)?),
                    SecretPlace::Post => {
                        form.add("client_id", &self.request.client_id);
                        form.add("client_secret", auth.secret.expose());
                    }
                }
            }
            Proof::Assertion(signer, AssertionGrant::ClientCredentials) => {
                form.add("grant_type", "client_credentials");
                form.add("client_id", &self.request.client_id);
                form.add("client_assertion_type", ASSERTION_TYPE);
                form.add("client_assertion", &signer.sign()?);
            }
            Proof::Assertion(signer, AssertionGrant::JwtBearer) => {
                form.add("grant_type", JWT_BEARER);
                form.add("assertion", &signer.sign()?);
            }
        }
        for (name, value) in [
            ("scope", &self.request.scope),
            ("audience", &self.request.audience),
        ] {
            if let Some(value) = value {
                form.add(name, value);
            }
        }
        Some((form.0, header))
    }
}

/// A form that is wiped, its growth included.
struct Form(Zeroizing<Vec<u8>>);

impl Default for Form {
    fn default() -> Self {
        // Never grows in practice, so that no copy is left behind.
        Self(Zeroizing::new(Vec::with_capacity(MAX_BYTES)))
    }
}

impl Form {
    fn add(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push(b'&');
        }
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'=');
        for part in form_urlencoded::byte_serialize(value.as_bytes()) {
            self.0.extend_from_slice(part.as_bytes());
        }
    }
}

/// Basic, each half as a form has it (RFC 6749, section 2.3.1).
fn basic(request: &TokenRequest, secret: &Secret) -> Option<HeaderValue> {
    let encoded = |text: &str| -> Zeroizing<String> {
        Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect())
    };
    let (id, secret) = (encoded(&request.client_id), encoded(secret.expose()));
    let pair = Zeroizing::new(format!("{}:{}", *id, *secret));
    let basic = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&basic).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn read(status: StatusCode, body: &[u8]) -> Result<Given, Refusal> {
    let said = json::object(body);
    let member = |name: &str| said.as_ref().and_then(|said| said.get(name));
    if status != StatusCode::OK {
        let passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let failure = if passing {
            Failure::UpstreamDown
        } else {
            Failure::UpstreamRefused
        };
        let code = member("error").and_then(Json::as_str).and_then(known);
        let why = match code {
            Some(code) => format!("the token endpoint answers {status}, {code}"),
            None => format!("the token endpoint answers {status}"),
        };
        return Err(Refusal::new(failure, why));
    }
    let bad = |why: &str| {
        let why = format!("the token endpoint answers {why}");
        Refusal::new(Failure::UpstreamRefused, why)
    };
    let kind = member("token_type").and_then(Json::as_str);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(bad("no token of the type `bearer`"));
    }
    let token = member("access_token").and_then(Json::as_str);
    let is_token = |token: &&str| {
        (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let token = token
        .filter(is_token)
        .ok_or_else(|| bad("no access token"))?;
    let life = match member("expires_in") {
        None | Some(Json::Null) => USUAL_LIFE,
        Some(value) => seconds(value).ok_or_else(|| bad("no sane `expires_in`"))?,
    };
    Ok(Given {
        token: Secret::new(token),
        life: life.min(LONGEST_LIFE),
    })
}

/// A positive number of seconds; some servers write it as a text.
fn seconds(value: &Json) -> Option<Duration> {
    let seconds: u64 = match value {
        Json::Number(number) => number.as_u64()?,
        Json::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().ok()?
        }
        _ => return None,
    };
    (seconds > 0).then_some(Duration::from_secs(seconds))
}

/// The error codes of RFC 6749: nothing else of an answer is logged.
fn known(code: &str) -> Option<&'static str> {
    [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "invalid_target",
    ]
    .into_iter()
    .find(|known| *known == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(body: &str) -> Result<u64, String> {
        let given = read(StatusCode::OK, body.as_bytes());
        given.map(|given| given.life.as_secs()).map_err(|refusal| {
            assert_eq!(refusal.failure, Failure::UpstreamRefused);
            assert!(!refusal.why.contains("canary"), "{}", refusal.why);
            refusal.why
        })
    }

    #[test]
    fn answers_are_read_strictly() {
        let with = |more: &str| {
            life(&format!(
                r#"{{"access_token":"canary","token_type":"Bearer"{more}}}"#
            ))
        };
        assert_eq!(with(""), Ok(300));
        assert_eq!(with(r#","expires_in":null"#), Ok(300));
        assert_eq!(with(r#","expires_in":60"#), Ok(60));
        assert_eq!(with(r#","expires_in":"3599""#), Ok(3599));
        assert_eq!(with(r#","expires_in":315360000,"scope":"a b""#), Ok(86_400));
        for bad in ["0", "-1", "1.5", "1e400", "\"\"", "\"-1\"", "true", "[60]"] {
            assert!(with(&format!(r#","expires_in":{bad}"#)).is_err(), "{bad}");
        }
        for bad in [
            "",
            "null",
            "[]",
            r#"["canary","bearer"]"#,
            "{}",
            r#"{"access_token":"canary"}"#,
            r#"{"access_token":"canary","token_type":"mac"}"#,
            r#"{"access_token":"canary","token_type":1}"#,
            r#"{"access_token":"","token_type":"bearer"}"#,
            r#"{"access_token":1,"token_type":"bearer"}"#,
            r#"{"access_token":"can ary","token_type":"bearer"}"#,
            r#"{"access_token":"can\r\nary","token_type":"bearer"}"#,
            r#"{"access_token":"a","access_token":"canary","token_type":"bearer"}"#,
            r#"{"id_token":"canary","token_type":"bearer"}"#,
        ] {
            assert!(life(bad).is_err(), "{bad}");
        }
        let long = "a".repeat(MAX_TOKEN + 1);
        assert!(
            life(&format!(
                r#"{{"access_token":"{long}","token_type":"bearer"}}"#
            ))
            .is_err()
        );
    }

    #[test]
    fn who_refuses_is_told_from_who_is_away() {
        let of = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            read(status, body.as_bytes()).unwrap_err()
        };
        let refusal = of(
            401,
            r#"{"error":"invalid_client","error_description":"canary"}"#,
        );
        assert_eq!(refusal.failure, Failure::UpstreamRefused);
        assert_eq!(
            refusal.why,
            "the token endpoint answers 401 Unauthorized, invalid_client"
        );
        assert!(!of(400, r#"{"error":"canary"}"#).why.contains("canary"));
        assert_eq!(of(201, "{}").failure, Failure::UpstreamRefused);
        assert_eq!(of(302, "").failure, Failure::UpstreamRefused);
        for status in [429, 500, 503] {
            assert_eq!(of(status, "").failure, Failure::UpstreamDown);
        }
    }
}
