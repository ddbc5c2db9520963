//! Token endpoints: from a client's credential to a token of ours (RFC 6749, RFC 7523).
//!
//! Who asks is not known before: each failure counts for the source that it comes from, and for the name that
//! it gives, whether somebody has this name or not.

use std::net::IpAddr;

use super::Shared;
use super::bind::{no_random, problem};
use super::front::Front;
use crate::dialect::Decoded;
use crate::edge::authn::{Client, Grant};
use crate::edge::rate_limit::Toll;
use crate::edge::tokens::assertion::{self, Refusal};
use crate::edge::tokens::{self, Credential};
use crate::model::{Failure, Field, Instant, Problem, Record, Secret, TenantId, Value, Why};

/// The longest text that says what a token is asked for.
const MAX_SCOPE_BYTES: usize = 4096;

/// Where a request for a token comes from, and came to.
pub(super) struct Sender<'a> {
    /// The address.
    pub(super) source: IpAddr,
    /// The path below the front's prefix.
    pub(super) path: &'a str,
    /// Whose certificate the connection has, if it has a client's.
    pub(super) proven: Option<&'a Grant>,
    /// What the request pays.
    pub(super) toll: &'a Toll,
}

/// The time in the whole seconds of tokens.
pub(super) fn seconds(at: Instant) -> i64 {
    at.0.div_euclid(1000)
}

/// Issues a token, and says whose it is.
///
/// # Errors
/// `Invalid` for a request that cannot be understood and for an assertion that is not good,
/// `Unauthenticated`, `Forbidden`, `RateLimited`; `Overloaded` if none can be made.
pub(super) fn issue(
    shared: &Shared,
    front: &Front,
    asked: &Decoded,
    sender: &Sender<'_>,
    at: Instant,
) -> Result<(Record, Option<Grant>), Failure> {
    let now = seconds(at);
    let params = &asked.params;
    if !asked.problems.is_empty() {
        return Err(Failure::Invalid(asked.problems.clone()));
    }
    if let Some(refusal) = &asked.refusal {
        return Err(counted(sender, None, refusal.clone()));
    }
    check_scope(params)?;
    let (proved, credential) = match params.text(Field::GrantType) {
        Some("client_credentials") => by_secret(shared, params, sender)?,
        Some("jwt_bearer") => by_assertion(shared, front, params, sender, now)?,
        _ => return Err(invalid(Field::GrantType, Why::UnknownValue)),
    };
    let client = proved.client();
    let strange = || counted(sender, Some(client.client_id()), Failure::Unauthenticated);
    // As RFC 8705, section 2, has it: who lacks the certificate is no known client, whatever else it knows.
    if !proved.agrees_with(sender.proven) {
        return Err(strange());
    }
    sender.toll.client(proved.index())?;
    if !may_use_vendor(shared, front, client) {
        return Err(Failure::Forbidden);
    }
    let tenant = tenant(shared, front, client, params).ok_or_else(strange)?;
    let lifetime = front.dialect.lifetime(asked.op).unwrap_or(0);
    let granted = tokens::Grant {
        client,
        credential,
        vendor: front.dialect.vendor(),
        tenant: tenant.as_ref(),
        lifetime,
    };
    let token = shared
        .tokens
        .issue(&granted, now)
        .map_err(|_| no_random())?;
    let reply = Record::new()
        .with(Field::AccessToken, Value::Text(token.expose().to_owned()))
        .with(Field::ExpiresIn, Value::Int(i64::from(lifetime)));
    Ok((reply, Some(proved)))
}

/// What tokens are asked for is the vendor's, and every one is given: what a client may do is configured. It
/// must be words, though (RFC 6749, section 3.3).
fn check_scope(params: &Record) -> Result<(), Failure> {
    let scope = params.text(Field::TokenScope).unwrap_or_default();
    let is_sound = |b: u8| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    if scope.len() > MAX_SCOPE_BYTES || !scope.bytes().all(is_sound) {
        return Err(invalid(Field::TokenScope, Why::Malformed));
    }
    Ok(())
}

