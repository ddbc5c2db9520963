//! From an [`Outcome`] to a reply record in the vendor's ids.
//!
//! What the front's vendor has no id for cannot be told in its dialect: one such link or user is
//! answered as not found, in a list it is left out. Tokens appear for clients with the scope only.

use super::untold::Untold;
use crate::directory::{self, Aliases, Directory};
use crate::edge::authn::Client;
use crate::edge::scope::Scope;
use crate::model::{
    Failure, Field, How, Link, LinkLimit, Outcome, Page, PendingLink, Provider, ProviderId, Record,
    Secret, TenantId, User, UserId, Value, VendorName,
};

/// Writes reply records for one client of one front.
pub(super) struct Presenter<'a> {
    /// Providers and tenants with their ids.
    pub(super) directory: &'a Directory,
    /// Users' ids.
    pub(super) aliases: &'a dyn Aliases,
    /// Whose ids are written.
    pub(super) vendor: &'a VendorName,
    /// Who reads them.
    pub(super) client: &'a Client,
    /// Where links are counted that have no word.
    pub(super) untold: &'a Untold,
}

/// A user and its id at the vendor, as it was last asked for.
type Holder = Option<(UserId, Option<String>)>;

/// What the request itself adds to the reply.
#[derive(Default)]
pub(super) struct Asked {
    /// The part of a list that is wanted; the backend answers whole lists.
    pub(super) page: Page,
    /// The id of the pending link that was made.
    pub(super) pending_id: Option<Secret>,
}

