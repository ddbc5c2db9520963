//! Who we are at an IdP, as a header.

use std::sync::Arc;

use http::HeaderValue;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::grant::Grant;
use super::pools::Pools;
use super::tokens::{Token, Tokens};
use crate::backend::upstream::settings::{Credential, Endpoint};
use crate::model::{Failure, Secret};
use crate::outbound::{self, Protocols, StartFault};

/// Where the value comes from.
pub(super) enum Source {
    Nobody,
    Static(HeaderValue),
    Tokens(Arc<Tokens>),
}

/// The value of one call, and the token that it is, if it is one that can be replaced.
pub(super) struct Shown {
    pub(super) value: Option<HeaderValue>,
    token: Option<Token>,
}

impl Source {
    /// # Errors
    /// If a token cannot be sent in a header, or a key cannot sign.
    pub(super) fn new(endpoint: &Endpoint, scheme: Option<String>) -> Result<Self, StartFault> {
        let grant = match &endpoint.credential {
            Credential::None => return Ok(Source::Nobody),
            Credential::Static { token } => {
                let value = header_value(scheme.as_deref(), token);
                let value = value.ok_or_else(|| {
                    StartFault::new("the static credential cannot be sent in a header")
                })?;
                return Ok(Source::Static(value));
            }
            Credential::ClientCredentials(request, auth) => Grant::by_secret(request, auth),
            Credential::PrivateKeyJwt(request, assertion) => {
                Grant::by_assertion(request, assertion)?
            }
        };
        // The token endpoint may be another server than the API, with habits of its own.
        let pools = Pools::new(&outbound::Settings {
            protocols: Protocols::Both,
            ..endpoint.http.clone()
        })?;
        let name = endpoint.base_url.to_string();
        Ok(Source::Tokens(Arc::new(Tokens::new(
            name, grant, pools, scheme,
        ))))
    }

    /// What to show now.
    ///
    /// # Errors
    /// Why there is nothing to show.
    pub(super) async fn shown(&self, deadline: Instant) -> Result<Shown, Failure> {
        Ok(match self {
            Source::Nobody => Shown {
                value: None,
                token: None,
            },
            Source::Static(value) => Shown {
                value: Some(value.clone()),
                token: None,
            },
            Source::Tokens(tokens) => Shown::of(tokens.get(deadline).await?),
        })
    }

    /// What to show instead of what the IdP has refused; `None` if there is nothing else.
    pub(super) async fn renewed(&self, refused: &Shown, deadline: Instant) -> Option<Shown> {
        match (self, &refused.token) {
            (Source::Tokens(tokens), Some(token)) => {
                tokens.renewed(token, deadline).await.map(Shown::of)
            }
            _ => None,
        }
    }
}

impl Shown {
    fn of(token: Token) -> Self {
        Self {
            value: Some(token.value.clone()),
            token: Some(token),
        }
    }
}

/// The value of a header with a scheme word before the secret; `None` if it would not be one.
pub(super) fn header_value(scheme: Option<&str>, secret: &Secret) -> Option<HeaderValue> {
    let text = match scheme {
        Some(scheme) => Zeroizing::new(format!("{scheme} {}", secret.expose())),
        None => Zeroizing::new(secret.expose().to_owned()),
    };
    let is_sendable = !secret.expose().is_empty() && text.trim() == text.as_str();
    let mut value = HeaderValue::from_str(&text).ok().filter(|_| is_sendable)?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_sent_behind_its_scheme_and_not_shown() {
        let of = |scheme, secret: &str| header_value(scheme, &Secret::new(secret));
        assert_eq!(of(Some("Bearer"), "a.b").unwrap(), "Bearer a.b");
        assert_eq!(of(None, "a.b").unwrap(), "a.b");
        for bad in ["", " ", "a ", "a\r\nHost: evil", "a\0"] {
            assert!(of(Some("Bearer"), bad).is_none(), "{bad:?}");
            assert!(of(None, bad).is_none(), "{bad:?}");
        }
        let shown = format!("{:?}", of(Some("Bearer"), "canary"));
        assert!(!shown.contains("canary"));
    }
}
