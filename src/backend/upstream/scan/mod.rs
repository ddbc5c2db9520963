//! The scan that fills an index: every user of a tenant, and every link of each.
//!
//! What is known is written page by page, together with where it goes on: a scan that is interrupted goes
//! on where it stopped, and repeats one page at most. It is complete when the last page is written; links
//! that were made before it began are in the index then. What linkbridge makes itself is there already.

mod cursor;
mod idp;
mod pace;
mod together;

use std::time::Duration;

pub use self::idp::Manner;
pub use self::pace::Pace;
use self::pace::Turns;
use super::state::{IndexStatus, Row, State};
use crate::backend::BoxFuture;
use crate::model::{Failure, Instant, TenantId, UserId};

/// How many rows are written at once.
const ROWS: usize = 256;
/// How often a request is tried that failed for a reason that passes.
const TRIES: u32 = 6;
/// The longest wait between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The most pages of users. A list that never ends must not be followed for ever.
const MAX_PAGES: u64 = 1_000_000;

/// Where a scan learns what there is.
pub trait Source: Send + Sync {
    /// A page of the tenant's users: the first one, or the one that the page before named.
    fn users<'a>(&'a self, page: Option<&'a str>) -> BoxFuture<'a, Result<Users, Failure>>;

    /// Every link of a user, each as a candidate.
    fn links<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<Vec<Row>, Failure>>;

    /// Whether its users are all that can have links in this tenant.
    fn is_whole(&self) -> bool;
}

/// A page of users.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Users {
    /// Who they are.
    pub users: Vec<UserId>,
    /// The page after it; `None` if this was the last one.
    pub next: Option<String>,
}

/// One scan of one tenant at one upstream.
pub struct Scan<'a> {
    /// What it reads.
    pub source: &'a dyn Source,
    /// Where it writes.
    pub state: &'a dyn State,
    /// The name of the upstream.
    pub upstream: &'a str,
    /// The tenant.
    pub tenant: &'a TenantId,
    /// How fast it may be.
    pub pace: Pace,
    /// How old an index may be. A scan that began longer ago is not worth going on with.
    pub max_age: Duration,
    /// The time of day.
    pub clock: &'a (dyn Fn() -> Instant + Sync),
}

/// Why a scan did not come to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Stopped {
    /// What failed.
    pub failure: Failure,
    /// Whose links were asked for.
    pub user: Option<UserId>,
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            user: None,
        }
    }
}

/// Hears how far a scan is.
pub type Hears<'a> = dyn FnMut(&IndexStatus) + Send + 'a;

/// Whether an index of this status can say that nobody holds an account.
#[must_use]
pub fn is_current(status: &IndexStatus, max_age: Duration, now: Instant) -> bool {
    status
        .complete_since
        .is_some_and(|since| since.plus_seconds(max_age.as_secs()) > now)
}

/// Whether it is time to scan: the index is missing, or has half of its life behind it.
#[must_use]
pub fn is_due(status: &IndexStatus, max_age: Duration, now: Instant) -> bool {
    status.started_at.is_some() || !is_current(status, max_age / 2, now)
}

