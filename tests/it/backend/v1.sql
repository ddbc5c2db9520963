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
