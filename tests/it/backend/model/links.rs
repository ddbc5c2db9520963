//! The model's links: making them under the rules, and deleting them.

use linkbridge::backend::Answer;
use linkbridge::model::operation::{
    LastFactor, OnMissingDelete, OnRepeat, SubjectCase, UniqueScope,
};
use linkbridge::model::{
    Action, Failure, Field, How, Link, LinkId, Operation, Outcome, Place, Problem, ProviderId,
    Secret, Subject, Target, UserId, Why,
};

use super::Model;

/// A link that is to be made.
pub(super) struct Made {
    pub(super) provider: ProviderId,
    pub(super) subject: Subject,
    pub(super) display_name: Option<String>,
    pub(super) token: Option<Secret>,
    pub(super) limit: Option<u32>,
}

impl Model {
    pub(super) fn create(&mut self, op: &Operation, user: &UserId) -> Answer {
        let Action::LinkCreate {
            provider_id,
            subject,
            display_name,
            token,
            attributes,
            ..
        } = &op.action
        else {
            unreachable!()
        };
        self.require(op, user)?;
        let made = Made {
            provider: provider_id.clone(),
            subject: subject.clone(),
            display_name: display_name.clone(),
            token: token.clone(),
            limit: op.rules.per_user_provider,
        };
        let (link, how) = self.link(op, user, made, None)?;
        if how == How::Created {
            self.write(op, user, attributes)?;
        }
        Ok(Outcome::Link { link, how })
    }

    /// Makes a link. Everything that the rules say is asked here, in their order.
    pub(super) fn link(
        &mut self,
        op: &Operation,
        user: &UserId,
        made: Made,
        revision: Option<u64>,
    ) -> Result<(Link, How), Failure> {
        let Made {
            provider, subject, ..
        } = &made;
        let exact = |l: &Link| l.provider_id == *provider && l.subject == *subject;
        if let Some(link) = self.some(op, exact).pop() {
            return match op.rules.on_repeat {
                _ if link.user_id != *user => Err(Failure::SubjectTaken),
                OnRepeat::Error => Err(Failure::LinkExists),
                OnRepeat::Same => Ok((link, How::Existed)),
            };
        }
        let is_same = |a: &Subject, b: &Subject| match op.rules.subject_case {
            SubjectCase::Exact => a == b,
            SubjectCase::Fold => a.as_str().to_lowercase() == b.as_str().to_lowercase(),
        };
        let is_here =
            |l: &Link| op.rules.unique_scope == UniqueScope::Instance || l.tenant == op.tenant;
        let rivals = self
            .links
            .iter()
            .filter(|l| is_here(l) && l.provider_id == *provider && is_same(&l.subject, subject));
        let (own, others): (Vec<&Link>, Vec<&Link>) =
            rivals.partition(|l| l.tenant == op.tenant && l.user_id == *user);
        if !others.is_empty() {
            return Err(Failure::SubjectTaken);
        }
        if !own.is_empty() {
            return Err(Failure::LinkExists);
        }
        let held = self.some(op, |l| l.user_id == *user);
        if op
            .rules
            .per_user
            .is_some_and(|max| held.len() >= max as usize)
        {
            return Err(Failure::UserAlreadyLinked);
        }
        let at = held.iter().filter(|l| l.provider_id == *provider).count();
        if let Some(max) = made.limit
            && at >= max as usize
        {
            return Err(Failure::LimitExceeded { max });
        }
        let link = Link {
            link_id: LinkId::of(&op.tenant, user, provider, subject),
            tenant: op.tenant.clone(),
            user_id: user.clone(),
            provider_id: provider.clone(),
            subject: subject.clone(),
            display_name: made.display_name,
            token: made.token,
            created_at: Some(op.at),
            updated_at: Some(op.at),
            last_login_at: None,
            revision: revision.unwrap_or_else(|| self.bump(op, user)),
        };
        self.links.push(link.clone());
        Ok((link, How::Created))
    }

    pub(super) fn one(
        &self,
        op: &Operation,
        guard: Option<&UserId>,
        fits: impl Fn(&Link) -> bool,
    ) -> Answer {
        let link = self
            .some(op, |l| fits(l) && guard.is_none_or(|u| l.user_id == *u))
            .pop();
        let is_visible = guard.is_none_or(|u| self.require(op, u).is_ok());
        Ok(Outcome::Link {
            link: link.filter(|_| is_visible).ok_or(Failure::LinkNotFound)?,
            how: How::Found,
        })
    }

    pub(super) fn delete(&mut self, op: &Operation, target: &Target) -> Answer {
        let links = match target {
            Target::Id { link_id, user_id } => self.some(op, |l| {
                l.link_id == *link_id && user_id.as_ref().is_none_or(|u| l.user_id == *u)
            }),
            Target::Exact {
                user_id,
                provider_id,
                subject,
            } => self.some(op, |l| {
                (&l.user_id, &l.provider_id, &l.subject) == (user_id, provider_id, subject)
            }),
            Target::AtProvider {
                user_id,
                provider_id,
                ..
            } => self.some(op, |l| {
                l.user_id == *user_id && l.provider_id == *provider_id
            }),
            Target::Among { .. } => match self.among(op, target) {
                Err(Failure::NothingLinked | Failure::LinkNotFound)
                    if op.rules.on_missing_delete == OnMissingDelete::Same =>
                {
                    vec![]
                }
                found => vec![found?],
            },
        };
        if links.len() > 1 && matches!(target, Target::AtProvider { all: false, .. }) {
            return Err(missing("many", Field::Many));
        }
        if links.is_empty() && op.rules.on_missing_delete == OnMissingDelete::Error {
            return Err(Failure::LinkNotFound);
        }
        let user = links.first().map(|l| l.user_id.clone());
        if op.rules.last_factor == LastFactor::Keep
            && !links.is_empty()
            && self.some(op, |l| Some(&l.user_id) == user.as_ref()).len() == links.len()
        {
            return Err(Failure::LastFactor);
        }
        Ok(self.cut(op, links))
    }

    fn among(&self, op: &Operation, target: &Target) -> Result<Link, Failure> {
        let Target::Among {
            user_id,
            providers,
            account,
        } = target
        else {
            unreachable!()
        };
        self.view(op, user_id).ok_or(Failure::UserNotFound)?;
        let held = self.some(op, |l| l.user_id == *user_id);
        let mut there = held.clone();
        there.retain(|l| providers.contains(&l.provider_id));
        if there.is_empty() {
            return Err(Failure::NothingLinked);
        }
        if op.rules.last_factor == LastFactor::Keep && held.len() == 1 {
            return Err(Failure::LastFactor);
        }
        let (provider, subject) = account
            .as_ref()
            .ok_or_else(|| missing("", Field::Subject))?;
        there
            .into_iter()
            .find(|l| l.provider_id == *provider && l.subject == *subject)
            .ok_or(Failure::LinkNotFound)
    }

    /// Takes links of one user away.
    pub(super) fn cut(&mut self, op: &Operation, mut links: Vec<Link>) -> Outcome {
        if let Some(user) = links.first().map(|l| l.user_id.clone()) {
            let revision = self.bump(op, &user);
            self.links
                .retain(|l| links.iter().all(|gone| gone.link_id != l.link_id));
            links.iter_mut().for_each(|l| l.revision = revision);
        }
        let total = links.len() as u64;
        Outcome::Links { links, total }
    }
}

fn missing(at: &str, field: Field) -> Failure {
    Failure::Invalid(vec![Problem {
        place: Place::Query,
        at: at.to_owned(),
        field: Some(field),
        why: Why::Missing,
        max: None,
    }])
}
