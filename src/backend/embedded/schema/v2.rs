//! Version 2: accounts compared without regard to case and across tenants, users by name, counts of users.
//!
//! What is derived from a text is computed by our own code and stored in a column: SQLite folds ASCII
//! only, and its JSON functions fail a whole statement where a document is damaged.

use rusqlite::Connection;

use super::super::accounts::folded;
use super::super::document::{external_id_in, username_in};

/// How many rows are held in memory at a time.
const ROWS: i64 = 1000;

/// `folded` is NULL where it would equal the subject, and so for nearly every account there is. The
/// accounts with the folded subject `f` are then those with the subject `f`, found by
/// `links_by_account`, and those of the partial index `links_by_folded`: two steps, and no index entry
/// more for each link. (One index over `coalesce(folded, subject)` costs every insert a quarter more.)
/// Both begin with the provider, so that they serve one tenant and all tenants alike.
const COLUMNS: &str = "
ALTER TABLE links ADD COLUMN folded TEXT;
ALTER TABLE users ADD COLUMN username TEXT;
ALTER TABLE users ADD COLUMN external_id TEXT;
";

/// `listed` counts the users of the directory, `holding` the others who hold a link. To count them
/// where they are listed would read every one of them for each page. Triggers keep the counts, so that no
/// statement can forget to; they cost an insert of a link about a microsecond.
const INDEXES: &str = "
DROP INDEX links_by_subject;
CREATE UNIQUE INDEX links_by_account ON links (provider_id, subject, tenant);
CREATE INDEX links_by_folded ON links (provider_id, folded, tenant) WHERE folded IS NOT NULL;
CREATE INDEX users_by_name ON users (tenant, username, user_id) WHERE username IS NOT NULL;
CREATE INDEX users_by_external_id ON users (tenant, external_id, user_id) WHERE external_id IS NOT NULL;
CREATE TABLE user_counts (
    tenant TEXT PRIMARY KEY NOT NULL,
    listed INTEGER NOT NULL,
    holding INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO user_counts (tenant, listed, holding)
    SELECT tenant, sum(listed), sum(holding) FROM (
        SELECT tenant, count(*) AS listed, 0 AS holding FROM users GROUP BY tenant
        UNION ALL
        SELECT tenant, 0, count(DISTINCT user_id) FROM links
            WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.tenant = links.tenant AND u.user_id = links.user_id)
            GROUP BY tenant
    ) GROUP BY tenant;
CREATE TRIGGER link_made AFTER INSERT ON links
    WHEN NOT EXISTS (SELECT 1 FROM users WHERE tenant = NEW.tenant AND user_id = NEW.user_id)
    AND NOT EXISTS (SELECT 1 FROM links WHERE tenant = NEW.tenant AND user_id = NEW.user_id AND seq <> NEW.seq)
    BEGIN
        INSERT INTO user_counts (tenant, listed, holding) VALUES (NEW.tenant, 0, 1)
            ON CONFLICT (tenant) DO UPDATE SET holding = holding + 1;
    END;
CREATE TRIGGER link_gone AFTER DELETE ON links
    WHEN NOT EXISTS (SELECT 1 FROM users WHERE tenant = OLD.tenant AND user_id = OLD.user_id)
    AND NOT EXISTS (SELECT 1 FROM links WHERE tenant = OLD.tenant AND user_id = OLD.user_id)
    BEGIN
        UPDATE user_counts SET holding = holding - 1 WHERE tenant = OLD.tenant;
    END;
CREATE TRIGGER user_made AFTER INSERT ON users
    BEGIN
        INSERT INTO user_counts (tenant, listed, holding) VALUES (NEW.tenant, 1, 0)
            ON CONFLICT (tenant) DO UPDATE SET listed = listed + 1, holding = holding
                - EXISTS (SELECT 1 FROM links WHERE tenant = NEW.tenant AND user_id = NEW.user_id);
    END;
CREATE TRIGGER user_gone AFTER DELETE ON users
    BEGIN
        UPDATE user_counts SET listed = listed - 1, holding = holding
            + EXISTS (SELECT 1 FROM links WHERE tenant = OLD.tenant AND user_id = OLD.user_id)
            WHERE tenant = OLD.tenant;
    END;
";

pub(super) fn apply(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(COLUMNS)?;
    fill(
        conn,
        "SELECT seq, subject FROM links WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        "UPDATE links SET folded = ?2 WHERE seq = ?1",
        folded,
    )?;
    let documents = "SELECT seq, document FROM users WHERE seq > ?1 AND document IS NOT NULL ORDER BY seq LIMIT ?2";
    for (update, derive) in [
        (
            "UPDATE users SET username = ?2 WHERE seq = ?1",
            username_in as fn(&str) -> Option<String>,
        ),
        (
            "UPDATE users SET external_id = ?2 WHERE seq = ?1",
            external_id_in,
        ),
    ] {
        fill(conn, documents, update, derive)?;
    }
    conn.execute_batch(INDEXES)
}

/// Writes what `derive` makes of each text, where it makes something.
fn fill(
    conn: &Connection,
    select: &str,
    update: &str,
    derive: fn(&str) -> Option<String>,
) -> rusqlite::Result<()> {
    let mut select = conn.prepare(select)?;
    let mut update = conn.prepare(update)?;
    let mut after = i64::MIN;
    loop {
        let rows: Vec<(i64, String)> = select
            .query_map((after, ROWS), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let Some((last, _)) = rows.last() else {
            return Ok(());
        };
        after = *last;
        for (seq, text) in &rows {
            if let Some(derived) = derive(text) {
                update.execute((seq, derived))?;
            }
        }
    }
}
