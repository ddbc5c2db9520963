//! Who is it (a configured key, else a token that somebody has issued), may it use this front, and does it ask too often: decided from a request's head alone, which
//! also is all that words a refusal before the request is read.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::ACCEPT;
use http::request::Parts;

use super::front::Front;
use super::meters::Presented;
use super::tokens::seconds;
use super::{Shared, clock};
use crate::dialect::{Auth, Candidates};
use crate::directory::{CANONICAL_VENDOR, Directory};
use crate::edge::authn::Grant;
use crate::edge::issuer::{Identity, Now};
use crate::edge::rate_limit::{Class, Toll, Who};
use crate::edge::tls::ClientCertificate;
use crate::edge::{scope, tokens};
use crate::model::{ClientName, Failure, Field, Record, Request, Secret, TenantId, VendorName};
use crate::trace;

/// A request without its body.
pub(super) struct Head<'a> {
    pub(super) parts: &'a Parts,
    pub(super) path: &'a str,
}

impl<'a> Head<'a> {
    pub(super) fn request<'b>(&'b self, body: &'b [u8]) -> Request<'b>
    where
        'a: 'b,
    {
        Request {
            method: &self.parts.method,
            path: self.path,
            query: self.parts.uri.query().unwrap_or(""),
            headers: &self.parts.headers,
            body,
        }
    }

    /// What the head says beside its operation, and what the server knows of the request: for wording what
    /// comes of it. Nothing of it is a parameter.
    pub(super) fn context(&self, front: &Front) -> Record {
        let dialect = &front.dialect;
        let request = self.request(&[]);
        let mut context = dialect.context(&request);
        if dialect.uses(Field::RequestId) {
            // The one of its log line, so that who is told it can be told what came of it.
            let known = trace::current().map(|request| request.id().to_owned());
            let id = known.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
            context.set_text(Field::RequestId, id);
        }
        if dialect.uses(Field::Credential) {
            context.set_text(Field::Credential, dialect.presented(&request).name());
        }
        if dialect.uses(Field::Accept) {
            context.set_text_opt(Field::Accept, self.accept());
        }
        context
    }

    /// The media types that the client takes; several fields are one list, as RFC 9110 has it.
    fn accept(&self) -> Option<String> {
        let fields = self.parts.headers.get_all(ACCEPT).iter();
        let texts: Vec<&str> = fields.filter_map(|value| value.to_str().ok()).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }
}

/// Lets a request in, and answers who it is from.
///
/// # Errors
/// `RateLimited`, `Unauthenticated`, `Forbidden`; `Overloaded` if whoever has issued a token cannot be
/// asked about it.
pub(super) async fn admit(
    shared: &Shared,
    front: &Front,
    (source, toll): (IpAddr, &Toll),
    head: &Head<'_>,
    candidates: &Candidates<'_>,
    granted: &mut Option<Grant>,
) -> Result<(), Failure> {
    toll.arrive(source)?;
    let auth = candidates.auth();
    let from = (source, toll);
    let Some(grant) = authenticate(shared, front, from, head, auth).await? else {
        return Ok(());
    };
    let grant = granted.insert(grant);
    toll.client(grant.index())?;
    // Where none of the ops would be allowed, the body need not be read to say so.
    let client = grant.client();
    let may = |kind| client.need(scope::needed(kind)).is_ok();
    if client.may_use(front.dialect.name()) && candidates.operations().any(may) {
        Ok(())
    } else {
        Err(Failure::Forbidden)
    }
}

/// Lets a request in that no op has: whoever is known and may use the front.
///
/// # Errors
/// As [`admit`].
pub(super) async fn admit_known(
    shared: &Shared,
    front: &Front,
    (source, toll): (IpAddr, &Toll),
    head: &Head<'_>,
    granted: &mut Option<Grant>,
) -> Result<(), Failure> {
    toll.arrive(source)?;
    let from = (source, toll);
    let grant = authenticate(shared, front, from, head, Auth::Required).await?;
    let grant = granted.insert(grant.ok_or(Failure::Unauthenticated)?);
    toll.client(grant.index())?;
    if !grant.client().may_use(front.dialect.name()) {
        return Err(Failure::Forbidden);
    }
    toll.operation(Who {
        client: Some(grant.index()),
        front: front.key(),
        class: Class::Other,
    })
}

