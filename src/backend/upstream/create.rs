//! Making a link at the IdP.
//!
//! First a look at what the user has, and at who holds the account where the vendor does not refuse a taken
//! one itself; then a row of the index, so that a link that is made is never missing there; then the call. An
//! answer that was lost is looked up.

use super::Upstream;
use super::links::Known;
use super::settings::Keep;
use super::state::{Came, Ending, Intended, Intent, Mark};
use super::talk::{Question, Talk, Told, Trouble};
use crate::backend::Answer;
use crate::model::operation::OnRepeat;
use crate::model::{
    Action, Failure, Field, How, Link, LinkId, Operation, OperationKind, Outcome, Place, Problem,
    ProviderId, Secret, Subject, UserId, Why,
};

/// A link that is to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct New<'a> {
    pub(super) user: &'a UserId,
    pub(super) provider: &'a ProviderId,
    pub(super) subject: &'a Subject,
    pub(super) display_name: Option<&'a str>,
    pub(super) token: Option<&'a Secret>,
    /// The most links of the user at this provider.
    pub(super) limit: Option<u32>,
}

impl Upstream {
    pub(super) async fn link_create(&self, operation: &Operation) -> Answer {
        let Action::LinkCreate {
            user_id,
            provider_id,
            subject,
            display_name,
            token,
            attributes,
        } = &operation.action
        else {
            return Err(Failure::UpstreamRefused);
        };
        let new = New {
            user: user_id,
            provider: provider_id,
            subject,
            display_name: display_name.as_deref(),
            token: token.as_ref(),
            limit: operation.rules.per_user_provider,
        };
        self.require_known(operation, user_id).await?;
        let attributes = self.prepared(operation, user_id, attributes).await?;
        let (link, how) = self.make(operation, &new).await?;
        if let (How::Created, Some(actions)) = (how, attributes) {
            // The link is there, whatever becomes of this.
            let written = self.write_prepared(operation, actions).await;
            written.map_err(|_| Failure::OutcomeUnknown)?;
        }
        Ok(Outcome::Link { link, how })
    }

    /// Makes a link, or answers the one that is there, as the rules say. What is wrong is told in the order of
    /// the store: who holds the account, then how many links there may be.
    pub(super) async fn make(
        &self,
        operation: &Operation,
        new: &New<'_>,
    ) -> Result<(Link, How), Failure> {
        self.refuse_residual(new)?;
        let _locked = self.lock(operation, new).await;
        let held = self.links(operation, new.user).await?;
        if let Some(known) = held
            .iter()
            .find(|known| known.is(new.provider, new.subject))
        {
            return match operation.rules.on_repeat {
                OnRepeat::Error => Err(Failure::LinkExists),
                OnRepeat::Same => Ok((known.link.clone(), How::Existed)),
            };
        }
        let room = self.room(operation, new, &held);
        if room.is_err() || !self.settings.dialect.refuses_taken_accounts() {
            self.require_free(operation, new).await?;
        }
        self.require_free_in_wider_sense(operation, new, &held)
            .await?;
        room?;
        self.call(operation, new).await
    }

