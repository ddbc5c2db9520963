//! Pending links: kept here whatever keeps the links, and taken exactly once.

use super::Upstream;
use super::create::New;
use super::links::Known;
use super::settings::Keep;
use super::state::Mark;
use super::talk::is_same;
use crate::backend::Answer;
use crate::backend::upstream::exchange::Effect;
use crate::dialect;
use crate::dialect::upstream::Step;
use crate::directory::id_at;
use crate::model::{
    Action, Failure, Field, How, Link, Operation, OperationKind, Outcome, PendingLink, Record,
    Secret, Subject, UserId,
};

/// How long a pending link that is kept elsewhere is taken to live, in seconds.
const FOREIGN_SECONDS: u64 = 60;

impl Upstream {
    pub(super) async fn pending_get(
        &self,
        operation: &Operation,
        pending_id: &Secret,
        user: Option<&UserId>,
    ) -> Answer {
        if let Some(user) = user {
            self.require_known(operation, user).await?;
        }
        let pending = self.pending(operation, pending_id).await?;
        let link_count = match user {
            Some(user) => {
                let held = match self.links(operation, user).await {
                    Err(Failure::UserNotFound) if !operation.rules.known_users => Vec::new(),
                    held => held?,
                };
                let here = held
                    .iter()
                    .filter(|known| known.link.provider_id == pending.provider_id);
                Some(here.count() as u64)
            }
            None => None,
        };
        let max = operation.rules.per_user_provider;
        Ok(Outcome::Pending {
            pending,
            link_count,
            limit: max.map(|max| crate::model::LinkLimit { max }),
        })
    }

    /// A pending link of this tenant: kept here, or where it was minted.
    async fn pending(
        &self,
        operation: &Operation,
        pending_id: &Secret,
    ) -> Result<PendingLink, Failure> {
        let look = Action::PendingGet {
            pending_id: pending_id.clone(),
            user_id: None,
        };
        match self.local(operation, look).await {
            Ok(Outcome::Pending { pending, .. }) => Ok(pending),
            Ok(_) => Err(Failure::PendingNotFound),
            Err(Failure::PendingNotFound) => self.minted_elsewhere(operation, pending_id).await,
            Err(failure) => Err(failure),
        }
    }

    /// Completes a pending link. It is spent before the link is made: two completions never make two links. A
    /// link that was refused for certain gives it back; an outcome that nobody knows has spent it.
    pub(super) async fn pending_complete(
        &self,
        operation: &Operation,
        pending_id: &Secret,
        user: &UserId,
    ) -> Answer {
        self.require_known(operation, user).await?;
        let state = &self.parts.state;
        let (pending, is_ours) = match state.take_pending(operation, pending_id).await {
            Ok(pending) => (pending, true),
            Err(Failure::PendingNotFound) => {
                (self.minted_elsewhere(operation, pending_id).await?, false)
            }
            Err(failure) => return Err(failure),
        };
        let new = New {
            user,
            provider: &pending.provider_id,
            subject: &pending.subject,
            display_name: pending.display_name.as_deref(),
            token: pending.token.as_ref(),
            limit: operation.rules.per_user_provider,
        };
        match self.make(operation, &new).await {
            Ok((link, How::Existed)) => {
                let link = self.renewed(operation, &new, link).await?;
                let how = How::Existed;
                Ok(Outcome::Link { link, how })
            }
            Ok((link, how)) => Ok(Outcome::Link { link, how }),
            Err(Failure::OutcomeUnknown) => Err(Failure::OutcomeUnknown),
            Err(failure) => {
                if is_ours {
                    let back = state
                        .give_back_pending(operation, pending_id, pending.clone())
                        .await;
                    back.map_err(|_| Failure::OutcomeUnknown)?;
                }
                Err(failure)
            }
        }
    }

