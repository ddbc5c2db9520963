//! One writer: creates, deletes and completes at random until the server is gone, and journals every answer.

use serde_json::json;

use super::super::support::client::{Answer, Client, Lost};
use super::super::support::fixtures::{LINK, P, create_body};
use super::super::support::native::try_create_pending;
use super::super::support::random::Random;
use super::journal::{Entry, Journal, State};

/// What one writer did in one round.
#[derive(Default)]
pub(super) struct Done {
    pub(super) journal: Journal,
    /// Writes that were acknowledged.
    pub(super) acknowledged: usize,
    /// Writes that were sent and not answered: they were in flight when the process died.
    pub(super) in_flight: usize,
    /// Answers that should not be.
    pub(super) odd: Vec<String>,
}

/// A writer with users and subjects of its own.
pub(super) struct Writer {
    pub(super) client: Client,
    pub(super) random: Random,
    pub(super) users: Vec<String>,
    pub(super) prefix: String,
    pub(super) held: Vec<(String, Entry)>,
    pub(super) done: Done,
}

impl Writer {
    /// One write of a random kind. Answers whether the server is still there.
    pub(super) fn write(&mut self) -> bool {
        let kind = self.random.between(0, 9);
        match kind {
            0..=2 if !self.held.is_empty() => self.delete(),
            3..=5 => self.complete(),
            _ => self.create(),
        }
    }

    fn subject(&mut self) -> (String, String) {
        let number = self.done.journal.len();
        let user = self.users[self.random.index(self.users.len())].clone();
        (format!("{}-{number}", self.prefix), user)
    }

    fn create(&mut self) -> bool {
        let (subject, user) = self.subject();
        let token = format!("token of {subject}");
        let entry = Entry {
            user: user.clone(),
            display_name: format!("name of {subject}"),
            token: Some(token.clone()),
            state: State::Unknown,
        };
        let answer = self.client.post(
            LINK,
            &create_body(&user, &subject, &entry.display_name, &token),
        );
        self.note(subject, entry, State::Held, answer)
    }

    fn complete(&mut self) -> bool {
        let (subject, user) = self.subject();
        let display_name = format!("pending {subject}");
        let body =
            json!({ "provider_id": "acme-oidc", "subject": subject, "display_name": display_name });
        // A pending link that was not acknowledged is nobody's: only its completion is journaled.
        let pending = match try_create_pending(&mut self.client, "acme", &body) {
            Ok(answer) => answer,
            Err(lost) => {
                self.done.in_flight += usize::from(matches!(lost, Lost::Unknown(_)));
                return false;
            }
        };
        let id = pending
            .json()
            .ok()
            .and_then(|json| json["pending_id"].as_str().map(str::to_owned));
        let Some(id) = id else {
            self.done.odd.push(format!(
                "{subject}: no pending link: {} {}",
                pending.status,
                pending.text()
            ));
            return false;
        };
        let entry = Entry {
            user: user.clone(),
            display_name,
            token: None,
            state: State::Unknown,
        };
        let answer = self
            .client
            .post(LINK, &json!({ "pendingIdPLinkId": id, "userId": user }));
        self.note(subject, entry, State::Held, answer)
    }

    fn delete(&mut self) -> bool {
        let (subject, entry) = self.held.swap_remove(self.random.index(self.held.len()));
        let target = format!(
            "{LINK}?identityProviderId={P}&identityProviderUserId={subject}&userId={}",
            entry.user
        );
        let answer = self.client.bare("DELETE", &target);
        self.note(subject, entry, State::Gone, answer)
    }

    /// Writes into the journal what a write came to.
    fn note(
        &mut self,
        subject: String,
        mut entry: Entry,
        state: State,
        answer: Result<Answer, Lost>,
    ) -> bool {
        let goes_on = match answer {
            Ok(answer) if answer.status == 200 => {
                entry.state = state.clone();
                self.done.acknowledged += 1;
                if state == State::Held {
                    self.held.push((subject.clone(), entry.clone()));
                }
                true
            }
            Ok(answer) => {
                self.done
                    .odd
                    .push(format!("{subject}: {} {}", answer.status, answer.text()));
                false
            }
            // The connection was gone before anything was sent: what was there before still is.
            Err(Lost::Unsent(_)) if state == State::Gone => false,
            Err(Lost::Unsent(_)) => return false,
            Err(Lost::Unknown(_)) => {
                entry.state = State::Unknown;
                self.done.in_flight += 1;
                false
            }
        };
        self.done.journal.insert(subject, entry);
        goes_on
    }
}
