//! An upstream as a scan reads it: its own list of users, or the users of the directory.
//!
//! Where only users of the directory exist, they are listed here: nobody else's links matter, and the IdP
//! may have users of other tenants. Else the IdP lists its users, if it can.

use super::cursor::{Cursor, Offset};
use super::{Pace, Scan, Source, Stopped, Users};
use crate::backend::BoxFuture;
use crate::backend::upstream::Upstream;
use crate::backend::upstream::state::{IndexStatus, Mark, Row};
use crate::backend::upstream::talk::{Question, Talk, is_same, whole};
use crate::dialect::upstream::{Paging, Spelled, Step};
use crate::directory;
use crate::model::{
    Action, ClientName, Failure, Field, Instant, Operation, OperationKind, Outcome, Page, Record,
    Rules, TenantId, UserId, Value, Which,
};

/// The most users of a page: one page is repeated when a scan goes on.
const MAX_PAGE: u64 = 200;

/// How a scan is done.
#[derive(Clone, Copy)]
pub struct Manner<'a> {
    /// How fast.
    pub pace: Pace,
    /// From the beginning, whatever was done before.
    pub restart: bool,
    /// The time of day.
    pub clock: &'a (dyn Fn() -> Instant + Sync),
}

/// The users of one tenant, as a scan finds them.
struct Idp<'a> {
    talk: Talk<'a>,
    /// Whether only users of the directory exist.
    are_known: bool,
    clock: &'a (dyn Fn() -> Instant + Sync),
}

impl Upstream {
    /// Whether accounts are found by an index, since the IdP cannot look them up.
    #[must_use]
    pub fn needs_index(&self) -> bool {
        !self
            .settings
            .dialect
            .is_done_upstream(OperationKind::LinkFind)
    }

    /// How far the index of a tenant is.
    ///
    /// # Errors
    /// `Overloaded` if the store cannot be read.
    pub fn index_status(&self, tenant: &TenantId) -> Result<IndexStatus, Failure> {
        self.parts.state.index_status(self.name(), tenant)
    }

    /// Whether it is time to fill the index of a tenant.
    ///
    /// # Errors
    /// As `index_status`.
    pub fn is_scan_due(&self, tenant: &TenantId, now: Instant) -> Result<bool, Failure> {
        let status = self.index_status(tenant)?;
        Ok(self.needs_index() && super::is_due(&status, self.settings.index_max_age, now))
    }

    /// Whether a scan can find every user of a tenant: else its index never says that nobody holds an
    /// account.
    #[must_use]
    pub fn can_scan_all(&self, tenant: &TenantId) -> bool {
        self.are_known(tenant) || self.lists_users()
    }

    fn lists_users(&self) -> bool {
        self.settings
            .dialect
            .is_done_upstream(OperationKind::UserList)
    }

    fn are_known(&self, tenant: &TenantId) -> bool {
        let tenant = self.parts.directory.tenant(tenant);
        tenant.is_some_and(|tenant| tenant.users == directory::Users::Known)
    }

    /// Fills the index of a tenant, or goes on with that.
    ///
    /// # Errors
    /// As [`Scan::run`].
    pub async fn scan(
        &self,
        tenant: &TenantId,
        manner: Manner<'_>,
        hears: &mut super::Hears<'_>,
    ) -> Result<IndexStatus, Stopped> {
        let idp = Idp {
            talk: Talk::new(self, tenant),
            are_known: self.are_known(tenant),
            clock: manner.clock,
        };
        let scan = Scan {
            source: &idp,
            state: &*self.parts.state,
            upstream: self.name(),
            tenant,
            pace: manner.pace,
            max_age: self.settings.index_max_age,
            clock: manner.clock,
        };
        scan.run(manner.restart, hears).await
    }
}

impl Source for Idp<'_> {
    fn users<'a>(&'a self, page: Option<&'a str>) -> BoxFuture<'a, Result<Users, Failure>> {
        Box::pin(async move {
            if self.is_listed_there() {
                self.users_there(page).await
            } else {
                self.users_here(page).await
            }
        })
    }

    fn links<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<Vec<Row>, Failure>> {
        Box::pin(async move {
            let question = self.talk.about(user)?;
            let told = match self.talk.ask(OperationKind::LinkList, &question).await {
                Ok(told) => told.links(),
                Err(trouble) => match Failure::from(trouble) {
                    Failure::LinkNotFound | Failure::NothingLinked => Vec::new(),
                    failure => return Err(failure),
                },
            };
            // A link that cannot be told here cannot be asked for either.
            let known = told
                .iter()
                .filter_map(|record| self.talk.try_link(record, user));
            Ok(known.map(|known| known.row(Mark::Candidate)).collect())
        })
    }

    fn is_whole(&self) -> bool {
        self.talk.upstream.can_scan_all(self.talk.tenant)
    }
}

