//! Users of an IdP that has them as clients put them: made, changed, taken away.

use super::Upstream;
use super::state::{Came, Intended, Row};
use super::talk::{Question, Trouble};
use crate::model::{Action, Failure, Field, Operation, OperationKind, User, UserId, Value};

impl Upstream {
    /// Makes or changes the user at the IdP. One that it makes under another id gets an alias.
    pub(super) async fn put_there(
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
        let intent = self.intend(operation, Intended::user(&user.user_id), Vec::new());
        let mut intent = intent.await?;
        let told = talk.ask(kind, &question).await;
        drop(locked);
        let ending = Came::of_told(&told).told_by(&talk);
        let kept = self.conclude(operation, &mut intent, ending).await;
        kept.map_err(Trouble::Lost)?;
        let told = told?;
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
    pub(super) async fn undo_there(
        &self,
        operation: &Operation,
        user_id: &UserId,
        before: Option<&User>,
    ) {
        if !self.keeps_users() {
            return;
        }
        let undone = match before {
            None => self.delete_there(operation, user_id, Vec::new()).await,
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

    /// Takes the user away at the IdP, with all that it has; what is known of that here is forgotten.
    pub(super) async fn delete_there(
        &self,
        operation: &Operation,
        user_id: &UserId,
        rows: Vec<Row>,
    ) -> Result<(), Trouble> {
        let talk = self.talk(operation);
        let question = talk.about(user_id)?;
        let intent = self.intend(operation, Intended::user(user_id), Vec::new());
        let mut intent = intent.await?;
        let told = talk.ask(OperationKind::UserDelete, &question).await;
        let mut ending = Came::of_told(&told).told_by(&talk);
        if told.is_ok() {
            ending.forget = rows;
        }
        let kept = self.conclude(operation, &mut intent, ending).await;
        kept.map_err(Trouble::Lost)?;
        told.map(|_| ())
    }
}
