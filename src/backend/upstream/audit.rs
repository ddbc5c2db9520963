//! What is written down around each change that the IdP is asked for: that it will be, before; what became of it,
//! after. What cannot be written down before is not asked; what cannot be after is an outcome that nobody knows.

use super::Upstream;
use super::create::New;
use super::state::{Came, Ending, Intended, Intent, Row};
use super::talk::{Talk, Trouble};
use crate::model::{Failure, Link, Operation, UserId};

impl Intended {
    /// A link is to be made.
    pub(super) fn new(new: &New<'_>) -> Self {
        Self {
            user_id: new.user.clone(),
            account: Some((new.provider.clone(), new.subject.clone())),
        }
    }

    /// A link is to be taken away.
    pub(super) fn link(link: &Link) -> Self {
        Self {
            user_id: link.user_id.clone(),
            account: Some((link.provider_id.clone(), link.subject.clone())),
        }
    }

    /// A user is to be changed.
    pub(super) fn user(user: &UserId) -> Self {
        Self {
            user_id: user.clone(),
            account: None,
        }
    }
}

impl Came {
    /// What an answer of the IdP says of it.
    pub(super) fn of_told<T>(told: &Result<T, Trouble>) -> Self {
        match told {
            Ok(_) => Came::Done,
            Err(Trouble::Refused(_)) => Came::Failed,
            Err(Trouble::Lost(_)) => Came::Unknown,
        }
    }

    /// With what the IdP calls the request, and nothing else to write down.
    pub(super) fn told_by(self, talk: &Talk<'_>) -> Ending {
        Ending {
            came: self,
            request_id: talk.request_id(),
            put: Vec::new(),
            forget: Vec::new(),
        }
    }
}

impl Upstream {
    /// Writes down that the IdP is about to be asked, and rows that it is to know of.
    ///
    /// # Errors
    /// Those of the store; then nothing may be asked.
    pub(super) async fn intend(
        &self,
        operation: &Operation,
        intended: Intended,
        note: Vec<Row>,
    ) -> Result<Intent, Failure> {
        let state = &self.parts.state;
        state.intend(self.name(), operation, intended, note).await
    }

    /// Writes down what became of it.
    ///
    /// # Errors
    /// `OutcomeUnknown`.
    pub(super) async fn conclude(
        &self,
        operation: &Operation,
        intent: &mut Intent,
        ending: Ending,
    ) -> Result<(), Failure> {
        intent.is_concluded = true;
        let state = &self.parts.state;
        let kept = state.conclude(self.name(), operation, intent, ending).await;
        kept.map_err(|_| Failure::OutcomeUnknown)
    }

    /// Writes down what became of it, if that has not been done; the answer, if it could be.
    pub(super) async fn concluded<T>(
        &self,
        operation: &Operation,
        mut intent: Intent,
        talk: &Talk<'_>,
        answer: Result<T, Failure>,
    ) -> Result<T, Failure> {
        if !intent.is_concluded {
            let ending = Came::of(&answer).told_by(talk);
            self.conclude(operation, &mut intent, ending).await?;
        }
        answer
    }
}
