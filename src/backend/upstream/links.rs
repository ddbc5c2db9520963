//! The links of a user: what the IdP tells, what it has acknowledged and does not tell yet, and what is kept
//! here because it cannot hold it.

use std::time::Duration;

use super::Upstream;
use super::settings::Keep;
use super::state::{Mark, Row};
use super::talk::Talk;
use crate::backend::Answer;
use crate::model::{
    Action, Failure, Field, Instant, Link, LinkId, Operation, OperationKind, Outcome, Page,
    ProviderId, Record, Secret, Subject, UserId,
};

/// A link as it is known of an upstream.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The link.
    pub(super) link: Link,
    /// The id that the vendor knows it by.
    pub(super) vendor_link_id: Option<String>,
}

impl Known {
    /// Whether this is the account.
    pub(super) fn is(&self, provider: &ProviderId, subject: &Subject) -> bool {
        self.link.provider_id == *provider && self.link.subject == *subject
    }

    /// What is kept here of it.
    pub(super) fn row(&self, mark: Mark) -> Row {
        Row {
            tenant: self.link.tenant.clone(),
            user_id: self.link.user_id.clone(),
            provider_id: self.link.provider_id.clone(),
            subject: self.link.subject.clone(),
            vendor_link_id: self.vendor_link_id.clone(),
            display_name: None,
            token: None,
            created_at: None,
            mark,
        }
    }
}

impl Upstream {
    /// Until when the IdP's lists may not show a write of this instant; `None` if they show it at once.
    pub(super) fn lags_until(&self, at: Instant) -> Option<Instant> {
        let lag = self.settings.dialect.lag();
        // Both clocks and the way there take their time.
        (!lag.is_zero()).then(|| at.plus_seconds((lag + Duration::from_secs(5)).as_secs()))
    }

    /// Fails if only users of the directory exist and this is none: before anything is asked of the IdP, whose
    /// credential may reach more than this tenant.
    pub(super) async fn require_known(
        &self,
        operation: &Operation,
        user: &UserId,
    ) -> Result<(), Failure> {
        if !operation.rules.known_users {
            return Ok(());
        }
        let look = Action::UserGet {
            user_id: user.clone(),
            links: false,
        };
        self.local(operation, look).await.map(|_| ())
    }

    /// The links of a user, oldest first as far as that is known.
    ///
    /// # Errors
    /// `UserNotFound` if the IdP says so; what can go wrong on the way.
    pub(super) async fn links(
        &self,
        operation: &Operation,
        user: &UserId,
    ) -> Result<Vec<Known>, Failure> {
        let talk = self.talk(operation);
        let told = talk.ask(OperationKind::LinkList, &talk.about(user)?).await;
        let rows = self
            .parts
            .state
            .of_user(&self.settings.name, &operation.tenant, user)?;
        let told = match told {
            Ok(told) => told.links(),
            // A user who was made a moment ago may not be in what is read, but holds what was acknowledged.
            Err(trouble) => match Failure::from(trouble) {
                // Vendors do not all tell what they have not found: a list is of a user.
                Failure::UserNotFound | Failure::LinkNotFound | Failure::NothingLinked => {
                    if !self.has_fresh(&rows, operation.at) {
                        return Err(Failure::UserNotFound);
                    }
                    Vec::new()
                }
                failure => return Err(failure),
            },
        };
        let told = told.iter().filter_map(|record| talk.link(record, user));
        let mut links = self.merged(told.collect(), &rows, operation.at);
        self.note_unseen(&links, &rows, operation.at).await;
        for known in &mut links {
            self.complete(known, &rows);
        }
        links.sort_by_key(|known| known.link.created_at);
        Ok(links)
    }

    fn has_fresh(&self, rows: &[Row], at: Instant) -> bool {
        rows.iter()
            .any(|row| matches!(row.mark, Mark::Created(until) if until > at))
    }

    /// The overlay: what was acknowledged and is not shown yet is added, what was taken away and is still shown
    /// is left out.
    fn merged(&self, mut links: Vec<Known>, rows: &[Row], at: Instant) -> Vec<Known> {
        for row in rows {
            let is_shown = |known: &Known| known.is(&row.provider_id, &row.subject);
            match row.mark {
                Mark::Deleted(until) if until > at => links.retain(|known| !is_shown(known)),
                Mark::Created(until) if until > at && !links.iter().any(is_shown) => {
                    links.push(of_row(row));
                }
                Mark::Candidate | Mark::Created(_) | Mark::Deleted(_) => {}
            }
        }
        links
    }

    /// Writes down links that were not known here, so that they can be found again by id or account. What
    /// cannot be written now is written when it is seen the next time.
    async fn note_unseen(&self, links: &[Known], rows: &[Row], at: Instant) {
        let is_new = |known: &&Known| {
            let same = |row: &Row| known.is(&row.provider_id, &row.subject);
            !rows.iter().any(same)
        };
        let unseen: Vec<Row> = links
            .iter()
            .filter(is_new)
            .map(|known| known.row(Mark::Candidate))
            .collect();
        if !unseen.is_empty() {
            let _ = self.parts.state.note(&self.settings.name, unseen, at).await;
        }
    }