impl Idp<'_> {
    fn is_listed_there(&self) -> bool {
        !self.are_known && self.talk.upstream.lists_users()
    }

    /// A page of the directory's users. Its place is the last user of the page before.
    async fn users_here(&self, page: Option<&str>) -> Result<Users, Failure> {
        let after = page.map(UserId::new).transpose();
        let operation = Operation {
            tenant: self.talk.tenant.clone(),
            client: ClientName::new("index").map_err(|_| Failure::UpstreamRefused)?,
            origin: std::sync::Arc::default(),
            at: (self.clock)(),
            rules: Rules {
                known_users: self.are_known,
                ..Rules::default()
            },
            action: Action::UserList {
                which: Which::All,
                after: after.map_err(|_| Failure::UpstreamRefused)?,
                page: Page {
                    offset: 0,
                    limit: Some(MAX_PAGE),
                },
                links: false,
            },
        };
        let answer = self.talk.upstream.parts.local.apply(operation).await?;
        let Outcome::Users { users, more, .. } = answer else {
            return Err(Failure::UpstreamRefused);
        };
        let users: Vec<UserId> = users.into_iter().map(|(user, _)| user.user_id).collect();
        let next = users.last().filter(|_| more).map(UserId::to_string);
        Ok(Users { users, next })
    }

    /// A page of the IdP's users.
    async fn users_there(&self, page: Option<&str>) -> Result<Users, Failure> {
        let mut question = Question::default();
        question
            .may
            .set_text_opt(Field::Tenant, self.talk.tenant_id());
        let paging = self
            .talk
            .upstream
            .settings
            .dialect
            .paging(self.spell(&question)?.op);
        let cursor = page.map(Cursor::read).transpose();
        let cursor = cursor.map_err(|_| Failure::UpstreamRefused)?;
        match (paging, cursor) {
            (Paging::Whole, _) => {
                let (users, _) = self.ask(&question).await?;
                Ok(self.told(&users, None))
            }
            (Paging::Offset(limit), None) => {
                let at = Offset::default();
                self.users_from(question, at, limit.min(MAX_PAGE)).await
            }
            (Paging::Offset(limit), Some(Cursor::Offset(at))) => {
                self.users_from(question, at, limit.min(MAX_PAGE)).await
            }
            (Paging::Next(limit), None) => self.users_after(question, None, limit).await,
            (Paging::Next(limit), Some(Cursor::Next(next))) => {
                self.users_after(question, Some(next), limit).await
            }
            (Paging::Offset(_), Some(Cursor::Next(_)))
            | (Paging::Next(_), Some(Cursor::Offset(_))) => Err(Failure::UpstreamRefused),
        }
    }

    async fn users_after(
        &self,
        mut question: Question,
        after: Option<String>,
        limit: u64,
    ) -> Result<Users, Failure> {
        question
            .may
            .set(Field::PageLimit, whole(limit.min(MAX_PAGE)));
        question.may.set_text_opt(Field::PageAfter, after.clone());
        let (users, reply) = self.ask(&question).await?;
        let next = reply.text(Field::PageNext).map(str::to_owned);
        // A page that is the one after itself has no end.
        if next.is_some() && next == after {
            return Err(Failure::UpstreamRefused);
        }
        Ok(self.told(&users, next.map(Cursor::Next)))
    }

    async fn users_from(
        &self,
        mut question: Question,
        at: Offset,
        limit: u64,
    ) -> Result<Users, Failure> {
        question.may.set(Field::PageLimit, whole(limit));
        question.may.set(Field::PageOffset, whole(at.offset));
        let (users, reply) = self.ask(&question).await?;
        let ids: Vec<&str> = users.iter().filter_map(|u| u.text(Field::UserId)).collect();
        let total = reply.int(Field::Total);
        let total = total.map(|total| u64::try_from(total).unwrap_or(0));
        let step = at.step(&ids, total, limit)?;
        let new = users.get(step.known..).unwrap_or_default();
        Ok(self.told(new, step.next.map(Cursor::Offset)))
    }

    async fn ask(&self, question: &Question) -> Result<(Vec<Record>, Record), Failure> {
        let spelled = self.spell(question)?;
        let mut reply = self.talk.say(&spelled).await?;
        match reply.take(Field::Users) {
            Some(Value::List(users)) => Ok((users, reply)),
            _ => Ok((Vec::new(), reply)),
        }
    }

    fn spell(&self, question: &Question) -> Result<Spelled, Failure> {
        let kind = OperationKind::UserList;
        self.talk.spell(kind, &Step::Any(kind), question)
    }

    /// The users that an answer tells and that are this tenant's.
    fn told(&self, users: &[Record], next: Option<Cursor>) -> Users {
        let own = self.talk.tenant_id();
        let is_ours = |user: &&Record| match (user.text(Field::Tenant), own) {
            (Some(told), Some(own)) => is_same(told, own),
            _ => true,
        };
        let ours = users.iter().filter(is_ours);
        let ids = ours.filter_map(|user| user.text(Field::UserId));
        // Who has no id here cannot be asked for.
        let known = ids.filter_map(|id| self.talk.user_of(id).ok());
        Users {
            users: known.collect(),
            next: next.map(|next| next.written()),
        }
    }
}
