//! Talking to the IdP for one tenant: ids, requests in order, answers, pages.

use std::sync::{Mutex, PoisonError};

use super::Upstream;
use super::exchange::{Effect, Unanswered};
use super::refusals::{by_status, ours, unsayable};
use crate::dialect::upstream::{Paging, Spelled, Step, links_told};
use crate::directory::id_at;
use crate::model::{
    Failure, Field, OperationKind, Provider, ProviderId, Record, Response, Subject, TenantId,
    UserId, Value,
};

/// The most pages of one list.
const MAX_PAGES: usize = 200;
/// Where most servers say what they call a request, if the mapping knows of no other place.
const REQUEST_ID: &str = "x-request-id";
/// The longest name of a request that is kept.
const MAX_REQUEST_ID: usize = 128;
/// How often a chain is run whose last step met another writer.
const MAX_TRIES: usize = 3;

/// Why there is no answer to an operation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trouble {
    /// Nothing was done.
    Refused(Failure),
    /// It may have been done.
    Lost(Failure),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(failure) => failure,
            Trouble::Lost(_) => Failure::OutcomeUnknown,
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Trouble::Refused(failure)
    }
}

/// What is asked of the IdP, in the vendor's ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Question {
    /// What every request that does it must say.
    pub(super) must: Record,
    /// What may be said besides.
    pub(super) may: Record,
}

/// What the IdP has told.
#[derive(Debug)]
pub(super) struct Told {
    /// Its last answer.
    pub(super) reply: Record,
    /// The question, completed by what the steps before have found.
    pub(super) question: Question,
}

impl Told {
    /// The links of the answer, each with the vendor's id of its user as far as it is known.
    pub(super) fn links(&self) -> Vec<Record> {
        let user = self.question.must.text(Field::UserId);
        let user = user.or(self.question.may.text(Field::UserId));
        let mut links = links_told(&self.reply);
        for link in links.iter_mut().filter(|link| !link.has(Field::UserId)) {
            link.set_text_opt(Field::UserId, user);
        }
        links
    }
}

/// The IdP, as one tenant sees it.
pub(super) struct Talk<'a> {
    pub(super) upstream: &'a Upstream,
    pub(super) tenant: &'a TenantId,
    /// What the IdP called the last request that it answered.
    request_id: Mutex<Option<String>>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(upstream: &'a Upstream, tenant: &'a TenantId) -> Self {
        Self {
            upstream,
            tenant,
            request_id: Mutex::default(),
        }
    }
}

