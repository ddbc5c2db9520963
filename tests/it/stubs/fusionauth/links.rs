//! Linking, reading links, unlinking.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::super::{Answer, Request};
use super::input::{Body, Errors, Query};
use super::{FusionAuth, Link, Said};

/// The field path of a member of the link in a body.
fn path(name: &str) -> String {
    format!("identityProviderLink.{name}")
}

/// The vendor keeps no longer subject.
const LONGEST_SUBJECT: usize = 191;

impl FusionAuth {
    pub(super) fn create(&mut self, request: &Request, named: Option<&str>, now: Instant) -> Said {
        let mut body = Body::of(request)?;
        let spent = match body.pending.take() {
            Some(id) => {
                let live = self.live(&id, named, now);
                let Some(pending) = live else {
                    return Err(Errors::general("[InvalidPendingIdPLinkId]").answer());
                };
                body.provider = Some(pending.provider.clone());
                body.subject = Some(pending.subject.clone());
                body.display_name = pending.display_name.clone();
                body.token = None;
                Some(id)
            }
            None => None,
        };
        let link = self.checked(body, named)?;
        let at = self.millis(now);
        let link = Link { at, ..link };
        let told = json!({ "identityProviderLink": self.told(&link) });
        self.links.push(link);
        self.pending
            .retain(|pending| Some(&pending.id) != spent.as_ref());
        Ok(super::json(200, &told))
    }

    /// The link that a body asks for, if it can be made.
    fn checked(&self, body: Body, named: Option<&str>) -> Result<Link, Answer> {
        let mut errors = Errors::default();
        let (user, provider) = (body.user, body.provider);
        if user.is_none() {
            errors.add("missing", &path("userId"));
        }
        if provider.is_none() {
            errors.add("missing", &path("identityProviderId"));
        }
        let subject = body.subject.unwrap_or_default();
        if subject.trim().is_empty() {
            errors.add("blank", &path("identityProviderUserId"));
        }
        if subject.chars().count() > LONGEST_SUBJECT {
            errors.add("tooLong", &path("identityProviderUserId"));
        }
        let user = user.unwrap_or_default();
        let known = self.user(&user, named);
        if !user.is_empty() && known.is_none() {
            errors.add("invalid", &path("userId"));
        }
        let provider = provider.unwrap_or_default();
        let tenant = known.map(|user| user.tenant.clone());
        let is_there = self.provider(&provider).is_some_and(|provider| {
            provider.tenant.is_none() || tenant.is_none() || provider.tenant == tenant
        });
        if !provider.is_empty() && !is_there {
            errors.add("invalid", &path("identityProviderId"));
        }
        let (Some(tenant), true) = (tenant, errors.is_empty()) else {
            return Err(errors.answer());
        };
        let link = Link {
            tenant,
            user,
            provider,
            subject,
            display_name: body.display_name,
            token: body.token,
            at: 0,
        };
        if self
            .find(&link.tenant, &link.provider, &link.subject)
            .is_some()
        {
            // The same user or another one: it is no upsert.
            let field = path("identityProviderUserId");
            return Err(Errors::field("alreadyLinked", &field).answer());
        }
        let max = self.max_links(&link.tenant);
        if max.is_some_and(|max| self.count(&link.user, &link.provider) >= max) {
            return Err(Errors::general("[LinkCountExceeded]").answer());
        }
        Ok(link)
    }

    pub(super) fn read(&self, request: &Request, named: Option<String>) -> Said {
        let query = Query::of(request)?;
        let none = || Answer::empty(404);
        match (query.provider, query.subject, query.user) {
            (Some(provider), Some(subject), user) => {
                let tenant = match &user {
                    Some(id) => self
                        .user(id, named.as_deref())
                        .ok_or_else(none)?
                        .tenant
                        .clone(),
                    None => self.needed_tenant(named)?,
                };
                let found = self.find(&tenant, &provider, &subject);
                let found = found.filter(|link| user.is_none_or(|user| link.user == user));
                let told = self.told(found.ok_or_else(none)?);
                Ok(super::json(200, &json!({ "identityProviderLink": told })))
            }
            (provider, subject, Some(user)) => {
                self.user(&user, named.as_deref()).ok_or_else(none)?;
                let is_meant = |link: &&Link| {
                    link.user == user
                        && provider
                            .as_ref()
                            .is_none_or(|provider| link.provider == *provider)
                        && subject
                            .as_ref()
                            .is_none_or(|subject| link.subject == *subject)
                };
                let links = self.links.iter().filter(is_meant);
                let told: Vec<_> = links.map(|link| self.told(link)).collect();
                Ok(super::json(200, &json!({ "identityProviderLinks": told })))
            }
            (provider, ..) => {
                self.needed_tenant(named)?;
                let missing = match provider {
                    None if request.param("identityProviderUserId").is_some() => {
                        "identityProviderId"
                    }
                    _ => "userId",
                };
                Err(Errors::field("missing", missing).answer())
            }
        }
    }

    pub(super) fn delete(&mut self, request: &Request, named: Option<&str>) -> Said {
        let query = Query::of(request)?;
        let mut errors = Errors::default();
        for (name, is_there) in [
            ("identityProviderId", query.provider.is_some()),
            ("identityProviderUserId", query.subject.is_some()),
            ("userId", query.user.is_some()),
        ] {
            if !is_there {
                errors.add("missing", name);
            }
        }
        let (Some(provider), Some(subject), Some(user)) =
            (query.provider, query.subject, query.user)
        else {
            return Err(errors.answer());
        };
        let none = || Answer::empty(404);
        self.user(&user, named).ok_or_else(none)?;
        let is_meant = |link: &Link| {
            (&link.user, &link.provider, &link.subject) == (&user, &provider, &subject)
        };
        let at = self.links.iter().position(is_meant).ok_or_else(none)?;
        self.links.remove(at);
        Ok(Answer::empty(200))
    }

    fn find(&self, tenant: &str, provider: &str, subject: &str) -> Option<&Link> {
        let is_meant = |link: &&Link| {
            (&*link.tenant, &*link.provider, &*link.subject) == (tenant, provider, subject)
        };
        self.links.iter().find(is_meant)
    }

    pub(super) fn count(&self, user: &str, provider: &str) -> u64 {
        let of = |link: &&Link| link.user == user && link.provider == provider;
        self.links.iter().filter(of).count() as u64
    }

    pub(super) fn max_links(&self, tenant: &str) -> Option<u64> {
        let mut all = self.tenants.iter();
        all.find(|t| t.id == tenant)?.max_links
    }

    /// A link as it is told: members in alphabetical order, none that is null.
    fn told(&self, link: &Link) -> Value {
        let provider = self.provider(&link.provider);
        let text = |text: &str| Value::from(text);
        let members = [
            ("displayName", link.display_name.as_deref().map(text)),
            ("identityProviderId", Some(text(&link.provider))),
            ("identityProviderName", provider.map(|p| text(&p.name))),
            ("identityProviderType", provider.map(|p| text(&p.kind))),
            ("identityProviderUserId", Some(text(&link.subject))),
            ("insertInstant", Some(link.at.into())),
            ("lastLoginInstant", Some(link.at.into())),
            ("tenantId", Some(text(&link.tenant))),
            ("token", link.token.as_deref().map(text)),
            ("userId", Some(text(&link.user))),
        ];
        let there = members.into_iter();
        let there = there.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(there.collect::<Map<_, _>>())
    }
}
