//! What an operation says to the audit, made a record of with who asks and how it came.

use super::record::{Record, phase};
use crate::backend::embedded::task::{Step, Stop, Task};
use crate::model::{Link, Subject, UserId};

/// What a record of the audit says beyond who, when, how and which operation.
#[derive(Default)]
pub(in crate::backend::embedded) struct Entry<'a> {
    pub(in crate::backend::embedded) user: Option<&'a UserId>,
    pub(in crate::backend::embedded) link: Option<&'a Link>,
    pub(in crate::backend::embedded) account: Option<(&'a str, &'a Subject)>,
    pub(in crate::backend::embedded) alias: Option<(&'a str, &'a str)>,
    pub(in crate::backend::embedded) reason: Option<&'a str>,
    pub(in crate::backend::embedded) before: Option<String>,
    pub(in crate::backend::embedded) after: Option<String>,
    /// The IdP that was asked, or will be.
    pub(in crate::backend::embedded) upstream: Option<&'a str>,
    /// What the IdP calls the request.
    pub(in crate::backend::embedded) upstream_request_id: Option<&'a str>,
    /// The phase; a change that was made, unless it says another one.
    pub(in crate::backend::embedded) phase: Option<&'static str>,
    /// Of an outcome: the number of its intent, and what came of it.
    pub(in crate::backend::embedded) ended: Option<(i64, &'static str)>,
}

impl Task<'_> {
    /// Writes what happened into the audit, in the same transaction; answers the number of the record.
    pub(in crate::backend::embedded) fn audit(&self, entry: &Entry<'_>) -> Step<i64> {
        let ledger = self
            .ledger
            .ok_or(Stop::Damaged("a change was tried where nothing is written"))?;
        let (operation, origin) = (self.operation, &*self.operation.origin);
        let (key, link) = (self.keys.audit(), entry.link);
        let account = entry
            .account
            .or(link.map(|l| (l.provider_id.as_str(), &l.subject)));
        let subject = account.map(|(_, subject)| key.subject(subject.as_str()));
        let source = origin.source.map(|source| source.to_string());
        let has_keyed = subject.is_some() || entry.before.is_some() || entry.after.is_some();
        let user = entry.user.or(link.map(|l| &l.user_id));
        let record = Record {
            at: operation.at.0,
            phase: entry.phase.unwrap_or(phase::DONE),
            action: operation.action.kind().name(),
            client: operation.client.as_str(),
            source: source.as_deref(),
            credential: origin.credential.as_deref(),
            front: origin.front.as_deref(),
            mapping: origin.mapping.as_ref().map(<[u8; 32]>::as_slice),
            request_id: origin.request_id.as_deref(),
            tenant: Some(self.tenant()),
            user_id: user.map(UserId::as_str),
            provider_id: account.map(|(provider, _)| provider),
            link_id: link.map(|l| l.link_id.as_bytes().as_slice()),
            subject: subject.as_ref().map(<[u8; 32]>::as_slice),
            key_id: has_keyed.then_some(key.id().as_slice()),
            vendor: entry.alias.map(|(vendor, _)| vendor),
            vendor_id: entry.alias.map(|(_, id)| id),
            reason: entry.reason,
            before: entry.before.as_deref(),
            after: entry.after.as_deref(),
            upstream: entry.upstream,
            upstream_request_id: entry.upstream_request_id,
            intent: entry.ended.map(|(intent, _)| intent),
            outcome: entry.ended.map(|(_, outcome)| outcome),
        };
        Ok(ledger.add(self.conn, &record)?)
    }
}
