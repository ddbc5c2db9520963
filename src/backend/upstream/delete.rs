//! Taking links away at the IdP: what is meant is looked at first, and that is what goes.

use super::Upstream;
use super::links::Known;
use super::state::{Came, Ending, Intended, Intent, Mark};
use super::talk::{Question, Talk, Trouble};
use crate::backend::Answer;
use crate::model::operation::{LastFactor, OnMissingDelete};
use crate::model::{
    Failure, Field, Link, Operation, OperationKind, Outcome, Place, Problem, ProviderId, Subject,
    Target, Why,
};

impl Upstream {
    pub(super) async fn link_delete(&self, operation: &Operation, target: &Target) -> Answer {
        let answer = self.delete(operation, target).await;
        let is_missing = matches!(answer, Err(Failure::LinkNotFound | Failure::NothingLinked));
        if is_missing && operation.rules.on_missing_delete == OnMissingDelete::Same {
            return Ok(Outcome::Links {
                links: Vec::new(),
                total: 0,
            });
        }
        answer
    }

    async fn delete(&self, operation: &Operation, target: &Target) -> Answer {
        let holder = match target {
            Target::Id { link_id, user_id } => {
                let known = self.by_id(operation, *link_id, user_id.as_ref()).await?;
                known.ok_or(Failure::LinkNotFound)?.link.user_id
            }
            other => other.holder().cloned().ok_or(Failure::LinkNotFound)?,
        };
        if let Err(unknown) = self.require_known(operation, &holder).await {
            return Err(match target {
                Target::Among { .. } | Target::AtProvider { .. } => unknown,
                Target::Id { .. } | Target::Exact { .. } if unknown == Failure::UserNotFound => {
                    Failure::LinkNotFound
                }
                _ => unknown,
            });
        }
        let tenant = operation.tenant.as_str();
        let _locked = self.locks.take(&[("user", tenant, holder.as_str())]).await;
        let held = self.links(operation, &holder).await?;
        if let (Target::Among { .. }, true) = (target, held.is_empty()) {
            self.require_user(operation, &holder).await?;
        }
        if let Target::Among {
            providers, account, ..
        } = target
        {
            return self
                .delete_among(operation, &held, providers, account.as_ref())
                .await;
        }
        let meant = meant(target, &held)?;
        if meant.is_empty() {
            return Err(Failure::LinkNotFound);
        }
        let keeps_last = operation.rules.last_factor == LastFactor::Keep;
        if keeps_last && held.len() <= meant.len() {
            return Err(Failure::LastFactor);
        }
        self.remove_all(operation, meant).await
    }

    /// One of several links: what is wrong is told in the order of the vendor whose rule this is.
    async fn delete_among(
        &self,
        operation: &Operation,
        held: &[Known],
        providers: &[ProviderId],
        account: Option<&(ProviderId, Subject)>,
    ) -> Answer {
        let among: Vec<&Known> = held
            .iter()
            .filter(|known| providers.contains(&known.link.provider_id))
            .collect();
        if among.is_empty() {
            return Err(Failure::NothingLinked);
        }
        if operation.rules.last_factor == LastFactor::Keep && held.len() <= 1 {
            return Err(Failure::LastFactor);
        }
        let Some((provider, subject)) = account else {
            return Err(missing(Field::Subject, ""));
        };
        let meant = among.into_iter().find(|known| known.is(provider, subject));
        let meant = meant.cloned().ok_or(Failure::LinkNotFound)?;
        self.remove_all(operation, vec![meant]).await
    }

    /// Takes links away, one after the other. If one of several cannot be, the others may be gone.
    pub(super) async fn remove_all(&self, operation: &Operation, meant: Vec<Known>) -> Answer {
        let mut links = Vec::with_capacity(meant.len());
        for known in meant {
            match self.remove(operation, &known).await {
                Ok(revision) => links.push(Link {
                    revision: revision.unwrap_or(known.link.revision),
                    ..known.link
                }),
                Err(failure) if links.is_empty() => return Err(failure),
                Err(_) => return Err(Failure::OutcomeUnknown),
            }
        }
        let total = links.len() as u64;
        Ok(Outcome::Links { links, total })
    }

