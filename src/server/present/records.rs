//! The records of replies: links, pending links, providers, users, in the vendor's ids.

use super::{Holder, Presenter, Told};
use crate::directory;
use crate::edge::scope::Scope;
use crate::model::{
    Failure, Field, Instant, Link, LinkLimit, PendingLink, Protocol, Provider, ProviderId, Record,
    Secret, TenantId, User, Value,
};
use crate::server::call::Tells;

impl Presenter<'_> {
    /// A link with its provider; `None` if the vendor has no id for one of its ends, or if it is not the
    /// client's to see.
    pub(super) fn told<'l>(
        &'l self,
        link: &'l Link,
        holder: &mut Holder,
    ) -> Result<Option<Told<'l>>, Failure> {
        let Some((provider, _)) = self.visible(&link.provider_id) else {
            return Ok(None);
        };
        let user_id = self.id_of(&link.tenant, &link.user_id, holder)?;
        Ok(user_id.map(|_| (link, provider)))
    }

    pub(super) fn link(
        &self,
        (link, provider): Told<'_>,
        holder: &mut Holder,
    ) -> Result<Record, Failure> {
        let mut record = Record::with_capacity(16);
        self.set_tenant(&mut record, &link.tenant);
        let user_id = self.id_of(&link.tenant, &link.user_id, holder)?;
        record.set_text_opt(Field::UserId, user_id);
        record.set_text_opt(Field::ProviderId, self.provider_id(provider));
        record.set_text(Field::Subject, link.subject.as_str());
        record.set_text_opt(Field::DisplayName, link.display_name.as_deref());
        if self.client.scopes.has(Scope::LinksReadToken) {
            record.set_text_opt(Field::Token, link.token.as_ref().map(Secret::expose));
        }
        record.set_text(Field::LinkId, link.link_id.to_string());
        let instants = [
            (Field::CreatedAt, link.created_at),
            (Field::UpdatedAt, link.updated_at),
            (Field::LastLoginAt, link.last_login_at),
        ];
        set_instants(&mut record, instants);
        set_revision(&mut record, link.revision);
        set_provider(&mut record, provider);
        record.set(Field::Enabled, Value::Bool(provider.enabled));
        Ok(record)
    }

    pub(super) fn pending(&self, pending: &PendingLink) -> Option<Record> {
        let (provider, provider_id) = self.visible(&pending.provider_id)?;
        let mut record = Record::with_capacity(10);
        self.set_tenant(&mut record, &pending.tenant);
        record.set_text(Field::ProviderId, provider_id);
        record.set_text(Field::Subject, pending.subject.as_str());
        record.set_text_opt(Field::DisplayName, pending.display_name.as_deref());
        record.set_text_opt(Field::Email, pending.email.as_deref());
        record.set_text_opt(Field::Username, pending.username.as_deref());
        record.set(Field::ExpiresAt, Value::Int(pending.expires_at.0));
        set_provider(&mut record, provider);
        Some(record)
    }

    pub(super) fn provider(&self, provider: &Provider) -> Option<Record> {
        let mut record = Record::with_capacity(6);
        record.set_text(Field::ProviderId, self.provider_id(provider)?);
        set_provider(&mut record, provider);
        record.set(Field::Enabled, Value::Bool(provider.enabled));
        if let Some(tenant) = &provider.tenant {
            self.set_tenant(&mut record, tenant);
        }
        Some(record)
    }

    pub(super) fn user(&self, user: &User, holder: &mut Holder) -> Result<Option<Record>, Failure> {
        let id = self.id_of(&user.tenant, &user.user_id, holder)?;
        let Some(id) = id else { return Ok(None) };
        let mut record = Record::with_capacity(9);
        record.set_text(Field::UserId, id);
        self.set_tenant(&mut record, &user.tenant);
        // Writing a user answers it, and must not show what the client may not read.
        if self.client.scopes.has(Scope::UsersRead) {
            set_ids_and_document(&mut record, user);
        }
        let instants = [
            (Field::CreatedAt, user.created_at),
            (Field::UpdatedAt, user.updated_at),
        ];
        set_instants(&mut record, instants);
        set_revision(&mut record, user.revision);
        Ok(Some(record))
    }

    /// A user with the links, where the answer has room for them. They are the client's to see only with
    /// the scope for it, whichever operation answers them.
    pub(super) fn user_with(
        &self,
        user: &User,
        links: &[Link],
        tells: Tells,
    ) -> Result<Option<Record>, Failure> {
        let mut holder = None;
        let Some(mut record) = self.user(user, &mut holder)? else {
            return Ok(None);
        };
        if tells.links_of_users() && self.client.scopes.has(Scope::LinksRead) {
            let told = self.told_of(links, &mut holder)?;
            let shown = told.iter().map(|told| self.link(*told, &mut holder));
            let shown = shown.collect::<Result<Vec<_>, _>>()?;
            if tells.credentials {
                let credentials = credentials(&told, &shown);
                record.set(Field::Credentials, Value::List(credentials));
            }
            record.set(Field::Links, Value::List(shown));
        }
        Ok(Some(record))
    }

    /// A provider that the client may touch and the vendor has an id for, with that id.
    pub(super) fn visible(&self, provider_id: &ProviderId) -> Option<(&Provider, &str)> {
        let provider = self
            .directory
            .provider(provider_id)
            .filter(|p| self.client.may_touch(&p.provider_id))?;
        Some((provider, self.provider_id(provider)?))
    }

    pub(super) fn provider_id<'p>(&self, provider: &'p Provider) -> Option<&'p str> {
        directory::id_at(provider.provider_id.as_str(), &provider.ids, self.vendor)
    }

    /// The vendor's id of a tenant, where it has one.
    pub(in crate::server) fn set_tenant(&self, record: &mut Record, tenant: &TenantId) {
        let tenant = self.directory.tenant(tenant);
        let id = tenant.and_then(|t| directory::id_at(t.tenant_id.as_str(), &t.ids, self.vendor));
        record.set_text_opt(Field::Tenant, id);
    }
}

