//! Changes of what is kept beside upstreams, each in a savepoint of the writer's transaction.

use rusqlite::{Connection, params};

use super::rows::{CANDIDATE, CREATED, DELETED, TABLE};
use crate::backend::embedded::accounts::folded;
use crate::backend::embedded::seal::{self, Keyring};
use crate::backend::embedded::task::{Entry, Step, Task, number};
use crate::backend::embedded::{pending, rows};
use crate::backend::upstream::state::{IndexStatus, Mark, Row};
use crate::model::{Instant, Link, LinkId, Operation, PendingLink, TenantId};

/// One change.
pub(in crate::backend::embedded) enum Change {
    /// Write rows; one that is there is replaced.
    Put { upstream: String, rows: Vec<Row> },
    /// Write and delete rows that an operation has changed at the IdP, each with a row in the audit.
    Acknowledge {
        upstream: String,
        operation: Box<Operation>,
        put: Vec<Row>,
        forget: Vec<Row>,
    },
    /// Write rows that an answer showed; one that is there keeps what it says.
    Note {
        upstream: String,
        rows: Vec<Row>,
        at: Instant,
    },
    /// Delete rows.
    Forget {
        upstream: String,
        links: Vec<LinkId>,
    },
    /// Write how far an index is.
    Status {
        upstream: String,
        tenant: TenantId,
        status: IndexStatus,
    },
    /// Spend a pending link.
    Take {
        tenant: TenantId,
        id: [u8; 32],
        at: Instant,
    },
    /// Put a pending link back.
    GiveBack {
        id: [u8; 32],
        pending: Box<PendingLink>,
    },
}

/// What a change came to.
pub(in crate::backend::embedded) enum Changed {
    /// It was made.
    Done,
    /// A pending link was spent: this one.
    Taken(Box<PendingLink>),
}

impl Change {
    /// How many rows it writes.
    pub(in crate::backend::embedded) fn size(&self) -> usize {
        match self {
            Change::Put { rows, .. } | Change::Note { rows, .. } => rows.len(),
            Change::Acknowledge { put, forget, .. } => put.len() + forget.len(),
            Change::Forget { links, .. } => links.len(),
            Change::Status { .. } | Change::Take { .. } | Change::GiveBack { .. } => 1,
        }
    }

    /// The instant that it names.
    pub(in crate::backend::embedded) fn at(&self) -> Option<Instant> {
        match self {
            Change::Take { at, .. } => Some(*at),
            Change::Acknowledge { operation, .. } => Some(operation.at),
            _ => None,
        }
    }

    /// Makes the change.
    pub(in crate::backend::embedded) fn run(
        &self,
        conn: &Connection,
        keys: &Keyring,
    ) -> Step<Changed> {
        match self {
            Change::Put { upstream, rows } => rows
                .iter()
                .try_for_each(|row| put(conn, keys, upstream, row))?,
            Change::Acknowledge {
                upstream,
                operation,
                put: made,
                forget: gone,
            } => {
                let task = Task {
                    conn,
                    keys,
                    operation,
                };
                for row in made {
                    put(conn, keys, upstream, row)?;
                    audit(&task, row)?;
                }
                for row in gone {
                    forget(conn, upstream, row.link_id())?;
                    audit(&task, row)?;
                }
            }
            Change::Note { upstream, rows, at } => rows
                .iter()
                .try_for_each(|row| note(conn, upstream, row, *at))?,
            Change::Forget { upstream, links } => links
                .iter()
                .try_for_each(|link| forget(conn, upstream, *link))?,
            Change::Status {
                upstream,
                tenant,
                status,
            } => set_status(conn, upstream, tenant, status)?,
            Change::Take { tenant, id, at } => {
                let taken = pending::take(conn, keys, tenant, id, *at)?;
                return Ok(Changed::Taken(Box::new(taken)));
            }
            // An id that is there already was given back before; what it says is the same.
            Change::GiveBack { id, pending } => {
                pending::insert(conn, keys, id, pending)?;
            }
        }
        Ok(Changed::Done)
    }
}

