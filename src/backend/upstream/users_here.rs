//! What is kept of users in the local store: rehearsed before the IdP is asked for anything, then written at once.

use super::Upstream;
use crate::backend::embedded::DEPTH;
use crate::backend::{Answer, Atomicity};
use crate::directory::CANONICAL_VENDOR;
use crate::model::{
    Action, Alias, Attribute, DocumentChange, Failure, Field, Operation, Outcome, PatchStep, Place,
    Problem, PutMode, User, UserId, VendorName, Why,
};

impl Upstream {
    /// The user as the local store has it; of whom nothing is kept there, there is none.
    pub(super) async fn here(
        &self,
        operation: &Operation,
        user_id: &UserId,
    ) -> Result<Option<User>, Failure> {
        let look = Action::UserGet {
            user_id: user_id.clone(),
            links: false,
        };
        match self.local(operation, look).await {
            Ok(Outcome::User { user, .. }) => Ok(Some(user)),
            Ok(_) | Err(Failure::UserNotFound) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// What the local store would say against these actions. Nothing is written.
    pub(super) async fn rehearse(
        &self,
        operation: &Operation,
        actions: &[Action],
    ) -> Result<(), Failure> {
        // A batch stands or falls as a whole: this one falls, at the latest by what no store does.
        let last = Action::ProviderGet {
            provider_id: None,
            domain: None,
        };
        let end = Failure::Unsupported {
            operation: last.kind(),
        };
        let actions = actions.iter().cloned().chain([last]);
        let answers = self.local_all(operation, actions.collect()).await;
        match answers.into_iter().next() {
            Some(Err(failure)) if failure == end => Ok(()),
            Some(Err(failure)) => Err(failure),
            Some(Ok(_)) | None => Err(Failure::OutcomeUnknown),
        }
    }

    /// Carries actions out in the local store, all or none; the answer is that of the last.
    pub(super) async fn commit(&self, operation: &Operation, actions: Vec<Action>) -> Answer {
        let answers = self.local_all(operation, actions).await;
        let last = answers.into_iter().next_back();
        last.unwrap_or(Err(Failure::OutcomeUnknown))
    }

    async fn local_all(&self, operation: &Operation, actions: Vec<Action>) -> Vec<Answer> {
        let operations = actions.into_iter().map(|action| Operation {
            action,
            ..operation.clone()
        });
        let local = &self.parts.local;
        local
            .apply_all(operations.collect(), Atomicity::Together)
            .await
    }

    /// What puts a user into the local store. Who is known only at the IdP is put with what is told there first,
    /// so that a change has its ground.
    pub(super) fn puts(
        here: Option<&User>,
        before: Option<&User>,
        user_id: &UserId,
        document: Option<DocumentChange>,
        ids: &[Alias],
    ) -> Vec<Action> {
        let put = |document, ids: &[Alias]| Action::UserPut {
            user_id: user_id.clone(),
            mode: PutMode::Either,
            document,
            ids: ids.to_vec(),
            links: Vec::new(),
        };
        let has_ground = match &document {
            Some(DocumentChange::Members { .. } | DocumentChange::Patch(_)) | None => false,
            Some(DocumentChange::Whole(_)) => true,
        };
        let told = before.and_then(|user| user.document.clone());
        let kept = here.and_then(|user| user.document.clone());
        let ground = told.filter(|told| !has_ground && kept.as_ref() != Some(told));
        let ground = ground.map(|text| put(Some(DocumentChange::Whole(text)), &[]));
        ground.into_iter().chain([put(document, ids)]).collect()
    }

    /// Fails if an id that a user is to have is the canonical one of another, who is known at the IdP only: the
    /// local store cannot know that it means somebody. The IdP's own ids are all there; who is who is for the
    /// directory to say.
    pub(super) async fn require_free_id(
        &self,
        operation: &Operation,
        user_id: &UserId,
        vendor: &VendorName,
        vendor_id: &str,
    ) -> Result<(), Failure> {
        let is_told_here = vendor.as_str() == CANONICAL_VENDOR || vendor == self.vendor();
        if operation.rules.known_users || is_told_here {
            return Ok(());
        }
        let Ok(other) = UserId::new(vendor_id) else {
            return Ok(());
        };
        let aliases = &self.parts.aliases;
        let meant = match aliases.user_of(&operation.tenant, vendor, vendor_id) {
            Ok(meant) => meant,
            Err(Failure::UserNotFound) => return Ok(()),
            Err(failure) => return Err(failure),
        };
        // An alias decides, and the store knows it.
        if meant != other || meant == *user_id {
            return Ok(());
        }
        match self.require_user(operation, &other).await {
            Ok(()) => Err(Failure::SubjectTaken),
            Err(Failure::UserNotFound) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// What has to be written of a user along with a link; `None` if nothing has. What cannot be written is
    /// refused before a link is made.
    pub(super) async fn prepared(
        &self,
        operation: &Operation,
        user_id: &UserId,
        attributes: &[Attribute],
    ) -> Result<Option<Vec<Action>>, Failure> {
        if attributes.is_empty() {
            return Ok(None);
        }
        let here = self.here(operation, user_id).await?;
        let before = match self.user(operation, user_id, false).await {
            Ok((user, _)) => Some(user),
            Err(Failure::UserNotFound) => None,
            Err(failure) => return Err(failure),
        };
        let document = before.as_ref().and_then(|user| user.document.as_deref());
        let document: serde_json::Value = document
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_else(|| serde_json::json!({}));
        let mut steps = Vec::new();
        for attribute in attributes {
            steps.extend(step(&document, attribute)?);
        }
        if steps.is_empty() {
            return Ok(None);
        }
        let change = Some(DocumentChange::Patch(steps));
        let actions = Self::puts(here.as_ref(), before.as_ref(), user_id, change, &[]);
        let rehearsed = self.rehearse(operation, &actions).await;
        rehearsed.map_err(of_attribute)?;
        Ok(Some(actions))
    }

    /// Writes what was prepared: here, and there if the IdP has users as clients put them.
    pub(super) async fn write_prepared(
        &self,
        operation: &Operation,
        mut actions: Vec<Action>,
    ) -> Result<(), Failure> {
        let written = match actions.pop() {
            Some(action) if self.keeps_users() => {
                let put = Operation {
                    action,
                    ..operation.clone()
                };
                self.user_put(&put).await
            }
            last => {
                actions.extend(last);
                self.commit(operation, actions).await
            }
        };
        written.map(|_| ())
    }
}

/// A client that writes an attribute knows of no patch.
fn of_attribute(failure: Failure) -> Failure {
    let Failure::Invalid(problems) = failure else {
        return failure;
    };
    let of_attribute = |problem: Problem| match problem.field {
        Some(Field::Patch) => Problem {
            field: Some(Field::Attribute),
            ..problem
        },
        _ => problem,
    };
    Failure::Invalid(problems.into_iter().map(of_attribute).collect())
}

/// The change that writes an attribute; `None` if there is a value already, and only an empty one is replaced.
fn step(document: &serde_json::Value, attribute: &Attribute) -> Result<Option<PatchStep>, Failure> {
    let refused = |why| {
        Failure::Invalid(vec![Problem {
            place: Place::Body,
            at: String::new(),
            field: Some(Field::Attribute),
            why,
            max: None,
        }])
    };
    if attribute.path.len() > DEPTH {
        return Err(refused(Why::TooLong));
    }
    let mut at = Some(document);
    let mut pointer = String::new();
    for member in &attribute.path {
        match at {
            None | Some(serde_json::Value::Null) => at = None,
            Some(serde_json::Value::Object(members)) => at = members.get(member),
            Some(_) => {
                return Err(refused(Why::Unresolved));
            }
        }
        pointer.push('/');
        pointer.push_str(&member.replace('~', "~0").replace('/', "~1"));
    }
    let is_empty = match at {
        None | Some(serde_json::Value::Null) => true,
        Some(value) => value.as_str() == Some(""),
    };
    let step = PatchStep {
        pointer,
        value: Some(attribute.value.clone()),
        inserts: false,
    };
    Ok((is_empty || !attribute.only_if_empty).then_some(step))
}
