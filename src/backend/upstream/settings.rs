//! What an upstream is configured with.

use std::sync::Arc;
use std::time::Duration;

use crate::dialect::Dialect;
use crate::model::Secret;
use crate::outbound::{self, Url};

/// One IdP that keeps links.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name in the backend tree: what is kept beside it, logs and metrics go by it.
    pub name: String,
    /// How it speaks.
    pub dialect: Arc<Dialect>,
    /// The dialect's switches, as this IdP has them.
    pub options: std::collections::BTreeMap<String, String>,
    /// Where it is and how it is called.
    pub endpoint: Endpoint,
    /// What happens to what a request says of a link and the vendor cannot hold.
    pub residual: Residual,
    /// How old an index may be before a miss in it says nothing any more.
    pub index_max_age: Duration,
    /// Where pending links are minted that are not known here.
    pub pending_origin: Option<PendingOrigin>,
}

/// Where pending links are minted, and how that place speaks.
#[derive(Clone, Debug)]
pub struct PendingOrigin {
    /// How it speaks.
    pub dialect: Arc<Dialect>,
    /// Where it is.
    pub endpoint: Endpoint,
}

/// Where an IdP is and how it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Scheme, host, port and the path below which the dialect's own paths begin.
    pub base_url: Url,
    /// Who we are there.
    pub credential: Credential,
    /// Addresses, certificates and times.
    pub http: outbound::Settings,
    /// The most calls at once.
    pub max_in_flight: usize,
    /// How long a call may wait for its turn.
    pub queue: Duration,
    /// The largest answer that is read, in bytes.
    pub max_answer_bytes: usize,
    /// The most retries, in percent of the calls.
    pub retry_percent: u32,
    /// How many failures in a row open the circuit.
    pub breaker_failures: u32,
    /// How long the circuit stays open before one call probes it.
    pub breaker_open: Duration,
}

/// Who we are at an IdP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Nobody: the IdP asks for no credential.
    None,
    /// A token or key that does not change; sent where the dialect keeps the credential.
    Static {
        /// The token or key.
        token: Secret,
    },
    /// A token by the client's own credential (RFC 6749, section 4.4).
    ClientCredentials(TokenRequest, ClientAuth),
    /// A token by a signed assertion (RFC 7523).
    PrivateKeyJwt(TokenRequest, Assertion),
}

/// What every request for a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// The token endpoint.
    pub url: Url,
    /// The client.
    pub client_id: String,
    /// The scopes, separated by spaces.
    pub scope: Option<String>,
    /// The audience, where the server wants one in the form.
    pub audience: Option<String>,
}

/// How the client proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAuth {
    /// The client's secret.
    pub secret: Secret,
    /// In the header (Basic) or in the form.
    pub place: SecretPlace,
}

/// Where the secret of a client is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// HTTP Basic authentication.
    Basic,
    /// Members of the form.
    Post,
}

/// What an assertion is made of and how it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The private key, in PEM.
    pub key: Secret,
    /// Its id, told in the header of the assertion.
    pub key_id: Option<String>,
    /// The signature algorithm, `RS256` or `ES256` for example.
    pub algorithm: String,
    /// The audience of the assertion; the token endpoint unless the server wants another.
    pub audience: Option<String>,
    /// What the assertion stands for.
    pub grant: AssertionGrant,
}

/// What an assertion stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionGrant {
    /// The client's credential (RFC 7523, section 2.2).
    ClientCredentials,
    /// The grant itself (RFC 7523, section 2.1).
    JwtBearer,
}

/// What happens to what the vendor cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Residual {
    /// Tokens of links.
    pub token: Keep,
    /// Names to show.
    pub display_name: Keep,
    /// Instants of links; never refused, since clients do not send them.
    pub instants: Keep,
}

/// What happens to one kind of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It is kept here, and goes with the link.
    Keep,
    /// It is forgotten.
    Drop,
    /// A request that brings it is refused.
    Refuse,
}
