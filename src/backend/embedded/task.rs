//! One operation at work on one connection: the ground that `links`, `pending` and `users` stand on.

use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, Row};
use sha2::{Digest, Sha256};

use super::RETRY_AFTER;
pub(super) use super::audit::Entry;
use super::audit::Ledger;
use super::links::New;
use super::seal::Keyring;
use super::user_list::Listing;
use crate::model::{Action, Failure, Instant, Operation, Outcome, UserId};

/// Why an operation has no outcome.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is refused, which is an answer like any other.
    Refused(Failure),
    /// A row is not what we wrote, or the system lacks what we need.
    Damaged(&'static str),
    /// SQLite failed.
    Sql(rusqlite::Error),
}

pub(super) type Step<T> = Result<T, Stop>;

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Refused(failure)
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Stop::Sql(error)
    }
}

impl Stop {
    /// The answer for the client; the cause of an internal one goes to the log.
    pub(super) fn into_failure(self) -> Failure {
        let (is_contained, cause): (bool, &dyn std::fmt::Display) = match &self {
            Stop::Refused(failure) => return failure.clone(),
            Stop::Damaged(what) => (true, what),
            Stop::Sql(error) => (is_contained(error), error),
        };
        if is_contained {
            let incident = uuid::Uuid::new_v4().simple().to_string();
            tracing::error!(incident, cause = %cause, "the store cannot carry out an operation");
            Failure::Internal { incident }
        } else {
            tracing::warn!(cause = %cause, "the store cannot be used now");
            Failure::Overloaded {
                retry_after: RETRY_AFTER,
            }
        }
    }
}

/// Whether the connection and its transaction are as good as before the error, so that only one
/// operation is lost. A full disk or an I/O error concerns everybody, a constraint or a damaged page
/// only those that touch it.
pub(super) fn is_contained(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        None | Some(
            ErrorCode::ConstraintViolation
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::TooBig
                | ErrorCode::TypeMismatch
                | ErrorCode::ParameterOutOfRange
        )
    )
}

/// One operation at work on one connection.
pub(super) struct Task<'a> {
    pub(super) conn: &'a Connection,
    pub(super) keys: &'a Keyring,
    pub(super) operation: &'a Operation,
    /// The audit of the transaction; `None` where nothing can be written.
    pub(super) ledger: Option<&'a Ledger>,
}

impl Task<'_> {
    /// Carries the operation out. Nothing of it stands if this fails and the caller undoes the savepoint.
    pub(super) fn run(&self) -> Step<Outcome> {
        match &self.operation.action {
            Action::LinkCreate {
                user_id,
                provider_id,
                subject,
                display_name,
                token,
                attributes,
            } => {
                let new = New {
                    user: user_id,
                    provider: provider_id,
                    subject,
                    display_name: display_name.as_deref(),
                    token: token.as_ref(),
                    limit: self.operation.rules.per_user_provider,
                };
                self.link_create(&new, attributes)
            }
            Action::LinkGet { link_id, user_id } => self.link_get(*link_id, user_id.as_ref()),
            Action::LinkFind {
                provider_id,
                subject,
                user_id,
            } => self.link_find(provider_id, subject, user_id.as_ref()),
            Action::LinkList {
                user_id,
                provider_id,
                subject,
                page,
            } => self.link_list(user_id, provider_id.as_ref(), subject.as_ref(), *page),
            Action::LinkDelete(target) => self.link_delete(target),
            Action::PendingCreate { .. } => self.pending_create(),
            Action::PendingGet {
                pending_id,
                user_id,
            } => self.pending_get(pending_id, user_id.as_ref()),
            Action::PendingComplete {
                pending_id,
                user_id,
            } => self.pending_complete(pending_id, user_id),
            Action::UserGet { user_id, links } => self.user_get(user_id, *links),
            Action::UserPut { .. } => self.user_put(),
            Action::UserList {
                which,
                after,
                page,
                links,
            } => self.user_list(&Listing {
                which,
                after: after.as_ref(),
                page: *page,
                links: *links,
            }),
            Action::UserDelete { user_id } => self.user_delete(user_id),
            Action::UserAlias {
                user_id,
                vendor,
                vendor_id,
                rebind,
            } => self.user_alias(user_id, vendor, vendor_id, rebind.as_deref()),
            Action::Status => Ok(Outcome::Status { ready: true }),
            action @ (Action::ProviderList { .. } | Action::ProviderGet { .. }) => {
                Err(Failure::Unsupported {
                    operation: action.kind(),
                }
                .into())
            }
        }
    }

    pub(super) fn tenant(&self) -> &str {
        self.operation.tenant.as_str()
    }

    pub(super) fn at(&self) -> Instant {
        self.operation.at
    }

    /// Changes rows and answers how many.
    pub(super) fn change(&self, sql: &str, params: impl Params) -> Step<usize> {
        Ok(self.conn.prepare_cached(sql)?.execute(params)?)
    }

    /// The first row, if there is one.
    pub(super) fn first<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Step<Option<T>> {
        Ok(self
            .conn
            .prepare_cached(sql)?
            .query_row(params, map)
            .optional()?)
    }

    /// Every row.
    pub(super) fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl Fn(&Row<'_>) -> Step<T>,
    ) -> Step<Vec<T>> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(map(row)?);
        }
        Ok(all)
    }

    /// The number that a counting statement answers.
    pub(super) fn count(&self, sql: &str, params: impl Params) -> Step<u64> {
        let n: i64 = self
            .conn
            .prepare_cached(sql)?
            .query_row(params, |row| row.get(0))?;
        u64::try_from(n).map_err(|_| Stop::Damaged("a count is negative"))
    }

    /// Fails unless users are open or this one is in the directory.
    pub(super) fn require_user(&self, user: &UserId) -> Step<()> {
        if self.operation.rules.known_users && !self.has_user(user)? {
            return Err(Failure::UserNotFound.into());
        }
        Ok(())
    }

    pub(super) fn has_user(&self, user: &UserId) -> Step<bool> {
        let sql = "SELECT 1 FROM users WHERE tenant = ?1 AND user_id = ?2";
        Ok(self
            .first(sql, (self.tenant(), user.as_str()), |_| Ok(()))?
            .is_some())
    }

    /// Whether there is such a user: in the directory or, where users are open, by holding a link.
    pub(super) fn exists(&self, user: &UserId) -> Step<bool> {
        if self.has_user(user)? {
            return Ok(true);
        }
        let sql = "SELECT 1 FROM links WHERE tenant = ?1 AND user_id = ?2 LIMIT 1";
        Ok(!self.operation.rules.known_users
            && self
                .first(sql, (self.tenant(), user.as_str()), |_| Ok(()))?
                .is_some())
    }

    /// Counts a write that concerns the user. The counter outlives the user, so that it never goes back.
    pub(super) fn next_revision(&self, user: &UserId) -> Step<u64> {
        self.count(
            "INSERT INTO revisions (tenant, user_id, revision) VALUES (?1, ?2, 1) \
             ON CONFLICT (tenant, user_id) DO UPDATE SET revision = revision + 1 RETURNING revision",
            (self.tenant(), user.as_str()),
        )
    }
}

/// SHA-256, for texts that are looked up or compared but must not stand in the file.
pub(super) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// A count or an offset as SQLite takes it. Larger than that is as good as endless.
pub(super) fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A revision or another counter as a row holds it.
pub(super) fn counter(n: i64) -> Step<u64> {
    u64::try_from(n).map_err(|_| Stop::Damaged("a counter is negative"))
}