    /// Takes one link away at the IdP, and what is kept of it here. Answers the revision of that, if it is told.
    async fn remove(&self, operation: &Operation, known: &Known) -> Result<Option<u64>, Failure> {
        let talk = self.talk(operation);
        let link = &known.link;
        let mut question = talk.about(&link.user_id)?;
        talk.name_account(&mut question, &link.provider_id, &link.subject)?;
        question
            .may
            .set_text_opt(Field::LinkId, known.vendor_link_id.as_deref());
        let intent = self.intend(operation, Intended::link(link), Vec::new());
        let mut intent = intent.await?;
        let by = (&talk, &mut intent);
        let answer = self.remove_there(operation, known, by, &question).await;
        self.concluded(operation, intent, &talk, answer).await
    }

    /// Takes a link away of which is written down that it will be.
    async fn remove_there(
        &self,
        operation: &Operation,
        known: &Known,
        (talk, intent): (&Talk<'_>, &mut Intent),
        question: &Question,
    ) -> Result<Option<u64>, Failure> {
        let link = &known.link;
        let revision = match talk.ask(OperationKind::LinkDelete, question).await {
            Ok(told) => {
                let links = told.links();
                let mut links = links.iter().filter_map(|l| talk.try_link(l, &link.user_id));
                let gone = links.find(|gone| gone.is(&link.provider_id, &link.subject));
                gone.map(|gone| gone.link.revision).filter(|n| *n > 0)
            }
            Err(Trouble::Refused(failure)) => {
                return Err(match failure {
                    Failure::NothingLinked | Failure::UserNotFound => Failure::LinkNotFound,
                    failure => failure,
                });
            }
            Err(Trouble::Lost(_)) => {
                self.require_gone(operation, known).await?;
                None
            }
        };
        let (put, forget) = match self.lags_until(operation.at) {
            Some(until) => (vec![known.row(Mark::Deleted(until))], Vec::new()),
            None => (Vec::new(), vec![known.row(Mark::Candidate)]),
        };
        let ending = Ending {
            put,
            forget,
            ..Came::Done.told_by(talk)
        };
        self.conclude(operation, intent, ending).await?;
        Ok(revision)
    }

    /// An answer was lost: if the link is not there any more, it was taken away.
    async fn require_gone(&self, operation: &Operation, known: &Known) -> Result<(), Failure> {
        let link = &known.link;
        // Where lists lag, they cannot say.
        if self.lags_until(operation.at).is_some() {
            return Err(Failure::OutcomeUnknown);
        }
        let held = self.links(operation, &link.user_id).await;
        let is_gone = held.is_ok_and(|held| {
            let mut held = held.iter();
            !held.any(|other| other.is(&link.provider_id, &link.subject))
        });
        is_gone.then_some(()).ok_or(Failure::OutcomeUnknown)
    }
}

/// Which of a user's links a target means.
fn meant(target: &Target, held: &[Known]) -> Result<Vec<Known>, Failure> {
    let all = |is_meant: &dyn Fn(&Known) -> bool| -> Vec<Known> {
        held.iter()
            .filter(|known| is_meant(known))
            .cloned()
            .collect()
    };
    Ok(match target {
        Target::Id { link_id, .. } => all(&|known| known.link.link_id == *link_id),
        Target::Exact {
            provider_id,
            subject,
            ..
        } => all(&|known| known.is(provider_id, subject)),
        Target::AtProvider {
            provider_id,
            all: takes_all,
            ..
        } => {
            let meant = all(&|known| known.link.provider_id == *provider_id);
            if meant.len() > 1 && !takes_all {
                return Err(missing(Field::Many, "many"));
            }
            meant
        }
        // What is wrong is told in another order there.
        Target::Among { .. } => Vec::new(),
    })
}

/// What a delete has to be told and is not.
fn missing(field: Field, at: &str) -> Failure {
    Failure::Invalid(vec![Problem {
        place: Place::Query,
        at: at.to_owned(),
        field: Some(field),
        why: Why::Missing,
        max: None,
    }])
}
