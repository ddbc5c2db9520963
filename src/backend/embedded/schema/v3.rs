//! Version 3: what is kept beside upstreams.
//!
//! A row of `upstream_links` is found by its link, its user and its account. `folded` and the two indexes
//! of accounts are made like those of `links`. Nothing here is bound to `users`: an upstream has its own.

use rusqlite::Connection;

const TABLES: &str = "
CREATE TABLE upstream_links (
    seq INTEGER PRIMARY KEY,
    link_id BLOB NOT NULL,
    upstream TEXT NOT NULL,
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    folded TEXT,
    vendor_link_id TEXT,
    display_name TEXT,
    token BLOB,
    token_key BLOB,
    created_at INTEGER,
    mark INTEGER NOT NULL,
    until INTEGER
) STRICT;
CREATE UNIQUE INDEX upstream_links_by_id ON upstream_links (link_id, upstream);
CREATE INDEX upstream_links_by_user ON upstream_links (tenant, user_id, upstream);
CREATE INDEX upstream_links_by_account ON upstream_links (provider_id, subject, tenant, upstream);
CREATE INDEX upstream_links_by_folded ON upstream_links (provider_id, folded, tenant, upstream) WHERE folded IS NOT NULL;
CREATE TABLE upstream_scans (
    upstream TEXT NOT NULL,
    tenant TEXT NOT NULL,
    complete_since INTEGER,
    cursor TEXT,
    started_at INTEGER,
    users INTEGER NOT NULL,
    links INTEGER NOT NULL,
    PRIMARY KEY (upstream, tenant)
) STRICT, WITHOUT ROWID;
";

pub(super) fn apply(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(TABLES)
}