async fn authenticate(
    shared: &Shared,
    front: &Front,
    (source, toll): (IpAddr, &Toll),
    head: &Head<'_>,
    auth: Auth,
) -> Result<Option<Grant>, Failure> {
    let credential = match auth {
        Auth::None => None,
        Auth::Required => front.dialect.credential(&head.request(&[])),
    };
    let proven = proven(shared, head.parts);
    if let Some(credential) = credential {
        let (presented, granted) = grant(shared, front, (source, toll), &credential).await;
        let granted = granted.and_then(|grant| {
            let agrees = grant.agrees_with(proven.as_ref());
            agrees.then_some(grant).ok_or(Failure::Unauthenticated)
        });
        shared.meters.judged(presented, &granted);
        return match granted {
            Err(Failure::Unauthenticated) => {
                toll.failed_auth(source)?;
                Err(Failure::Unauthenticated)
            }
            granted => granted.map(Some),
        };
    }
    let anonymous = front
        .anonymous
        .as_ref()
        .and_then(|name| shared.clients.named(name));
    match (proven.or(anonymous), auth) {
        (None, Auth::Required) => {
            let refused = Err(Failure::Unauthenticated);
            shared.meters.judged(Presented::Nothing, &refused);
            refused
        }
        (known, _) => {
            shared.meters.judged(Presented::Nothing, &Ok(()));
            Ok(known)
        }
    }
}

/// The client whose certificate the connection has, if it has a client's.
pub(super) fn proven(shared: &Shared, parts: &Parts) -> Option<Grant> {
    let certificate = parts.extensions.get::<Arc<ClientCertificate>>()?;
    shared.clients.by_certificate(certificate)
}

/// What a credential grants. A configured key comes first: it costs one hash, and who has one pays for no
/// guesses of others.
async fn grant(
    shared: &Shared,
    front: &Front,
    from: (IpAddr, &Toll),
    credential: &Secret,
) -> (Presented, Result<Grant, Failure>) {
    if let Ok(known) = shared.clients.by_key(credential) {
        return (Presented::Key, Ok(known));
    }
    // What says that it is a token of ours is taken for nothing else.
    if tokens::looks_like_ours(credential.expose()) {
        let granted = of_ours(shared, front, credential).ok_or(Failure::Unauthenticated);
        return (Presented::OwnToken, granted);
    }
    let limit = shared.settings.timeouts.request;
    let granted = tokio::time::timeout(limit, of_issuer(shared, front, from, credential)).await;
    let granted = granted.unwrap_or(Err(Failure::Overloaded {
        retry_after: Duration::from_secs(1),
    }));
    // Where nobody else issues anything, it can only have been meant as a key.
    let presented = match shared.issuers.is_empty() {
        true => Presented::Key,
        false => Presented::Foreign,
    };
    (presented, granted)
}

/// What a token of ours grants: the client that it was issued to, if it still is one and has the credential that
/// it was issued for, with what both may do.
fn of_ours(shared: &Shared, front: &Front, token: &Secret) -> Option<Grant> {
    let now = seconds(clock::now());
    let claims = shared
        .tokens
        .verify(token.expose(), front.dialect.vendor(), now)?;
    let name = ClientName::new(&claims.sub).ok()?;
    let grant = claims.narrow(shared.clients.named(&name)?)?;
    Some(grant.known_by(&format!("token:{}", claims.jti)))
}

/// What a token of a configured issuer grants: its client, with what the token leaves of it.
async fn of_issuer(
    shared: &Shared,
    front: &Front,
    (source, toll): (IpAddr, &Toll),
    token: &Secret,
) -> Result<Grant, Failure> {
    let now = Now {
        wall: clock::now(),
        tick: std::time::Instant::now(),
    };
    // Who has failed too often makes us call nobody.
    let gate = || toll.costly(source);
    let dialect = front.dialect.name();
    let identity = shared.issuers.identify(token, dialect, now, &gate).await?;
    let known = shared
        .clients
        .by_identity(&identity.issuer.name, &identity.client)?;
    let tenant = tenant(&shared.world.directory, &identity)?;
    if tenant.is_none() && identity.lacks_tenant() && known.client().tenant.is_none() {
        return Err(Failure::Forbidden);
    }
    let credential = identity.credential();
    let grant = known.narrowed(identity.scopes, tenant)?;
    Ok(grant.known_by(&credential))
}

/// The tenant that a token is for.
fn tenant(directory: &Directory, identity: &Identity) -> Result<Option<TenantId>, Failure> {
    let Some(id) = &identity.tenant else {
        return Ok(None);
    };
    let known = match &identity.issuer.tenant_ids {
        Some(vendor) => directory.tenant_of(vendor, id),
        None => VendorName::new(CANONICAL_VENDOR)
            .ok()
            .and_then(|canonical| directory.tenant_of(&canonical, id)),
    };
    let known = known.ok_or(Failure::Forbidden)?;
    Ok(Some(known.tenant_id.clone()))
}
