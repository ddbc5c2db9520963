CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE links (
    seq INTEGER PRIMARY KEY,
    link_id BLOB NOT NULL,
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    display_name TEXT,
    token BLOB,
    token_key BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_login_at INTEGER,
    revision INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX links_by_subject ON links (tenant, provider_id, subject);
CREATE UNIQUE INDEX links_by_id ON links (link_id);
CREATE INDEX links_by_user ON links (tenant, user_id, provider_id);
CREATE TABLE pending (
    seq INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    id_sha256 BLOB NOT NULL,
    client TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    display_name TEXT,
    email TEXT,
    username TEXT,
    token BLOB,
    token_key BLOB,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX pending_by_id ON pending (tenant, id_sha256);
CREATE INDEX pending_by_end ON pending (expires_at);
CREATE TABLE users (
    seq INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    document TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_by_id ON users (tenant, user_id);
CREATE TABLE user_aliases (
    tenant TEXT NOT NULL,
    vendor TEXT NOT NULL,
    vendor_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant, vendor, vendor_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX user_aliases_by_user ON user_aliases (tenant, user_id, vendor);
CREATE TABLE revisions (
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE token_keys (
    key_id BLOB PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    client TEXT NOT NULL,
    tenant TEXT NOT NULL,
    action TEXT NOT NULL,
    user_id TEXT,
    provider_id TEXT,
    link_id BLOB,
    subject_sha256 BLOB,
    vendor TEXT,
    vendor_id TEXT,
    reason TEXT
) STRICT;
ALTER TABLE links ADD COLUMN folded TEXT;
ALTER TABLE users ADD COLUMN username TEXT;
ALTER TABLE users ADD COLUMN external_id TEXT;
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
