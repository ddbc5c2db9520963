//! Taking a link away: five checks, in this order.

use super::super::{Answer, Request};
use super::{Identity, Kind, MALFORMED, NOT_FOUND, Ory, Release, Said, refusal};

impl Ory {
    pub(super) fn delete_credential(
        &mut self,
        request: &Request,
        id: &str,
        kind: &str,
        at: u64,
    ) -> Said {
        let identity = self.known(id)?;
        let missing = |reason: String| Err(refusal(404, NOT_FOUND, Some(&reason)));
        let known = match kind {
            "oidc" => Some(Kind::Oidc),
            "saml" if self.release >= Release::V25_4 => Some(Kind::Saml),
            _ => None,
        };
        let there = known.and_then(|kind| Some((kind, identity.entries(kind)?)));
        let Some((kind, entries)) = there else {
            return missing(format!(
                "You tried to remove a {kind} but this user have no {kind} set up."
            ));
        };
        let malformed = |reason: &str| Err(refusal(400, MALFORMED, Some(reason)));
        if self.release >= Release::V25_4 && first_factors(identity) < 2 {
            return malformed("You cannot remove the last first factor credential.");
        }
        let identifier = request.param("identifier").unwrap_or_default();
        if identifier.is_empty() {
            return malformed("You must provide an identifier to delete this credential.");
        }
        let mut kept = entries.clone();
        kept.retain(|entry| entry.identifier() != identifier);
        if kept.len() == entries.len() {
            let name = kind.name().to_uppercase();
            return missing(format!(
                "The identifier `{identifier}` was not found among {name} credentials."
            ));
        }
        let id = identity.id.clone();
        if let Some(identity) = self.identities.get_mut(&id) {
            // The credential stays, without links.
            *identity.entries_mut(kind) = Some(kept);
            identity.linked_at[kind as usize] = at;
            identity.updated_at = at;
        }
        Ok(Answer::empty(204))
    }
}

/// The first factors of an identity: links by SAML and those of an organization do not count.
fn first_factors(identity: &Identity) -> usize {
    let entries = identity.oidc.iter().flatten();
    let links = entries.filter(|entry| entry.organization.is_none()).count();
    links + usize::from(identity.password.is_some())
}
