//! From an [`Outcome`] to a reply record in the vendor's ids.
//!
//! What the front's vendor has no id for cannot be told in its dialect: one such link or user is
//! answered as not found, in a list it is left out. Tokens appear for clients with the scope only.

mod records;

pub(super) use self::records::set_time;
use self::records::{set_count, set_list, set_revision};
use super::call::Tells;
use super::untold::Untold;
use crate::directory::{Aliases, Directory};
use crate::edge::authn::Client;
use crate::model::{
    Failure, Field, How, Link, Outcome, Page, Provider, Record, Secret, TenantId, User, UserId,
    Value, VendorName,
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

/// A link that can be told, with its provider.
type Told<'a> = (&'a Link, &'a Provider);

/// What the request itself adds to the reply.
#[derive(Default)]
pub(super) struct Asked {
    /// The part of a list that is wanted; the backend answers whole lists.
    pub(super) page: Page,
    /// The id of the pending link that was made.
    pub(super) pending_id: Option<Secret>,
    /// Whom the request is about.
    pub(super) about: Option<(TenantId, UserId)>,
    /// The user whose id is the user name that is looked for.
    pub(super) namesake: Option<UserId>,
    /// Whether the links of the outcome are those that were taken away.
    pub(super) is_delete: bool,
    /// What the answer has room for.
    pub(super) tells: Tells,
    /// The user of the link, if the answer has room for one.
    pub(super) holder: Option<User>,
}

impl Presenter<'_> {
    /// The reply.
    ///
    /// # Errors
    /// `LinkNotFound`, `PendingNotFound`, `ProviderNotFound` and `UserNotFound` for what cannot be told
    /// to this client; `Overloaded` if the store cannot be read.
    pub(super) fn reply(&self, outcome: Outcome, asked: &Asked) -> Result<Record, Failure> {
        let mut reply = Record::with_capacity(8);
        match outcome {
            Outcome::Link { link, how } => {
                let mut holder = None;
                let told = self.told(&link, &mut holder)?;
                let told = told.ok_or(Failure::LinkNotFound)?;
                reply.set(Field::Link, Value::Record(self.link(told, &mut holder)?));
                reply.set_text(Field::Outcome, how.name());
                reply.set_text_opt(Field::UserId, holder.and_then(|(_, id)| id));
                self.join(&mut reply, &[told], asked)?;
            }
            Outcome::Links { links, .. } => self.links(&mut reply, &links, asked)?,
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
                reply.set_text_opt(Field::UserId, self.asked_user(asked, &mut None)?);
            }
            Outcome::Provider(provider) => {
                let shown = self.provider(&provider).ok_or(Failure::ProviderNotFound)?;
                reply.set(Field::Provider, Value::Record(shown));
            }
            Outcome::Providers { providers, total } => {
                let shown = providers.iter().filter_map(|p| self.provider(p)).collect();
                set_list(&mut reply, Field::Providers, shown, total);
            }
            Outcome::User {
                user,
                links,
                created,
            } => {
                let shown = self.user_with(&user, &links, asked.tells)?;
                let shown = shown.ok_or(Failure::UserNotFound)?;
                let how = if created { How::Created } else { How::Existed };
                reply.set_text(Field::Outcome, how.name());
                reply.set_text_opt(Field::UserId, shown.text(Field::UserId));
                reply.set(Field::User, Value::Record(shown));
            }
            Outcome::Users { users, total, more } => {
                let shown = users
                    .iter()
                    .filter_map(|(u, links)| self.user_with(u, links, asked.tells).transpose())
                    .collect::<Result<Vec<_>, _>>()?;
                // The next page begins after a user whom this one tells.
                if let (true, Some(last)) = (more, shown.last()) {
                    reply.set_text_opt(Field::PageNext, last.text(Field::UserId));
                }
                set_list(&mut reply, Field::Users, shown, total);
            }
            Outcome::Status { ready } => records::set_ready(&mut reply, ready),
        }
        Ok(reply)
    }

    /// Whether this client may be told of the provider in this vendor's ids.
    pub(super) fn sees(&self, provider: &Provider) -> bool {
        self.client.may_touch(&provider.provider_id) && self.provider_id(provider).is_some()
    }

    /// Whether the vendor has an id for the user.
    ///
    /// # Errors
    /// `Overloaded` if the store cannot be read.
    pub(super) fn has_id(&self, user: &User) -> Result<bool, Failure> {
        let id = self.id_of(&user.tenant, &user.user_id, &mut None)?;
        Ok(id.is_some())
    }

    /// The links that can be told are counted and cut here, so that the total is right on every page.
    fn links(&self, reply: &mut Record, links: &[Link], asked: &Asked) -> Result<(), Failure> {
        let mut holder = None;
        let about = self.asked_user(asked, &mut holder)?;
        let told = self.told_of(links, &mut holder)?;
        let total = told.len() as u64;
        let told: Vec<_> = cut(told, asked.page).collect();
        let shown = told.iter().map(|told| self.link(*told, &mut holder));
        let shown = shown.collect::<Result<Vec<_>, _>>()?;
        let of_link = || shown.first()?.text(Field::UserId).map(str::to_owned);
        reply.set_text_opt(Field::UserId, about.or_else(of_link));
        if asked.is_delete {
            if let Some(revision) = links.iter().map(|link| link.revision).max() {
                set_revision(reply, revision);
            }
            if let ([_], [only]) = (links, shown.as_slice()) {
                reply.set(Field::Link, Value::Record(only.clone()));
            }
        }
        self.join(reply, &told, asked)?;
        set_list(reply, Field::Links, shown, total);
        Ok(())
    }

    /// What stands beside links, where the answer has room for it: their providers, each once, and their
    /// user.
    fn join(&self, reply: &mut Record, told: &[Told<'_>], asked: &Asked) -> Result<(), Failure> {
        if asked.tells.providers {
            let mut distinct: Vec<&Provider> = Vec::new();
            for (_, provider) in told {
                if !distinct
                    .iter()
                    .any(|p| p.provider_id == provider.provider_id)
                {
                    distinct.push(provider);
                }
            }
            let shown = distinct.iter().filter_map(|p| self.provider(p)).collect();
            reply.set(Field::Providers, Value::List(shown));
        }
        if let Some(user) = &asked.holder
            && let Some(shown) = self.user(user, &mut None)?
        {
            reply.set(Field::User, Value::Record(shown));
        }
        Ok(())
    }

    /// The links that can be told. What has no word is counted, unless it is kept from the client: that is
    /// no fault of the directory.
    fn told_of<'l>(
        &'l self,
        links: &'l [Link],
        holder: &mut Holder,
    ) -> Result<Vec<Told<'l>>, Failure> {
        let mut all = Vec::with_capacity(links.len());
        for link in links {
            let is_visible = self.visible(&link.provider_id).is_some();
            if !is_visible && self.client.may_touch(&link.provider_id) {
                self.untold.count(&link.provider_id, self.vendor);
            }
            all.extend(self.told(link, holder)?);
        }
        Ok(all)
    }

    /// The vendor's id of whom the request is about.
    fn asked_user(&self, asked: &Asked, holder: &mut Holder) -> Result<Option<String>, Failure> {
        match &asked.about {
            Some((tenant, user)) => self.id_of(tenant, user, holder),
            None => Ok(None),
        }
    }

    /// The id of a user at the vendor, if it has one. `holder` remembers the last user's: the links of a
    /// list mostly have one user.
    fn id_of(
        &self,
        tenant: &TenantId,
        user: &UserId,
        holder: &mut Holder,
    ) -> Result<Option<String>, Failure> {
        match holder {
            Some((known, id)) if known == user => Ok(id.clone()),
            _ => {
                let id = self.aliases.vendor_id_of(tenant, self.vendor, user)?;
                *holder = Some((user.clone(), id.clone()));
                Ok(id)
            }
        }
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

/// The reply of a list of users that finds nobody.
pub(super) fn nobody() -> Record {
    let mut reply = Record::with_capacity(4);
    set_list(&mut reply, Field::Users, Vec::new(), 0);
    reply
}

/// The reply about linkbridge itself.
pub(super) fn status(ready: bool) -> Record {
    let mut reply = Record::with_capacity(3);
    records::set_ready(&mut reply, ready);
    reply
}

#[cfg(test)]
mod tests;