impl Talk<'_> {
    /// What the IdP called the last request that it answered, if it said.
    pub(super) fn request_id(&self) -> Option<String> {
        let told = self.request_id.lock();
        told.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what an answer says that its request is called, where the mapping or custom has it.
    fn note_request_id(&self, response: &Response) {
        let header = self.upstream.settings.dialect.request_id_header();
        let value = header.and_then(|header| response.headers.get(header));
        let value = value.or_else(|| response.headers.get(REQUEST_ID));
        let text = value.and_then(|value| value.to_str().ok());
        let fits = |text: &&str| {
            (1..=MAX_REQUEST_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
        };
        let mut told = self
            .request_id
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *told = text.filter(fits).map(str::to_owned);
    }

    /// The vendor's id of a user.
    pub(super) fn user_id(&self, user: &UserId) -> Result<String, Failure> {
        let upstream = self.upstream;
        let id = upstream
            .parts
            .aliases
            .vendor_id_of(self.tenant, upstream.vendor(), user)?;
        id.ok_or(Failure::UserNotFound)
    }

    /// Whom the vendor's id means here.
    pub(super) fn user_of(&self, vendor_id: &str) -> Result<UserId, Failure> {
        let upstream = self.upstream;
        upstream
            .parts
            .aliases
            .user_of(self.tenant, upstream.vendor(), vendor_id)
    }

    fn provider(&self, provider: &ProviderId) -> Result<&Provider, Failure> {
        let provider = self.upstream.parts.directory.provider(provider);
        provider
            .filter(|p| p.tenant.as_ref().is_none_or(|t| t == self.tenant))
            .ok_or(Failure::ProviderNotFound)
    }

    /// The provider that the vendor's id means, if it is one of the tenant's.
    pub(super) fn provider_of(&self, vendor_id: &str) -> Option<ProviderId> {
        let directory = &self.upstream.parts.directory;
        let found = directory.provider_of(self.tenant, self.upstream.vendor(), vendor_id);
        found.ok().map(|provider| provider.provider_id.clone())
    }

    /// The vendor's id of the tenant, where it has one.
    pub(super) fn tenant_id(&self) -> Option<&str> {
        let tenant = self.upstream.parts.directory.tenant(self.tenant)?;
        id_at(
            tenant.tenant_id.as_str(),
            &tenant.ids,
            self.upstream.vendor(),
        )
    }

    /// A question about a user.
    pub(super) fn about(&self, user: &UserId) -> Result<Question, Failure> {
        let mut question = Question::default();
        question.may.set_text_opt(Field::Tenant, self.tenant_id());
        question.must.set_text(Field::UserId, self.user_id(user)?);
        Ok(question)
    }

    /// A question about an account.
    pub(super) fn about_account(
        &self,
        provider: &ProviderId,
        subject: &Subject,
    ) -> Result<Question, Failure> {
        let mut question = Question::default();
        question.may.set_text_opt(Field::Tenant, self.tenant_id());
        self.name_account(&mut question, provider, subject)?;
        Ok(question)
    }

    /// Says of a question which account it is about.
    pub(super) fn name_account(
        &self,
        question: &mut Question,
        provider: &ProviderId,
        subject: &Subject,
    ) -> Result<(), Failure> {
        let provider = self.provider(provider)?;
        let vendor = self.upstream.vendor();
        let id = id_at(provider.provider_id.as_str(), &provider.ids, vendor);
        let id = id.ok_or(Failure::ProviderNotFound)?;
        let protocol = provider.kind.protocol().name();
        question.must.set_text(Field::ProviderId, id);
        question.must.set_text(Field::Subject, subject.as_str());
        question.may.set_text(Field::Protocol, protocol);
        // A vendor that wants to have a link in the form of a user's credentials gets it so.
        let link = [Field::ProviderId, Field::Subject]
            .into_iter()
            .filter_map(|field| Some((field, question.must.value(field)?.clone())))
            .collect();
        let links = Value::List(vec![link]);
        let credential = Record::new()
            .with(Field::Protocol, Value::Text(protocol.to_owned()))
            .with(Field::Links, links);
        question
            .may
            .set(Field::Credentials, Value::List(vec![credential]));
        Ok(())
    }

    /// Asks the IdP, by as many requests as the dialect's plan has.
    ///
    /// # Errors
    /// [`Trouble`]. `Lost` only of what writes.
    pub(super) async fn ask(
        &self,
        kind: OperationKind,
        question: &Question,
    ) -> Result<Told, Trouble> {
        let steps = self.upstream.settings.dialect.steps(kind);
        let mut tries = 0;
        loop {
            tries += 1;
            match self.chain(kind, &steps, question).await {
                Err(Trouble::Refused(Failure::Conflict))
                    if tries < MAX_TRIES && steps.len() > 1 => {}
                answer => return answer,
            }
        }
    }

    async fn chain(
        &self,
        kind: OperationKind,
        steps: &[Step<'_>],
        question: &Question,
    ) -> Result<Told, Trouble> {
        let mut question = question.clone();
        let Some((last, before)) = steps.split_last() else {
            return Err(Failure::Unsupported { operation: kind }.into());
        };
        if !before.is_empty() {
            self.upstream.count_chain();
        }
        for step in before {
            let reply = self.step(kind, step, &question).await?;
            complete(kind, &mut question, &reply)?;
        }
        let reply = self.step(kind, last, &question).await?;
        Ok(Told { reply, question })
    }

    async fn step(
        &self,
        kind: OperationKind,
        step: &Step<'_>,
        question: &Question,
    ) -> Result<Record, Trouble> {
        let spelled = self.spell(kind, step, question)?;
        let dialect = &self.upstream.settings.dialect;
        match dialect.paging(spelled.op) {
            Paging::Whole => self.say(&spelled).await,
            Paging::Offset(_) | Paging::Next(_)
                if dialect.operation(spelled.op).lists().is_none() =>
            {
                self.say(&spelled).await
            }
            paging => self.pages(kind, step, question, paging).await,
        }
    }

    pub(super) fn spell(
        &self,
        kind: OperationKind,
        step: &Step<'_>,
        question: &Question,
    ) -> Result<Spelled, Failure> {
        let upstream = self.upstream;
        let (must, may) = (&question.must, &question.may);
        let spelled = upstream
            .settings
            .dialect
            .spell(*step, must, may, &upstream.speech);
        spelled.map_err(|unsaid| unsayable(kind, unsaid))
    }

    /// Every page of a list, as one answer.
    async fn pages(
        &self,
        kind: OperationKind,
        step: &Step<'_>,
        question: &Question,
        paging: Paging,
    ) -> Result<Record, Trouble> {
        let mut question = question.clone();
        let mut all: Vec<Record> = Vec::new();
        for _ in 0..MAX_PAGES {
            let limit = match paging {
                Paging::Offset(limit) | Paging::Next(limit) => limit,
                Paging::Whole => 0,
            };
            question.may.set(Field::PageLimit, whole(limit));
            if let Paging::Offset(_) = paging {
                question.may.set(Field::PageOffset, whole(all.len() as u64));
            }
            let spelled = self.spell(kind, step, &question)?;
            let mut reply = self.say(&spelled).await?;
            let field = self.upstream.settings.dialect.operation(spelled.op).lists();
            let field = field.unwrap_or(Field::Links);
            let Some(Value::List(page)) = reply.take(field) else {
                return Ok(reply.with(field, Value::List(all)));
            };
            let n = page.len() as u64;
            all.extend(page);
            let next = reply.text(Field::PageNext).map(str::to_owned);
            let has_more = match paging {
                Paging::Offset(limit) => match reply.int(Field::Total) {
                    Some(total) => n > 0 && (all.len() as u64) < u64::try_from(total).unwrap_or(0),
                    None => n >= limit,
                },
                _ => next.is_some() && n > 0,
            };
            if !has_more {
                return Ok(reply.with(field, Value::List(all)));
            }
            question.may.set_text_opt(Field::PageAfter, next);
        }
        tracing::error!(upstream = %self.upstream.settings.name, "a list has too many pages");
        Err(Failure::UpstreamRefused.into())
    }

    /// Sends one request and reads its answer.
    pub(super) async fn say(&self, spelled: &Spelled) -> Result<Record, Trouble> {
        let upstream = self.upstream;
        let dialect = &upstream.settings.dialect;
        let writes = dialect.operation(spelled.op).writes();
        let effect = if writes {
            Effect::Writes
        } else {
            Effect::Reads
        };
        let exchanged = upstream.exchange.exchange(&spelled.request, effect).await;
        let response = exchanged.map_err(|unanswered| match unanswered {
            Unanswered::Lost(failure) if writes => Trouble::Lost(failure),
            other => Trouble::Refused(other.into_failure()),
        })?;
        self.note_request_id(&response);
        let read = dialect.decode_response(spelled.op, &response);
        read.map_err(|failure| {
            // Whoever answers may not be the vendor: a gateway in front of it has words of its own.
            let failure = match failure {
                Failure::UpstreamRefused => by_status(&response),
                failure => failure,
            };
            let failure = ours(failure, dialect.operation(spelled.op), upstream);
            // An answer that cannot be read to a write that was taken, or to one that failed half way.
            let may_be_done = response.status < 300 || response.status >= 500;
            match writes && may_be_done {
                true => Trouble::Lost(failure),
                false => Trouble::Refused(failure),
            }
        })
    }
}

/// A number as a record holds it.
pub(super) fn whole(n: u64) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// Completes a question by what the step before has found: the link that is meant, the user who holds it, the
/// document that a write must not lose.
fn complete(kind: OperationKind, question: &mut Question, reply: &Record) -> Result<(), Failure> {
    if kind == OperationKind::LinkCreate {
        let user = reply.record(Field::User);
        if let Some(document) = user.and_then(|user| user.value(Field::Document)) {
            question.may.set(Field::Document, document.clone());
        }
        return Ok(());
    }
    let links = links_told(reply);
    let meant = links.iter().find(|link| {
        [Field::ProviderId, Field::Subject, Field::UserId]
            .iter()
            .all(
                |field| match (question.must.text(*field), link.text(*field)) {
                    (Some(asked), Some(told)) => is_same(asked, told),
                    _ => true,
                },
            )
    });
    let users = reply.list(Field::Users).unwrap_or_default();
    // A list of users that tells no links of theirs says who holds the account. A vendor that lets several
    // have it tells them all: that somebody has it is what counts.
    let found = match (meant, users) {
        (Some(link), _) => link,
        (None, [user, ..]) if links.is_empty() => user,
        _ => return Err(Failure::LinkNotFound),
    };
    for (field, value) in found.iter() {
        if !question.must.has(field) && matches!(value, Value::Text(_)) && !field.is_secret() {
            question.may.set(field, value.clone());
        }
    }
    Ok(())
}

/// Whether two of the vendor's ids are one: UUIDs in any case, other texts byte for byte.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let uuid = |text: &str| uuid::Uuid::try_parse(text).ok();
    one == other || uuid(one).is_some_and(|id| Some(id) == uuid(other))
}