impl Presenter<'_> {
    /// The reply.
    ///
    /// # Errors
    /// `LinkNotFound`, `PendingNotFound`, `ProviderNotFound` and `UserNotFound` for what cannot be told
    /// to this client; `Overloaded` if the store cannot be read.
    pub(super) fn reply(&self, outcome: Outcome, asked: &Asked) -> Result<Record, Failure> {
        let mut reply = Record::with_capacity(4);
        match outcome {
            Outcome::Link { link, how } => {
                let shown = self.link(&link, &mut None)?.ok_or(Failure::LinkNotFound)?;
                reply.set(Field::Link, Value::Record(shown));
                reply.set_text(Field::Outcome, how.name());
            }
            Outcome::Links { links, .. } => self.links(&mut reply, &links, asked.page)?,
            Outcome::Pending {
                pending,
                link_count,
                limit,
            } => {
                let shown = self.pending(&pending).ok_or(Failure::PendingNotFound)?;
                reply.set(Field::Pending, Value::Record(shown));
                set_count(&mut reply, link_count, limit);
                reply.set_text_opt(
                    Field::PendingId,
                    asked.pending_id.as_ref().map(Secret::expose),
                );
            }
            Outcome::Provider(provider) => {
                let shown = self.provider(&provider).ok_or(Failure::ProviderNotFound)?;
                reply.set(Field::Provider, Value::Record(shown));
            }
            Outcome::Providers { providers, total } => {
                let shown = providers.iter().filter_map(|p| self.provider(p)).collect();
                set_list(&mut reply, Field::Providers, shown, total);
            }
            Outcome::User { user, created, .. } => {
                let shown = self.user(&user)?.ok_or(Failure::UserNotFound)?;
                reply.set(Field::User, Value::Record(shown));
                let how = if created { How::Created } else { How::Existed };
                reply.set_text(Field::Outcome, how.name());
            }
            Outcome::Users { users, total, .. } => {
                let shown = users
                    .iter()
                    .filter_map(|(u, _)| self.user(u).transpose())
                    .collect::<Result<_, _>>()?;
                set_list(&mut reply, Field::Users, shown, total);
            }
            Outcome::Status { ready } => reply.set(Field::Ready, Value::Bool(ready)),
        }
        Ok(reply)
    }

    /// Whether this client may be told of the provider in this vendor's ids.
    pub(super) fn sees(&self, provider: &Provider) -> bool {
        self.client.may_touch(&provider.provider_id) && self.provider_id(provider).is_some()
    }

    /// The links that can be told are counted and cut here, so that the total is right on every page.
    fn links(&self, reply: &mut Record, links: &[Link], page: Page) -> Result<(), Failure> {
        let mut holder = None;
        let mut visible = Vec::with_capacity(links.len());
        for link in links {
            if self.visible(&link.provider_id).is_none() {
                // What is kept from the client is no fault of the directory.
                if self.client.may_touch(&link.provider_id) {
                    self.untold.count(&link.provider_id, self.vendor);
                }
            } else if self.holder_id(link, &mut holder)?.is_some() {
                visible.push(link);
            }
        }
        let total = visible.len() as u64;
        let mut shown = Vec::with_capacity(visible.len());
        for link in cut(visible, page) {
            shown.extend(self.link(link, &mut holder)?);
        }
        set_list(reply, Field::Links, shown, total);
        Ok(())
    }

    /// The id of the link's user at the vendor, if it has one. `holder` remembers the last user's: the
    /// links of a list mostly have one user.
    fn holder_id(&self, link: &Link, holder: &mut Holder) -> Result<Option<String>, Failure> {
        match holder {
            Some((user, id)) if *user == link.user_id => Ok(id.clone()),
            _ => {
                let id = self
                    .aliases
                    .vendor_id_of(&link.tenant, self.vendor, &link.user_id)?;
                *holder = Some((link.user_id.clone(), id.clone()));
                Ok(id)
            }
        }
    }

    fn link(&self, link: &Link, holder: &mut Holder) -> Result<Option<Record>, Failure> {
        let Some((provider, provider_id)) = self.visible(&link.provider_id) else {
            return Ok(None);
        };
        let Some(user_id) = self.holder_id(link, holder)? else {
            return Ok(None);
        };
        let mut record = Record::with_capacity(14);
        self.set_tenant(&mut record, &link.tenant);
        record.set_text(Field::UserId, user_id);
        record.set_text(Field::ProviderId, provider_id);
        record.set_text(Field::Subject, link.subject.as_str());
        record.set_text_opt(Field::DisplayName, link.display_name.as_deref());
        if self.client.scopes.has(Scope::LinksReadToken) {
            record.set_text_opt(Field::Token, link.token.as_ref().map(Secret::expose));
        }
        record.set_text(Field::LinkId, link.link_id.to_string());
        record.set(Field::CreatedAt, Value::Int(link.created_at.0));
        record.set(Field::UpdatedAt, Value::Int(link.updated_at.0));
        if let Some(at) = link.last_login_at {
            record.set(Field::LastLoginAt, Value::Int(at.0));
        }
        set_revision(&mut record, link.revision);
        set_name_and_kind(&mut record, provider);
        Ok(Some(record))
    }

    fn pending(&self, pending: &PendingLink) -> Option<Record> {
        let (provider, provider_id) = self.visible(&pending.provider_id)?;
        let mut record = Record::with_capacity(9);
        self.set_tenant(&mut record, &pending.tenant);
        record.set_text(Field::ProviderId, provider_id);
        record.set_text(Field::Subject, pending.subject.as_str());
        record.set_text_opt(Field::DisplayName, pending.display_name.as_deref());
        record.set_text_opt(Field::Email, pending.email.as_deref());
        record.set_text_opt(Field::Username, pending.username.as_deref());
        record.set(Field::ExpiresAt, Value::Int(pending.expires_at.0));
        set_name_and_kind(&mut record, provider);
        Some(record)
    }

    fn provider(&self, provider: &Provider) -> Option<Record> {
        let mut record = Record::with_capacity(5);
        record.set_text(Field::ProviderId, self.provider_id(provider)?);
        set_name_and_kind(&mut record, provider);
        record.set(Field::Enabled, Value::Bool(provider.enabled));
        if let Some(tenant) = &provider.tenant {
            self.set_tenant(&mut record, tenant);
        }
        Some(record)
    }

    fn user(&self, user: &User) -> Result<Option<Record>, Failure> {
        let id = self
            .aliases
            .vendor_id_of(&user.tenant, self.vendor, &user.user_id)?;
        let Some(id) = id else { return Ok(None) };
        let mut record = Record::with_capacity(7);
        record.set_text(Field::UserId, id);
        self.set_tenant(&mut record, &user.tenant);
        // Writing a user answers it, and must not show what the client may not read.
        if self.client.scopes.has(Scope::UsersRead) {
            set_ids_and_document(&mut record, user);
        }
        record.set(Field::CreatedAt, Value::Int(user.created_at.0));
        record.set(Field::UpdatedAt, Value::Int(user.updated_at.0));
        set_revision(&mut record, user.revision);
        Ok(Some(record))
    }

    fn visible(&self, provider_id: &ProviderId) -> Option<(&Provider, &str)> {
        let provider = self
            .directory
            .provider(provider_id)
            .filter(|p| self.client.may_touch(&p.provider_id))?;
        Some((provider, self.provider_id(provider)?))
    }

    fn provider_id<'p>(&self, provider: &'p Provider) -> Option<&'p str> {
        directory::id_at(provider.provider_id.as_str(), &provider.ids, self.vendor)
    }

    fn set_tenant(&self, record: &mut Record, tenant: &TenantId) {
        let tenant = self.directory.tenant(tenant);
        let id = tenant.and_then(|t| directory::id_at(t.tenant_id.as_str(), &t.ids, self.vendor));
        record.set_text_opt(Field::Tenant, id);
    }
}

