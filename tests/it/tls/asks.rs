//! What the cases of `tests/tls/mutual.toml` ask: a read of a link, or a token at the endpoint of a vendor.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::super::support::fixtures::{A, K, KID, LINK, P, T, assertion, now, signed};
use super::mutual::{BOUND_KEY, HOST};

/// Whom the assertions of the bound client name.
const BOUND_SUBJECT: &str = "311800000000000888";

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Asks {
    /// A link, with the key itself.
    #[default]
    Link,
    /// A token of Flip, with the key as the secret in the form.
    Flip,
    /// A token of PingOne, with the key as the secret in the header.
    Pingone,
    /// A token of ZITADEL, with an assertion.
    Assertion,
}

/// The line with the public key of the bound client.
pub(super) fn signs_as() -> String {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/keys/test-only-rsa.pub.pem"
    );
    format!(
        "assertion_keys = [{{ id = \"{KID}\", key = \"file:{file}\", subject = \"{BOUND_SUBJECT}\" }}]\n"
    )
}

/// The request, with the credential of this client, to the server of this origin.
pub(super) fn request(asks: Asks, client: Option<&str>, origin: &str) -> String {
    let key = match client {
        None => None,
        Some("super") => Some(K),
        Some("bound") => Some(BOUND_KEY),
        Some(_) => Some("nobody-has-this-key"),
    };
    let name = client.filter(|name| *name == "super").unwrap_or("bound");
    match asks {
        Asks::Link => {
            let key = key.map_or(String::new(), |key| format!("Authorization: {key}\r\n"));
            format!(
                "GET {LINK}?identityProviderId={P}&userId={A} HTTP/1.1\r\nHost: {HOST}\r\n\
                 X-FusionAuth-TenantId: {T}\r\n{key}Connection: close\r\n\r\n"
            )
        }
        Asks::Flip => {
            let path = "/auth/realms/acme/protocol/openid-connect/token";
            let secret = key.unwrap_or_default();
            let form =
                format!("grant_type=client_credentials&client_id={name}&client_secret={secret}");
            post(path, "", &form)
        }
        Asks::Pingone => {
            let pair = STANDARD.encode(format!("{name}:{}", key.unwrap_or_default()));
            let basic = format!("Authorization: Basic {pair}\r\n");
            post("/as/token", &basic, "grant_type=client_credentials")
        }
        Asks::Assertion => {
            let hour = Duration::from_secs(3600);
            let assertion = match name {
                "super" => assertion(origin, hour),
                _ => signed(&json!({
                    "iss": BOUND_SUBJECT, "sub": BOUND_SUBJECT, "aud": origin, "exp": now() + 600,
                })),
            };
            let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
            let form = format!("grant_type={grant}&assertion={assertion}");
            post("/oauth/v2/token", "", &form)
        }
    }
}

/// A read of links with a token of Flip.
pub(super) fn read(token: &str) -> String {
    format!(
        "GET /api/admin/users/v4/users/{A}/linked-identities HTTP/1.1\r\nHost: {HOST}\r\n\
         Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )
}

fn post(path: &str, more: &str, form: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n{more}Connection: close\r\n\r\n{form}",
        form.len()
    )
}