    /// The residual: what the vendor cannot hold of a link.
    pub(super) fn complete(&self, known: &mut Known, rows: &[Row]) {
        let row = rows
            .iter()
            .find(|row| known.is(&row.provider_id, &row.subject));
        let Some(row) = row else { return };
        let link = &mut known.link;
        let residual = self.settings.residual;
        let is_nameless = row.display_name.as_deref() == Some("");
        if is_nameless && link.display_name.as_deref() == Some(link.subject.as_str()) {
            link.display_name = None;
        }
        if residual.display_name == Keep::Keep && link.display_name.is_none() && !is_nameless {
            link.display_name.clone_from(&row.display_name);
        }
        if residual.token == Keep::Keep && link.token.is_none() {
            link.token.clone_from(&row.token);
        }
        if residual.instants == Keep::Keep {
            link.created_at = link.created_at.or(row.created_at);
            link.updated_at = link.updated_at.or(row.created_at);
        }
        if known.vendor_link_id.is_none() {
            known.vendor_link_id.clone_from(&row.vendor_link_id);
        }
    }

    pub(super) async fn link_list(&self, operation: &Operation) -> Answer {
        let Action::LinkList {
            user_id,
            provider_id,
            subject,
            page,
        } = &operation.action
        else {
            return Err(Failure::UpstreamRefused);
        };
        self.require_known(operation, user_id).await?;
        let mut links = self.links(operation, user_id).await?;
        links.retain(|known| {
            let link = &known.link;
            provider_id.as_ref().is_none_or(|p| link.provider_id == *p)
                && subject.as_ref().is_none_or(|s| link.subject == *s)
        });
        Ok(cut(links, *page))
    }
}

/// A page of links.
fn cut(links: Vec<Known>, page: Page) -> Outcome {
    let whole = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let total = links.len() as u64;
    let links = links
        .into_iter()
        .skip(whole(page.offset))
        .take(page.limit.map_or(usize::MAX, whole))
        .map(|known| known.link)
        .collect();
    Outcome::Links { links, total }
}

fn of_row(row: &Row) -> Known {
    Known {
        link: Link {
            link_id: LinkId::of(&row.tenant, &row.user_id, &row.provider_id, &row.subject),
            tenant: row.tenant.clone(),
            user_id: row.user_id.clone(),
            provider_id: row.provider_id.clone(),
            subject: row.subject.clone(),
            display_name: row.display_name.clone().filter(|name| !name.is_empty()),
            token: row.token.clone(),
            created_at: row.created_at,
            updated_at: row.created_at,
            last_login_at: None,
            revision: 0,
        },
        vendor_link_id: row.vendor_link_id.clone(),
    }
}

impl Talk<'_> {
    /// A link as the vendor tells it, in canonical ids. One that cannot be told here, or that is another
    /// tenant's or user's, is none: it is left out, and noted.
    pub(super) fn link(&self, record: &Record, user: &UserId) -> Option<Known> {
        let known = self.try_link(record, user);
        if known.is_none() {
            let provider = record.text(Field::ProviderId).unwrap_or_default();
            tracing::warn!(
                upstream = self.upstream.name(),
                tenant = self.tenant.as_str(),
                provider,
                "a link of the IdP cannot be told: its provider, tenant or user is not known here"
            );
        }
        known
    }

    /// As `link`, without a word.
    pub(super) fn try_link(&self, record: &Record, user: &UserId) -> Option<Known> {
        if let (Some(told), Some(own)) = (record.text(Field::Tenant), self.tenant_id())
            && !super::talk::is_same(told, own)
        {
            return None;
        }
        if let Some(holder) = record.text(Field::UserId)
            && self.user_of(holder).ok()? != *user
        {
            return None;
        }
        let provider_id = self.provider_of(record.text(Field::ProviderId)?)?;
        let subject = Subject::new(record.text(Field::Subject)?).ok()?;
        let instant = |field| record.int(field).map(Instant);
        let revision = record.int(Field::Revision).unwrap_or(0);
        Some(Known {
            link: Link {
                link_id: LinkId::of(self.tenant, user, &provider_id, &subject),
                tenant: self.tenant.clone(),
                user_id: user.clone(),
                provider_id,
                subject,
                display_name: record.text(Field::DisplayName).map(str::to_owned),
                token: record.text(Field::Token).map(Secret::new),
                created_at: instant(Field::CreatedAt),
                updated_at: instant(Field::UpdatedAt).or(instant(Field::CreatedAt)),
                last_login_at: instant(Field::LastLoginAt),
                revision: u64::try_from(revision).unwrap_or(0),
            },
            vendor_link_id: record.text(Field::LinkId).map(str::to_owned),
        })
    }
}
