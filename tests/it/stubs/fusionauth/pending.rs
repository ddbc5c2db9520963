//! Pending links: made by a login elsewhere, looked at here, spent by a create.

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::super::{Answer, Request};
use super::input::{Errors, uuid};
use super::{FusionAuth, Pending, Said};

impl FusionAuth {
    /// The same with one more pending link.
    pub(crate) fn with_pending(
        mut self,
        (id, tenant): (&str, &str),
        (provider, subject): (&str, &str),
    ) -> Self {
        self.pending.push(Pending {
            id: id.to_owned(),
            tenant: tenant.to_owned(),
            provider: provider.to_owned(),
            subject: subject.to_owned(),
            display_name: Some("ann@example.test".to_owned()),
            email: Some("ann@example.test".to_owned()),
            minted: None,
        });
        self
    }

    /// A pending link that can be used.
    pub(super) fn live(&mut self, id: &str, named: Option<&str>, now: Instant) -> Option<&Pending> {
        let ttl = self.pending_ttl;
        for pending in &mut self.pending {
            pending.minted.get_or_insert(now);
        }
        let mut all = self.pending.iter();
        let pending = all.find(|pending| pending.id == id)?;
        let is_old = pending.minted.is_some_and(|at| now - at >= ttl);
        let is_theirs = named.is_some_and(|named| pending.tenant != named);
        (!is_old && !is_theirs).then_some(pending)
    }

    pub(super) fn pending_of(
        &mut self,
        request: &Request,
        named: Option<&str>,
        now: Instant,
    ) -> Said {
        let mut errors = Errors::default();
        let user = uuid(request, "userId", &mut errors)?;
        if !errors.is_empty() {
            return Err(errors.answer());
        }
        let id = request.segments().pop().unwrap_or_default();
        let Some(pending) = self.live(&id, named, now) else {
            return Err(Answer::empty(404));
        };
        let (tenant, provider_id) = (pending.tenant.clone(), pending.provider.clone());
        let (name, email, subject) = (
            pending.display_name.clone(),
            pending.email.clone(),
            pending.subject.clone(),
        );
        let provider = self.provider(&provider_id);
        let text = |text: &str| Value::from(text);
        let members = [
            ("displayName", name.as_deref().map(text)),
            ("email", email.as_deref().map(text)),
            ("identityProviderId", Some(text(&provider_id))),
            ("identityProviderName", provider.map(|p| text(&p.name))),
            ("identityProviderType", provider.map(|p| text(&p.kind))),
            ("identityProviderUserId", Some(text(&subject))),
        ];
        let there = members.into_iter();
        let there = there.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let mut told = Map::new();
        if let Some(max) = self.max_links(&tenant) {
            let limit = json!({ "limitUserLinkCount": { "enabled": true, "maximumLinks": max } });
            told.insert("identityProviderTenantConfiguration".to_owned(), limit);
        }
        if let Some(user) = user {
            if self.user(&user, named).is_none() {
                return Err(Errors::field("invalid", "userId").answer());
            }
            told.insert(
                "linkCount".to_owned(),
                self.count(&user, &provider_id).into(),
            );
        }
        told.insert("pendingIdPLink".to_owned(), Value::Object(there.collect()));
        Ok(super::json(200, &Value::Object(told)))
    }
}
