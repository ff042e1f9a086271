-- Tables 8 to 14 of the task store: one schema, so that no feature keeps a file or a key of its own.

-- 8. Stored queries with assertions, run on a schedule.
CREATE TABLE IF NOT EXISTS canaries (
    id              TEXT    NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL,
    index_uid       TEXT    NOT NULL,
    interval_s      INTEGER NOT NULL,
    query_json      TEXT    NOT NULL,
    assertions_json TEXT    NOT NULL,
    enabled         INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at      INTEGER NOT NULL,
    version         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- 9. The newest runs of each canary; they go with it.
CREATE TABLE IF NOT EXISTS canary_runs (
    canary_id              TEXT    NOT NULL REFERENCES canaries (id) ON DELETE CASCADE,
    ran_at                 INTEGER NOT NULL,
    status                 TEXT    NOT NULL CHECK (status IN ('pass', 'fail', 'error')),
    latency_ms             INTEGER NOT NULL,
    failed_assertions_json TEXT    NOT NULL,
    PRIMARY KEY (canary_id, ran_at)
) STRICT, WITHOUT ROWID;

-- 10. How far a sink has confirmed the change events of an index. Never moves backwards.
CREATE TABLE IF NOT EXISTS cdc_cursors (
    sink_name      TEXT    NOT NULL,
    index_uid      TEXT    NOT NULL,
    last_event_seq INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    PRIMARY KEY (sink_name, index_uid)
) STRICT, WITHOUT ROWID;

-- 11. Tenants by the SHA-256 of their API key. The key itself is stored nowhere.
CREATE TABLE IF NOT EXISTS tenant_map (
    api_key_hash BLOB    NOT NULL PRIMARY KEY CHECK (length(api_key_hash) = 32),
    tenant_id    TEXT    NOT NULL,
    group_id     INTEGER
) STRICT, WITHOUT ROWID;

-- 12. Rolling indexes: when a write alias moves to a fresh index.
CREATE TABLE IF NOT EXISTS rollover_policies (
    name           TEXT    NOT NULL PRIMARY KEY,
    write_alias    TEXT    NOT NULL,
    read_alias     TEXT    NOT NULL,
    pattern        TEXT    NOT NULL,
    triggers_json  TEXT    NOT NULL,
    retention_json TEXT    NOT NULL,
    template_json  TEXT    NOT NULL,
    enabled        INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    version        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- 13. What the search page of an index shows.
CREATE TABLE IF NOT EXISTS search_ui_config (
    index_uid   TEXT    NOT NULL PRIMARY KEY,
    config_json TEXT    NOT NULL,
    updated_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- 14. Sessions of the admin page. Revoked or expired ones never validate.
CREATE TABLE IF NOT EXISTS admin_sessions (
    session_id     TEXT    NOT NULL PRIMARY KEY,
    csrf_token     TEXT    NOT NULL,
    admin_key_hash BLOB    NOT NULL,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    revoked        INTEGER NOT NULL CHECK (revoked IN (0, 1)),
    user_agent     TEXT,
    source_ip      TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS admin_sessions_by_expires_at ON admin_sessions (expires_at);
