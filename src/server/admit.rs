//! Who is it, may it use this front, and does it ask too often: decided from a request's head alone, which
//! also is all that words a refusal before the request is read.

use std::net::IpAddr;

use http::header::ACCEPT;
use http::request::Parts;

use super::Shared;
use super::front::Front;
use crate::dialect::{Auth, Candidates};
use crate::edge::authn::{Client, ClientIndex};
use crate::edge::scope;
use crate::model::{Failure, Field, Record, Request};

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
    client_seen: &mut Option<ClientIndex>,
) -> Result<(), Failure> {
    shared.limits.check_source(source)?;
    let Some((index, client)) = authenticate(shared, front, source, head, candidates)? else {
        return Ok(());
    };
    *client_seen = Some(index);
    shared.limits.check_client(index)?;
    // Where none of the ops would be allowed, the body need not be read to say so.
    let may = |kind| client.need(scope::needed(kind)).is_ok();
    if client.may_use(front.dialect.name()) && candidates.operations().any(may) {
        Ok(())
    } else {
        Err(Failure::Forbidden)
    }
}

fn authenticate<'s>(
    shared: &'s Shared,
    front: &Front,
    source: IpAddr,
    head: &Head<'_>,
    candidates: &Candidates<'_>,
) -> Result<Option<(ClientIndex, &'s Client)>, Failure> {
    let auth = candidates.auth();
    let credential = match auth {
        Auth::None => None,
        Auth::Required => front.dialect.credential(&head.request(&[])),
    };
    if let Some(key) = credential {
        // The key comes first: it costs one hash, and who has one pays for no guesses of others.
        return shared
            .clients
            .by_key(&key)
            .map(Some)
            .or_else(|failure| shared.limits.check_failed_auth(source).and(Err(failure)));
    }
    let anonymous = front
        .anonymous
        .as_ref()
        .and_then(|name| shared.clients.named(name));
    match (anonymous, auth) {
        (None, Auth::Required) => Err(Failure::Unauthenticated),
        (anonymous, _) => Ok(anonymous),
    }
}
