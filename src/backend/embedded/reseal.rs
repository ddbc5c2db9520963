//! Rotation of keys: tokens that an older key sealed are sealed anew with the current one, some at a
//! time, between groups of writes.

use rusqlite::{Connection, OptionalExtension};

use super::group::{Broken, transact};
use super::seal::{Keyring, Row};

/// How many rows one step looks at.
const ROWS: i64 = 256;

/// The tables with tokens: name, id column.
const TABLES: [(&str, &str); 3] = [
    ("links", "link_id"),
    ("pending", "id_sha256"),
    ("upstream_links", "link_id"),
];

/// How far the re-sealing has come.
pub(super) struct Reseal {
    tables: std::slice::Iter<'static, (&'static str, &'static str)>,
    table: (&'static str, &'static str),
    after: i64,
    /// Tokens that did not open stay as they are, and so do the names of their keys.
    failed: bool,
}

impl Reseal {
    /// The work that is left, if another key than the current one has sealed anything.
    pub(super) fn plan(conn: &Connection, keys: &Keyring) -> rusqlite::Result<Option<Self>> {
        let other = conn
            .query_row(
                "SELECT 1 FROM token_keys WHERE key_id <> ?1",
                [keys.current().0.as_slice()],
                |_| Ok(()),
            )
            .optional()?;
        let mut tables = TABLES.iter();
        Ok(match (other, tables.next()) {
            (Some(()), Some(table)) => Some(Self {
                tables,
                table: *table,
                after: i64::MIN,
                failed: false,
            }),
            _ => None,
        })
    }

    /// Does some of it in a transaction of its own; answers what is left.
    pub(super) fn step(
        mut self,
        conn: &Connection,
        keys: &Keyring,
    ) -> Result<Option<Self>, Broken> {
        transact(conn, move |conn| {
            let rows = self.rows(conn)?;
            let is_last = rows.len() < usize::try_from(ROWS).unwrap_or(usize::MAX);
            for old in rows {
                self.after = old.seq;
                self.renew(conn, keys, &old)?;
            }
            if !is_last {
                return Ok(Some(self));
            }
            if let Some(table) = self.tables.next() {
                self.table = *table;
                self.after = i64::MIN;
                return Ok(Some(self));
            }
            if !self.failed {
                conn.execute(
                    "DELETE FROM token_keys WHERE key_id <> ?1",
                    [keys.current().0.as_slice()],
                )?;
                tracing::info!(key = %keys.current(), "every token is sealed with the current key");
            }
            Ok(None)
        })
    }

    fn rows(&self, conn: &Connection) -> rusqlite::Result<Vec<Old>> {
        let (table, id) = self.table;
        // This is housekeeping by row number: it concerns every tenant.
        conn.prepare_cached(&format!(
            "SELECT seq, tenant, {id}, token, token_key FROM {table} WHERE seq > ?1 ORDER BY seq LIMIT ?2"
        ))?
        .query_map((self.after, ROWS), |row| {
            Ok(Old { seq: row.get(0)?, tenant: row.get(1)?, id: row.get(2)?, token: row.get(3)?, key: row.get(4)? })
        })?
        .collect()
    }

    fn renew(&mut self, conn: &Connection, keys: &Keyring, old: &Old) -> rusqlite::Result<()> {
        let (Some(token), Some(key)) = (&old.token, &old.key) else {
            return Ok(());
        };
        if key.as_slice() == keys.current().0 {
            return Ok(());
        }
        let (table, _) = self.table;
        let row = Row {
            table,
            tenant: &old.tenant,
            id: &old.id,
        };
        let Ok(sealed) = keys
            .open(row, key, token)
            .and_then(|token| keys.seal(row, &token))
        else {
            tracing::error!(
                table,
                seq = old.seq,
                "a token does not open, and is left as it is"
            );
            self.failed = true;
            return Ok(());
        };
        conn.prepare_cached("INSERT OR IGNORE INTO token_keys (key_id) VALUES (?1)")?
            .execute([sealed.key.0.as_slice()])?;
        conn.prepare_cached(&format!(
            "UPDATE {table} SET token = ?2, token_key = ?3 WHERE seq = ?1"
        ))?
        .execute((old.seq, &sealed.bytes, sealed.key.0.as_slice()))?;
        Ok(())
    }
}

/// A row that may have a token.
struct Old {
    seq: i64,
    tenant: String,
    id: Vec<u8>,
    token: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
}