fn put(conn: &Connection, keys: &Keyring, upstream: &str, row: &Row) -> Step<()> {
    let link_id = row.link_id();
    let id = link_id.as_bytes().as_slice();
    let of = seal::Row {
        table: TABLE,
        tenant: row.tenant.as_str(),
        id,
    };
    let sealed = rows::sealed(conn, keys, of, row.token.as_ref())?;
    let (mark, until) = match row.mark {
        Mark::Candidate => (CANDIDATE, None),
        Mark::Created(until) => (CREATED, Some(until.0)),
        Mark::Deleted(until) => (DELETED, Some(until.0)),
    };
    conn.prepare_cached(
        "INSERT INTO upstream_links (link_id, upstream, tenant, user_id, provider_id, subject, folded, \
         vendor_link_id, display_name, token, token_key, created_at, mark, until) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) \
         ON CONFLICT (link_id, upstream) DO UPDATE SET vendor_link_id = excluded.vendor_link_id, \
         display_name = excluded.display_name, token = excluded.token, token_key = excluded.token_key, \
         created_at = excluded.created_at, mark = excluded.mark, until = excluded.until",
    )?
    .execute(params![
        id,
        upstream,
        row.tenant.as_str(),
        row.user_id.as_str(),
        row.provider_id.as_str(),
        row.subject.as_str(),
        folded(row.subject.as_str()),
        row.vendor_link_id,
        row.display_name,
        sealed.as_ref().map(|s| &s.bytes),
        sealed.as_ref().map(|s| s.key.0.as_slice()),
        row.created_at.map(|at| at.0),
        mark,
        until,
    ])?;
    Ok(())
}

/// A row that is there is written only where something of it changes: most of a scan is known already.
fn note(conn: &Connection, upstream: &str, row: &Row, at: Instant) -> Step<()> {
    conn.prepare_cached(
        "INSERT INTO upstream_links (link_id, upstream, tenant, user_id, provider_id, subject, folded, \
         vendor_link_id, mark) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
         ON CONFLICT (link_id, upstream) DO UPDATE SET \
         vendor_link_id = coalesce(excluded.vendor_link_id, vendor_link_id), \
         mark = iif(mark = ?10 AND until <= ?11, excluded.mark, mark), \
         until = iif(mark = ?10 AND until <= ?11, NULL, until) \
         WHERE (mark = ?10 AND until <= ?11) OR excluded.vendor_link_id IS NOT vendor_link_id",
    )?
    .execute(params![
        row.link_id().as_bytes().as_slice(),
        upstream,
        row.tenant.as_str(),
        row.user_id.as_str(),
        row.provider_id.as_str(),
        row.subject.as_str(),
        folded(row.subject.as_str()),
        row.vendor_link_id,
        CANDIDATE,
        DELETED,
        at.0,
    ])?;
    Ok(())
}

/// The audit says of a link at an IdP what it says of one in the store.
fn audit(task: &Task<'_>, row: &Row) -> Step<()> {
    let link = Link {
        link_id: row.link_id(),
        tenant: row.tenant.clone(),
        user_id: row.user_id.clone(),
        provider_id: row.provider_id.clone(),
        subject: row.subject.clone(),
        display_name: None,
        token: None,
        created_at: None,
        updated_at: None,
        last_login_at: None,
        revision: 0,
    };
    task.audit(&Entry {
        link: Some(&link),
        ..Entry::default()
    })
}

fn forget(conn: &Connection, upstream: &str, link: LinkId) -> Step<()> {
    conn.prepare_cached("DELETE FROM upstream_links WHERE link_id = ?1 AND upstream = ?2")?
        .execute((link.as_bytes().as_slice(), upstream))?;
    Ok(())
}

fn set_status(
    conn: &Connection,
    upstream: &str,
    tenant: &TenantId,
    status: &IndexStatus,
) -> Step<()> {
    conn.prepare_cached(
        "INSERT INTO upstream_scans (upstream, tenant, complete_since, cursor, started_at, users, links) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT (upstream, tenant) DO UPDATE SET complete_since = excluded.complete_since, \
         cursor = excluded.cursor, started_at = excluded.started_at, users = excluded.users, links = excluded.links",
    )?
    .execute(params![
        upstream,
        tenant.as_str(),
        status.complete_since.map(|at| at.0),
        status.cursor,
        status.started_at.map(|at| at.0),
        number(status.users),
        number(status.links),
    ])?;
    Ok(())
}
