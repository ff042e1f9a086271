-- Tables 1 to 7 of the task store, and what the first of them needs to be listed cheaply.
--
-- Conventions of every migration: times are milliseconds since the epoch, UTC, in columns that end in `_at` (or `ttl`,
-- the instant of expiry). JSON documents are TEXT. Counters that Miroir holds as unsigned 64-bit numbers are stored
-- in the 64 bits of an INTEGER, so those beyond 2^63 - 1 look negative here; they are compared for equality only.
-- Every statement may be run again without harm, but for those that add a column: SQLite cannot ask whether it exists.
-- A step and its number are written in one transaction, so no step runs twice.

-- "MiRo": tells a store of Miroir from the SQLite database of another program.
PRAGMA application_id = 0x4D69526F;

-- 1. Miroir's record of one asynchronous operation.
CREATE TABLE IF NOT EXISTS tasks (
    miroir_id       INTEGER PRIMARY KEY CHECK (miroir_id BETWEEN 0 AND 4294967295),
    created_at      INTEGER NOT NULL,
    status          TEXT    NOT NULL
                    CHECK (status IN ('enqueued', 'processing', 'succeeded', 'failed', 'canceled')),
    node_tasks      TEXT    NOT NULL,  -- JSON: node -> {uid, status, error, shards, ...}
    error           TEXT,              -- JSON: {message, code, type, link}
    node_errors     TEXT    NOT NULL,  -- JSON: node -> {error, shards}
    index_uid       TEXT,              -- none for global tasks
    task_type       TEXT    NOT NULL,
    details         TEXT,              -- JSON object
    started_at      INTEGER,
    finished_at     INTEGER,
    canceled_by     INTEGER,
    custom_metadata TEXT,
    version         INTEGER NOT NULL
) STRICT;

