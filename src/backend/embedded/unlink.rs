//! Deleting links.

use super::rows::select_links;
use super::task::{Entry, Step, Stop, Task};
use crate::model::operation::{LastFactor, OnMissingDelete};
use crate::model::{
    Failure, Field, Link, Outcome, Place, Problem, ProviderId, Subject, Target, UserId, Why,
};

impl Task<'_> {
    pub(super) fn link_delete(&self, target: &Target) -> Step<Outcome> {
        let links = match target {
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
            } => self.at_provider(user_id, provider_id, *all)?,
            Target::Among {
                user_id,
                providers,
                account,
            } => return self.delete_among(user_id, providers, account.as_ref()),
        };
        let Some(first) = links.first() else {
            return self.missing(Failure::LinkNotFound);
        };
        self.keep_last(&first.user_id, links.len())?;
        self.remove(links)
    }

    fn at_provider(&self, user: &UserId, provider: &ProviderId, all: bool) -> Step<Vec<Link>> {
        let links = self.links(
            select_links!("AND user_id = ?2 AND provider_id = ?3"),
            (self.tenant(), user.as_str(), provider.as_str()),
        )?;
        if links.len() > 1 && !all {
            return Err(missing_in_query(Field::Many, "many").into());
        }
        Ok(links)
    }

    /// The order in which things are told is that of [`Target::Among`]. An empty outcome, where the rules
    /// have it, takes the place of the two failures that say that a link is not there.
    fn delete_among(
        &self,
        user: &UserId,
        providers: &[ProviderId],
        account: Option<&(ProviderId, Subject)>,
    ) -> Step<Outcome> {
        if !self.exists(user)? {
            return Err(Failure::UserNotFound.into());
        }
        let held = self.links_of(user)?;
        if !held.iter().any(|l| providers.contains(&l.provider_id)) {
            return self.missing(Failure::NothingLinked);
        }
        self.keep_last(user, 1)?;
        let Some((provider, subject)) = account else {
            return Err(missing_in_query(Field::Subject, "").into());
        };
        let meant = held.into_iter().find(|l| {
            l.provider_id == *provider
                && l.subject == *subject
                && providers.contains(&l.provider_id)
        });
        match meant {
            Some(link) => self.remove(vec![link]),
            None => self.missing(Failure::LinkNotFound),
        }
    }

    /// The answer where there is nothing to delete.
    fn missing(&self, failure: Failure) -> Step<Outcome> {
        match self.operation.rules.on_missing_delete {
            OnMissingDelete::Error => Err(failure.into()),
            OnMissingDelete::Same => Ok(Outcome::Links {
                links: Vec::new(),
                total: 0,
            }),
        }
    }

    /// Fails if the rules keep a user's last link, and it would be among as many as are going.
    fn keep_last(&self, user: &UserId, going: usize) -> Step<()> {
        if self.operation.rules.last_factor == LastFactor::Keep
            && self.count_links_of(user)? <= going as u64
        {
            return Err(Failure::LastFactor.into());
        }
        Ok(())
    }

    /// Takes links of one user away and answers them with the revision of their removal.
    pub(super) fn remove(&self, mut links: Vec<Link>) -> Step<Outcome> {
        if let Some(first) = links.first() {
            let revision = self.next_revision(&first.user_id)?;
            for link in &mut links {
                let before = self.keys.audit().link(link, None);
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
                    before: Some(before),
                    ..Entry::default()
                })?;
            }
        }
        let total = links.len() as u64;
        Ok(Outcome::Links { links, total })
    }
}

/// What a delete has to be told and is not. Which parameter it would be told in is the dialect's to say,
/// where `at` is empty.
fn missing_in_query(field: Field, at: &str) -> Failure {
    Failure::Invalid(vec![Problem {
        place: Place::Query,
        at: at.to_owned(),
        field: Some(field),
        why: Why::Missing,
        max: None,
    }])
}