    /// A link that was there gets the name and the token that a pending one brings, where they are kept here. What
    /// an IdP holds of a link, it does not change.
    async fn renewed(
        &self,
        operation: &Operation,
        new: &New<'_>,
        mut link: Link,
    ) -> Result<Link, Failure> {
        let residual = self.settings.residual;
        let is_here = |field, keep| keep == Keep::Keep && !self.settings.dialect.keeps(field);
        let name = new
            .display_name
            .filter(|_| is_here(Field::DisplayName, residual.display_name));
        let token = new.token.filter(|_| is_here(Field::Token, residual.token));
        if name.is_none() && token.is_none() {
            return Ok(link);
        }
        let state = &self.parts.state;
        let kept = state.of_link(self.name(), &link.tenant, link.link_id)?;
        let mut row = kept.unwrap_or_else(|| {
            let known = Known {
                link: link.clone(),
                vendor_link_id: None,
            };
            known.row(Mark::Candidate)
        });
        if let Some(name) = name {
            row.display_name = Some(name.to_owned());
            link.display_name = Some(name.to_owned());
        }
        if let Some(token) = token {
            row.token = Some(token.clone());
            link.token = Some(token.clone());
        }
        let put = state
            .acknowledge(self.name(), operation, vec![row], Vec::new())
            .await;
        put.map_err(|_| Failure::OutcomeUnknown)?;
        Ok(link)
    }

    /// Asks where pending links are minted.
    async fn minted_elsewhere(
        &self,
        operation: &Operation,
        pending_id: &Secret,
    ) -> Result<PendingLink, Failure> {
        let (Some(origin), Some(exchange)) =
            (&self.settings.pending_origin, &self.parts.pending_origin)
        else {
            return Err(Failure::PendingNotFound);
        };
        let vendor = origin.dialect.vendor();
        let directory = &self.parts.directory;
        let tenant = directory.tenant(&operation.tenant);
        let tenant = tenant.and_then(|t| id_at(t.tenant_id.as_str(), &t.ids, vendor));
        let mut must = Record::new();
        must.set_text(Field::PendingId, pending_id.expose());
        let mut may = Record::new();
        may.set_text_opt(Field::Tenant, tenant);
        let speech = dialect::Settings {
            origin: origin.endpoint.base_url.to_string(),
            ..dialect::Settings::default()
        };
        let step = Step::Any(OperationKind::PendingGet);
        let spelled = origin.dialect.spell(step, &must, &may, &speech);
        // An id that cannot be one there is none.
        let spelled = spelled.map_err(|_| Failure::PendingNotFound)?;
        let response = exchange
            .exchange(&spelled.request, Effect::Reads)
            .await
            .map_err(super::exchange::Unanswered::into_failure)?;
        let reply = match origin.dialect.decode_response(spelled.op, &response) {
            Ok(reply) => reply,
            Err(Failure::PendingNotFound | Failure::LinkNotFound) => {
                return Err(Failure::PendingNotFound);
            }
            Err(failure) if failure.kind().origin() == crate::model::failure::Origin::Load => {
                return Err(failure);
            }
            Err(_) => return Err(Failure::UpstreamRefused),
        };
        let told = reply
            .record(Field::Pending)
            .ok_or(Failure::UpstreamRefused)?;
        if let (Some(told), Some(own)) = (told.text(Field::Tenant), tenant)
            && !is_same(told, own)
        {
            return Err(Failure::PendingNotFound);
        }
        let provider = told.text(Field::ProviderId).unwrap_or_default();
        let provider = directory.provider_of(&operation.tenant, vendor, provider)?;
        let subject = Subject::new(told.text(Field::Subject).unwrap_or_default())
            .map_err(|_| Failure::UpstreamRefused)?;
        let text = |field| told.text(field).map(str::to_owned);
        Ok(PendingLink {
            tenant: operation.tenant.clone(),
            client: operation.client.clone(),
            provider_id: provider.provider_id.clone(),
            subject,
            display_name: text(Field::DisplayName),
            email: text(Field::Email),
            username: text(Field::Username),
            token: None,
            expires_at: operation.at.plus_seconds(FOREIGN_SECONDS),
        })
    }
}