-- Uids grow and are never given twice, also when the newest tasks were pruned: the next one is remembered here.
CREATE TABLE IF NOT EXISTS task_sequence (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    next_uid INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO task_sequence (only, next_uid) VALUES (1, 0);

-- Status, type and index are filtered through these two, whatever the combination: `task_counts` says which
-- combinations exist, and each is one run of an index in the order of uid (the row id ends every index).
CREATE INDEX IF NOT EXISTS tasks_by_status_type ON tasks (status, task_type);
CREATE INDEX IF NOT EXISTS tasks_by_index_status_type ON tasks (index_uid, status, task_type)
    WHERE index_uid IS NOT NULL;
CREATE INDEX IF NOT EXISTS tasks_by_created_at ON tasks (created_at);
CREATE INDEX IF NOT EXISTS tasks_by_started_at ON tasks (started_at) WHERE started_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS tasks_by_finished_at ON tasks (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS tasks_by_canceled_by ON tasks (canceled_by) WHERE canceled_by IS NOT NULL;
-- The poller reads unfinished tasks only, and pays for no others.
CREATE INDEX IF NOT EXISTS tasks_unfinished ON tasks (miroir_id) WHERE status IN ('enqueued', 'processing');

-- How many tasks there are of each status and type: over all tasks under `*`, which no index can be called, and
-- per index under its uid. Kept by the triggers below, so that a total is a sum of a few rows.
CREATE TABLE IF NOT EXISTS task_counts (
    index_uid TEXT    NOT NULL,
    status    TEXT    NOT NULL,
    task_type TEXT    NOT NULL,
    count     INTEGER NOT NULL,
    PRIMARY KEY (index_uid, status, task_type)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER IF NOT EXISTS tasks_counted_on_insert AFTER INSERT ON tasks
BEGIN
    INSERT INTO task_counts (index_uid, status, task_type, count) VALUES ('*', NEW.status, NEW.task_type, 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
    INSERT INTO task_counts (index_uid, status, task_type, count)
        SELECT NEW.index_uid, NEW.status, NEW.task_type, 1 WHERE NEW.index_uid IS NOT NULL
        ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER IF NOT EXISTS tasks_counted_on_delete AFTER DELETE ON tasks
BEGIN
    UPDATE task_counts SET count = count - 1
        WHERE index_uid IN ('*', OLD.index_uid) AND status = OLD.status AND task_type = OLD.task_type;
    DELETE FROM task_counts
        WHERE index_uid IN ('*', OLD.index_uid) AND status = OLD.status AND task_type = OLD.task_type AND count = 0;
END;

CREATE TRIGGER IF NOT EXISTS tasks_counted_on_update AFTER UPDATE OF status, task_type, index_uid ON tasks
    WHEN OLD.status <> NEW.status OR OLD.task_type <> NEW.task_type OR OLD.index_uid IS NOT NEW.index_uid
BEGIN
    UPDATE task_counts SET count = count - 1
        WHERE index_uid IN ('*', OLD.index_uid) AND status = OLD.status AND task_type = OLD.task_type;
    DELETE FROM task_counts
        WHERE index_uid IN ('*', OLD.index_uid) AND status = OLD.status AND task_type = OLD.task_type AND count = 0;
    INSERT INTO task_counts (index_uid, status, task_type, count) VALUES ('*', NEW.status, NEW.task_type, 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
    INSERT INTO task_counts (index_uid, status, task_type, count)
        SELECT NEW.index_uid, NEW.status, NEW.task_type, 1 WHERE NEW.index_uid IS NOT NULL
        ON CONFLICT DO UPDATE SET count = count + 1;
END;

-- Written by the readiness check, which is to prove that the store can be written.
CREATE TABLE IF NOT EXISTS store_probe (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    probes INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO store_probe (only, probes) VALUES (1, 0);

-- 2. Which settings version of an index a node is known to have. Advances only.
CREATE TABLE IF NOT EXISTS node_settings_version (
    index_uid  TEXT    NOT NULL,
    node_id    TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (index_uid, node_id)
) STRICT, WITHOUT ROWID;

-- 3. Names that stand for one index or for several. `version` counts flips.
CREATE TABLE IF NOT EXISTS aliases (
    name        TEXT    NOT NULL PRIMARY KEY,
    kind        TEXT    NOT NULL CHECK (kind IN ('single', 'multi')),
    current_uid TEXT,
    target_uids TEXT,                  -- JSON array
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    history     TEXT    NOT NULL,      -- JSON array of prior states, newest first
    CHECK ((kind = 'single') = (current_uid IS NOT NULL)),
    CHECK ((kind = 'multi') = (target_uids IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- 4. Read-your-writes sessions; the least recently used goes first when there are too many.
CREATE TABLE IF NOT EXISTS sessions (
    session_id           TEXT    NOT NULL PRIMARY KEY,
    last_write_mtask_id  INTEGER,
    last_write_at        INTEGER,
    pinned_group         INTEGER,
    min_settings_version INTEGER,
    ttl                  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_by_ttl ON sessions (ttl);

-- 5. Requests by idempotency key: reserved first, completed later.
CREATE TABLE IF NOT EXISTS idempotency_cache (
    key            TEXT    NOT NULL PRIMARY KEY,
    body_sha256    BLOB    NOT NULL CHECK (length(body_sha256) = 32),
    miroir_task_id INTEGER,
    state          TEXT    NOT NULL,
    owner          TEXT    NOT NULL,
    expires_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idempotency_cache_by_expires_at ON idempotency_cache (expires_at);

-- 6. Background jobs. A claim is exclusive and ends by itself; heartbeat and completion need its token.
CREATE TABLE IF NOT EXISTS jobs (
    id               TEXT    NOT NULL PRIMARY KEY,
    type             TEXT    NOT NULL,
    params           TEXT    NOT NULL, -- JSON
    state            TEXT    NOT NULL,
    claimed_by       TEXT,
    claim_expires_at INTEGER,
    claim_token      INTEGER,
    attempts         INTEGER NOT NULL,
    progress         TEXT              -- JSON
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state);
CREATE INDEX IF NOT EXISTS jobs_by_claim ON jobs (claim_expires_at) WHERE claim_expires_at IS NOT NULL;

-- 7. Who leads a scope, until when, and in which term.
CREATE TABLE IF NOT EXISTS leader_lease (
    scope      TEXT    NOT NULL PRIMARY KEY,
    holder     TEXT,
    expires_at INTEGER NOT NULL,
    token      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
