//! Lists of identities: one filter at most, pages by the last id, and what lags.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use super::super::Request;
use super::told::{Wanted, success};
use super::{Entry, Identity, Kind, MALFORMED, Ory, Release, Said, refusal};

/// Filters, of which a list takes one.
const FILTERS: [&str; 4] = [
    "ids",
    "credentials_identifier",
    "preview_credentials_identifier_similar",
    "organization_id",
];
/// The token of the first page.
const FIRST: &str = "00000000-0000-0000-0000-000000000000";
/// The most identities on a page, whatever is asked for.
const PAGE_MOST: usize = 500;

impl Ory {
    pub(super) fn list(&self, request: &Request, now: Instant) -> Said {
        let bad = |reason: &str| refusal(400, MALFORMED, Some(reason));
        let mut wanted = Wanted::of(request, true)?;
        let identifier = request.param("credentials_identifier");
        let identifier = identifier.filter(|value| !value.is_empty());
        wanted.credentials = !wanted.configs.is_empty() || identifier.is_some();
        let given = FILTERS.iter().filter(|name| request.param(name).is_some());
        if given.count() > 1 {
            return Err(bad("You cannot combine multiple filters in this API"));
        }
        let ids: Vec<_> = request.params("ids").collect();
        if ids.len() > 500 {
            return Err(bad("The number of ids to filter must not exceed 500."));
        }
        let size = match request.param("page_size").map(str::parse::<usize>) {
            None => 250,
            Some(Ok(size)) if size > 0 => size.min(PAGE_MOST),
            Some(_) => return Err(bad("The page size is invalid")),
        };
        let token = request.param("page_token").unwrap_or(FIRST);
        if uuid::Uuid::try_parse(token).is_err() {
            let reason = "The page token is invalid, do not craft your own page tokens";
            return Err(bad(reason));
        }
        let is_meant = |identity: &&Identity| {
            (ids.is_empty() || ids.contains(&&*identity.id))
                && identifier.is_none_or(|wanted| self.is_known_as(identity, wanted))
                && &*identity.id > token
        };
        let all = self.shown(request, now).values();
        let mut found: Vec<_> = all.filter(is_meant).take(size + 1).collect();
        let has_more = found.len() > size;
        found.truncate(size);
        let told: Vec<_> = found.iter().map(|one| self.told(one, &wanted)).collect();
        let next = found.last().filter(|_| has_more).map(|last| &*last.id);
        let link = links(request, size, next);
        Ok(success(200, &Value::Array(told)).with("link", link))
    }

    /// What a list shows: the present, or the state so long ago.
    fn shown(&self, request: &Request, now: Instant) -> &BTreeMap<String, Identity> {
        let is_strong = request.param("consistency") == Some("strong");
        // What ended after this was still so then.
        let then = now.checked_sub(self.lists_lag);
        let ended_later = |ended: &Instant| then.is_some_and(|then| *ended > then);
        let mut earlier = self.earlier.iter();
        let past = earlier.find(|(ended, _)| !is_strong && ended_later(ended));
        past.map_or(&self.identities, |(_, state)| state)
    }

    /// Whether an identity has this identifier under any credential; those of passwords are normalized.
    fn is_known_as(&self, identity: &Identity, wanted: &str) -> bool {
        let linked = Kind::ALL.into_iter().any(|kind| {
            let is_looked_at = kind == Kind::Oidc || self.release >= Release::V25_4;
            let mut entries = identity.entries(kind).into_iter().flatten();
            is_looked_at && entries.any(|entry| Entry::identifier(entry) == wanted)
        });
        let normalized = wanted.trim().to_lowercase();
        let mut passwords = identity.password.iter().flatten();
        linked || passwords.any(|identifier| *identifier == normalized)
    }
}

/// The header with the first page and the next: the request's own URL with other values, names in order.
fn links(request: &Request, size: usize, next: Option<&str>) -> String {
    let page = |token: &str, rel: &str| {
        let kept = request.query.iter();
        let mut query: Vec<(String, String)> = kept
            .filter(|(name, _)| name != "page_size" && name != "page_token")
            .cloned()
            .collect();
        query.push(("page_size".to_owned(), size.to_string()));
        query.push(("page_token".to_owned(), token.to_owned()));
        query.sort_by(|(a, _), (b, _)| a.cmp(b));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        format!("<{}?{query}>; rel=\"{rel}\"", request.path)
    };
    let first = page(FIRST, "first");
    match next {
        Some(next) => format!("{first},{}", page(next, "next")),
        None => first,
    }
}
