//! Rows of the tables, read into the model.
//!
//! A damaged file can hand over any bytes. Whatever does not fit ends the operation as damage; a row
//! of another tenant, or of another link than its id says, is never taken for an answer.

use rusqlite::{Connection, Row as SqlRow};

use super::seal::{Keyring, Row, Sealed};
use super::task::{Step, Stop, counter};
use crate::model::{
    Alias, ClientName, Instant, Link, LinkId, PendingLink, ProviderId, Secret, Subject, TenantId,
    User, UserId, VendorName,
};

/// A `SELECT` of the links of one tenant (`?1`) with the columns that [`link`] reads.
macro_rules! select_links {
    ($rest:literal) => {
        concat!(
            "SELECT link_id, tenant, user_id, provider_id, subject, display_name, token, token_key, created_at, ",
            "updated_at, last_login_at, revision, seq FROM links WHERE tenant = ?1 ",
            $rest
        )
    };
}
pub(super) use select_links;

/// What makes a link, and its id.
pub(super) struct Identity {
    pub(super) link_id: LinkId,
    pub(super) tenant: TenantId,
    pub(super) user_id: UserId,
    pub(super) provider_id: ProviderId,
    pub(super) subject: Subject,
}

/// The first five columns of a link.
pub(super) fn identity(row: &SqlRow<'_>) -> Step<Identity> {
    let bytes: [u8; 16] = row
        .get_ref(0)?
        .as_blob()
        .ok()
        .and_then(|b| b.try_into().ok())
        .ok_or(Stop::Damaged("a link has no id"))?;
    let identity = Identity {
        link_id: LinkId::from_bytes(bytes),
        tenant: TenantId::new(text(row, 1)?).map_err(|_| ODD)?,
        user_id: user_id(row, 2)?,
        provider_id: ProviderId::new(text(row, 3)?).map_err(|_| ODD)?,
        subject: Subject::new(text(row, 4)?).map_err(|_| ODD)?,
    };
    let Identity {
        link_id,
        tenant,
        user_id,
        provider_id,
        subject,
    } = &identity;
    // The id is derived from the four others, which come from the table or from an index, as SQLite
    // likes: if they do not agree, an index points to a wrong row.
    if LinkId::of(tenant, user_id, provider_id, subject) != *link_id {
        return Err(Stop::Damaged(
            "a link does not have the id of what it holds",
        ));
    }
    Ok(identity)
}

pub(super) fn link(row: &SqlRow<'_>, keys: &Keyring) -> Step<Link> {
    let of = identity(row)?;
    let token = token(
        row,
        6,
        keys,
        Row {
            table: "links",
            tenant: of.tenant.as_str(),
            id: of.link_id.as_bytes(),
        },
    )?;
    Ok(Link {
        link_id: of.link_id,
        tenant: of.tenant,
        user_id: of.user_id,
        provider_id: of.provider_id,
        subject: of.subject,
        display_name: row.get(5)?,
        token,
        created_at: Some(Instant(row.get(8)?)),
        updated_at: Some(Instant(row.get(9)?)),
        last_login_at: row.get::<_, Option<i64>>(10)?.map(Instant),
        revision: counter(row.get(11)?)?,
    })
}

/// Columns that [`pending`] reads.
pub(super) const SELECT_PENDING: &str = "SELECT tenant, client, provider_id, subject, display_name, email, username, \
     token, token_key, expires_at FROM pending WHERE tenant = ?1 AND id_sha256 = ?2 AND expires_at > ?3";

pub(super) fn pending(row: &SqlRow<'_>, id: &[u8; 32], keys: &Keyring) -> Step<PendingLink> {
    let tenant = TenantId::new(text(row, 0)?).map_err(|_| ODD)?;
    let token = token(
        row,
        7,
        keys,
        Row {
            table: "pending",
            tenant: tenant.as_str(),
            id,
        },
    )?;
    Ok(PendingLink {
        tenant,
        client: ClientName::new(text(row, 1)?).map_err(|_| ODD)?,
        provider_id: ProviderId::new(text(row, 2)?).map_err(|_| ODD)?,
        subject: Subject::new(text(row, 3)?).map_err(|_| ODD)?,
        display_name: row.get(4)?,
        email: row.get(5)?,
        username: row.get(6)?,
        token,
        expires_at: Instant(row.get(9)?),
    })
}

/// Columns that [`user`] reads.
pub(super) const SELECT_USER: &str = "SELECT u.user_id, u.tenant, u.document, u.created_at, u.updated_at, r.revision \
     FROM users u JOIN revisions r ON r.tenant = u.tenant AND r.user_id = u.user_id \
     WHERE u.tenant = ?1 AND u.user_id = ?2";

/// A user, still without ids.
pub(super) fn user(row: &SqlRow<'_>) -> Step<User> {
    Ok(User {
        user_id: user_id(row, 0)?,
        tenant: TenantId::new(text(row, 1)?).map_err(|_| ODD)?,
        ids: Vec::new(),
        document: row.get(2)?,
        created_at: Some(Instant(row.get(3)?)),
        updated_at: Some(Instant(row.get(4)?)),
        revision: counter(row.get(5)?)?,
    })
}

/// The id of a user.
pub(super) fn user_id(row: &SqlRow<'_>, column: usize) -> Step<UserId> {
    UserId::new(text(row, column)?).map_err(|_| ODD)
}

/// An alias: vendor, vendor's id.
pub(super) fn alias(row: &SqlRow<'_>) -> Step<Alias> {
    Ok(Alias {
        vendor: VendorName::new(text(row, 0)?).map_err(|_| ODD)?,
        vendor_id: text(row, 1)?.to_owned(),
    })
}

/// What a column holds that is no id.
pub(super) const ODD: Stop = Stop::Damaged("a column holds no usable id");

/// The text in a column.
pub(super) fn text<'r>(row: &'r SqlRow<'_>, column: usize) -> Step<&'r str> {
    row.get_ref(column)?.as_str().map_err(|_| ODD)
}

/// The token in `column`, whose key is named in the column after it.
pub(super) fn token(
    row: &SqlRow<'_>,
    column: usize,
    keys: &Keyring,
    of: Row<'_>,
) -> Step<Option<Secret>> {
    let blob =
        |column| -> Step<Option<&[u8]>> { row.get_ref(column)?.as_blob_or_null().map_err(|_| ODD) };
    match (blob(column)?, blob(column + 1)?) {
        (None, _) => Ok(None),
        (Some(sealed), key) => keys.open(of, key.unwrap_or_default(), sealed).map(Some),
    }
}

/// A token as the row holds it. That its key is in use is noted from now on.
pub(super) fn sealed(
    conn: &Connection,
    keys: &Keyring,
    of: Row<'_>,
    token: Option<&Secret>,
) -> Step<Option<Sealed>> {
    let Some(token) = token else { return Ok(None) };
    let sealed = keys.seal(of, token)?;
    conn.prepare_cached("INSERT OR IGNORE INTO token_keys (key_id) VALUES (?1)")?
        .execute([sealed.key.0.as_slice()])?;
    Ok(Some(sealed))
}
