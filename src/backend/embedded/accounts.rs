//! Who holds an account: exactly, or as the rules compare it where a link is made.

use rusqlite::ToSql;

use super::links::New;
use super::rows::{self, Identity, select_links};
use super::task::{Step, Stop, Task};
use crate::model::operation::{SubjectCase, UniqueScope};
use crate::model::{Failure, Link, ProviderId, Subject};

/// Who holds accounts of a provider (`?1`), in whatever tenant: the columns that [`Identity`] has.
macro_rules! select_holders {
    ($rest:literal) => {
        concat!(
            "SELECT link_id, tenant, user_id, provider_id, subject FROM links WHERE provider_id = ?1 AND ",
            $rest
        )
    };
}

const EXACT_ANYWHERE: &str = select_holders!("subject = ?2");
const FOLDED_ANYWHERE: &str = concat!(
    select_holders!("subject = ?2"),
    " UNION ALL ",
    select_holders!("folded = ?2")
);
const FOLDED_HERE: &str = concat!(
    select_holders!("subject = ?2 AND tenant = ?3"),
    " UNION ALL ",
    select_holders!("folded = ?2 AND tenant = ?3")
);

/// A subject in lower case, as the column `folded` holds it: `None` where that changes nothing. What is
/// looked up is exact, so a newer edition of Unicode in the compiler loses no link.
pub(super) fn folded(subject: &str) -> Option<String> {
    let lower = subject.to_lowercase();
    (lower != subject).then_some(lower)
}

impl Task<'_> {
    /// The link of whoever holds exactly this account.
    pub(super) fn holder(&self, provider: &ProviderId, subject: &Subject) -> Step<Option<Link>> {
        let links = self.links(
            select_links!("AND provider_id = ?2 AND subject = ?3"),
            (self.tenant(), provider.as_str(), subject.as_str()),
        )?;
        Ok(links.into_iter().next())
    }

    /// Fails if somebody holds the account as the rules compare it. That somebody of the tenant holds it
    /// exactly has been asked before.
    ///
    /// This is the one place where a tenant learns anything of another one: that an account is taken.
    /// It is what the rule [`UniqueScope::Instance`] is for.
    pub(super) fn require_free(&self, new: &New<'_>) -> Step<()> {
        let rules = &self.operation.rules;
        let folded = match rules.subject_case {
            SubjectCase::Exact => None,
            SubjectCase::Fold => folded(new.subject.as_str()),
        };
        let provider = new.provider.as_str();
        let subject = folded.as_deref().unwrap_or(new.subject.as_str());
        let of_tenant: [&dyn ToSql; 3] = [&provider, &subject, &self.tenant()];
        let anywhere: [&dyn ToSql; 2] = [&provider, &subject];
        match (rules.unique_scope, rules.subject_case) {
            (UniqueScope::Tenant, SubjectCase::Exact) => Ok(()),
            (UniqueScope::Tenant, SubjectCase::Fold) => self.refuse(FOLDED_HERE, &of_tenant, new),
            (UniqueScope::Instance, SubjectCase::Exact) => {
                self.refuse(EXACT_ANYWHERE, &anywhere, new)
            }
            (UniqueScope::Instance, SubjectCase::Fold) => {
                self.refuse(FOLDED_ANYWHERE, &anywhere, new)
            }
        }
    }

    /// Fails if there is a holder: somebody else first, for that is the graver news.
    fn refuse(&self, sql: &str, params: &[&dyn ToSql], new: &New<'_>) -> Step<()> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut is_own = false;
        while let Some(row) = rows.next()? {
            let found = rows::identity(row)?;
            if !is_same_account(&found, new) {
                return Err(Stop::Damaged("an index leads to a link of another account"));
            }
            if found.tenant != self.operation.tenant || found.user_id != *new.user {
                return Err(Failure::SubjectTaken.into());
            }
            is_own = true;
        }
        if is_own {
            return Err(Failure::LinkExists.into());
        }
        Ok(())
    }
}

fn is_same_account(found: &Identity, new: &New<'_>) -> bool {
    let lower = |subject: &Subject| subject.as_str().to_lowercase();
    found.provider_id == *new.provider && lower(&found.subject) == lower(new.subject)
}

#[cfg(test)]
mod tests {

    use super::*;

    /// What is found by a folded subject has either that subject or that fold; this holds only if a fold
    /// is its own fold.
    #[test]
    fn folding_twice_is_folding_once() {
        for char in (char::MIN..=char::MAX).filter(|c| !c.is_control()) {
            // A sigma is folded otherwise at the end of a word than within it.
            for text in [format!("{char}"), format!("a{char}"), format!("a{char}b")] {
                if let Some(once) = folded(&text) {
                    assert_eq!(folded(&once), None, "{text}");
                }
            }
        }
    }

    #[test]
    fn every_comparison_is_a_step_in_an_index() {
        let conn = crate::backend::embedded::schema::in_memory();
        for (sql, steps) in [
            (
                EXACT_ANYWHERE,
                vec!["links_by_account (provider_id=? AND subject=?)"],
            ),
            (
                FOLDED_ANYWHERE,
                vec![
                    "links_by_account (provider_id=? AND subject=?)",
                    "links_by_folded (provider_id=? AND folded=?)",
                ],
            ),
            (
                FOLDED_HERE,
                vec![
                    "links_by_account (provider_id=? AND subject=? AND tenant=?)",
                    "links_by_folded (provider_id=? AND folded=? AND tenant=?)",
                ],
            ),
            (
                select_links!("AND provider_id = ?2 AND subject = ?3"),
                vec!["links_by_account (provider_id=? AND subject=? AND tenant=?)"],
            ),
        ] {
            let plan = super::super::schema::plan(&conn, sql);
            let searches = plan.lines().filter(|line| line.contains("links"));
            let want = steps
                .iter()
                .map(|step| format!("SEARCH links USING INDEX {step}"));
            assert!(searches.eq(want), "{sql}: {plan}");
        }
    }
}
