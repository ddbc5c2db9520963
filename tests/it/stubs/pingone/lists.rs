//! What a request in an environment lists.

use serde_json::{Value, json};

use super::call::Call;
use super::filter::Filter;
use super::shapes::{Fault, Place};
use super::{Told, User};

impl Call<'_> {
    pub(super) fn providers(&self) -> (u16, Option<Value>) {
        let providers = self.environment.providers.iter();
        let shown: Vec<Value> = providers.map(|p| self.place.provider(p)).collect();
        let n_providers = shown.len();
        let body = json!({
            "_links": { "self": { "href": self.place.below("identityProviders") } },
            "_embedded": { "identityProviders": shown },
            "count": n_providers,
            "size": n_providers,
        });
        (200, Some(body))
    }

    pub(super) fn provider(&self, id: &str) -> Told {
        let found = self.environment.providers.iter().find(|p| p.id == id);
        let found = found.ok_or_else(Fault::not_found)?;
        Ok((200, Some(self.place.provider(found))))
    }

    pub(super) fn users(&self) -> Told {
        let filter = self.request.param("filter");
        let filter = filter.map(|text| Filter::read(text).ok_or_else(Fault::filter));
        let filter = filter.transpose()?;
        let limit = match self.request.param("limit").map(str::parse::<usize>) {
            None => self.most,
            Some(Ok(limit @ 1..=1000)) => limit.min(self.most),
            Some(_) => {
                let detail = Fault::detail(
                    "OUT_OF_RANGE",
                    "limit",
                    Some(json!({ "rangeMinimumValue": 1, "rangeMaximumValue": 1000 })),
                );
                return Err(Fault::data(vec![detail]));
            }
        };
        let users = self.environment.users.iter();
        let fits = |(id, user): &(&String, &User)| filter.as_ref().is_none_or(|f| f.fits(id, user));
        let all: Vec<_> = users.filter(fits).collect();
        let begin = match self.request.param("cursor") {
            None => 0,
            Some(cursor) => {
                let after = Place::after(cursor).ok_or_else(|| {
                    Fault::data(vec![Fault::detail("INVALID_VALUE", "cursor", None)])
                })?;
                all.partition_point(|(id, _)| **id <= after)
            }
        };
        let end = all.len().min(begin + limit);
        let shown = all[begin..end].iter();
        let shown: Vec<Value> = shown.map(|(id, user)| self.place.user(id, user)).collect();
        let mut links = json!({ "self": { "href": self.place.below("users") } });
        let mut page = |name: &str, after: &str| {
            let filter = self.request.param("filter");
            links[name] = json!({ "href": self.place.page("users", limit, filter, after) });
        };
        if end < all.len() {
            page("next", all[end - 1].0);
        }
        if begin > 0 {
            let first = begin.saturating_sub(limit);
            page("prev", if first == 0 { "" } else { all[first - 1].0 });
        }
        let size = shown.len();
        let body = json!({
            "_links": links,
            "_embedded": { "users": shown },
            "count": all.len(),
            "size": size,
        });
        Ok((200, Some(body)))
    }
}
