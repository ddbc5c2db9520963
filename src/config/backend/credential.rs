//! `credential = { kind = "…", … }`: who linkbridge is at an IdP. Secrets only by reference.

use crate::backend::upstream::settings::{
    Assertion, AssertionGrant, ClientAuth, Credential, SecretPlace, TokenRequest,
};
use crate::config::issuers::filled;
use crate::config::section::{At, Given};
use crate::config::vars::Vars;
use crate::config::{outbound, secret};
use crate::finding::Table;
use crate::model::Secret;

const KINDS: &[&str] = &["none", "static", "client_credentials", "private_key_jwt"];
/// What a client can sign its assertions with, as a key in PEM.
const ALGORITHMS: &[&str] = &["RS256", "ES256", "EdDSA"];
/// What a token endpoint looks like.
const EXAMPLE: &str = "https://auth.example.com/oauth/v2/token";

/// Reads the credential of a table, which must have one: that there is none has to be said.
pub(super) fn credential(table: &Table<'_>, vars: &Vars, allow_http: bool) -> Option<Credential> {
    if !table.has("credential") {
        let _ = table.value("credential");
        let hint = "such as `credential = { kind = \"static\", token = \"env:NAME\" }`; `{ kind = \"none\" }` where nobody asks for one";
        table
            .sink()
            .error_hint("LB003", table.span(), "`credential` is missing", hint);
        return None;
    }
    let given = table.table("credential")?;
    if !given.has("kind") {
        // Asking for it says that it is missing.
        return given.need_text("kind").and(None);
    }
    // Which other keys there are depends on the kind: without one, nothing is said of them.
    let kind = given.word("kind", KINDS)?;
    let credential = of_kind(kind, &given, vars, allow_http);
    given.finish();
    credential
}

fn of_kind(kind: usize, given: &Table<'_>, vars: &Vars, allow_http: bool) -> Option<Credential> {
    match kind {
        0 => Some(Credential::None),
        1 => Some(Credential::Static {
            token: secret::needed(given, "token", vars)?,
        }),
        2 => {
            let request = token_request(given, allow_http);
            let secret = secret::needed(given, "client_secret", vars);
            let place = match given.word("client_auth", &["basic", "post"]) {
                Some(1) => SecretPlace::Post,
                _ => SecretPlace::Basic,
            };
            let secret = secret?;
            Some(Credential::ClientCredentials(
                request?,
                ClientAuth { secret, place },
            ))
        }
        _ => {
            let request = token_request(given, allow_http);
            let assertion = assertion(given, vars);
            Some(Credential::PrivateKeyJwt(request?, assertion?))
        }
    }
}

fn token_request(given: &Table<'_>, allow_http: bool) -> Option<TokenRequest> {
    let url = given.need_text("token_url");
    let url = url
        .and_then(|text| outbound::url(given, &text, allow_http, "take the credential", EXAMPLE));
    let client_id = filled(given, given.need_text("client_id"));
    let scope = filled(given, given.text("scope"));
    let audience = filled(given, given.text("audience"));
    Some(TokenRequest {
        url: url?,
        client_id: client_id?,
        scope,
        audience,
    })
}

fn assertion(given: &Table<'_>, vars: &Vars) -> Option<Assertion> {
    let key = private_key(given, vars);
    let key_id = filled(given, given.text("key_id"));
    let algorithm = match given.word("algorithm", ALGORITHMS) {
        Some(index) => ALGORITHMS.get(index).copied(),
        None if given.has("algorithm") => None,
        None => ALGORITHMS.first().copied(),
    };
    let audience = filled(given, given.text("assertion_audience"));
    let grant = match given.word("grant", &["client_credentials", "jwt_bearer"]) {
        Some(1) => AssertionGrant::JwtBearer,
        _ => AssertionGrant::ClientCredentials,
    };
    Some(Assertion {
        key: key?,
        key_id,
        algorithm: algorithm?.to_owned(),
        audience,
        grant,
    })
}

/// The key that signs, in PEM. Whether it fits the algorithm is seen when the first call is prepared.
fn private_key(given: &Table<'_>, vars: &Vars) -> Option<Secret> {
    let text = given.need_text("key")?;
    let at = At::new(given.sink(), text.span.clone());
    let key = secret::resolve(&Given::in_table(given, text), vars)?;
    let is_plain = |line: &str| line.starts_with("-----BEGIN") && line.contains("PRIVATE KEY");
    let is_locked = |line: &str| line.contains("ENCRYPTED");
    let mut lines = key.expose().lines();
    if !lines.any(|line| is_plain(line) && !is_locked(line)) {
        let hint = "in PEM and without a password: `-----BEGIN PRIVATE KEY-----`";
        at.error("LB564", "there is no private key in it", hint);
        return None;
    }
    Some(key)
}
