//! Users over an upstream: their documents and ids are kept here, their links there.
//!
//! Where users are open, who is unknown here exists if the IdP says so: it tells the user, or links of theirs.

use super::Upstream;
use super::create::New;
use super::links::Known;
use crate::backend::Answer;
use crate::model::{
    Action, Attribute, DocumentChange, Failure, Field, Link, NewLink, Operation, OperationKind,
    Outcome, PatchStep, PutMode, Record, User, UserId, Value, Which,
};

impl Upstream {
    pub(super) async fn user_get(
        &self,
        operation: &Operation,
        user_id: &UserId,
        links: bool,
    ) -> Answer {
        let (user, held) = self.user(operation, user_id, links).await?;
        Ok(Outcome::User {
            user,
            links: held.into_iter().map(|known| known.link).collect(),
            created: false,
        })
    }

    /// Fails if there is no such user, here or there.
    pub(super) async fn require_user(
        &self,
        operation: &Operation,
        user_id: &UserId,
    ) -> Result<(), Failure> {
        self.user(operation, user_id, false).await.map(|_| ())
    }

    /// A user, with the links if they are asked for.
    async fn user(
        &self,
        operation: &Operation,
        user_id: &UserId,
        links: bool,
    ) -> Result<(User, Vec<Known>), Failure> {
        let look = Action::UserGet {
            user_id: user_id.clone(),
            links: false,
        };
        let here = match self.local(operation, look).await {
            Ok(Outcome::User { user, .. }) => Some(user),
            Ok(_) => None,
            Err(Failure::UserNotFound) if !operation.rules.known_users => None,
            Err(failure) => return Err(failure),
        };
        let has_document = here.as_ref().is_some_and(|user| user.document.is_some());
        let there = match has_document {
            true => None,
            false => self.user_told(operation, user_id).await?,
        };
        let is_somewhere = here.is_some() || there.is_some();
        let held = match links || !is_somewhere {
            false => Vec::new(),
            true => match self.links(operation, user_id).await {
                // Who has no link there yet need not be known there.
                Err(Failure::UserNotFound) if is_somewhere => Vec::new(),
                held => held?,
            },
        };
        if !is_somewhere && held.is_empty() {
            return Err(Failure::UserNotFound);
        }
        let document = there.and_then(|record| document(&record));
        let mut user = here.unwrap_or_else(|| User {
            user_id: user_id.clone(),
            tenant: operation.tenant.clone(),
            ids: Vec::new(),
            document: None,
            created_at: None,
            updated_at: None,
            revision: 0,
        });
        user.document = user.document.or(document);
        Ok((user, if links { held } else { Vec::new() }))
    }

    /// The user as the IdP tells it, if it can be asked and knows the user.
    async fn user_told(
        &self,
        operation: &Operation,
        user_id: &UserId,
    ) -> Result<Option<Record>, Failure> {
        if !self
            .settings
            .dialect
            .is_done_upstream(OperationKind::UserGet)
        {
            return Ok(None);
        }
        let talk = self.talk(operation);
        let question = match talk.about(user_id) {
            Ok(question) => question,
            // Who has no id there is nobody there.
            Err(Failure::UserNotFound) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        match talk.ask(OperationKind::UserGet, &question).await {
            Ok(mut told) => {
                let Some(Value::Record(user)) = told.reply.take(Field::User) else {
                    return Ok(None);
                };
                let is_ours = match (user.text(Field::Tenant), talk.tenant_id()) {
                    (Some(told), Some(own)) => super::talk::is_same(told, own),
                    _ => true,
                };
                Ok(is_ours.then_some(user))
            }
            Err(trouble) => match Failure::from(trouble) {
                Failure::UserNotFound | Failure::LinkNotFound => Ok(None),
                failure => Err(failure),
            },
        }
    }

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
        if let Err(failure) = self.make_all(operation, user_id, links).await {
            self.undo(operation, user_id, before.as_ref()).await;
            return Err(failure);
        }
        let Outcome::User { user, .. } = written else {
            return Err(Failure::OutcomeUnknown);
        };
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
                Ok((link, crate::model::How::Created)) => done.push(link),
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

    /// Users of the local store; whoever holds an account is asked for at the IdP.
    pub(super) async fn user_list(&self, operation: &Operation) -> Answer {
        let Action::UserList {
            which,
            after,
            page,
            links,
        } = &operation.action
        else {
            return Err(Failure::UpstreamRefused);
        };
        let mut users: Vec<(User, Vec<Link>)> = Vec::new();
        let (found, total, more) = match which {
            Which::Holder {
                provider_id,
                subject,
            } => {
                let found = self.link_find(operation, provider_id, subject, None).await;
                let holder = match found {
                    Ok(Outcome::Link { link, .. }) => Some(link.user_id),
                    Ok(_) | Err(Failure::LinkNotFound) => None,
                    Err(failure) => return Err(failure),
                };
                let is_after = |user: &UserId| after.as_ref().is_none_or(|after| user > after);
                let ids: Vec<UserId> = holder.into_iter().filter(is_after).collect();
                let total = ids.len() as u64;
                (ids, total, false)
            }
            Which::Ids(ids) => {
                let mut there: Vec<UserId> = Vec::new();
                for id in ids {
                    match self.require_user(operation, id).await {
                        Ok(()) => there.push(id.clone()),
                        Err(Failure::UserNotFound) => {}
                        Err(failure) => return Err(failure),
                    }
                }
                let total = there.len() as u64;
                there.retain(|id| after.as_ref().is_none_or(|after| id > after));
                let skip = usize::try_from(page.offset).unwrap_or(usize::MAX);
                let limit = page.limit.and_then(|n| usize::try_from(n).ok());
                let rest = there.len().saturating_sub(skip);
                let more = limit.is_some_and(|limit| rest > limit);
                let page = there
                    .into_iter()
                    .skip(skip)
                    .take(limit.unwrap_or(usize::MAX));
                (page.collect(), total, more)
            }
            _ => {
                let local = Action::UserList {
                    which: which.clone(),
                    after: after.clone(),
                    page: *page,
                    links: false,
                };
                let Outcome::Users { users, total, more } = self.local(operation, local).await?
                else {
                    return Err(Failure::UpstreamRefused);
                };
                let ids = users.into_iter().map(|(user, _)| user.user_id).collect();
                (ids, total, more)
            }
        };
        for id in found {
            let (user, held) = self.user(operation, &id, *links).await?;
            users.push((user, held.into_iter().map(|known| known.link).collect()));
        }
        Ok(Outcome::Users { users, total, more })
    }

    /// Takes a user away: the links there, then what is kept here.
    pub(super) async fn user_delete(&self, operation: &Operation, user_id: &UserId) -> Answer {
        let (user, held) = self.user(operation, user_id, true).await?;
        self.remove_all(operation, held).await?;
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
                return Err(Failure::Invalid(vec![crate::model::Problem {
                    place: crate::model::Place::Body,
                    at: String::new(),
                    field: Some(Field::Attribute),
                    why: crate::model::Why::NotAllowed,
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

/// What the IdP tells of a user beyond links.
fn document(record: &Record) -> Option<String> {
    match record.value(Field::Document) {
        Some(Value::Json(json)) => Some(json.to_string()),
        _ => None,
    }
}
