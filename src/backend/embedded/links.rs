//! Operations on links.

use super::rows::{self, select_links};
use super::seal::{Row, Sealed};
use super::task::{Entry, Step, Stop, Task, number};
use crate::model::operation::{OnMissingDelete, OnRepeat};
use crate::model::{
    Failure, Field, How, Link, LinkId, Outcome, Page, Place, Problem, ProviderId, Secret, Subject,
    Target, UserId, Why,
};

impl Task<'_> {
    pub(super) fn link_create(
        &self,
        user: &UserId,
        provider: &ProviderId,
        subject: &Subject,
        display_name: Option<&str>,
        token: Option<&Secret>,
    ) -> Step<Outcome> {
        self.require_user(user)?;
        if let Some(link) = self.holder(provider, subject)? {
            return match (link.user_id == *user, self.operation.rules.on_repeat) {
                (false, _) => Err(Failure::SubjectTaken.into()),
                (true, OnRepeat::Error) => Err(Failure::LinkExists.into()),
                (true, OnRepeat::Same) => Ok(Outcome::Link {
                    link,
                    how: How::Existed,
                }),
            };
        }
        if let Some(max) = self.operation.rules.per_user_provider
            && self.count_links(user, provider)? >= u64::from(max)
        {
            return Err(Failure::LimitExceeded { max }.into());
        }
        let link = Link {
            link_id: LinkId::of(&self.operation.tenant, user, provider, subject),
            tenant: self.operation.tenant.clone(),
            user_id: user.clone(),
            provider_id: provider.clone(),
            subject: subject.clone(),
            display_name: display_name.map(str::to_owned),
            token: token.cloned(),
            created_at: self.at(),
            updated_at: self.at(),
            last_login_at: None,
            revision: self.next_revision(user)?,
        };
        self.insert_link(&link)?;
        self.audit(&Entry {
            link: Some(&link),
            ..Entry::default()
        })?;
        Ok(Outcome::Link {
            link,
            how: How::Created,
        })
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
            "INSERT INTO links (link_id, tenant, user_id, provider_id, subject, display_name, token, token_key, \
             created_at, updated_at, revision) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10)",
            rusqlite::params![
                id,
                self.tenant(),
                link.user_id.as_str(),
                link.provider_id.as_str(),
                link.subject.as_str(),
                link.display_name,
                sealed.as_ref().map(|s| &s.bytes),
                sealed.as_ref().map(|s| s.key.0.as_slice()),
                link.created_at.0,
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
    ) -> Step<Link> {
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
            link.updated_at = link.updated_at.max(self.at());
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
                    link.updated_at.0,
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
            ..Entry::default()
        })?;
        Ok(link)
    }

    /// Seals a token for its row, and notes that its key is in use from now on.
    pub(super) fn seal(&self, row: Row<'_>, token: Option<&Secret>) -> Step<Option<Sealed>> {
        let Some(token) = token else { return Ok(None) };
        let sealed = self.keys.seal(row, token)?;
        self.change(
            "INSERT OR IGNORE INTO token_keys (key_id) VALUES (?1)",
            [sealed.key.0.as_slice()],
        )?;
        Ok(Some(sealed))
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

    pub(super) fn link_delete(&self, target: &Target) -> Step<Outcome> {
        let links = match target {
            Target::Among { .. } => Vec::new(),
            Target::Id { link_id, user_id } => self
                .by_id(*link_id)?
                .into_iter()
                .filter(|l| user_id.as_ref().is_none_or(|u| l.user_id == *u))
                .collect(),
            Target::Exact {
                user_id,
                provider_id,
                subject,
            } => self
                .holder(provider_id, subject)?
                .into_iter()
                .filter(|l| l.user_id == *user_id)
                .collect(),
            Target::AtProvider {
                user_id,
                provider_id,
                all,
            } => {
                let links = self.links(
                    select_links!("AND user_id = ?2 AND provider_id = ?3"),
                    (self.tenant(), user_id.as_str(), provider_id.as_str()),
                )?;
                if links.len() > 1 && !all {
                    return Err(Failure::Invalid(vec![many_is_missing()]).into());
                }
                links
            }
        };
        if links.is_empty() && self.operation.rules.on_missing_delete == OnMissingDelete::Error {
            return Err(Failure::LinkNotFound.into());
        }
        self.remove(links)
    }

    /// Takes links of one user away and answers them with the revision of their removal.
    pub(super) fn remove(&self, mut links: Vec<Link>) -> Step<Outcome> {
        if let Some(first) = links.first() {
            let revision = self.next_revision(&first.user_id)?;
            for link in &mut links {
                link.revision = revision;
                let gone = self.change(
                    "DELETE FROM links WHERE tenant = ?1 AND link_id = ?2",
                    (self.tenant(), link.link_id.as_bytes().as_slice()),
                )?;
                if gone != 1 {
                    return Err(Stop::Damaged("a link is in one index and not in another"));
                }
                self.audit(&Entry {
                    link: Some(link),
                    ..Entry::default()
                })?;
            }
        }
        let total = links.len() as u64;
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

    fn by_id(&self, link_id: LinkId) -> Step<Option<Link>> {
        let links = self.links(
            select_links!("AND link_id = ?2"),
            (self.tenant(), link_id.as_bytes().as_slice()),
        )?;
        Ok(links.into_iter().next())
    }

    /// The link of whoever holds this account.
    fn holder(&self, provider: &ProviderId, subject: &Subject) -> Step<Option<Link>> {
        let links = self.links(
            select_links!("AND provider_id = ?2 AND subject = ?3"),
            (self.tenant(), provider.as_str(), subject.as_str()),
        )?;
        Ok(links.into_iter().next())
    }

    /// Links, oldest first. A user has few, and sorting them here takes a third of the time that SQLite's
    /// sorter does.
    fn links(&self, sql: &str, params: impl rusqlite::Params) -> Step<Vec<Link>> {
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

/// What a delete that fits several links has to be told.
fn many_is_missing() -> Problem {
    Problem {
        place: Place::Query,
        at: "many".to_owned(),
        field: Some(Field::Many),
        why: Why::Missing,
        max: None,
    }
}
