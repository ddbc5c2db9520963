//! Reading what is kept beside upstreams.
//!
//! As for links, a row that does not fit what was asked for is damage, and never an answer.

use rusqlite::{Connection, OptionalExtension, Params, Row as SqlRow};

use crate::backend::embedded::accounts::folded;
use crate::backend::embedded::rows::{self, Identity};
use crate::backend::embedded::seal::{self, Keyring};
use crate::backend::embedded::task::{Step, Stop, counter};
use crate::backend::upstream::state::{IndexStatus, Mark, Row};
use crate::model::{Instant, LinkId, ProviderId, Subject, TenantId, UserId};

/// The table; tokens are bound to its name.
pub(super) const TABLE: &str = "upstream_links";

// The marks, as they are stored.
pub(super) const CANDIDATE: i64 = 0;
pub(super) const CREATED: i64 = 1;
pub(super) const DELETED: i64 = 2;

/// The rows of one tenant (`?1`) at one upstream (`?2`).
macro_rules! select_rows {
    ($rest:literal) => {
        concat!(
            "SELECT link_id, tenant, user_id, provider_id, subject, upstream, token, token_key, vendor_link_id, ",
            "display_name, created_at, mark, until, seq FROM upstream_links WHERE tenant = ?1 AND upstream = ?2 AND ",
            $rest
        )
    };
}

const OF_USER: &str = select_rows!("user_id = ?3");
const OF_LINK: &str = select_rows!("link_id = ?3");
const OF_SUBJECT: &str = select_rows!("provider_id = ?3 AND subject = ?4");
const OF_FOLDED: &str = select_rows!("provider_id = ?3 AND folded = ?4");

/// An account of one tenant at one upstream.
pub(super) struct Account<'a> {
    pub(super) upstream: &'a str,
    pub(super) tenant: &'a TenantId,
    pub(super) provider: &'a ProviderId,
    pub(super) subject: &'a Subject,
}

pub(super) fn of_user(
    conn: &Connection,
    keys: &Keyring,
    upstream: &str,
    tenant: &TenantId,
    user: &UserId,
) -> Step<Vec<Row>> {
    let params = (tenant.as_str(), upstream, user.as_str());
    let found = select(conn, keys, OF_USER, params)?;
    checked(found, upstream, tenant, |row| row.user_id == *user)
}

pub(super) fn of_link(
    conn: &Connection,
    keys: &Keyring,
    upstream: &str,
    tenant: &TenantId,
    link_id: LinkId,
) -> Step<Option<Row>> {
    let params = (tenant.as_str(), upstream, link_id.as_bytes().as_slice());
    let found = select(conn, keys, OF_LINK, params)?;
    let found = checked(found, upstream, tenant, |row| row.link_id() == link_id)?;
    Ok(found.into_iter().next())
}

/// Accounts that fold to the same text either are that text or have it in `folded`.
pub(super) fn of_account(
    conn: &Connection,
    keys: &Keyring,
    account: &Account<'_>,
    fold: bool,
) -> Step<Vec<Row>> {
    let subject = account.subject.as_str();
    let lower = fold.then(|| folded(subject)).flatten();
    let wanted = lower.as_deref().unwrap_or(subject);
    let params = (
        account.tenant.as_str(),
        account.upstream,
        account.provider.as_str(),
        wanted,
    );
    let mut found = select(conn, keys, OF_SUBJECT, params)?;
    if fold {
        found.extend(select(conn, keys, OF_FOLDED, params)?);
    }
    checked(found, account.upstream, account.tenant, |row| {
        let held = row.subject.as_str();
        row.provider_id == *account.provider
            && (held == wanted || fold && folded(held).as_deref() == Some(wanted))
    })
}

pub(super) fn status(conn: &Connection, upstream: &str, tenant: &TenantId) -> Step<IndexStatus> {
    let mut statement = conn.prepare_cached(
        "SELECT complete_since, cursor, started_at, users, links FROM upstream_scans \
         WHERE upstream = ?1 AND tenant = ?2",
    )?;
    let found = statement
        .query_row((upstream, tenant.as_str()), |row| {
            Ok((
                row.get::<_, Option<i64>>(0)?,
                row.get::<_, Option<String>>(1)?,
                row.get::<_, Option<i64>>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, i64>(4)?,
            ))
        })
        .optional()?;
    let Some((complete_since, cursor, started_at, users, links)) = found else {
        return Ok(IndexStatus::default());
    };
    Ok(IndexStatus {
        complete_since: complete_since.map(Instant),
        cursor,
        started_at: started_at.map(Instant),
        users: counter(users)?,
        links: counter(links)?,
    })
}

/// A row as it was found: its number, its upstream, what it says.
type Found = (i64, String, Row);

fn select(conn: &Connection, keys: &Keyring, sql: &str, params: impl Params) -> Step<Vec<Found>> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.get(13)?, row.get(5)?, read(row, keys)?));
    }
    Ok(found)
}

/// The rows, oldest first, if all of them are what was asked for.
fn checked(
    mut found: Vec<Found>,
    upstream: &str,
    tenant: &TenantId,
    is_meant: impl Fn(&Row) -> bool,
) -> Step<Vec<Row>> {
    let is_right = |(_, at, row): &Found| at == upstream && row.tenant == *tenant && is_meant(row);
    if !found.iter().all(is_right) {
        return Err(Stop::Damaged("an index leads to another upstream's row"));
    }
    found.sort_by_key(|(seq, ..)| *seq);
    Ok(found.into_iter().map(|(.., row)| row).collect())
}

fn read(row: &SqlRow<'_>, keys: &Keyring) -> Step<Row> {
    let Identity {
        link_id,
        tenant,
        user_id,
        provider_id,
        subject,
    } = rows::identity(row)?;
    let of = seal::Row {
        table: TABLE,
        tenant: tenant.as_str(),
        id: link_id.as_bytes(),
    };
    let token = rows::token(row, 6, keys, of)?;
    let until: Option<i64> = row.get(12)?;
    let mark = match (row.get::<_, i64>(11)?, until) {
        (CANDIDATE, None) => Mark::Candidate,
        (CREATED, Some(until)) => Mark::Created(Instant(until)),
        (DELETED, Some(until)) => Mark::Deleted(Instant(until)),
        _ => return Err(Stop::Damaged("a row beside an upstream has an odd mark")),
    };
    Ok(Row {
        tenant,
        user_id,
        provider_id,
        subject,
        vendor_link_id: row.get(8)?,
        display_name: row.get(9)?,
        token,
        created_at: row.get::<_, Option<i64>>(10)?.map(Instant),
        mark,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_a_step_in_an_index() {
        let conn = crate::backend::embedded::schema::in_memory();
        for (sql, step) in [
            (OF_USER, "by_user (tenant=? AND user_id=? AND upstream=?)"),
            (OF_LINK, "by_id (link_id=? AND upstream=?)"),
            (
                OF_SUBJECT,
                "by_account (provider_id=? AND subject=? AND tenant=? AND upstream=?)",
            ),
            (
                OF_FOLDED,
                "by_folded (provider_id=? AND folded=? AND tenant=? AND upstream=?)",
            ),
        ] {
            let plan = crate::backend::embedded::schema::plan(&conn, sql);
            let want = format!("SEARCH upstream_links USING INDEX upstream_links_{step}");
            assert_eq!(plan, want, "{sql}");
        }
    }
}