/// A user's links in one record for each protocol that has some.
fn credentials(told: &[Told<'_>], shown: &[Record]) -> Vec<Record> {
    let of = |protocol: &Protocol| {
        let all = told.iter().zip(shown);
        let links: Vec<_> = all
            .filter(|((_, provider), _)| provider.kind.protocol() == *protocol)
            .collect();
        if links.is_empty() {
            return None;
        }
        let known =
            |at: fn(&Link) -> Option<Instant>| links.iter().filter_map(move |((l, _), _)| at(l));
        let instants = [
            (Field::CreatedAt, known(|link| link.created_at).min()),
            (Field::UpdatedAt, known(|link| link.updated_at).max()),
        ];
        let records = links.iter().map(|(_, record)| (*record).clone()).collect();
        let mut record = Record::with_capacity(4);
        record.set_text(Field::Protocol, protocol.name());
        record.set(Field::Links, Value::List(records));
        set_instants(&mut record, instants);
        Some(record)
    };
    Protocol::ALL.iter().filter_map(of).collect()
}

pub(super) fn set_list(reply: &mut Record, field: Field, items: Vec<Record>, total: u64) {
    reply.set(field, Value::List(items));
    reply.set(Field::Total, whole(total));
}

pub(super) fn set_count(reply: &mut Record, link_count: Option<u64>, limit: Option<LinkLimit>) {
    if let Some(count) = link_count {
        reply.set(Field::LinkCount, whole(count));
    }
    if let Some(limit) = limit {
        reply.set(Field::LimitEnabled, Value::Bool(true));
        reply.set(Field::LimitMax, Value::Int(i64::from(limit.max)));
    }
}

pub(super) fn set_revision(record: &mut Record, revision: u64) {
    record.set(Field::Revision, whole(revision));
}

/// Tells the instants that are known.
fn set_instants(record: &mut Record, instants: impl IntoIterator<Item = (Field, Option<Instant>)>) {
    for (field, at) in instants {
        if let Some(at) = at {
            record.set(field, Value::Int(at.0));
        }
    }
}

pub(super) fn set_ready(reply: &mut Record, ready: bool) {
    reply.set(Field::Ready, Value::Bool(ready));
    reply.set_text(Field::Outcome, if ready { "ready" } else { "unready" });
}

/// When the request was carried out.
pub(in crate::server) fn set_time(reply: &mut Record, at: Instant) {
    reply.set(Field::CarriedOutAt, Value::Int(at.0));
}

fn whole(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn set_ids_and_document(record: &mut Record, user: &User) {
    let ids = user.ids.iter().map(|alias| {
        let mut id = Record::with_capacity(2);
        id.set_text(Field::Vendor, alias.vendor.as_str());
        id.set_text(Field::VendorId, alias.vendor_id.as_str());
        id
    });
    record.set(Field::Ids, Value::List(ids.collect()));
    // The backend keeps the document as it was put, and only JSON is put.
    if let Some(json) = user
        .document
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok())
    {
        record.set(Field::Document, Value::Json(json));
    }
}

fn set_provider(record: &mut Record, provider: &Provider) {
    record.set_text(Field::ProviderName, provider.name.as_str());
    record.set_text(Field::ProviderKind, provider.kind.name());
    record.set_text(Field::Protocol, provider.kind.protocol().name());
}
