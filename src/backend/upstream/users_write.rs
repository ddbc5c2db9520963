//! Putting and deleting users over an upstream.
//!
//! An IdP that has users as clients put them gets them; else the document is kept here. New links are made
//! there. There is no transaction over both: what was done is undone if a later part is refused.

use super::Upstream;
use super::create::New;
use super::links::Known;
use super::state::Mark;
use super::talk::{Question, Trouble};
use crate::backend::Answer;
use crate::model::{
    Action, Attribute, DocumentChange, Failure, Field, How, Link, NewLink, Operation,
    OperationKind, Outcome, PatchStep, Place, Problem, PutMode, User, UserId, Value, Why,
};

impl Upstream {
    /// Puts a user: the document here, new links there. An IdP has no transaction over both, so what was done
    /// is undone if a link is refused.
    pub(super) async fn user_put(&self, operation: &Operation) -> Answer {
        let Action::UserPut {
            user_id,
            mode,
            document,
            ids,
            links,
        } = &operation.action
        else {
            return Err(Failure::UpstreamRefused);
        };
        let before = match self.user(operation, user_id, false).await {
            Ok((user, _)) => Some(user),
            Err(Failure::UserNotFound) => None,
            Err(failure) => return Err(failure),
        };
        match (mode, &before) {
            (PutMode::Create, Some(_)) => return Err(Failure::LinkExists),
            (PutMode::Update, None) => return Err(Failure::UserNotFound),
            _ => {}
        }
        let _claimed = self.claim(operation, user_id, ids).await?;
        let put = |document| Action::UserPut {
            user_id: user_id.clone(),
            mode: PutMode::Either,
            document,
            ids: ids.clone(),
            links: Vec::new(),
        };
        // A user who is known only there is put here with what is told there, so that a change has its ground.
        let ground = before.as_ref().and_then(|user| user.document.clone());
        if let Some(ground) = ground.clone() {
            self.local(operation, put(Some(DocumentChange::Whole(ground))))
                .await?;
        }
        let written = self.local(operation, put(document.clone())).await?;
        let Outcome::User { mut user, .. } = written else {
            return Err(Failure::OutcomeUnknown);
        };
        // Who is put without a document is made known here: an IdP has nothing to make of that.
        if self.keeps_users() && document.is_some() {
            let put = self.put_there(operation, &user, before.is_none()).await;
            if let Err(trouble) = put {
                let failure = Failure::from(trouble);
                if failure != Failure::OutcomeUnknown {
                    self.undo(operation, user_id, before.as_ref()).await;
                }
                return Err(failure);
            }
        }
        if let Err(failure) = self.make_all(operation, user_id, links).await {
            self.undo_there(operation, user_id, before.as_ref()).await;
            self.undo(operation, user_id, before.as_ref()).await;
            return Err(failure);
        }
        if self.keeps_users() {
            user = match self.user(operation, user_id, false).await {
                Ok((told, _)) => told,
                Err(Failure::UserNotFound) if document.is_none() && links.is_empty() => user,
                Err(_) => return Err(Failure::OutcomeUnknown),
            };
        }
        let held = match self.links(operation, user_id).await {
            Err(Failure::UserNotFound) => Vec::new(),
            // What was written is not denied because it cannot be told.
            held => held.map_err(|_| Failure::OutcomeUnknown)?,
        };
        Ok(Outcome::User {
            user,
            links: held.into_iter().map(|known| known.link).collect(),
            created: before.is_none(),
        })
    }