/// The part of a list that a page names.
pub(super) fn cut<T>(items: Vec<T>, page: Page) -> impl Iterator<Item = T> {
    let offset = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let limit = page.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    items.into_iter().skip(offset).take(limit)
}

fn set_list(reply: &mut Record, field: Field, items: Vec<Record>, total: u64) {
    reply.set(field, Value::List(items));
    reply.set(
        Field::Total,
        Value::Int(i64::try_from(total).unwrap_or(i64::MAX)),
    );
}

fn set_count(reply: &mut Record, link_count: Option<u64>, limit: Option<LinkLimit>) {
    if let Some(count) = link_count {
        reply.set(
            Field::LinkCount,
            Value::Int(i64::try_from(count).unwrap_or(i64::MAX)),
        );
    }
    if let Some(limit) = limit {
        reply.set(Field::LimitEnabled, Value::Bool(true));
        reply.set(Field::LimitMax, Value::Int(i64::from(limit.max)));
    }
}

fn set_revision(record: &mut Record, revision: u64) {
    record.set(
        Field::Revision,
        Value::Int(i64::try_from(revision).unwrap_or(i64::MAX)),
    );
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

fn set_name_and_kind(record: &mut Record, provider: &Provider) {
    record.set_text(Field::ProviderName, provider.name.as_str());
    record.set_text(Field::ProviderKind, provider.kind.name());
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, FakeAliases, client, link, vendor};
    use super::*;
    use crate::model::{Alias, Instant};

    fn reply(scopes: &[Scope], outcome: Outcome, page: Page) -> Result<Record, Failure> {
        let directory = testing::directory(&["blue"]);
        let presenter = Presenter {
            directory: &directory,
            aliases: &FakeAliases,
            vendor: &vendor(),
            client: &client(scopes),
            untold: &Untold::default(),
        };
        presenter.reply(
            outcome,
            &Asked {
                page,
                pending_id: None,
            },
        )
    }

    #[test]
    fn a_link_is_told_in_the_vendors_ids_with_its_provider_joined_in() {
        let found = Outcome::Link {
            link: link("google", "ext-1"),
            how: How::Found,
        };
        let reply = reply(&[], found, Page::default()).unwrap();
        let shown = reply.record(Field::Link).unwrap();
        assert_eq!(shown.text(Field::UserId), Some("u-1@acme"));
        assert_eq!(shown.text(Field::ProviderId), Some("at-acme-google"));
        assert_eq!(shown.text(Field::Tenant), Some("at-acme-blue"));
        assert_eq!(shown.text(Field::ProviderName), Some("Google"));
        assert_eq!(shown.text(Field::ProviderKind), Some("google"));
        assert_eq!(reply.text(Field::Outcome), Some("found"));
    }

    #[test]
    fn a_token_needs_its_scope() {
        let found = || Outcome::Link {
            link: link("google", "ext-1"),
            how: How::Found,
        };
        let without = reply(&[Scope::LinksRead], found(), Page::default()).unwrap();
        assert!(!without.record(Field::Link).unwrap().has(Field::Token));
        let with = reply(&[Scope::LinksReadToken], found(), Page::default()).unwrap();
        assert_eq!(
            with.record(Field::Link).unwrap().text(Field::Token),
            Some("opaque-token")
        );
    }

    #[test]
    fn what_is_kept_of_a_user_needs_the_scope_to_read_users() {
        let user = || Outcome::User {
            links: Vec::new(),
            user: User {
                tenant: TenantId::new("blue").unwrap(),
                user_id: UserId::new("u-1").unwrap(),
                ids: vec![Alias {
                    vendor: vendor(),
                    vendor_id: "u-1@acme".to_owned(),
                }],
                document: Some(r#"{"a":1}"#.to_owned()),
                created_at: Instant(1),
                updated_at: Instant(2),
                revision: 1,
            },
            created: false,
        };
        let writer = [Scope::UsersWrite, Scope::DirectoryWrite];
        for (scopes, is_shown) in [(&writer[..], false), (&[Scope::UsersRead], true)] {
            let reply = reply(scopes, user(), Page::default()).unwrap();
            let shown = reply.record(Field::User).unwrap();
            assert_eq!(shown.text(Field::UserId), Some("u-1@acme"));
            assert_eq!(
                (shown.has(Field::Ids), shown.has(Field::Document)),
                (is_shown, is_shown)
            );
        }
    }

    #[test]
    fn a_link_that_the_vendor_has_no_word_for_is_left_out_of_lists_and_not_found_alone() {
        let links = vec![
            link("google", "1"),
            link("unnamed", "2"),
            link("google", "3"),
        ];
        let all = reply(
            &[],
            Outcome::Links { links, total: 3 },
            Page {
                offset: 1,
                limit: Some(5),
            },
        )
        .unwrap();
        let shown = all.list(Field::Links).unwrap();
        assert_eq!(
            shown
                .iter()
                .map(|l| l.text(Field::Subject))
                .collect::<Vec<_>>(),
            [Some("3")]
        );
        assert_eq!(all.int(Field::Total), Some(2));
        let alone = reply(
            &[],
            Outcome::Link {
                link: link("unnamed", "2"),
                how: How::Found,
            },
            Page::default(),
        );
        assert_eq!(alone, Err(Failure::LinkNotFound));
    }

    #[test]
    fn a_user_without_an_id_at_the_vendor_is_not_told() {
        let mut nameless = link("google", "1");
        nameless.user_id = UserId::new("u-nameless").unwrap();
        let links = Outcome::Links {
            links: vec![nameless.clone(), link("google", "2")],
            total: 2,
        };
        let all = reply(&[], links, Page::default()).unwrap();
        assert_eq!(all.list(Field::Links).map(<[_]>::len), Some(1));
        assert_eq!(all.int(Field::Total), Some(1));
        let user = User {
            user_id: nameless.user_id.clone(),
            tenant: nameless.tenant.clone(),
            ids: vec![],
            document: None,
            created_at: nameless.created_at,
            updated_at: nameless.updated_at,
            revision: 1,
        };
        let how = How::Found;
        let alone = Outcome::Link {
            link: nameless,
            how,
        };
        assert_eq!(
            reply(&[], alone, Page::default()),
            Err(Failure::LinkNotFound)
        );
        let users = Outcome::Users {
            users: vec![(user.clone(), Vec::new())],
            more: false,
            total: 1,
        };
        let listed = reply(&[], users, Page::default()).unwrap();
        assert_eq!(listed.list(Field::Users).map(<[_]>::len), Some(0));
        let created = false;
        let alone = Outcome::User {
            user,
            links: Vec::new(),
            created,
        };
        assert_eq!(
            reply(&[], alone, Page::default()),
            Err(Failure::UserNotFound)
        );
    }
}
