//! Changes of what is kept beside upstreams, each in a savepoint of the writer's transaction.

use rusqlite::{Connection, params};

use super::audit;
use super::rows::{CANDIDATE, CREATED, DELETED, TABLE};
use crate::backend::embedded::accounts::folded;
use crate::backend::embedded::audit::Ledger;
use crate::backend::embedded::rows;
use crate::backend::embedded::seal::{self, Keyring};
use crate::backend::embedded::task::{Step, Task, number};
use crate::backend::upstream::state::{Ending, IndexStatus, Intended, Mark, Row};
use crate::model::{Instant, LinkId, Operation, PendingLink, TenantId};

/// One change.
pub(in crate::backend::embedded) enum Change {
    /// Write rows; one that is there is replaced.
    Put { upstream: String, rows: Vec<Row> },
    /// Write and delete rows that an operation has changed, each with a record in the audit.
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
    /// Write into the audit what the IdP is about to be asked for, and rows as they are noted.
    Intend {
        upstream: String,
        operation: Box<Operation>,
        intended: Intended,
        note: Vec<Row>,
    },
    /// Write into the audit what became of that, and write and delete rows.
    Conclude {
        upstream: String,
        operation: Box<Operation>,
        seq: i64,
        intended: Intended,
        ending: Ending,
    },
    /// Spend a pending link.
    Take {
        operation: Box<Operation>,
        id: [u8; 32],
    },
    /// Put a pending link back.
    GiveBack {
        operation: Box<Operation>,
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
    /// An intent is in the audit, under this number.
    Intended(i64),
}

impl Change {
    /// How many rows it writes.
    pub(in crate::backend::embedded) fn size(&self) -> usize {
        match self {
            Change::Put { rows, .. } | Change::Note { rows, .. } => rows.len(),
            Change::Acknowledge { put, forget, .. } => put.len() + forget.len(),
            Change::Intend { note, .. } => 1 + note.len(),
            Change::Conclude { ending, .. } => 1 + ending.put.len() + ending.forget.len(),
            Change::Forget { links, .. } => links.len(),
            Change::Status { .. } | Change::Take { .. } | Change::GiveBack { .. } => 1,
        }
    }

    /// The instant that it names.
    pub(in crate::backend::embedded) fn at(&self) -> Option<Instant> {
        match self {
            Change::Acknowledge { operation, .. }
            | Change::Intend { operation, .. }
            | Change::Conclude { operation, .. }
            | Change::Take { operation, .. }
            | Change::GiveBack { operation, .. } => Some(operation.at),
            _ => None,
        }
    }

    /// Makes the change.
    pub(in crate::backend::embedded) fn run(
        &self,
        conn: &Connection,
        keys: &Keyring,
        ledger: &Ledger,
    ) -> Step<Changed> {
        let task = |operation| Task {
            conn,
            keys,
            operation,
            ledger: Some(ledger),
        };
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
                audit::acknowledged(&task(operation), upstream, made, gone)?;
                write(conn, keys, upstream, (made, gone))?;
            }
            Change::Intend {
                upstream,
                operation,
                intended,
                note: rows,
            } => {
                rows.iter()
                    .try_for_each(|row| note(conn, upstream, row, operation.at))?;
                let seq = audit::intended(&task(operation), upstream, intended)?;
                return Ok(Changed::Intended(seq));
            }
            Change::Conclude {
                upstream,
                operation,
                seq,
                intended,
                ending,
            } => {
                audit::concluded(&task(operation), upstream, (*seq, intended), ending)?;
                write(conn, keys, upstream, (&ending.put, &ending.forget))?;
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
            Change::Take { operation, id } => {
                let taken = task(operation).take_pending(id)?;
                return Ok(Changed::Taken(Box::new(taken)));
            }
            Change::GiveBack {
                operation,
                id,
                pending,
            } => task(operation).give_back_pending(id, pending)?,
        }
        Ok(Changed::Done)
    }
}

/// Writes rows, and deletes others.
fn write(
    conn: &Connection,
    keys: &Keyring,
    upstream: &str,
    (made, gone): (&[Row], &[Row]),
) -> Step<()> {
    made.iter()
        .try_for_each(|row| put(conn, keys, upstream, row))?;
    gone.iter()
        .try_for_each(|row| forget(conn, upstream, row.link_id()))
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
