//! Who is it, may it use this front, and does it ask too often: decided from a request's head alone, which
//! also is all that words a refusal before the request is read.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::ACCEPT;
use http::request::Parts;

use super::front::Front;
use super::tokens::seconds;
use super::{Shared, clock};
use crate::dialect::{Auth, Candidates};
use crate::edge::authn::{Client, ClientIndex, Clients};
use crate::edge::{scope, tokens};
use crate::model::{ClientName, Failure, Field, Record, Request, Secret};

/// Who a request is from: a client of the configuration, or what a token leaves of one.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// The client's place: what its rate is kept under, and its log line.
    pub(super) index: ClientIndex,
    /// What it may do at most, if that is less than the client may.
    narrowed: Option<Arc<Client>>,
}

impl Identity {
    /// A client, with all that it may do.
    pub(super) fn whole(index: ClientIndex) -> Self {
        Self {
            index,
            narrowed: None,
        }
    }

    /// The client, with what it may do in this request.
    pub(super) fn client<'a>(&'a self, clients: &'a Clients) -> Option<&'a Client> {
        let narrowed = self.narrowed.as_deref();
        narrowed.or_else(|| clients.all().get(self.index.0))
    }
}

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
            context.set_text(Field::RequestId, uuid::Uuid::new_v4().to_string());
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
/// `RateLimited`, `Unauthenticated`, `Forbidden`.
pub(super) fn admit(
    shared: &Shared,
    front: &Front,
    source: IpAddr,
    head: &Head<'_>,
    candidates: &Candidates<'_>,
    client_seen: &mut Option<Identity>,
) -> Result<(), Failure> {
    shared.limits.check_source(source)?;
    let Some(identity) = authenticate(shared, front, source, head, candidates)? else {
        return Ok(());
    };
    let identity = client_seen.insert(identity);
    shared.limits.check_client(identity.index)?;
    let Some(client) = identity.client(&shared.clients) else {
        return Err(Failure::Unauthenticated);
    };
    // Where none of the ops would be allowed, the body need not be read to say so.
    let may = |kind| client.need(scope::needed(kind)).is_ok();
    if client.may_use(front.dialect.name()) && candidates.operations().any(may) {
        Ok(())
    } else {
        Err(Failure::Forbidden)
    }
}

fn authenticate(
    shared: &Shared,
    front: &Front,
    source: IpAddr,
    head: &Head<'_>,
    candidates: &Candidates<'_>,
) -> Result<Option<Identity>, Failure> {
    let auth = candidates.auth();
    let credential = match auth {
        Auth::None => None,
        Auth::Required => front.dialect.credential(&head.request(&[])),
    };
    if let Some(credential) = credential {
        // The key comes first: it costs one hash, and who has one pays for no guesses of others.
        let found = by_key(shared, &credential).or_else(|| by_token(shared, front, &credential));
        return match found {
            Some(identity) => Ok(Some(identity)),
            None => {
                let failed = shared.limits.check_failed_auth(source);
                failed.and(Err(Failure::Unauthenticated))
            }
        };
    }
    let anonymous = front
        .anonymous
        .as_ref()
        .and_then(|name| shared.clients.named(name))
        .map(|(index, _)| Identity::whole(index));
    match (anonymous, auth) {
        (None, Auth::Required) => Err(Failure::Unauthenticated),
        (anonymous, _) => Ok(anonymous),
    }
}

/// The client that has this key.
fn by_key(shared: &Shared, credential: &Secret) -> Option<Identity> {
    let (index, _) = shared.clients.by_key(credential).ok()?;
    Some(Identity::whole(index))
}

/// The client that this token of ours was issued to, if it still is one, with what both of them may do.
fn by_token(shared: &Shared, front: &Front, credential: &Secret) -> Option<Identity> {
    if !tokens::looks_like_ours(credential.expose()) {
        return None;
    }
    let vendor = front.dialect.vendor();
    let now = seconds(clock::now());
    let claims = shared.tokens.verify(credential.expose(), vendor, now)?;
    let name = ClientName::new(&claims.sub).ok()?;
    let (index, client) = shared.clients.named(&name)?;
    let narrowed = claims.narrow(client)?;
    Some(Identity {
        index,
        narrowed: Some(Arc::new(narrowed)),
    })
}
