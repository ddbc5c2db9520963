//! Lists of users, by id.
//!
//! A page of all users is read from where it begins: from the index of the directory, or from a merge
//! of it with the index of links where whoever holds a link is a user.

use super::rows;
use super::task::{Step, Stop, Task, counter, number};
use crate::model::{Link, Outcome, Page, ProviderId, Subject, User, UserId, Which};

const LISTED: &str = "SELECT user_id FROM users WHERE tenant = ?1 AND user_id > ?2 ORDER BY user_id LIMIT ?3 OFFSET ?4";
const EVERYBODY: &str = "SELECT user_id FROM users WHERE tenant = ?1 AND user_id > ?2 \
     UNION SELECT user_id FROM links WHERE tenant = ?1 AND user_id > ?2 ORDER BY user_id LIMIT ?3 OFFSET ?4";
const NAMED: &str = "SELECT user_id FROM users WHERE tenant = ?1 AND username = ?5 AND user_id > ?2 \
     ORDER BY user_id LIMIT ?3 OFFSET ?4";

const COUNT_NAMED: &str = "SELECT count(*) FROM users WHERE tenant = ?1 AND username = ?2";
const EXTERNAL: &str = "SELECT user_id FROM users WHERE tenant = ?1 AND external_id = ?5 AND user_id > ?2 \
     ORDER BY user_id LIMIT ?3 OFFSET ?4";
const COUNT_EXTERNAL: &str = "SELECT count(*) FROM users WHERE tenant = ?1 AND external_id = ?2";

/// What a list asks for.
pub(super) struct Listing<'a> {
    pub(super) which: &'a Which,
    pub(super) after: Option<&'a UserId>,
    pub(super) page: Page,
    pub(super) links: bool,
}

impl Task<'_> {
    pub(super) fn user_list(&self, listing: &Listing<'_>) -> Step<Outcome> {
        let (mut ids, total) = match listing.which {
            Which::All => self.all(listing)?,
            Which::Named(name) => self.having((NAMED, COUNT_NAMED), name, listing)?,
            Which::External(id) => self.having((EXTERNAL, COUNT_EXTERNAL), id, listing)?,
            Which::Ids(ids) => self.among_these(ids.clone(), listing)?,
            Which::Holder {
                provider_id,
                subject,
            } => self.among_these(self.holding(provider_id, subject)?, listing)?,
        };
        let limit = listing.page.limit.map_or(usize::MAX, whole);
        let more = ids.len() > limit;
        ids.truncate(limit);
        let users = ids
            .iter()
            .map(|user| self.listed(user, listing.links))
            .collect::<Step<_>>()?;
        Ok(Outcome::Users { users, total, more })
    }

    fn all(&self, listing: &Listing<'_>) -> Step<(Vec<UserId>, u64)> {
        let is_known = self.operation.rules.known_users;
        let (sql, count) = if is_known {
            (LISTED, "SELECT listed FROM user_counts WHERE tenant = ?1")
        } else {
            (
                EVERYBODY,
                "SELECT listed + holding FROM user_counts WHERE tenant = ?1",
            )
        };
        let (after, limit, offset) = listing.bounds();
        let ids = self.rows(sql, (self.tenant(), after, limit, offset), |row| {
            rows::user_id(row, 0)
        })?;
        let total = self.first(count, [self.tenant()], |row| row.get(0))?;
        Ok((ids, counter(total.unwrap_or(0))?))
    }

    /// The users whose document has a text, and how many they are.
    fn having(
        &self,
        (page, count): (&str, &str),
        text: &str,
        listing: &Listing<'_>,
    ) -> Step<(Vec<UserId>, u64)> {
        let (after, limit, offset) = listing.bounds();
        let ids = self.rows(page, (self.tenant(), after, limit, offset, text), |row| {
            rows::user_id(row, 0)
        })?;
        Ok((ids, self.count(count, (self.tenant(), text))?))
    }

    fn holding(&self, provider: &ProviderId, subject: &Subject) -> Step<Vec<UserId>> {
        let link = self.holder(provider, subject)?;
        Ok(link.into_iter().map(|link| link.user_id).collect())
    }

    /// Those of these who exist, from where the page begins to one after its end.
    fn among_these(&self, mut ids: Vec<UserId>, listing: &Listing<'_>) -> Step<(Vec<UserId>, u64)> {
        ids.sort();
        ids.dedup();
        let mut there = Vec::with_capacity(ids.len());
        for user in ids {
            if self.exists(&user)? {
                there.push(user);
            }
        }
        let total = there.len() as u64;
        let page = there
            .into_iter()
            .filter(|user| listing.after.is_none_or(|after| user > after))
            .skip(whole(listing.page.offset))
            .collect();
        Ok((page, total))
    }

    fn listed(&self, user: &UserId, links: bool) -> Step<(User, Vec<Link>)> {
        let found = self
            .user(user)?
            .ok_or(Stop::Damaged("a user is in an index and cannot be read"))?;
        let links = if links {
            self.links_of(user)?
        } else {
            Vec::new()
        };
        Ok((found, links))
    }
}

impl Listing<'_> {
    /// After whom to begin, how many to read (one more than is asked for, to know whether there are
    /// more) and how many to pass over.
    fn bounds(&self) -> (&str, i64, i64) {
        (
            // Every id comes after the empty text.
            self.after.map_or("", UserId::as_str),
            self.page.limit.map_or(-1, |n| number(n.saturating_add(1))),
            number(self.page.offset),
        )
    }
}

fn whole(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {

    use super::super::schema;
    use super::*;

    #[test]
    fn a_page_is_read_from_where_it_begins() {
        let conn = crate::backend::embedded::schema::in_memory();
        let plan = |sql| schema::plan(&conn, sql);
        let of_users = "SEARCH users USING COVERING INDEX users_by_id (tenant=? AND user_id>?)";
        assert_eq!(plan(LISTED), of_users);
        assert_eq!(
            plan(NAMED),
            "SEARCH users USING COVERING INDEX users_by_name (tenant=? AND username=? AND user_id>?)"
        );
        assert_eq!(
            plan(EXTERNAL),
            "SEARCH users USING COVERING INDEX users_by_external_id (tenant=? AND external_id=? AND user_id>?)"
        );
        // Both sides of the merge come in order; nothing is sorted or held in a table of its own.
        let of_links = "SEARCH links USING COVERING INDEX links_by_user (tenant=? AND user_id>?)";
        assert_eq!(
            plan(EVERYBODY),
            format!("MERGE (UNION)\nLEFT\n{of_users}\nRIGHT\n{of_links}")
        );
    }
}