    /// Makes or changes the user at the IdP. One that it makes under another id gets an alias.
    async fn put_there(
        &self,
        operation: &Operation,
        user: &User,
        is_new: bool,
    ) -> Result<(), Trouble> {
        let talk = self.talk(operation);
        let document = user
            .document
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok());
        let document = document.unwrap_or_else(|| serde_json::json!({}));
        let (kind, mut question) = match is_new {
            true => (OperationKind::UserCreate, Question::default()),
            false => (OperationKind::UserUpdate, talk.about(&user.user_id)?),
        };
        question.may.set_text_opt(Field::Tenant, talk.tenant_id());
        question.must.set(Field::Document, Value::Json(document));
        // A vendor that writes users whole can lose what is linked meanwhile.
        let (tenant, user_id) = (operation.tenant.as_str(), user.user_id.as_str());
        let locked = self.locks.take(&[("user", tenant, user_id)]).await;
        let told = talk.ask(kind, &question).await?;
        drop(locked);
        if !is_new {
            return Ok(());
        }
        let of_user = told.reply.record(Field::User);
        let given = of_user
            .and_then(|record| record.text(Field::UserId))
            .or(told.reply.text(Field::UserId));
        let given = given.ok_or(Trouble::Lost(Failure::UpstreamRefused))?;
        if talk.user_id(&user.user_id).ok().as_deref() == Some(given) {
            return Ok(());
        }
        let alias = Action::UserAlias {
            user_id: user.user_id.clone(),
            vendor: self.vendor().clone(),
            vendor_id: given.to_owned(),
            rebind: None,
        };
        let named = self.local(operation, alias).await;
        named.map(|_| ()).map_err(Trouble::Lost)
    }

    /// Puts the IdP's user as it was before, as far as that can be done.
    async fn undo_there(&self, operation: &Operation, user_id: &UserId, before: Option<&User>) {
        if !self.keeps_users() {
            return;
        }
        let undone = match before {
            None => self.delete_there(operation, user_id).await,
            Some(user) => self.put_there(operation, user, false).await,
        };
        if let Err(trouble) = undone {
            let failure = Failure::from(trouble).kind().name();
            tracing::error!(
                upstream = self.name(),
                failure,
                "a user of the IdP cannot be put back as it was"
            );
        }
    }

    /// Takes the user away at the IdP, with all that it has.
    async fn delete_there(&self, operation: &Operation, user_id: &UserId) -> Result<(), Trouble> {
        let talk = self.talk(operation);
        let question = talk.about(user_id)?;
        let told = talk.ask(OperationKind::UserDelete, &question).await;
        told.map(|_| ())
    }

    /// Makes links, all or none as far as the IdP lets them be taken away again.
    async fn make_all(
        &self,
        operation: &Operation,
        user: &UserId,
        links: &[NewLink],
    ) -> Result<(), Failure> {
        let mut done: Vec<Link> = Vec::new();
        for link in links {
            let new = New {
                user,
                provider: &link.provider_id,
                subject: &link.subject,
                display_name: link.display_name.as_deref(),
                token: link.token.as_ref(),
                limit: link.limit,
            };
            match self.make(operation, &new).await {
                Ok((link, How::Created)) => done.push(link),
                Ok(_) => {}
                Err(failure) => {
                    let undone = done.into_iter().map(|link| Known {
                        link,
                        vendor_link_id: None,
                    });
                    let undone = self.remove_all(operation, undone.collect()).await;
                    return Err(undone.map_or(Failure::OutcomeUnknown, |_| failure));
                }
            }
        }
        Ok(())
    }

    /// Puts what is kept here of a user as it was before.
    async fn undo(&self, operation: &Operation, user_id: &UserId, before: Option<&User>) {
        let action = match before {
            None => Action::UserDelete {
                user_id: user_id.clone(),
            },
            Some(user) => Action::UserPut {
                user_id: user_id.clone(),
                mode: PutMode::Either,
                document: user.document.clone().map(DocumentChange::Whole),
                ids: Vec::new(),
                links: Vec::new(),
            },
        };
        if let Err(failure) = self.local(operation, action).await {
            let failure = failure.kind().name();
            tracing::error!(
                upstream = self.name(),
                failure,
                "a user cannot be put back as it was"
            );
        }
    }

    /// Takes a user away: the links there, then what is kept here.
    pub(super) async fn user_delete(&self, operation: &Operation, user_id: &UserId) -> Answer {
        let (user, held) = self.user(operation, user_id, true).await?;
        if self.keeps_users() {
            self.delete_there(operation, user_id).await?;
            let rows = held
                .iter()
                .map(|known| known.row(Mark::Candidate))
                .collect();
            let state = &self.parts.state;
            let forgotten = state
                .acknowledge(self.name(), operation, Vec::new(), rows)
                .await;
            forgotten.map_err(|_| Failure::OutcomeUnknown)?;
        } else {
            self.remove_all(operation, held).await?;
        }
        let delete = Action::UserDelete {
            user_id: user_id.clone(),
        };
        match self.local(operation, delete).await {
            Ok(outcome) => Ok(outcome),
            // Who was known there only is gone with the last link.
            Err(Failure::UserNotFound) => Ok(Outcome::User {
                user,
                links: Vec::new(),
                created: false,
            }),
            Err(_) => Err(Failure::OutcomeUnknown),
        }
    }

    /// What has to be written of a user along with a link; `None` if nothing has. What cannot be written is
    /// refused before a link is made.
    pub(super) async fn prepared(
        &self,
        operation: &Operation,
        user_id: &UserId,
        attributes: &[Attribute],
    ) -> Result<Option<Action>, Failure> {
        if attributes.is_empty() {
            return Ok(None);
        }
        let document = match self.user(operation, user_id, false).await {
            Ok((user, _)) => user.document,
            Err(Failure::UserNotFound) => None,
            Err(failure) => return Err(failure),
        };
        let document: serde_json::Value = document
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_else(|| serde_json::json!({}));
        let mut steps = Vec::new();
        for attribute in attributes {
            steps.extend(step(&document, attribute)?);
        }
        let action = Action::UserPut {
            user_id: user_id.clone(),
            mode: PutMode::Either,
            document: Some(DocumentChange::Patch(steps)),
            ids: Vec::new(),
            links: Vec::new(),
        };
        Ok(Some(action))
    }
}

/// The change that writes an attribute; `None` if there is a value already, and only an empty one is replaced.
fn step(document: &serde_json::Value, attribute: &Attribute) -> Result<Option<PatchStep>, Failure> {
    let mut at = Some(document);
    let mut pointer = String::new();
    for member in &attribute.path {
        match at {
            None | Some(serde_json::Value::Null) => at = None,
            Some(serde_json::Value::Object(members)) => at = members.get(member),
            Some(_) => {
                return Err(Failure::Invalid(vec![Problem {
                    place: Place::Body,
                    at: String::new(),
                    field: Some(Field::Attribute),
                    why: Why::NotAllowed,
                    max: None,
                }]));
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
