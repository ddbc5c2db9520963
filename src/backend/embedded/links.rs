//! Making and reading links.

use super::accounts::folded;
use super::rows::{self, select_links};
use super::seal::{Row, Sealed};
use super::task::{Entry, Step, Stop, Task, number};
use crate::model::operation::OnRepeat;
use crate::model::{
    Attribute, Failure, How, Link, LinkId, Outcome, Page, ProviderId, Secret, Subject, UserId,
};

/// A link that is to be made.
pub(super) struct New<'a> {
    pub(super) user: &'a UserId,
    pub(super) provider: &'a ProviderId,
    pub(super) subject: &'a Subject,
    pub(super) display_name: Option<&'a str>,
    pub(super) token: Option<&'a Secret>,
    /// The most links of the user at this provider.
    pub(super) limit: Option<u32>,
}

impl Task<'_> {
    /// Makes a link, and writes attributes of its user along with it.
    pub(super) fn link_create(&self, new: &New<'_>, attributes: &[Attribute]) -> Step<Outcome> {
        self.require_user(new.user)?;
        let (link, how) = self.make_link(new, None, None)?;
        if how == How::Created && !attributes.is_empty() {
            self.write_attributes(new.user, attributes)?;
        }
        Ok(Outcome::Link { link, how })
    }

    /// Makes a link or answers the one that is there, as the rules say. What is wrong is told in this
    /// order: the account has a holder; it has one under the wider comparisons of the rules; the user has
    /// too many links; the user has too many at the provider. `revision` is that of the write that
    /// this link is a part of; without one the link is a write of its own. `pending` is the id of the pending
    /// link that it was.
    pub(super) fn make_link(
        &self,
        new: &New<'_>,
        revision: Option<u64>,
        pending: Option<&[u8; 32]>,
    ) -> Step<(Link, How)> {
        if let Some(link) = self.holder(new.provider, new.subject)? {
            return match (link.user_id == *new.user, self.operation.rules.on_repeat) {
                (false, _) => Err(Failure::SubjectTaken.into()),
                (true, OnRepeat::Error) => Err(Failure::LinkExists.into()),
                (true, OnRepeat::Same) => Ok((link, How::Existed)),
            };
        }
        self.require_free(new)?;
        self.require_room(new)?;
        let link = Link {
            link_id: LinkId::of(&self.operation.tenant, new.user, new.provider, new.subject),
            tenant: self.operation.tenant.clone(),
            user_id: new.user.clone(),
            provider_id: new.provider.clone(),
            subject: new.subject.clone(),
            display_name: new.display_name.map(str::to_owned),
            token: new.token.cloned(),
            created_at: Some(self.at()),
            updated_at: Some(self.at()),
            last_login_at: None,
            revision: match revision {
                Some(revision) => revision,
                None => self.next_revision(new.user)?,
            },
        };
        self.insert_link(&link)?;
        self.audit(&Entry {
            link: Some(&link),
            before: pending.map(|id| self.spent(id)),
            after: Some(self.keys.audit().link(&link, None)),
            ..Entry::default()
        })?;
        Ok((link, How::Created))
    }

    /// Fails if the user has as many links as the rules allow.
    fn require_room(&self, new: &New<'_>) -> Step<()> {
        if let Some(max) = self.operation.rules.per_user
            && self.count_links_of(new.user)? >= u64::from(max)
        {
            return Err(Failure::UserAlreadyLinked.into());
        }
        if let Some(max) = new.limit
            && self.count_links(new.user, new.provider)? >= u64::from(max)
        {
            return Err(Failure::LimitExceeded { max }.into());
        }
        Ok(())
    }

    fn insert_link(&self, link: &Link) -> Step<()> {
        let id = link.link_id.as_bytes().as_slice();
        let sealed = self.seal(
            Row {
                table: "links",
                tenant: self.tenant(),
                id,
            },
            link.token.as_ref(),
        )?;
        self.change(
            "INSERT INTO links (link_id, tenant, user_id, provider_id, subject, folded, display_name, token, token_key, \
             created_at, updated_at, revision) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)",
            rusqlite::params![
                id,
                self.tenant(),
                link.user_id.as_str(),
                link.provider_id.as_str(),
                link.subject.as_str(),
                folded(link.subject.as_str()),
                link.display_name,
                sealed.as_ref().map(|s| &s.bytes),
                sealed.as_ref().map(|s| s.key.0.as_slice()),
                self.at().0,
                number(link.revision),
            ],
        )?;
        Ok(())
    }

    /// Gives a link the display name and the token that a pending one for the same account brings; what
    /// it does not bring stays.
    pub(super) fn take_over(
        &self,
        mut link: Link,
        display_name: Option<&str>,
        token: Option<&Secret>,
        pending: &[u8; 32],
    ) -> Step<Link> {
        let before = self.keys.audit().link(&link, Some(pending));
        if display_name.is_some() || token.is_some() {
            let id = link.link_id;
            let id = id.as_bytes().as_slice();
            let row = Row {
                table: "links",
                tenant: self.tenant(),
                id,
            };
            let sealed = self.seal(row, token)?;
            link.revision = self.next_revision(&link.user_id)?;
            link.updated_at = link.updated_at.max(Some(self.at()));
            let changed = self.change(
                "UPDATE links SET display_name = coalesce(?3, display_name), token = coalesce(?4, token), \
                 token_key = coalesce(?5, token_key), updated_at = ?6, revision = ?7 \
                 WHERE tenant = ?1 AND link_id = ?2",
                rusqlite::params![
                    self.tenant(),
                    id,
                    display_name,
                    sealed.as_ref().map(|s| &s.bytes),
                    sealed.as_ref().map(|s| s.key.0.as_slice()),
                    link.updated_at.map(|at| at.0),
                    number(link.revision),
                ],
            )?;
            if changed != 1 {
                return Err(Stop::Damaged("a link is in one index and not in another"));
            }
            link.display_name = display_name.map(str::to_owned).or(link.display_name);
            link.token = token.cloned().or(link.token);
        }
        self.audit(&Entry {
            link: Some(&link),
            before: Some(before),
            after: Some(self.keys.audit().link(&link, None)),
            ..Entry::default()
        })?;
        Ok(link)
    }

    /// Seals a token for its row, and notes that its key is in use from now on.
    pub(super) fn seal(&self, row: Row<'_>, token: Option<&Secret>) -> Step<Option<Sealed>> {
        rows::sealed(self.conn, self.keys, row, token)
    }

    pub(super) fn link_get(&self, link_id: LinkId, guard: Option<&UserId>) -> Step<Outcome> {
        self.found(self.by_id(link_id)?, guard)
    }

    pub(super) fn link_find(
        &self,
        provider: &ProviderId,
        subject: &Subject,
        guard: Option<&UserId>,
    ) -> Step<Outcome> {
        self.found(self.holder(provider, subject)?, guard)
    }

    /// The link, if the guard holds it. A user who is not known holds nothing.
    fn found(&self, link: Option<Link>, guard: Option<&UserId>) -> Step<Outcome> {
        let link = link
            .filter(|link| guard.is_none_or(|user| link.user_id == *user))
            .ok_or(Failure::LinkNotFound)?;
        if let Some(user) = guard
            && self.operation.rules.known_users
            && !self.has_user(user)?
        {
            return Err(Failure::LinkNotFound.into());
        }
        Ok(Outcome::Link {
            link,
            how: How::Found,
        })
    }

    pub(super) fn link_list(
        &self,
        user: &UserId,
        provider: Option<&ProviderId>,
        subject: Option<&Subject>,
        page: Page,
    ) -> Step<Outcome> {
        self.require_user(user)?;
        let links = self.links(
            select_links!(
                "AND user_id = ?2 AND (?3 IS NULL OR provider_id = ?3) AND (?4 IS NULL OR subject = ?4)"
            ),
            (
                self.tenant(),
                user.as_str(),
                provider.map(ProviderId::as_str),
                subject.map(Subject::as_str),
            ),
        )?;
        let total = links.len() as u64;
        let whole = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let limit = page.limit.map_or(usize::MAX, whole);
        let links = links
            .into_iter()
            .skip(whole(page.offset))
            .take(limit)
            .collect();
        Ok(Outcome::Links { links, total })
    }

    pub(super) fn links_of(&self, user: &UserId) -> Step<Vec<Link>> {
        self.links(
            select_links!("AND user_id = ?2"),
            (self.tenant(), user.as_str()),
        )
    }

    pub(super) fn count_links(&self, user: &UserId, provider: &ProviderId) -> Step<u64> {
        self.count(
            "SELECT count(*) FROM links WHERE tenant = ?1 AND user_id = ?2 AND provider_id = ?3",
            (self.tenant(), user.as_str(), provider.as_str()),
        )
    }

    /// How many links the user has, at whatever provider.
    pub(super) fn count_links_of(&self, user: &UserId) -> Step<u64> {
        self.count(
            "SELECT count(*) FROM links WHERE tenant = ?1 AND user_id = ?2",
            (self.tenant(), user.as_str()),
        )
    }

    pub(super) fn by_id(&self, link_id: LinkId) -> Step<Option<Link>> {
        let links = self.links(
            select_links!("AND link_id = ?2"),
            (self.tenant(), link_id.as_bytes().as_slice()),
        )?;
        Ok(links.into_iter().next())
    }

    /// Links, oldest first. A user has few, and sorting them here takes a third of the time that SQLite's
    /// sorter does.
    pub(super) fn links(&self, sql: &str, params: impl rusqlite::Params) -> Step<Vec<Link>> {
        let mut links = self.rows(sql, params, |row| {
            let link = rows::link(row, self.keys)?;
            Ok((link.created_at, row.get::<_, i64>(12)?, link))
        })?;
        if links
            .iter()
            .any(|(.., link)| link.tenant != self.operation.tenant)
        {
            return Err(Stop::Damaged("an index leads to a link of another tenant"));
        }
        links.sort_by_key(|(created_at, seq, _)| (*created_at, *seq));
        Ok(links.into_iter().map(|(.., link)| link).collect())
    }
}
