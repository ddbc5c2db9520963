//! Operations on pending links.
//!
//! A pending link is spent by the deletion of its row, in the transaction that makes the link: it
//! cannot be spent twice, and it is not spent if the link is refused. A link that is there already
//! takes over what the pending one brings.

use rusqlite::Connection;

use super::audit::json;
use super::links::New;
use super::rows::{self, SELECT_PENDING};
use super::seal::{Keyring, Row};
use super::task::{Entry, Step, Stop, Task, hash};
use crate::model::{
    Action, Failure, How, Instant, LinkLimit, Outcome, PendingLink, Secret, TenantId, UserId,
};

impl Task<'_> {
    pub(super) fn pending_create(&self) -> Step<Outcome> {
        let Action::PendingCreate {
            pending_id,
            provider_id,
            subject,
            display_name,
            email,
            username,
            token,
            expires_at,
        } = &self.operation.action
        else {
            return Err(Stop::Damaged("this is not pending.create"));
        };
        let pending = PendingLink {
            tenant: self.operation.tenant.clone(),
            client: self.operation.client.clone(),
            provider_id: provider_id.clone(),
            subject: subject.clone(),
            display_name: display_name.clone(),
            email: email.clone(),
            username: username.clone(),
            token: token.clone(),
            expires_at: *expires_at,
        };
        let id = hash(pending_id.expose());
        let is_new = insert(self.conn, self.keys, &id, &pending)?;
        // Random ids do not meet; somebody sent the same operation twice.
        if !is_new {
            return Err(Failure::Conflict.into());
        }
        self.audit(&Entry {
            account: Some((provider_id.as_str(), subject)),
            after: Some(self.keys.audit().pending(&pending, &id)),
            ..Entry::default()
        })?;
        Ok(self.pending_outcome(pending, None))
    }

    pub(super) fn pending_get(&self, pending_id: &Secret, user: Option<&UserId>) -> Step<Outcome> {
        let pending = self.pending(&hash(pending_id.expose()))?;
        let count = match user {
            Some(user) => {
                self.require_user(user)?;
                Some(self.count_links(user, &pending.provider_id)?)
            }
            None => None,
        };
        Ok(self.pending_outcome(pending, count))
    }

    pub(super) fn pending_complete(&self, pending_id: &Secret, user: &UserId) -> Step<Outcome> {
        let id = hash(pending_id.expose());
        let pending = self.pending(&id)?;
        let new = New {
            user,
            provider: &pending.provider_id,
            subject: &pending.subject,
            display_name: pending.display_name.as_deref(),
            token: pending.token.as_ref(),
            limit: self.operation.rules.per_user_provider,
        };
        self.require_user(user)?;
        let (link, how) = self.make_link(&new, None, Some(&id))?;
        // The pending link is gone after this, so what it brings must not be lost with it.
        let link = match how {
            How::Existed => self.take_over(link, new.display_name, new.token, &id)?,
            How::Created | How::Found => link,
        };
        spend(self.conn, self.tenant(), &id)?;
        Ok(Outcome::Link { link, how })
    }

    /// What the audit says of a pending link that is one no more.
    pub(super) fn spent(&self, id: &[u8; 32]) -> String {
        json(&[("pending_id", self.keys.audit().pending_id(id))])
    }

    fn pending(&self, id: &[u8; 32]) -> Step<PendingLink> {
        find(self.conn, self.keys, &self.operation.tenant, id, self.at())
    }

    fn pending_outcome(&self, pending: PendingLink, link_count: Option<u64>) -> Outcome {
        let limit = self
            .operation
            .rules
            .per_user_provider
            .map(|max| LinkLimit { max });
        Outcome::Pending {
            pending,
            link_count,
            limit,
        }
    }
}

/// A pending link that has not expired.
fn find(
    conn: &Connection,
    keys: &Keyring,
    tenant: &TenantId,
    id: &[u8; 32],
    at: Instant,
) -> Step<PendingLink> {
    let mut statement = conn.prepare_cached(SELECT_PENDING)?;
    let mut found = statement.query((tenant.as_str(), id.as_slice(), at.0))?;
    let Some(row) = found.next()? else {
        return Err(Failure::PendingNotFound.into());
    };
    let pending = rows::pending(row, id, keys)?;
    if pending.tenant != *tenant {
        return Err(Stop::Damaged(
            "an index leads to a pending link of another tenant",
        ));
    }
    Ok(pending)
}

/// Writes a pending link; answers whether it is new.
pub(super) fn insert(
    conn: &Connection,
    keys: &Keyring,
    id: &[u8; 32],
    pending: &PendingLink,
) -> Step<bool> {
    let of = Row {
        table: "pending",
        tenant: pending.tenant.as_str(),
        id,
    };
    let sealed = rows::sealed(conn, keys, of, pending.token.as_ref())?;
    let made = conn
        .prepare_cached(
            "INSERT INTO pending (tenant, id_sha256, client, provider_id, subject, display_name, email, username, \
             token, token_key, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
             ON CONFLICT DO NOTHING",
        )?
        .execute(rusqlite::params![
            pending.tenant.as_str(),
            id.as_slice(),
            pending.client.as_str(),
            pending.provider_id.as_str(),
            pending.subject.as_str(),
            pending.display_name,
            pending.email,
            pending.username,
            sealed.as_ref().map(|s| &s.bytes),
            sealed.as_ref().map(|s| s.key.0.as_slice()),
            pending.expires_at.0,
        ])?;
    Ok(made == 1)
}

impl Task<'_> {
    /// Takes the pending link out that the operation completes elsewhere.
    pub(super) fn take_pending(&self, id: &[u8; 32]) -> Step<PendingLink> {
        let pending = self.pending(id)?;
        spend(self.conn, self.tenant(), id)?;
        self.audit_move(&pending, (Some(self.spent(id)), None))?;
        Ok(pending)
    }

    /// Puts a pending link back that was taken out. One whose id is there already was put back before; what it
    /// says is the same.
    pub(super) fn give_back_pending(&self, id: &[u8; 32], pending: &PendingLink) -> Step<()> {
        if insert(self.conn, self.keys, id, pending)? {
            let after = self.keys.audit().pending(pending, id);
            self.audit_move(pending, (None, Some(after)))?;
        }
        Ok(())
    }

    fn audit_move(
        &self,
        pending: &PendingLink,
        (before, after): (Option<String>, Option<String>),
    ) -> Step<()> {
        let user = match &self.operation.action {
            Action::PendingComplete { user_id, .. } => Some(user_id),
            _ => None,
        };
        self.audit(&Entry {
            user,
            account: Some((pending.provider_id.as_str(), &pending.subject)),
            before,
            after,
            ..Entry::default()
        })?;
        Ok(())
    }
}

/// Deletes the row of a pending link that was read in the same transaction.
fn spend(conn: &Connection, tenant: &str, id: &[u8; 32]) -> Step<()> {
    let spent = conn
        .prepare_cached("DELETE FROM pending WHERE tenant = ?1 AND id_sha256 = ?2")?
        .execute((tenant, id.as_slice()))?;
    if spent == 1 {
        Ok(())
    } else {
        Err(Stop::Damaged(
            "a pending link was read and cannot be deleted",
        ))
    }
}