/// The client whose id and secret these are.
fn by_secret(
    shared: &Shared,
    params: &Record,
    sender: &Sender<'_>,
) -> Result<(Grant, Credential), Failure> {
    let (id, secret) = (
        params.text(Field::ClientId),
        params.text(Field::ClientSecret),
    );
    let (Some(id), Some(secret)) = (id, secret) else {
        // Nothing was guessed.
        return Err(Failure::Unauthenticated);
    };
    let found = shared.clients.by_secret(id, &Secret::new(secret));
    found.map_err(|failure| counted(sender, Some(id), failure))
}

/// The client that has signed the assertion.
fn by_assertion(
    shared: &Shared,
    front: &Front,
    params: &Record,
    sender: &Sender<'_>,
    now: i64,
) -> Result<(Grant, Credential), Failure> {
    // A client id beside an assertion says nothing; a secret would be a second way to say who it is.
    if params.has(Field::ClientSecret) {
        return Err(invalid(Field::ClientSecret, Why::NotAllowed));
    }
    let Some(assertion) = params.text(Field::Assertion) else {
        return Err(invalid(Field::Assertion, Why::Missing));
    };
    let origin = front.settings.origin.as_str();
    let endpoint = format!("{origin}{}", sender.path);
    let times = (now, shared.tokens.leeway());
    let found = assertion::check(assertion, &shared.clients, &[origin, &endpoint], times);
    found.map_err(|refusal| {
        let name = assertion::named(assertion);
        let failure = Failure::Invalid(vec![worded(refusal)]);
        counted(sender, name.as_deref(), failure)
    })
}

/// What is wrong with an assertion, as a problem of it.
fn worded(refusal: Refusal) -> Problem {
    let (claim, why, max) = match refusal {
        Refusal::Unknown => ("assertion", Why::Unresolved, None),
        Refusal::Subject => ("assertion.sub", Why::NotAllowed, None),
        Refusal::Audience => ("assertion.aud", Why::UnknownValue, None),
        Refusal::Expired => ("assertion.exp", Why::Expired, None),
        Refusal::TooLong(seconds) => ("assertion.exp", Why::TooLong, Some(seconds)),
        Refusal::Early => ("assertion.iat", Why::NotAllowed, None),
    };
    Problem {
        at: claim.to_owned(),
        max,
        ..problem(Field::Assertion, why, None)
    }
}

/// Whether the client may use some front of the vendor: one token is for all of them.
fn may_use_vendor(shared: &Shared, front: &Front, client: &Client) -> bool {
    let vendor = front.dialect.vendor();
    let mut fronts = shared.fronts.iter();
    fronts.any(|other| other.dialect.vendor() == vendor && client.may_use(other.dialect.name()))
}

/// The tenant that the token is for: the one that the path names, else the client's, if it has one. `None` if
/// the path names another one than the client's, or one that does not exist: there, nobody knows the client.
#[allow(
    clippy::option_option,
    reason = "a wrong tenant and no tenant are two different things"
)]
fn tenant(
    shared: &Shared,
    front: &Front,
    client: &Client,
    params: &Record,
) -> Option<Option<TenantId>> {
    let Some(named) = params.text(Field::Tenant) else {
        return Some(client.tenant.clone());
    };
    let directory = &shared.world.directory;
    let found = directory.tenant_of(front.dialect.vendor(), named)?;
    let is_other = client
        .tenant
        .as_ref()
        .is_some_and(|lock| *lock != found.tenant_id);
    (!is_other).then(|| Some(found.tenant_id.clone()))
}

/// Counts a failure, which is answered as it is, or as one too many.
fn counted(sender: &Sender<'_>, name: Option<&str>, failure: Failure) -> Failure {
    let of_source = sender.toll.failed_auth(sender.source);
    let of_name = name.map_or(Ok(()), |name| sender.toll.failed_token(name));
    // Where both refuse, it is told when the one comes back that was asked last, as the fields say.
    let refused = of_name.err().or(of_source.err());
    refused.unwrap_or(failure)
}

fn invalid(field: Field, why: Why) -> Failure {
    Failure::Invalid(vec![problem(field, why, None)])
}