impl Scan<'_> {
    /// Goes on with the scan that was interrupted, or begins a new one; ends with its last page.
    /// `restart`: begins a new one in any case. Whoever drops this interrupts it.
    ///
    /// # Errors
    /// [`Stopped`] by what does not pass; what was done is kept.
    pub async fn run(&self, restart: bool, hears: &mut Hears<'_>) -> Result<IndexStatus, Stopped> {
        let found = self.state.index_status(self.upstream, self.tenant)?;
        let mut may_be_forgotten = !restart && self.can_go_on(&found);
        let mut status = if may_be_forgotten {
            found
        } else {
            self.begin(found).await?
        };
        let turns = Turns::new(self.pace);
        for _ in 0..MAX_PAGES {
            hears(&status);
            let page = match self.users(&turns, status.cursor.as_deref()).await {
                Ok(page) => page,
                // Places in a list do not last: the IdP does not know this one any more.
                Err(failure) if may_be_forgotten && !passes(&failure) => {
                    tracing::info!(upstream = self.upstream, tenant = %self.tenant, "the scan starts over");
                    status = self.begin(status).await?;
                    may_be_forgotten = false;
                    continue;
                }
                Err(failure) => return Err(failure.into()),
            };
            may_be_forgotten = false;
            self.page(&turns, &page.users, &mut status, hears).await?;
            let is_last = page.next.is_none();
            status.cursor = page.next;
            if is_last {
                let since = status.started_at.take();
                status.complete_since = since.filter(|_| self.source.is_whole());
            }
            self.save(&status).await?;
            if is_last {
                hears(&status);
                return Ok(status);
            }
        }
        tracing::error!(upstream = self.upstream, tenant = %self.tenant, "a list of users never ends");
        Err(Failure::UpstreamRefused.into())
    }

    /// A scan that is older than an index may be would be of no use when it ends.
    fn can_go_on(&self, status: &IndexStatus) -> bool {
        let age = self.max_age.as_secs();
        status
            .started_at
            .is_some_and(|at| at.plus_seconds(age) > (self.clock)())
    }

    /// What the scan before has completed stays good until this one is done.
    async fn begin(&self, before: IndexStatus) -> Result<IndexStatus, Failure> {
        let status = IndexStatus {
            complete_since: before.complete_since,
            started_at: Some((self.clock)()),
            ..IndexStatus::default()
        };
        self.save(&status).await?;
        Ok(status)
    }

    async fn save(&self, status: &IndexStatus) -> Result<(), Failure> {
        let save = || {
            self.state
                .set_index_status(self.upstream, self.tenant, status.clone())
        };
        self.patiently(save).await
    }

    async fn users(&self, turns: &Turns, page: Option<&str>) -> Result<Users, Failure> {
        turns.next().await;
        self.patiently(|| self.source.users(page)).await
    }

    /// Writes the links of some users.
    async fn page(
        &self,
        turns: &Turns,
        users: &[UserId],
        status: &mut IndexStatus,
        hears: &mut Hears<'_>,
    ) -> Result<(), Stopped> {
        let mut rows = Vec::new();
        let mut asked_at = (self.clock)();
        for some in users.chunks(self.pace.at_once.max(1)) {
            if rows.is_empty() {
                asked_at = (self.clock)();
            }
            let links = some.iter().map(|user| self.links(turns, user));
            for of_user in together::all(links).await {
                rows.extend(of_user?);
            }
            status.users += some.len() as u64;
            if rows.len() >= ROWS {
                self.note(&mut rows, asked_at, status).await?;
            }
            hears(status);
        }
        Ok(self.note(&mut rows, asked_at, status).await?)
    }

    async fn links(&self, turns: &Turns, user: &UserId) -> Result<Vec<Row>, Stopped> {
        turns.next().await;
        match self.patiently(|| self.source.links(user)).await {
            // Who was listed a moment ago may be gone.
            Err(Failure::UserNotFound) => Ok(Vec::new()),
            Err(failure) => Err(Stopped {
                failure,
                user: Some(user.clone()),
            }),
            Ok(rows) => Ok(rows),
        }
    }

    async fn note(
        &self,
        rows: &mut Vec<Row>,
        asked_at: Instant,
        status: &mut IndexStatus,
    ) -> Result<(), Failure> {
        status.links += rows.len() as u64;
        for some in std::mem::take(rows).chunks(ROWS) {
            let note = || self.state.note(self.upstream, some.to_vec(), asked_at);
            self.patiently(note).await?;
        }
        Ok(())
    }

    /// Tries again what fails for a reason that passes.
    async fn patiently<'f, T>(
        &self,
        ask: impl Fn() -> BoxFuture<'f, Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut pause = self.pace.patience;
        for _ in 1..TRIES {
            match ask().await {
                Err(failure) if passes(&failure) => {
                    let pause_now = pause.max(told_to_wait(&failure));
                    tokio::time::sleep(pause_now.min(LONGEST_PAUSE)).await;
                    pause *= 2;
                }
                done => return done,
            }
        }
        ask().await
    }
}

/// Whether it may be better in a moment.
fn passes(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::UpstreamDown
            | Failure::UpstreamTimeout
            | Failure::Conflict
            | Failure::Overloaded { .. }
            | Failure::RateLimited { .. }
    )
}

/// How long the other side wants to be left alone.
fn told_to_wait(failure: &Failure) -> Duration {
    match failure {
        Failure::Overloaded { retry_after } | Failure::RateLimited { retry_after } => *retry_after,
        _ => Duration::ZERO,
    }
}