    /// One writer for a user, and one for an account in whatever case.
    async fn lock(
        &self,
        operation: &Operation,
        new: &New<'_>,
    ) -> Vec<tokio::sync::MutexGuard<'_, ()>> {
        let tenant = operation.tenant.as_str();
        let account = format!(
            "{}\0{}",
            new.provider.as_str(),
            new.subject.as_str().to_lowercase()
        );
        let keys = [
            ("user", tenant, new.user.as_str()),
            ("account", "", &account),
        ];
        self.locks.take(&keys).await
    }

    /// Refuses what the vendor cannot hold and the configuration wants to have held.
    fn refuse_residual(&self, new: &New<'_>) -> Result<(), Failure> {
        let residual = self.settings.residual;
        let refused = [
            (Field::Token, new.token.is_some(), residual.token),
            (
                Field::DisplayName,
                new.display_name.is_some(),
                residual.display_name,
            ),
        ];
        let problems: Vec<Problem> = refused
            .into_iter()
            .filter(|(field, is_there, keep)| {
                *is_there && *keep == Keep::Refuse && !self.holds(*field)
            })
            .map(|(field, ..)| Problem {
                place: Place::Body,
                at: String::new(),
                field: Some(field),
                why: Why::NotAllowed,
                max: None,
            })
            .collect();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Failure::Invalid(problems)),
        }
    }

    /// Whether the IdP keeps a field of a link: it tells it of the links of a user.
    fn holds(&self, field: Field) -> bool {
        self.settings.dialect.keeps(field)
    }

    /// The call, and what comes of it.
    async fn call(&self, operation: &Operation, new: &New<'_>) -> Result<(Link, How), Failure> {
        let talk = self.talk(operation);
        let mut question = talk.about(new.user)?;
        talk.name_account(&mut question, new.provider, new.subject)?;
        // A name that a vendor wants and nobody gave is the account's.
        let name = new.display_name.unwrap_or(new.subject.as_str());
        if new.display_name.is_some() || self.names_account() {
            question.may.set_text(Field::DisplayName, name);
        }
        question
            .may
            .set_text_opt(Field::Token, new.token.map(Secret::expose));
        self.require_removable(&talk, &question)?;
        let intended = self.made(operation, new, None);
        let (state, tenant) = (&self.parts.state, &operation.tenant);
        let is_new = state
            .of_link(self.name(), tenant, intended.link.link_id)?
            .is_none();
        let rows = vec![intended.row(Mark::Candidate)];
        // What is known of an earlier link stays until there is a new one.
        let intent = self.intend(operation, Intended::new(new), rows.clone());
        let mut intent = intent.await?;
        let answer = match talk.ask(OperationKind::LinkCreate, &question).await {
            Ok(told) => {
                let by = (&talk, &mut intent);
                self.acknowledged(operation, new, by, &told).await
            }
            Err(Trouble::Refused(failure)) => {
                let answer = self.refined(operation, new, failure).await;
                let mut ending = Came::Failed.told_by(&talk);
                if answer.is_err() && is_new {
                    ending.forget = rows;
                }
                self.conclude(operation, &mut intent, ending).await?;
                match answer {
                    Err(Failure::SubjectTaken) if !is_new => {
                        Err(self.taken_by_whom(operation, new).await?)
                    }
                    answer => answer,
                }
            }
            Err(Trouble::Lost(failure)) => {
                let by = (&talk, &mut intent);
                self.looked_up(operation, new, by, failure).await
            }
        };
        self.concluded(operation, intent, &talk, answer).await
    }

    /// Refuses an account whose link could be made and never be taken away: in the path of that request, servers
    /// would read it in different ways.
    fn require_removable(&self, talk: &Talk<'_>, question: &Question) -> Result<(), Failure> {
        let steps = self.settings.dialect.steps(OperationKind::LinkDelete);
        let last = steps.last();
        let spelled = last.map(|last| talk.spell(OperationKind::LinkDelete, last, question));
        // What a chain finds on its way is not known yet.
        let is_removable = match &spelled {
            None | Some(Err(Failure::Unsupported { .. })) => true,
            Some(Ok(spelled)) => self.exchange.can_send(&spelled.request),
            Some(Err(_)) => false,
        };
        match is_removable {
            true => Ok(()),
            false => Err(Failure::Invalid(vec![Problem {
                place: Place::Body,
                at: String::new(),
                field: Some(Field::Subject),
                why: Why::Malformed,
                max: None,
            }])),
        }
    }

    /// The IdP has acknowledged the link: so is what is kept here, or nobody knows.
    async fn acknowledged(
        &self,
        operation: &Operation,
        new: &New<'_>,
        (talk, intent): (&Talk<'_>, &mut Intent),
        told: &Told,
    ) -> Result<(Link, How), Failure> {
        let links = told.links();
        let is_new = |known: &Known| known.is(new.provider, new.subject);
        let told_link = links
            .iter()
            .filter_map(|record| talk.link(record, new.user));
        let told_link = told_link.into_iter().find(is_new);
        let how = match told.reply.text(Field::Outcome) {
            Some("existed") => How::Existed,
            _ => How::Created,
        };
        if how == How::Existed && operation.rules.on_repeat == OnRepeat::Error {
            return Err(Failure::LinkExists);
        }
        let known = self.made(operation, new, told_link);
        self.keep(operation, new, (talk, intent), &known).await?;
        Ok((known.link, how))
    }

    /// Whether the vendor wants a name for every link, so that one without is named after its account.
    fn names_account(&self) -> bool {
        let dialect = &self.settings.dialect;
        dialect.needs(OperationKind::LinkCreate, Field::DisplayName)
    }

    /// Writes down that the link is there, what the vendor cannot hold of it, and what its lists may not show yet.
    async fn keep(
        &self,
        operation: &Operation,
        new: &New<'_>,
        (talk, intent): (&Talk<'_>, &mut Intent),
        known: &Known,
    ) -> Result<(), Failure> {
        let residual = self.settings.residual;
        let lags_until = self.lags_until(operation.at);
        let mut row = known.row(lags_until.map_or(Mark::Candidate, Mark::Created));
        let keeps = |field, keep| keep == Keep::Keep && !self.holds(field);
        if keeps(Field::DisplayName, residual.display_name) || lags_until.is_some() {
            row.display_name = new.display_name.map(str::to_owned);
        }
        if new.display_name.is_none() && self.names_account() {
            row.display_name = Some(String::new());
        }
        if keeps(Field::Token, residual.token) {
            row.token = new.token.cloned();
        }
        if keeps(Field::CreatedAt, residual.instants) {
            row.created_at = Some(operation.at);
        }
        let ending = Ending {
            put: vec![row],
            ..Came::Done.told_by(talk)
        };
        self.conclude(operation, intent, ending).await
    }

    /// What a refusal means: vendors do not all tell whose the account is.
    async fn refined(
        &self,
        operation: &Operation,
        new: &New<'_>,
        failure: Failure,
    ) -> Result<(Link, How), Failure> {
        let is_taken = matches!(
            failure,
            Failure::LinkExists | Failure::SubjectTaken | Failure::UserAlreadyLinked
        );
        if !is_taken {
            return Err(failure);
        }
        let held = self.links(operation, new.user).await?;
        match held
            .iter()
            .find(|known| known.is(new.provider, new.subject))
        {
            // Somebody else has made it in between.
            Some(known) => match operation.rules.on_repeat {
                OnRepeat::Same => Ok((known.link.clone(), How::Existed)),
                OnRepeat::Error => Err(Failure::LinkExists),
            },
            None => Err(match (self.room(operation, new, &held), failure) {
                (Err(full), _) => full,
                (Ok(()), _) => Failure::SubjectTaken,
            }),
        }
    }

    /// Where lists lag, an account that is taken may be the user's own: of a create whose answer was lost, and of
    /// which a row is left. That another user has it is said only if that is known.
    async fn taken_by_whom(
        &self,
        operation: &Operation,
        new: &New<'_>,
    ) -> Result<Failure, Failure> {
        if self.lags_until(operation.at).is_none() {
            return Ok(Failure::SubjectTaken);
        }
        let other = self.confirmed(operation, new.provider, new.subject).await?;
        Ok(other.map_or(Failure::OutcomeUnknown, |_| Failure::SubjectTaken))
    }

    /// An answer was lost: if the link is there, it was made. If not, it may still come.
    async fn looked_up(
        &self,
        operation: &Operation,
        new: &New<'_>,
        by: (&Talk<'_>, &mut Intent),
        cause: Failure,
    ) -> Result<(Link, How), Failure> {
        tracing::warn!(
            upstream = self.name(),
            cause = cause.kind().name(),
            "the answer to a new link was lost: looking it up"
        );
        let held = self.links(operation, new.user).await;
        let there = held.ok().and_then(|held| {
            let mut held = held.into_iter();
            held.find(|known| known.is(new.provider, new.subject))
        });
        let Some(known) = there else {
            return Err(Failure::OutcomeUnknown);
        };
        let known = self.made(operation, new, Some(known));
        self.keep(operation, new, by, &known).await?;
        Ok((known.link, How::Created))
    }

    /// The link as it will be told from now on: what the IdP tells of it, and what was asked for where that is
    /// kept, there or here.
    fn made(&self, operation: &Operation, new: &New<'_>, told: Option<Known>) -> Known {
        let mut known = told.unwrap_or_else(|| bare(operation, new));
        let residual = self.settings.residual;
        let is_kept = |field, keep| keep == Keep::Keep || self.holds(field);
        let link = &mut known.link;
        if new.display_name.is_none() && self.names_account() {
            link.display_name = None;
        }
        if link.display_name.is_none() && is_kept(Field::DisplayName, residual.display_name) {
            link.display_name = new.display_name.map(str::to_owned);
        }
        if link.token.is_none() && is_kept(Field::Token, residual.token) {
            link.token = new.token.cloned();
        }
        if is_kept(Field::CreatedAt, residual.instants) {
            link.created_at = link.created_at.or(Some(operation.at));
            link.updated_at = link.updated_at.or(link.created_at);
        }
        known
    }
}

/// What makes a link, and nothing else.
fn bare(operation: &Operation, new: &New<'_>) -> Known {
    Known {
        link: Link {
            link_id: LinkId::of(&operation.tenant, new.user, new.provider, new.subject),
            tenant: operation.tenant.clone(),
            user_id: new.user.clone(),
            provider_id: new.provider.clone(),
            subject: new.subject.clone(),
            display_name: None,
            token: None,
            created_at: None,
            updated_at: None,
            last_login_at: None,
            revision: 0,
        },
        vendor_link_id: None,
    }
}
